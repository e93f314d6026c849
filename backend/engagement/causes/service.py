"""Telling what was handed over to a cause, and taking back what was told wrongly."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import rewards
from backend.engagement.causes import queries
from backend.engagement.causes.errors import HandoverCorrected, HandoverTooLarge, HandoverUnknown
from backend.kit import clock, ids
from backend.programmes import Registered

Position = tuple[dt.datetime, UUID]


@dataclass(frozen=True, slots=True)
class Handover:
    """Money handed to somebody for points that were given. What `corrects` another one has everything in the negative."""

    id: UUID
    reward: str
    points: int
    money_fen: int
    recipient_zh: str
    recipient_en: str
    reference: str
    handed_on: dt.date
    noted_at: dt.datetime
    corrects: UUID | None
    corrected_by: UUID | None


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed over to one cause in all."""

    points: int = 0
    money_fen: int = 0


async def hand_over(
    session: AsyncSession,
    *,
    programme: Registered,
    reward: str,
    points: int,
    money_fen: int,
    recipient_zh: str,
    recipient_en: str,
    reference: str,
    handed_on: dt.date,
    noted_by: UUID,
) -> Handover:
    """Note that money was handed over for so many of the points given to a cause.

    Raises RewardUnknown, RewardElsewhere (no cause), HandoverTooLarge.
    """
    rewards.reward_of(programme, reward_id=reward, kinds=rewards.CAUSES)
    await session.execute(queries.LOCK, {"programme": programme.code, "reward": reward})
    given = {one.reward: one.points for one in await rewards.causes(session, programme=programme)}
    left = given.get(reward, 0) - (await handed(session, programme=programme)).get(reward, Handed()).points
    if points > left:
        raise HandoverTooLarge(left_points=left)
    return await _add(
        session,
        programme,
        {
            "reward": reward,
            "points": points,
            "money_fen": money_fen,
            "recipient_zh": recipient_zh,
            "recipient_en": recipient_en,
            "reference": reference,
            "handed_on": handed_on,
            "corrects": None,
            "by": noted_by,
        },
    )


async def correct(
    session: AsyncSession,
    *,
    programme: Registered,
    reward: str,
    handover_id: UUID,
    reason: str,
    noted_by: UUID,
) -> Handover:
    """Take back what was told of a hand-over, once; the row that does so. Raises HandoverUnknown, HandoverCorrected."""
    await session.execute(queries.LOCK, {"programme": programme.code, "reward": reward})
    found = await _one(session, programme, handover_id)
    if found.reward != reward:
        raise HandoverUnknown
    if found.corrects is not None or found.corrected_by is not None:
        raise HandoverCorrected
    return await _add(
        session,
        programme,
        {
            "reward": found.reward,
            "points": -found.points,
            "money_fen": -found.money_fen,
            "recipient_zh": found.recipient_zh,
            "recipient_en": found.recipient_en,
            "reference": reason,
            "handed_on": found.handed_on,
            "corrects": found.id,
            "by": noted_by,
        },
    )


async def _add(session: AsyncSession, programme: Registered, row: dict[str, Any]) -> Handover:
    handover_id = ids.uuid7()
    await session.execute(
        queries.ADD, {"id": handover_id, "programme": programme.id, "at": clock.now(), **row}
    )
    return await _one(session, programme, handover_id)


async def _one(session: AsyncSession, programme: Registered, handover_id: UUID) -> Handover:
    row = (await session.execute(queries.ONE, {"programme": programme.id, "id": handover_id})).one_or_none()
    if row is None:
        raise HandoverUnknown
    return Handover(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def handed(session: AsyncSession, *, programme: Registered) -> dict[str, Handed]:
    """What was handed over in all, by cause."""
    rows = await session.execute(queries.HANDED, {"programme": programme.id})
    return {row.reward: Handed(row.points, row.money_fen) for row in rows}


async def handovers_of(
    session: AsyncSession,
    *,
    programme: Registered,
    reward: str,
    limit: int = 50,
    after: Position | None = None,
) -> list[Handover]:
    """Hand-overs of one cause, the newest first, corrections among them."""
    at, last_id = after or (None, None)
    given = {
        "programme": programme.id,
        "reward": reward,
        "limit": limit,
        "after_at": at,
        "after_id": last_id,
    }
    return [Handover(**row._mapping) for row in await session.execute(queries.OF_CAUSE, given)]  # noqa: SLF001
