"""Means that are lost, or replaced by another one of the same holder."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.means import queries, service
from backend.identity.means.errors import HoldingUnknown
from backend.identity.means.tables import Holding
from backend.kit import clock
from backend.kit.settings import Keys


async def lose(session: AsyncSession, keys: Keys, *, participant_id: UUID, holding_id: int) -> Holding:
    """End a holding because the card is lost: nobody earns by it until its operator says whose it is. Again changes nothing.

    Raises HoldingUnknown, also for one that had ended before it was lost.
    """
    found = await queries.one_holding(session, holding_id=holding_id, participant_id=participant_id)
    if found is None or (
        found.held_until is not None and not await queries.is_said_ended(session, holding_id=holding_id)
    ):
        raise HoldingUnknown
    return await _end(session, keys, participant_id, holding_id, why="lost", successor=None)


async def replace(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, holding_id: int, by: Holding
) -> Holding:
    """End a holding because another one, just linked, takes its place. Raises HoldingUnknown."""
    if by.participant_id != participant_id or by.id == holding_id:
        raise HoldingUnknown
    return await _end(session, keys, participant_id, holding_id, why="replaced", successor=by.id)


async def _end(
    session: AsyncSession,
    keys: Keys,
    participant_id: UUID,
    holding_id: int,
    *,
    why: str,
    successor: int | None,
) -> Holding:
    ended = await service.close_holding(session, keys, participant_id=participant_id, holding_id=holding_id)
    await queries.say_ended(session, holding=holding_id, why=why, successor=successor, now=clock.now())
    return ended
