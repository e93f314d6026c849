"""Leaving a programme, and joining it again.

Whoever has an account takes part in every programme of the city until they leave one. From leaving until joining again, by the
time at which an act happened, no act that a source of the programme reports is theirs: intake refuses it and keeps nothing of
it. Points that were earned stay, and can be spent; they lapse as they would have.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.locks import take_turns
from backend.kit import clock
from backend.programmes import service

_LAST = text("""
    SELECT s.number, s.step, s.stepped_at FROM programme_step s
    WHERE s.participant_id = :participant AND s.programme_id = :programme ORDER BY s.number DESC LIMIT 1
""")
_STEP = text("""
    INSERT INTO programme_step (participant_id, programme_id, number, step, stepped_by, stepped_at)
    VALUES (:participant, :programme, :number, :step, :by, :at)
""")
_NUMBER = text("SELECT id FROM programme WHERE code = :code")
_LEFT = text("""
    SELECT p.code, l.low FROM programme_left l JOIN programme p ON p.id = l.programme_id
    WHERE l.participant_id = :participant AND l.high = 'infinity'
""")


class Step(enum.StrEnum):
    """What was done with one's part in a programme."""

    LEFT = "left"
    JOINED = "joined"


@dataclass(frozen=True, slots=True)
class Part:
    """Whether somebody takes part, and since when they do not."""

    taking_part: bool
    left_at: dt.datetime | None


async def leave(
    session: AsyncSession, *, participant_id: UUID, programme: str, by: UUID | None = None
) -> Part:
    """Leave a programme from now on. Again changes nothing. `by`: who acts, where that is another. Raises ProgrammeUnknown."""
    return await _step(session, participant_id, programme, Step.LEFT, by)


async def join(
    session: AsyncSession, *, participant_id: UUID, programme: str, by: UUID | None = None
) -> Part:
    """Take part again from now on. Again changes nothing. Raises ProgrammeUnknown."""
    return await _step(session, participant_id, programme, Step.JOINED, by)


async def left_by(session: AsyncSession, *, participant_id: UUID) -> dict[str, dt.datetime]:
    """The programmes that somebody is out of, and since when."""
    rows = await session.execute(_LEFT, {"participant": participant_id})
    return {row.code: row.low for row in rows}


async def _step(
    session: AsyncSession, participant_id: UUID, programme: str, step: Step, by: UUID | None
) -> Part:
    running = await service.programme_of(session, code=programme)
    await take_turns(session, f"part:{participant_id}:{running.code}")
    number = (await session.execute(_NUMBER, {"code": running.code})).scalar_one()
    last = (await session.execute(_LAST, {"participant": participant_id, "programme": number})).one_or_none()
    stands = Step.JOINED if last is None else Step(last.step)
    now = clock.now()
    if stands is step:
        return Part(step is Step.JOINED, None if step is Step.JOINED or last is None else last.stepped_at)
    given = {
        "participant": participant_id,
        "programme": number,
        "number": 1 if last is None else last.number + 1,
        "step": step,
        "by": None if by == participant_id else by,
        "at": now,
    }
    await session.execute(_STEP, given)
    return Part(step is Step.JOINED, now if step is Step.LEFT else None)
