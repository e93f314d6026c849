"""All SQL about bridge transfers and their steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_ASK = text("""
    INSERT INTO bridge_transfer (id, market, from_book, to_book, owner, quantity_t, asked_by, asked_at)
    VALUES (:id, :market, :from_book, :to_book, :owner, :quantity_t, :asked_by, :asked_at)
""")
# Whoever comes second waits here until the first one's transaction has ended.
_TAKE = text("""
    INSERT INTO bridge_step (bridge_id, step, follows, posting_id, reason, taken_at)
    VALUES (:bridge_id, :step, :follows, :posting_id, :reason, :taken_at)
    ON CONFLICT DO NOTHING RETURNING step
""")
_TRANSFERS = """
    SELECT id, market, from_book, to_book, owner, quantity_t, asked_by, asked_at FROM bridge_transfer
"""
_ONE = text(f"{_TRANSFERS} WHERE id = :id")
_PAGE = text(f"""{_TRANSFERS}
    WHERE owner = :owner AND (CAST(:at AS timestamptz) IS NULL OR (asked_at, id) < (:at, CAST(:id AS uuid)))
    ORDER BY asked_at DESC, id DESC LIMIT :limit
""")
_STEPS = text("""
    SELECT bridge_id, step, follows, posting_id, reason, taken_at FROM bridge_step
    WHERE bridge_id = ANY (CAST(:ids AS uuid[])) AND step IN ('locked', 'deposited', 'returned', 'confirmed')
    ORDER BY array_position(ARRAY['locked', 'deposited', 'returned', 'confirmed'], step)
""")
_UNFINISHED = text("""
    SELECT s.bridge_id, s.step FROM bridge_step s
    WHERE s.step IN ('locked', 'deposited') AND s.taken_at < :before
        AND NOT EXISTS (SELECT FROM bridge_step n WHERE n.bridge_id = s.bridge_id AND n.follows = s.step)
    ORDER BY s.taken_at LIMIT :limit
""")

_EVERY = text(f"{_TRANSFERS} ORDER BY asked_at, id")
# Numbers `[low, high)` of each book that credits were issued in, and where they count. What is locked and stands in the
# market's book already counts there. One statement, so that all of it is of one moment.
_WHEREABOUTS = text("""
    WITH origin AS (
        SELECT k.id, k.code FROM serial_book k
        WHERE EXISTS (SELECT FROM ledger_account a WHERE a.code = 'issuance:' || k.code)
    ), blocks AS (
        SELECT k.code AS book, a.kind, b.serials
        FROM serial_block b JOIN ledger_account a ON a.id = b.account_id JOIN serial_book k ON k.id = b.book_id
    ), arrived AS (
        SELECT t.from_book AS book, range_agg(m.serials) AS numbers
        FROM bridge_transfer t
        JOIN bridge_step l ON l.bridge_id = t.id AND l.step = 'locked'
        JOIN bridge_step d ON d.bridge_id = t.id AND d.step = 'deposited'
        JOIN serial_movement m ON m.posting_id = l.posting_id
        WHERE NOT EXISTS (SELECT FROM bridge_step c WHERE c.bridge_id = t.id AND c.step = 'confirmed')
        GROUP BY t.from_book
    )
    SELECT o.code AS book, 'issued' AS place, lower(m.serials) AS low, upper(m.serials) AS high
    FROM origin o
    JOIN serial_movement m ON m.book_id = o.id
    JOIN ledger_transfer t ON t.posting_id = m.posting_id AND t.line = m.line AND t.reason = 'credit.issued'
    UNION ALL
    SELECT b.book, CASE b.kind WHEN 'holder' THEN 'held' ELSE 'cancelled' END, lower(b.serials), upper(b.serials)
    FROM blocks b JOIN origin o ON o.code = b.book WHERE b.kind IN ('holder', 'cancelled')
    UNION ALL
    SELECT b.book, 'locked', lower(piece), upper(piece)
    FROM blocks b JOIN origin o ON o.code = b.book LEFT JOIN arrived a ON a.book = b.book,
        unnest(int8multirange(b.serials) - COALESCE(a.numbers, '{}')) AS piece
    WHERE b.kind = 'locked'
    UNION ALL
    SELECT crossing.from_book, CASE b.kind WHEN 'entity' THEN 'in_registry' WHEN 'offered' THEN 'in_registry' ELSE b.kind END,
        lower(b.serials), upper(b.serials)
    FROM (SELECT DISTINCT from_book, to_book FROM bridge_transfer) crossing JOIN blocks b ON b.book = crossing.to_book
    WHERE b.kind IN ('entity', 'offered', 'pledged', 'surrendered', 'cancelled')
""")


async def ask(session: AsyncSession, **row: Any) -> None:
    await session.execute(_ASK, row)


async def take(session: AsyncSession, **row: Any) -> bool:
    """True for the one transaction that takes this step."""
    return (await session.execute(_TAKE, row)).scalar_one_or_none() is not None


async def one(session: AsyncSession, bridge_id: UUID) -> RowMapping | None:
    return (await session.execute(_ONE, {"id": bridge_id})).mappings().one_or_none()


async def page(
    session: AsyncSession, *, owner: str, limit: int, after: tuple[datetime, UUID] | None
) -> Sequence[RowMapping]:
    at, bridge_id = after or (None, None)
    rows = await session.execute(_PAGE, {"owner": owner, "limit": limit, "at": at, "id": bridge_id})
    return rows.mappings().all()


async def steps(session: AsyncSession, bridge_ids: Sequence[UUID]) -> Sequence[RowMapping]:
    return (await session.execute(_STEPS, {"ids": list(bridge_ids)})).mappings().all()


async def unfinished(session: AsyncSession, *, before: datetime, limit: int) -> list[tuple[UUID, str]]:
    """Transfers whose last step was taken before this moment and waits for the next, with that step; oldest first."""
    rows = await session.execute(_UNFINISHED, {"before": before, "limit": limit})
    return [(row.bridge_id, row.step) for row in rows]


async def every(session: AsyncSession) -> Sequence[RowMapping]:
    return (await session.execute(_EVERY)).mappings().all()


async def whereabouts(session: AsyncSession) -> Sequence[Row[Any]]:
    """Book, place and numbers `[low, high)` of every credit; a number may come in several pieces of its places."""
    return (await session.execute(_WHEREABOUTS)).all()
