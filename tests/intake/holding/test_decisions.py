"""What is held becomes an act or is refused: by the better evidence, or by a person, once, with nothing in between."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.intake import claims, holding
from backend.kit import ids
from tests.intake.holding.conftest import Town, ride

pytestmark = pytest.mark.usefixtures("filed")


async def decide(
    town: Town, row: tuple[UUID, int], outcome: str, reason: str = "seen on the ticket"
) -> holding.Decision:
    async with town.db.transaction() as session:
        return await holding.decide(
            session, town.settings.keys, job_id=row[0], line=row[1], outcome=outcome,  # type: ignore[arg-type]
            staff_id=town.staff_id, reason=reason,
        )  # fmt: skip


async def resolve(town: Town, row: tuple[UUID, int]) -> holding.Resolved:
    return await holding.resolve_by_rule(town.db, town.settings.keys, job_id=row[0])


@pytest.mark.parametrize("kind", ["claim", "overlap"])
async def test_better_evidence_takes_the_place_of_worse(town: Town, kind: str) -> None:
    uploads = await town.beside("receipt_upload")
    who = await town.rider(f"up-{kind}")
    await uploads.ingest([ride(f"up-{kind}")])
    (old,) = await town.keys_of(who)
    row = await town.hold_like(old, kind=kind)
    assert await resolve(town, row) == holding.Resolved(accepted=1, refused=0, waiting=0)
    (new,) = await town.keys_of(who)
    assert new != old
    if kind == "claim":
        assert new == claims.revision_key(town.settings.keys, old, 1)
    async with town.db.transaction() as session:
        (gone,) = (
            await session.execute(text("SELECT * FROM action_withdrawn WHERE claim_key = :k"), {"k": old})
        ).all()
        decided = await holding.held(session, job_id=row[0], line=1)
    assert (gone.cause, gone.replaced_by, gone.reference) == ("conflict", new, decided.decision_id)
    assert (decided.outcome, decided.by_rule, decided.accepted_key) == ("accepted", "tier", new)
    assert (await town.sums(who))[0] == 1
    assert await town.points(who) == (await town.sums(who))[2]
    assert await resolve(town, row) == holding.Resolved(accepted=0, refused=0, waiting=0)
    assert await town.audited() == []


@pytest.mark.parametrize("kind", ["claim", "overlap"])
async def test_worse_evidence_is_refused_at_once(town: Town, kind: str) -> None:
    uploads = await town.beside("receipt_upload")
    who = await town.rider(f"low-{kind}")
    await town.ingest([ride(f"low-{kind}")])
    (old,) = await town.keys_of(who)
    row = await uploads.hold_like(old, kind=kind)
    assert await resolve(town, row) == holding.Resolved(accepted=0, refused=1, waiting=0)
    assert await town.keys_of(who) == [old]
    assert await town.audited() == []


@pytest.mark.parametrize("kind", ["claim", "overlap"])
async def test_equal_evidence_waits_for_a_person(town: Town, kind: str) -> None:
    others = await town.beside("operator_feed")
    who = await town.rider(f"same-{kind}")
    await town.ingest([ride(f"same-{kind}")])
    (old,) = await town.keys_of(who)
    row = await others.hold_like(old, kind=kind)
    assert await resolve(town, row) == holding.Resolved(accepted=0, refused=0, waiting=1)
    assert await town.keys_of(who) == [old]
    made = await decide(town, row, "accepted")
    assert await town.keys_of(who) == [made.accepted_key]
    assert (await decide(town, row, "accepted")).id == made.id
    with pytest.raises(holding.DecidedAlready):
        await decide(town, row, "refused")
    assert await town.audited() == []


async def test_an_act_beside_the_window_is_accepted_under_its_own_key(town: Town) -> None:
    who = await town.rider("late")
    await town.ingest([ride("late")])
    (old,) = await town.keys_of(who)
    row = await town.hold_like(old, kind="late", minutes=200)
    assert (await resolve(town, row)).waiting == 0  # no conflict, so the rule says nothing of it
    made = await decide(town, row, "accepted")
    async with town.db.transaction() as session:
        held = await holding.held(session, job_id=row[0], line=1)
    assert made.accepted_key == held.facts.claim_key
    assert sorted(await town.keys_of(who)) == sorted([old, held.facts.claim_key])
    assert await town.audited() == []


async def test_what_was_claimed_meanwhile_is_not_accepted_a_second_time(town: Town) -> None:
    others = await town.beside("operator_feed")
    who = await town.rider("twice")
    await town.ingest([ride("twice")])
    (old,) = await town.keys_of(who)
    first, second = (
        await town.hold_like(old, kind="claim"),
        await others.hold_like(old, kind="screen", own=old),
    )
    with pytest.raises(holding.ClaimStands):  # a screen says nothing of the act that stands
        await decide(town, second, "accepted")
    await decide(town, first, "accepted")
    with pytest.raises(holding.ClaimStands):
        await decide(town, second, "accepted")
    await decide(town, second, "refused")
    assert len(await town.keys_of(who)) == 1
    assert await town.audited() == []


async def test_two_who_decide_at_once_decide_once(town: Town) -> None:
    others = await town.beside("operator_feed")
    who = await town.rider("race")
    await town.ingest([ride("race")])
    (old,) = await town.keys_of(who)
    row = await others.hold_like(old)
    async with town.db.transaction() as session:
        first = await holding.decide(
            session,
            town.settings.keys,
            job_id=row[0],
            line=1,
            outcome="accepted",
            staff_id=town.staff_id,
            reason="one",
        )
        second = asyncio.create_task(decide(town, row, "accepted", "two"))
        await asyncio.sleep(0.3)
        assert not second.done()
    assert (await second).id == first.id
    assert await town.keys_of(who) == [first.accepted_key]
    assert await town.audited() == []


async def test_whoever_looks_during_an_upgrade_never_sees_nothing(town: Town) -> None:
    uploads = await town.beside("receipt_upload")
    who = await town.rider("seen")
    await uploads.ingest([ride("seen")])
    (old,) = await town.keys_of(who)
    row = await town.hold_like(old, kind="claim")
    seen: list[tuple[int, int, int]] = []
    points: list[int] = []
    over = asyncio.Event()

    async def look() -> None:
        while not over.is_set():
            seen.append(await town.sums(who))
            points.append(await town.points(who))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    async with town.db.transaction() as session:
        await asyncio.sleep(0.05)
        made = await holding.resolve_row(session, town.settings.keys, job_id=row[0], line=1)
        assert made is not None
        await asyncio.sleep(0.2)  # all is written and nothing committed
    await asyncio.sleep(0.05)
    over.set()
    await looking
    assert {one[0] for one in seen} == {1}
    assert len(set(seen)) == 2  # before and after: the weight of the evidence differs
    assert min(points) > 0


async def test_of_three_rides_at_once_the_best_stands_and_both_others_give_way(town: Town) -> None:
    uploads, reports = await town.beside("receipt_upload"), await town.beside("self_report")
    who = await town.rider("three")
    await uploads.ingest([ride("three")])
    await reports.ingest([ride("three", 10)])  # without screens both stand
    old = sorted(await town.keys_of(who))
    row = await town.hold_like(old[0], minutes=8)
    assert (await resolve(town, row)).accepted == 1
    assert len(await town.keys_of(who)) == 1
    assert await town.audited() == []


async def test_a_row_that_nobody_knows_cannot_be_decided(town: Town) -> None:
    with pytest.raises(holding.HeldUnknown):
        await decide(town, (ids.uuid7(), 1), "refused")
