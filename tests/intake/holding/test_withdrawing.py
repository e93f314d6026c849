"""An act that is withdrawn no longer counts: not for its holder, not in the pools, and once."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import intake
from backend.identity import means
from backend.intake import holding
from backend.kit import clock, ids
from backend.programmes import wallets
from tests.intake.holding.conftest import Town, ride

_WAITING = text("SELECT claim_key FROM action WHERE participant_id IS NULL ORDER BY xid DESC LIMIT 1")

pytestmark = pytest.mark.usefixtures("filed")


async def test_points_go_back_and_grams_leave_the_pool(town: Town) -> None:
    who = await town.rider("a")
    await town.ingest([ride("a"), ride("a", 60)])
    before = await town.balances("pool:")
    key = (await town.keys_of(who))[0]
    (done,) = await town.withdraw(key)
    assert done.participant_id == who
    assert done.owed == 0
    assert done.returned
    assert await town.points(who) == done.points > 0  # there were two alike
    assert sum(before.values()) - sum((await town.balances("pool:")).values()) == done.grams > 0
    assert await town.sums(who) == (1, done.grams, done.points)
    assert await town.audited() == []


async def test_a_second_withdrawal_changes_nothing(town: Town) -> None:
    who = await town.rider("b")
    await town.ingest([ride("b")])
    (key,) = await town.keys_of(who)
    assert len(await town.withdraw(key)) == 1
    assert await town.withdraw(key) == []
    assert await town.points(who) == 0
    assert await town.audited() == []


async def test_of_two_at_once_one_withdraws(town: Town) -> None:
    who = await town.rider("c")
    await town.ingest([ride("c")])
    (key,) = await town.keys_of(who)
    async with town.db.transaction() as session:
        first = await holding.take_back(session, key=key, staff_id=town.staff_id, reason="first")
        second = asyncio.create_task(town.withdraw(key))
        await asyncio.sleep(0.3)
        assert not second.done()
    assert first is not None
    assert await second == []
    assert await town.points(who) == 0


async def test_points_that_were_spent_become_a_debt_and_an_unlinked_act_gives_nothing_back(
    town: Town,
) -> None:
    who = await town.rider("d")
    await town.ingest([ride("d"), ride("nobody")])
    (key,) = await town.keys_of(who)
    async with town.db.transaction() as session:
        earned = await town.points(who)
        await wallets.hold(
            session, participant_id=who, programme="gd-green-travel", points=earned - 1,
            posting_id=ids.uuid7(), happened_at=clock.now(),
        )  # fmt: skip
    (done,) = await town.withdraw(key)
    assert (done.points, done.owed) == (earned, earned - 1)
    assert await town.balances(f"debt:{who}:") == {f"debt:{who}:gd-green-travel": 1 - earned}
    await town.ingest([ride("d", 90)])
    assert await town.points(who) == 1  # the debt was repaid first
    assert await town.audited() == []


async def test_a_waiting_act_that_was_withdrawn_can_no_longer_be_claimed(town: Town) -> None:
    who = await town.rider("other")
    await town.ingest([ride("later")])
    async with town.db.transaction() as session:
        key = (await session.execute(_WAITING)).scalar_one()
    await town.withdraw(key)
    await _link(town, who)
    assert await town.points(who) == 0
    assert await town.audited() == []


async def test_points_that_linking_brought_are_taken_back_too(town: Town) -> None:
    who = await town.rider("one")
    await town.ingest([ride("later still")])
    async with town.db.transaction() as session:
        key = (await session.execute(_WAITING)).scalar_one()
    await _link(town, who, "later still")
    assert await town.points(who) > 0
    (done,) = await town.withdraw(key)
    assert done.participant_id == who
    assert await town.points(who) == 0
    assert await town.audited() == []


async def test_the_same_report_of_a_withdrawn_act_is_a_duplicate(town: Town) -> None:
    who = await town.rider("e")
    await town.ingest([ride("e")])
    (key,) = await town.keys_of(who)
    await town.withdraw(key)
    again = await town.ingest([ride("e"), ride("e", 30)])
    assert (again.duplicates, again.accepted) == (1, 1)


async def test_an_act_that_nobody_knows_cannot_be_withdrawn(town: Town) -> None:
    with pytest.raises(intake.ActUnknown):
        await town.withdraw(ids.uuid7())


async def _link(town: Town, who: UUID, account: str = "later") -> None:
    async with town.db.transaction() as session:
        await town.link(session, who, account)
        token = means.means_token(town.settings.keys, "bike_account", "gz-bikes", account)
        await intake.claim_waiting(session, participant_id=who, token=token)


async def test_whoever_withdraws_waits_for_whoever_links(town: Town) -> None:
    who = await town.rider("someone")
    await town.ingest([ride("raced")])
    async with town.db.transaction() as session:
        key = (await session.execute(_WAITING)).scalar_one()
    async with town.db.transaction() as session:
        await town.link(session, who, "raced")
        token = means.means_token(town.settings.keys, "bike_account", "gz-bikes", "raced")
        (brought,) = await intake.claim_waiting(session, participant_id=who, token=token)
        withdrawing = asyncio.create_task(town.withdraw(key))
        await asyncio.sleep(0.3)
        assert not withdrawing.done()
    (done,) = await withdrawing
    assert (done.participant_id, done.points) == (who, brought.points)
    assert await town.points(who) == 0
    assert await town.audited() == []
