"""All SQL of money in a market."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_RECORD = text("""
    INSERT INTO cash_movement
        (id, market, organisation, direction, amount_fen, reference, recorded_by, recorded_at)
    VALUES (:id, :market, :organisation, :direction, :amount_fen, :reference, :recorded_by, :recorded_at)
""")
_MOVEMENTS = text("""
    SELECT id, market, organisation, direction, amount_fen, reference, recorded_at FROM cash_movement
    WHERE (CAST(:organisation AS text) IS NULL OR organisation = :organisation)
        AND (CAST(:before AS timestamptz) IS NULL OR (recorded_at, id) < (:before, CAST(:before_id AS uuid)))
    ORDER BY recorded_at DESC, id DESC LIMIT :limit
""")


async def record(session: AsyncSession, **row: Any) -> None:
    await session.execute(_RECORD, row)


async def movements(
    session: AsyncSession,
    *,
    organisation: str | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Newest first."""
    at, before_id = before or (None, None)
    given = {"organisation": organisation, "before": at, "before_id": before_id, "limit": limit}
    return (await session.execute(_MOVEMENTS, given)).mappings().all()
