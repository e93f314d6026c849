"""All SQL about agreed sales."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_OFFER = text("""
    INSERT INTO sale
        (id, market, book, seller, buyer, quantity_t, price_fen, posting_id, offered_by, offered_at, expires_at)
    VALUES (:id, :market, :book, :seller, :buyer, :quantity_t, :price_fen, :posting_id, :offered_by, :offered_at,
            :expires_at)
""")
# Whoever comes second waits here until the first one's transaction has ended.
_END = text("""
    INSERT INTO sale_end (sale_id, outcome, posting_id, ended_by, ended_at)
    VALUES (:sale_id, :outcome, :posting_id, :ended_by, :ended_at)
    ON CONFLICT (sale_id) DO NOTHING RETURNING sale_id
""")
_OUTCOME = text("SELECT outcome FROM sale_end WHERE sale_id = :sale_id")
_SALES = """
    SELECT s.id, s.market, s.book, s.seller, s.buyer, s.quantity_t, s.price_fen, s.posting_id, s.offered_at,
           s.expires_at, e.outcome, e.ended_at
    FROM sale s LEFT JOIN sale_end e ON e.sale_id = s.id
"""
_ONE = text(f"{_SALES} WHERE s.id = :id")
_PAGE = text(f"""{_SALES}
    WHERE (s.seller = :party OR s.buyer = :party) AND (NOT :open OR e.sale_id IS NULL)
        AND (CAST(:at AS timestamptz) IS NULL OR (s.offered_at, s.id) < (:at, CAST(:id AS uuid)))
    ORDER BY s.offered_at DESC, s.id DESC LIMIT :limit
""")
_SETTLED = text(f"{_SALES} WHERE e.outcome = 'settled' ORDER BY s.offered_at, s.id")
_OVERDUE = text("""
    SELECT s.id FROM sale s
    WHERE s.expires_at <= :at AND NOT EXISTS (SELECT FROM sale_end e WHERE e.sale_id = s.id)
    ORDER BY s.expires_at, s.id LIMIT :limit
""")


async def offer(session: AsyncSession, **row: Any) -> None:
    await session.execute(_OFFER, row)


async def end(session: AsyncSession, **row: Any) -> bool:
    """True for the one transaction that ends this sale."""
    return (await session.execute(_END, row)).scalar_one_or_none() is not None


async def outcome(session: AsyncSession, sale_id: UUID) -> str:
    return str((await session.execute(_OUTCOME, {"sale_id": sale_id})).scalar_one())


async def one(session: AsyncSession, sale_id: UUID) -> RowMapping | None:
    return (await session.execute(_ONE, {"id": sale_id})).mappings().one_or_none()


async def page(
    session: AsyncSession, *, party: str, only_open: bool, limit: int, after: tuple[datetime, UUID] | None
) -> Sequence[RowMapping]:
    at, sale_id = after or (None, None)
    asked = {"party": party, "open": only_open, "limit": limit, "at": at, "id": sale_id}
    return (await session.execute(_PAGE, asked)).mappings().all()


async def overdue(session: AsyncSession, *, at: datetime, limit: int) -> list[UUID]:
    """Sales whose time is over and that nobody ended, at most `limit`."""
    return list((await session.execute(_OVERDUE, {"at": at, "limit": limit})).scalars())


async def settled(session: AsyncSession) -> Sequence[RowMapping]:
    return (await session.execute(_SETTLED)).mappings().all()
