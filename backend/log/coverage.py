"""How much of the registered tables is sealed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.log import sealing, sealing_queries


@dataclass(frozen=True)
class Coverage:
    """Rows of one table that lie in blocks, and rows that wait for the next sealing."""

    table: str
    sealed: int
    waiting: int


async def coverage(session: AsyncSession) -> list[Coverage]:
    """What is sealed of every registered table and what is not yet, by table."""
    tables = [known.table for known in sealing.registered()]
    there = await sealing_queries.column_types(session, tables=tables)
    last = await sealing_queries.last_blocks(session)
    sealed = await sealing_queries.sealed_rows(session)
    waiting = await sealing_queries.rows_since(
        session, low={table: last[table].to_xid if table in last else 0 for table in tables if table in there}
    )
    return [Coverage(table, sealed.get(table, 0), waiting[table]) for table in tables if table in there]


async def sealed_since(session: AsyncSession, *, entry: int) -> int:
    """How many rows were sealed by the entry of this index or by later ones."""
    return await sealing_queries.rows_sealed_since(session, entry=entry)
