"""What is accepted one by one obeys caps, and nobody travels twice at once because a person agreed to it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from backend.intake import holding
from backend.intake.holding import Correction
from tests.intake.holding.conftest import Town, ride
from tests.intake.holding.test_correcting import correct, event

pytestmark = pytest.mark.usefixtures("filed")


async def accept(town: Town, row: holding.Held) -> holding.Decision:
    async with town.db.transaction() as session:
        return await holding.decide(
            session, town.settings.keys, job_id=row.job_id, line=row.line, outcome="accepted",
            staff_id=town.staff_id, reason="a race, with a stopwatch", library=town.library,
        )  # fmt: skip


async def waiting(town: Town) -> list[holding.Held]:
    async with town.db.transaction() as session:
        return await holding.held_rows(session, programmes=["gd-green-travel"], source=town.source)


async def test_a_cap_trims_what_a_person_accepts(town: Town) -> None:
    who = await town.rider("fast")
    await town.ingest([ride("fast", 60 * hour, metres=60_000) for hour in range(5)])
    rows = await waiting(town)
    assert [row.kind for row in rows] == ["screen"] * 5
    each = rows[0].points
    for row in rows:
        await accept(town, row)
    assert each * 3 < 1000 < each * 4
    assert await town.points(who) == 1000
    async with town.db.transaction() as session:
        trimmed = (
            await session.execute(text("SELECT cap, points FROM action_trimmed ORDER BY points"))
        ).all()
    assert [tuple(row) for row in trimmed] == [("points-a-day", 4 * each - 1000), ("points-a-day", each)]
    assert await town.audited() == []


async def test_an_act_that_gives_way_leaves_its_room_under_the_cap(town: Town) -> None:
    who = await town.rider("full")
    await town.ingest([ride("full", 60 * hour, metres=60_000) for hour in range(4)])
    for row in await waiting(town):
        await accept(town, row)
    assert await town.points(who) == 1000
    (done,) = await correct(
        town,
        Correction(
            "shorter",
            event=event(ride("full", metres=60_000)),
            replacement=event(ride("full", metres=50_000)),
        ),
    )
    assert done.outcome == "corrected"
    assert await town.points(who) == 1000 - (await _each(town)) + done.points
    assert await town.audited() == []


async def _each(town: Town) -> int:
    async with town.db.transaction() as session:
        found: int = (await session.execute(text("SELECT max(points) FROM action"))).scalar_one()
    return found


async def test_nobody_travels_twice_at_once_because_somebody_agreed(town: Town) -> None:
    others = await town.beside("operator_feed")
    who = await town.rider("twice")
    await town.ingest([ride("twice")])
    (key,) = await town.keys_of(who)
    await others.hold_like(key, kind="late", minutes=5)
    (row,) = await waiting(others)
    with pytest.raises(holding.OverlapStands):
        await accept(town, row)
    await others.ingest([ride("twice", 300)])
    (moved,) = await correct(
        others, Correction("the clock", event=event(ride("twice", 300)), replacement=event(ride("twice", 5)))
    )
    assert (moved.outcome, moved.code) == ("refused", "overlaps")
    await town.withdraw(key)
    assert (await accept(town, row)).accepted_key in await town.keys_of(who)
    assert await town.audited() == []


async def test_whoever_accepts_waits_for_a_chunk_that_takes_its_turn(town: Town) -> None:
    others = await town.beside("operator_feed")
    who = await town.rider("turn")
    await town.ingest([ride("turn")])
    (key,) = await town.keys_of(who)
    await others.hold_like(key, kind="late", minutes=400)
    (row,) = await waiting(others)
    async with town.db.transaction() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(7318016)"))
        accepting = asyncio.create_task(accept(town, row))
        await asyncio.sleep(0.4)
        assert not accepting.done()
    await accepting
    assert len(await town.keys_of(who)) == 2
