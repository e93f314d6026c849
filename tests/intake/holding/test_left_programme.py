"""Acts of people who had left the programme are refused by the time at which they happened, and nothing of them is kept."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.intake import holding
from backend.intake.holding import Correction
from backend.kit import clock
from backend.programmes import taking_part
from tests.intake.holding.conftest import Town, ride
from tests.intake.holding.test_correcting import correct, event
from tests.intake.holding.test_decisions import decide

pytestmark = pytest.mark.usefixtures("filed")

BEGAN = dt.datetime(2026, 10, 12, tzinfo=clock.SHANGHAI)
MINUTE = dt.timedelta(minutes=1)


async def part(town: Town, who: UUID, at: dt.datetime, *, takes: bool) -> None:
    step = taking_part.join if takes else taking_part.leave
    with clock.travel(at):
        async with town.db.transaction() as session:
            await step(session, participant_id=who, programme="gd-green-travel")


@pytest.mark.parametrize(
    ("left", "joined", "kept"),
    [(MINUTE, None, 1), (-MINUTE, None, 0), (-2 * MINUTE, -MINUTE, 1), (-MINUTE, MINUTE, 0)],
    ids=["left afterwards", "left before", "joined before", "joined afterwards"],
)
async def test_a_ride_counts_unless_it_began_between_leaving_and_joining(
    town: Town, left: dt.timedelta, joined: dt.timedelta | None, kept: int
) -> None:
    account = f"left{left.total_seconds():.0f}{'' if joined is None else joined.total_seconds()}"
    who = await town.rider(account)
    await part(town, who, BEGAN + left, takes=False)
    if joined is not None:
        await part(town, who, BEGAN + joined, takes=True)
    summary = await town.ingest([ride(account)])
    assert (summary.accepted, summary.rejected) == (kept, 1 - kept)
    assert len(await town.keys_of(who)) == kept
    assert await town.audited() == []


async def test_leaving_twice_is_once_and_everybody_takes_part_until_they_leave(town: Town) -> None:
    who = await town.rider("left-twice")
    for _ in range(2):
        await part(town, who, BEGAN, takes=False)
    async with town.db.transaction() as session:
        since = (await taking_part.left_by(session, participant_id=who))["gd-green-travel"]
        assert BEGAN <= since < BEGAN + MINUTE
        steps = text("SELECT count(*) FROM programme_step WHERE participant_id = :who")
        assert (await session.execute(steps, {"who": who})).scalar_one() == 1
        again = await taking_part.join(session, participant_id=who, programme="gd-green-travel")
        assert again.taking_part
        assert await taking_part.left_by(session, participant_id=who) == {}


async def test_held_rows_and_corrections_ask_too(town: Town) -> None:
    who = await town.rider("left-held")
    await town.ingest([ride("left-held")])
    (old,) = await town.keys_of(who)
    row = await town.hold_like(old)
    await part(town, who, BEGAN - MINUTE, takes=False)
    with pytest.raises(holding.ProgrammeLeft):
        await decide(town, row, "accepted")
    sent = event(ride("left-held"))
    told = Correction("the meter", event=sent, replacement=event(ride("left-held", metres=5_000)))
    (answer,) = await correct(town, told)
    assert (answer.outcome, answer.code) == ("refused", "programme_left")
    assert await town.keys_of(who) == [old]
    assert (await decide(town, row, "refused")).outcome == "refused"
