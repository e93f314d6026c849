"""Batches, asked about later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake.batches import queries
from backend.intake.service import Summary
from backend.kit.errors import DomainError, Kind


class BatchUnknown(DomainError):
    """You sent no such batch."""

    code = "intake.batch_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "您没有发送过这一批次。"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it was counted when it came."""

    source: str
    received_at: datetime
    summary: Summary


@dataclass(frozen=True, slots=True)
class LaterAnswer:
    """What became of an event that was not accepted at once; `index` counts from 0."""

    index: int
    outcome: str
    code: str
    field: str
    bound: str
    claim_key: UUID | None


async def batch_of(session: AsyncSession, *, partner: str, batch_id: UUID) -> Batch:
    """A partner's batch. Raises BatchUnknown, also for somebody else's."""
    row = (await session.execute(queries.BATCH, {"id": batch_id, "partner": partner})).one_or_none()
    if row is None:
        raise BatchUnknown
    sums = {name: getattr(row, name) for name in Summary.__slots__ if hasattr(row, name)}
    return Batch(source=row.source, received_at=row.started_at, summary=Summary(job_id=row.id, **sums))


async def later_answers(
    session: AsyncSession, batch: Batch, *, after: int | None, limit: int
) -> list[LaterAnswer]:
    """The events behind `after` that were not accepted at once, in their order."""
    rows = await session.execute(
        queries.EVENTS,
        {"id": batch.summary.job_id, "after": 0 if after is None else after + 1, "limit": limit},
    )
    return [
        LaterAnswer(row.line - 1, row.outcome, row.code, row.field, row.bound, row.claim_key) for row in rows
    ]
