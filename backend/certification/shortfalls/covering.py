"""Making shortfalls good, the oldest of a series first. Whoever covers has locked the series."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.certification.model import Series
from backend.certification.shortfalls import queries


async def open_g(session: AsyncSession, series: Series) -> int:
    """The grams of a series' withdrawn acts that nothing has made good yet."""
    return int((await session.execute(queries.OPEN_G, series.as_body())).scalar_one())


async def correct(session: AsyncSession, *, batch_id: UUID, revision: int, grams: int) -> None:
    """Note what of a statement's deduction is for withdrawn acts; they are covered when the batch is issued."""
    if grams:
        await session.execute(queries.CORRECT, {"batch": batch_id, "revision": revision, "grams": grams})


async def cover(
    session: AsyncSession,
    series: Series,
    *,
    grams: int,
    at: dt.datetime,
    batch_id: UUID | None = None,
    cancellation_id: UUID | None = None,
) -> int:
    """Let a batch or a cancellation make good for up to so many grams; answers for how many it did."""
    given = {**series.as_body(), "grams": grams, "at": at, "batch": batch_id, "cancellation": cancellation_id}
    return int((await session.execute(queries.COVER, given)).scalar_one())


async def use_surplus(session: AsyncSession, series: Series, *, at: dt.datetime) -> None:
    """Let what cancellations took beyond what was missing then make good for what is missing now."""
    for row in (await session.execute(queries.SURPLUS, series.as_body())).all():
        await cover(session, series, grams=row.grams, at=at, cancellation_id=row.id)
