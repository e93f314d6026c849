"""All SQL about what holders do with credits in the book that issued them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_TRANSFER = text("""
    INSERT INTO credit_transfer
        (id, book, giver, taker, quantity_t, price_fen, posting_id, asked_by, asked_at)
    VALUES (:id, :book, :giver, :taker, :quantity_t, :price_fen, :posting_id, :asked_by, :asked_at)
""")
_CANCEL = text("""
    INSERT INTO credit_cancellation (id, book, owner, quantity_t, purpose, posting_id, asked_by, asked_at)
    VALUES (:id, :book, :owner, :quantity_t, :purpose, :posting_id, :asked_by, :asked_at)
""")

_TRANSFERS = text("""
    SELECT id, book, giver, taker, quantity_t, price_fen, posting_id, asked_at FROM credit_transfer ORDER BY asked_at, id
""")
_CANCELLATIONS = text("""
    SELECT id, book, owner, quantity_t, purpose, posting_id, asked_at FROM credit_cancellation ORDER BY asked_at, id
""")


async def transfer(session: AsyncSession, **row: Any) -> None:
    await session.execute(_TRANSFER, row)


async def cancel(session: AsyncSession, **row: Any) -> None:
    await session.execute(_CANCEL, row)


async def transfers(session: AsyncSession) -> Sequence[RowMapping]:
    return (await session.execute(_TRANSFERS)).mappings().all()


async def cancellations(session: AsyncSession) -> Sequence[RowMapping]:
    return (await session.execute(_CANCELLATIONS)).mappings().all()
