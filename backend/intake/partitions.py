"""A partition for each month of the acts, made before they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from backend.intake import queries
from backend.intake.convert import Converted
from backend.kit.db import Database


async def ensure_partitions(db: Database, batches: Sequence[Converted], known: set[date]) -> None:
    """Make what the batches need beyond the `known` months (their first days), which grow by them.

    Partitions are made in transactions of their own: making one locks the table that all chunks write.
    """
    for month in sorted({day.replace(day=1) for batch in batches for day in batch.days} - known):
        async with db.transaction() as session:
            if not (await session.execute(queries.PARTITION_EXISTS, {"month": month})).scalar_one():
                await session.execute(queries.PARTITION, {"month": month})
        known.add(month)
