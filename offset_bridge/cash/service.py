"""Recording money that came or went, and what an organisation has."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.kit import clock, ids
from backend.ledger import AccountSpec, Line, Posting
from offset_bridge import registry
from offset_bridge.cash import queries


class Direction(enum.StrEnum):
    """Whether money came into the market or left it."""

    DEPOSITED = "deposited"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class CashMoved:
    """Money that the authority recorded; `reference` is that of the payment outside."""

    id: UUID
    market: str
    organisation: str
    direction: Direction
    amount_fen: int
    reference: str
    recorded_at: datetime


def code(market: str, organisation: str) -> str:
    """The ledger account of an organisation's money in a market."""
    return f"cash:{market}:{organisation}"


async def record(
    session: AsyncSession,
    *,
    market: str,
    organisation: str,
    direction: Direction,
    amount_fen: int,
    reference: str,
    recorded_by: UUID,
) -> CashMoved:
    """Enter money that arrived for an organisation, or that left. Refuses AccountUnknown, InsufficientBalance."""
    await registry.account_of(session, market=market, organisation=organisation)
    source, own = f"deposited:{market}", code(market, organisation)
    opened = await ledger.open_accounts(session, [AccountSpec(source), AccountSpec(own)])
    pair = (source, own) if direction is Direction.DEPOSITED else (own, source)
    moved = CashMoved(
        id=ids.uuid7(),
        market=market,
        organisation=organisation,
        direction=direction,
        amount_fen=amount_fen,
        reference=reference,
        recorded_at=clock.now(),
    )
    posting = Posting(
        id=moved.id,
        reason=f"cash.{direction.value}",
        happened_at=moved.recorded_at,
        lines=(Line(opened[pair[0]], opened[pair[1]], amount_fen),),
    )
    await ledger.post(session, [posting])
    await queries.record(
        session,
        id=moved.id,
        market=market,
        organisation=organisation,
        direction=direction.value,
        amount_fen=amount_fen,
        reference=reference,
        recorded_by=recorded_by,
        recorded_at=moved.recorded_at,
    )
    return moved


async def balance(session: AsyncSession, *, market: str, organisation: str) -> int:
    """What an organisation has in a market, in fen."""
    own = code(market, organisation)
    return (await ledger.balances_by_code(session, own)).get(own, 0)


async def movements(
    session: AsyncSession,
    *,
    organisation: str | None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[CashMoved]:
    """What was recorded for one organisation or for all, newest first, starting behind `before` (recorded_at, id)."""
    rows = await queries.movements(session, organisation=organisation, before=before, limit=limit)
    return [CashMoved(**{**row, "direction": Direction(row["direction"])}) for row in rows]
