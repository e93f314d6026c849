"""A citizen appeals, a person answers with a reason; an act that is upheld counts from then on."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from backend import intake
from backend.identity import consent, erase_person, people
from backend.intake import holding
from backend.kit import clock, ids
from tests.intake.holding.conftest import Town, ride
from tests.intake.test_pipeline import SINCE

pytestmark = pytest.mark.usefixtures("filed")


async def citizen(town: Town, account: str) -> UUID:
    async with town.db.transaction() as session:
        phone = f"138{ids.uuid7().int % 10**8:08d}"
        who = await people.citizen_with_phone(session, town.settings.keys, phone=phone)
        await town.link(session, who, account)
        await consent.assign_right_list(session, participant_ids=[who], covers_from=SINCE)
    return who


async def held(town: Town, who: UUID, kind: str = "screen") -> tuple[UUID, int]:
    (old, *_) = await town.keys_of(who)
    return await town.hold_like(old, kind=kind, minutes=300, code="speed" if kind == "screen" else "")


async def appeal(
    town: Town, who: UUID, row: tuple[UUID, int], words: str = "I rode slowly"
) -> holding.Appeal:
    async with town.db.transaction() as session:
        return await holding.appeal_held(
            session, town.settings.keys, participant_id=who, job_id=row[0], line=row[1], words=words
        )


async def answer(town: Town, one: holding.Appeal, outcome: str) -> holding.Appeal:
    async with town.db.transaction() as session:
        return await holding.answer_appeal(
            session, town.settings.keys, appeal_id=one.id, outcome=outcome,  # type: ignore[arg-type]
            staff_id=town.staff_id, reason="we looked at it",
        )  # fmt: skip


async def decide(town: Town, row: tuple[UUID, int], outcome: str) -> holding.Decision:
    async with town.db.transaction() as session:
        return await holding.decide(
            session, town.settings.keys, job_id=row[0], line=row[1], outcome=outcome,  # type: ignore[arg-type]
            staff_id=town.staff_id, reason="no ticket",
        )  # fmt: skip


@pytest.mark.parametrize("refused_first", [False, True])
async def test_an_upheld_appeal_accepts_the_act(town: Town, refused_first: bool) -> None:
    who = await citizen(town, f"up{refused_first}")
    await town.ingest([ride(f"up{refused_first}")])
    row = await held(town, who)
    if refused_first:
        await decide(town, row, "refused")
    asked = await appeal(town, who, row)
    assert (asked.state, asked.due_on) == ("open", clock.today() + dt.timedelta(days=15))
    assert (await appeal(town, who, row, "again")).id == asked.id
    answered = await answer(town, asked, "upheld")
    assert answered.accepted_key in await town.keys_of(who)
    assert (await answer(town, asked, "upheld")).accepted_key == answered.accepted_key
    with pytest.raises(holding.DecidedAlready):
        await answer(town, asked, "dismissed")
    assert (await town.sums(who))[0] == 2
    assert await town.points(who) == (await town.sums(who))[2]
    assert await town.audited() == []


async def test_a_dismissed_appeal_leaves_the_row_refused(town: Town) -> None:
    who = await citizen(town, "down")
    await town.ingest([ride("down")])
    row = await held(town, who, "late")
    asked = await appeal(town, who, row)
    answered = await answer(town, asked, "dismissed")
    assert (answered.outcome, answered.reason, answered.accepted_key) == (
        "dismissed",
        "we looked at it",
        None,
    )
    async with town.db.transaction() as session:
        (seen,) = await holding.own_held(session, participant_id=who)
        assert (seen.state, seen.appeal) == ("refused", "dismissed")
        assert [one.id for one in await holding.own_appeals(session, participant_id=who)] == [asked.id]
    assert await town.audited() == []


async def test_the_decision_of_a_row_answers_its_appeal(town: Town) -> None:
    who = await citizen(town, "both")
    await town.ingest([ride("both")])
    row = await held(town, who)
    asked = await appeal(town, who, row)
    made = await decide(town, row, "accepted")
    async with town.db.transaction() as session:
        seen = await holding.appeal(session, appeal_id=asked.id)
    assert (seen.outcome, seen.accepted_key) == ("upheld", made.accepted_key)
    assert await town.audited() == []


async def test_a_withdrawn_act_stands_again_when_its_appeal_is_upheld(town: Town) -> None:
    who = await citizen(town, "back")
    await town.ingest([ride("back")])
    (key,) = await town.keys_of(who)
    before = await town.sums(who)
    async with town.db.transaction() as session:
        with pytest.raises(holding.NothingToAppeal):
            await holding.appeal_withdrawn(
                session, town.settings.keys, participant_id=who, key=key, words="?"
            )
        await holding.take_back(session, key=key, staff_id=town.staff_id, reason="looks farmed")
    assert await town.sums(who) == (0, 0, 0)
    async with town.db.transaction() as session:
        asked = await holding.appeal_withdrawn(
            session, town.settings.keys, participant_id=who, key=key, words="it was me"
        )
    answered = await answer(town, asked, "upheld")
    assert await town.keys_of(who) == [answered.accepted_key]
    assert await town.sums(who) == before
    assert await town.audited() == []


async def test_an_appeal_is_of_ones_own_and_in_time(town: Town) -> None:
    who, other = await citizen(town, "mine"), await citizen(town, "theirs")
    await town.ingest([ride("mine")])
    (key,) = await town.keys_of(who)
    row = await held(town, who)
    await decide(town, row, "refused")
    with pytest.raises(holding.HeldUnknown):
        await appeal(town, other, row)
    async with town.db.transaction() as session:
        with pytest.raises(intake.ActUnknown):
            await holding.appeal_withdrawn(
                session, town.settings.keys, participant_id=other, key=key, words="?"
            )
        with pytest.raises(holding.AppealUnknown):
            await holding.appeal(session, appeal_id=ids.uuid7())
    with clock.travel(clock.now() + dt.timedelta(days=31)), pytest.raises(holding.AppealTooLate):
        await appeal(town, who, row)
    with clock.travel(clock.now() + dt.timedelta(days=30)):
        await appeal(town, who, row)


async def test_nobody_reads_the_words_of_somebody_who_left(town: Town) -> None:
    who = await citizen(town, "gone")
    await town.ingest([ride("gone")])
    asked = await appeal(town, who, await held(town, who), "我骑得很慢")
    async with town.db.transaction() as session:
        assert await holding.words_of(session, town.settings.keys, asked) == "我骑得很慢"
        assert "我".encode() not in asked.words
        await erase_person(session, participant_id=who)
        assert await holding.words_of(session, town.settings.keys, asked) is None


async def test_open_appeals_are_listed_by_their_deadline(town: Town) -> None:
    who = await citizen(town, "list")
    await town.ingest([ride("list")])
    asked = await appeal(town, who, await held(town, who))
    async with town.db.transaction() as session:
        listed = await holding.appeals(session, programmes=["gd-green-travel"], limit=200)
        assert asked.id in [one.id for one in listed]
        assert [one.due_on for one in listed] == sorted(one.due_on for one in listed)
        assert await holding.appeals(session, programmes=["another"]) == []
