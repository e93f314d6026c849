"""What a verifier sees of one frozen act: where it was sent from, what was measured, and its grams computed again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import methodologies
from backend.certification import queries, reading
from backend.certification.errors import ActNotInBatch
from backend.certification.facts import facts_of
from backend.methodologies import Explanation


@dataclass(frozen=True, slots=True)
class Evidence:
    """A frozen act. The record is line `line` of the partner's file; neither a participant nor a card is told."""

    position: int
    frozen_g: int
    recomputed_g: int | None  # None when the method refuses the inputs now
    happened_at: dt.datetime
    ended_at: dt.datetime | None
    file_name: str
    file_sha256: str
    line: int
    facts: Mapping[str, Any]
    explanation: Explanation

    @property
    def agrees(self) -> bool:
        """Whether the grams come out the same again."""
        return self.recomputed_g == self.frozen_g


async def evidence(session: AsyncSession, *, batch_id: UUID, position: int) -> Evidence:
    """One act of a batch, by its place in the frozen order. ActNotInBatch."""
    row = (await session.execute(queries.ACT_AT, {"batch": batch_id, "position": position})).one_or_none()
    if row is None:
        raise ActNotInBatch
    quantifier = await methodologies.recover(session, method_id=row.method_id)
    found = quantifier.again(row.inputs)
    computed = (await reading.computed_of(session, [row.method_id]))[row.method_id]
    feed = (await reading.feeds_by_id(session))[row.source_id]
    return Evidence(
        position=row.position,
        frozen_g=row.frozen_g,
        recomputed_g=found if isinstance(found, int) else None,
        happened_at=row.happened_at,
        ended_at=row.ended_at,
        file_name=row.file_name,
        file_sha256=row.file_sha256,
        line=row.line,
        facts=facts_of(computed=computed, feed=feed, day=row.day, inputs=row.inputs, grams=row.frozen_g),
        explanation=quantifier.explain(row.inputs, grams=row.frozen_g),
    )
