"""Points ripen at midnight, are collected by their owner up to the end of their last day, and lapse after it."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from backend import programmes
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.programmes import Registered, pending, wallets
from backend.programmes.errors import NothingToCollect
from backend.programmes.features import ClaimWindow
from tests.engagement.collecting.conftest import CODE, DAY, Arrive, Gardener, at, with_features

JUST_BEFORE = {"hour": 23, "minute": 59}


async def test_what_is_earned_with_a_claim_window_waits_and_is_no_part_of_the_wallet(
    db: Database, owner: Gardener
) -> None:
    with clock.travel(at(0)):
        async with db.transaction() as session:
            wallet = await wallets.wallet_of(session, participant_id=owner.id, programme=CODE)
            (lot,) = await pending.pending_of(session, participant_id=owner.id, programme=CODE)
            owed = await wallets.liability_of(session, programme=CODE)
    assert (lot.last_day, True) in [(one.expires_on, one.waiting) for one in owed]
    assert (wallet.spendable, wallet.pending) == (0, 100)
    assert (lot.ripe_on, lot.last_day, lot.points, lot.ripe) == (
        DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=3), 100, False,
    )  # fmt: skip


async def test_nothing_is_collected_a_minute_before_the_midnight_on_which_it_is_ripe(owner: Gardener) -> None:
    with clock.travel(at(0, **JUST_BEFORE)), pytest.raises(NothingToCollect):
        await owner.collect()
    with clock.travel(at(1, 0)):
        assert (await owner.collect()).points == 100
    assert await owner.has() == {"wallet": 100}


async def test_a_lot_is_collected_in_the_last_minute_of_its_last_day_and_not_after(
    db: Database, arrive: Arrive
) -> None:
    early, late = await arrive(7), await arrive(9)
    with clock.travel(at(3, **JUST_BEFORE)):
        assert await wallets.expire_all(db) == 0
        assert (await early.collect()).points == 7
    with clock.travel(at(4, 0)):
        with pytest.raises(NothingToCollect):  # also before the sweep came
            await late.collect()
        assert await late.waiting() == []
        assert await wallets.expire_all(db) == 9
        assert await wallets.expire_all(db) == 0
    assert await late.has() == {}


async def test_collected_points_lapse_as_if_earned_on_the_day_of_collecting(
    programme: Registered, owner: Gardener
) -> None:
    with clock.travel(at(2)):
        got = await owner.collect()
    assert got.expires_on == programmes.expires_on(programme.pack, DAY + dt.timedelta(days=2))


async def test_debts_are_repaid_by_collecting_and_not_by_earning(arrive: Arrive) -> None:
    gardener = await arrive()
    await gardener.claw_back(30)
    with clock.travel(at(0)):
        await gardener.earn(50)
    assert await gardener.has() == {"pending": 50, "debt": -30}
    with clock.travel(at(1)):
        got = await gardener.collect()
    assert (got.points, got.repaid) == (50, 30)
    assert await gardener.has() == {"wallet": 20}


async def test_a_debt_is_repaid_once_by_several_lots_that_are_collected_together(arrive: Arrive) -> None:
    gardener = await arrive()
    await gardener.claw_back(30)
    for day, points in ((0, 20), (1, 25)):
        with clock.travel(at(day)):
            await gardener.earn(points)
    with clock.travel(at(2)):
        got = await gardener.collect()
    assert (got.points, got.repaid, sorted(got.by_lot.values())) == (45, 30, [20, 25])
    assert await gardener.has() == {"wallet": 15}


async def test_the_lot_of_one_day_can_be_collected_alone(owner: Gardener) -> None:
    with clock.travel(at(1)):
        await owner.earn(40)
    with clock.travel(at(2)):
        assert (await owner.collect(ripe_on=DAY + dt.timedelta(days=2))).points == 40
        assert await owner.waiting() == [100]


async def test_collecting_again_under_the_same_posting_answers_the_same_and_moves_nothing(
    owner: Gardener,
) -> None:
    key = ids.uuid7()
    with clock.travel(at(1)):
        first = await owner.collect(posting_id=key)
        assert await owner.collect(posting_id=key) == first
    assert await owner.has() == {"wallet": 100}


async def test_what_is_withdrawn_is_taken_from_what_waits_then_from_the_wallet_then_owed(
    owner: Gardener,
) -> None:
    with clock.travel(at(1)):
        await owner.collect()
        await owner.earn(40)
        taken = await owner.claw_back(60)
        assert (taken.drawn, taken.owed) == (60, 0)
        assert await owner.has() == {"wallet": 80}
        taken = await owner.claw_back(100)
    assert (taken.drawn, taken.owed) == (80, 20)


async def test_a_lapsed_lot_that_waits_for_the_sweep_pays_no_clawback(db: Database, owner: Gardener) -> None:
    with clock.travel(at(4)):
        taken = await owner.claw_back(10)
        assert (taken.drawn, taken.owed) == (0, 10)
        assert await wallets.expire_all(db) == 100


async def test_the_owner_and_the_sweep_at_midnight_share_nothing(db: Database, owner: Gardener) -> None:
    """The owner's transaction began before midnight and is held open; the sweep waits, and finds nothing."""
    with clock.travel(at(4, 0)):
        async with db.transaction() as session:
            with clock.travel(at(3, **JUST_BEFORE)):
                await pending.collect(
                    session, programme=owner.programme, participant_id=owner.id, posting_id=ids.uuid7()
                )
            sweep = asyncio.create_task(wallets.expire_all(db))
            await asyncio.sleep(0.3)
            assert not sweep.done()
        assert await sweep == 0
    assert await owner.has() == {"wallet": 100}


async def test_two_collecting_at_once_get_it_once(db: Database, owner: Gardener) -> None:
    with clock.travel(at(1)):
        async with db.transaction() as session:
            first = await pending.collect(
                session, programme=owner.programme, participant_id=owner.id, posting_id=ids.uuid7()
            )
            second = asyncio.create_task(owner.collect())
            await asyncio.sleep(0.3)
            assert not second.done()
        assert first.points == 100
        with pytest.raises(NothingToCollect):
            await second
    assert await owner.has() == {"wallet": 100}


async def test_a_clawback_waits_for_who_is_collecting_and_leaves_no_debt_beside_the_points(
    db: Database, owner: Gardener
) -> None:
    with clock.travel(at(1)):
        async with db.transaction() as session:
            await pending.collect(
                session, programme=owner.programme, participant_id=owner.id, posting_id=ids.uuid7()
            )
            withdrawn = asyncio.create_task(owner.claw_back(130))
            await asyncio.sleep(0.3)
            assert not withdrawn.done()
        assert (await withdrawn).owed == 30
    assert await owner.has() == {"debt": -30}


async def test_every_point_is_accounted_for_while_some_wait(db: Database, owner: Gardener) -> None:
    async with db.transaction() as session:
        found = await programmes.points_identity(session, programme=CODE)
    assert found.holds
    assert found.pending >= sum(await owner.waiting() or [100])


async def test_the_platform_collects_what_is_ripe_where_the_programme_says_so(
    db: Database, programme: Registered, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_platform = with_features(programme, claim=ClaimWindow(1, 72, "platform"))

    async def running(_session: object) -> list[Registered]:
        return [by_platform]

    monkeypatch.setattr(pending, "programmes", running)
    one, other, owing = await arrive(10), await arrive(20), await arrive()
    with clock.travel(at(0)):
        await owing.claw_back(5)
        await owing.earn(30)
        before = await pending.collect_for_all(db, batch=2)
    assert before == 0
    assert await one.has() == {"pending": 10}
    with clock.travel(at(1, 0)):
        await one.earn(4)
        assert await pending.collect_for_all(db, batch=2) >= 60
        assert await pending.collect_for_all(db, batch=2) == 0
    assert [await who.has() for who in (one, other, owing)] == [
        {"pending": 4, "wallet": 10}, {"wallet": 20}, {"wallet": 25},
    ]  # fmt: skip


async def test_a_programme_without_a_window_earns_into_the_wallet_as_before(programme: Registered) -> None:
    plain = with_features(programme, claim=None).pack
    purse = programmes.purses.purse_of(plain, DAY)
    assert purse == programmes.purses.wallet(programmes.expires_on(plain, DAY))
