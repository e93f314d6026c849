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
    found = []
    for known in sealing.registered():
        if not await sealing_queries.column_types(session, table=known.table):
            continue
        last = await sealing_queries.last_block(session, table=known.table)
        found.append(
            Coverage(
                table=known.table,
                sealed=await sealing_queries.sealed_rows(session, table=known.table),
                waiting=await sealing_queries.rows_since(
                    session, table=known.table, low=0 if last is None else last.to_xid
                ),
            )
        )
    return found


async def sealed_since(session: AsyncSession, *, entry: int) -> int:
    """How many rows were sealed by the entry of this index or by later ones."""
    return await sealing_queries.rows_sealed_since(session, entry=entry)
