"""What would become of a file, with nothing stored: every row is read, computed and looked up as if it were taken in.

What one chunk would have stored is known to the next one by its claim keys only: a repeated act is told as a duplicate, but
caps and overlaps look only at what is stored already and at the rows of the same chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from backend.intake import chunks, pipeline
from backend.intake.chunks import ChunkResult
from backend.intake.mapping import Mapping
from backend.intake.opening import open_source
from backend.intake.plans import Fate, Plan
from backend.intake.service import RefusedRow, Summary
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import Library

NOT_STORED = UUID(int=0)


async def rehearse(
    db: Database,
    settings: Settings,
    *,
    path: Path,
    source: str,
    mapping: Mapping,
    library: Library,
    chunk_rows: int | None = None,
    progress: Callable[[ChunkResult], None] | None = None,
    reading: Callable[[int], None] | None = None,
    refused: Callable[[Sequence[RefusedRow]], None] | None = None,
) -> Summary:
    """Say what `ingest` would make of a file now; `refused` hears of the rows that would not be accepted, chunk by chunk.

    The summary's `job_id` is the nil UUID. Raises what `ingest` raises before it stores anything.
    """
    opened = await open_source(db, settings, source=source, mapping=mapping, library=library)
    target = opened.target(NOT_STORED)
    work = pipeline.Work(
        keys=settings.keys,
        path=path,
        mapping=mapping,
        converter=opened.converter,
        resolve=opened.resolve,
        target=target,
        screens=opened.screens,
        chunk_rows=chunk_rows,
        reading=reading,
    )
    sums = dict.fromkeys(ChunkResult.__slots__, 0)
    known = _Known()
    async with pipeline.converted(work, after_line=0) as batches:
        while batch := await pipeline.gather(batches, work):
            methods = await opened.resolve()
            async with db.transaction() as session:
                planned = await chunks.planned(session, target, batch, methods, opened.screens)
            known.look(planned)
            result = chunks.outcome(planned, batch)
            for name in sums:
                sums[name] += getattr(result, name)
            if progress is not None:
                progress(result)
            if refused is not None:
                faults = [fault for part in batch for fault in part.faults] + planned.faults
                refused(refused_in(planned) + [RefusedRow(f.line, f.field, f.code, f.bound) for f in faults])
    return Summary(job_id=NOT_STORED, **sums)


def refused_in(planned: Plan) -> list[RefusedRow]:
    """The rows of a plan that would wait for a decision."""
    lines = planned.chunk.numbers("line")
    return [
        RefusedRow(int(lines[one.row]), "", one.code or ("conflict" if one.kind == "claim" else one.kind), "")
        for one in planned.waiting
    ]


@dataclass(slots=True)
class _Known:
    """The claim keys that earlier chunks would have stored, by their last eight bytes, which are part of an HMAC."""

    digests: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))

    def look(self, planned: Plan) -> None:
        keys = np.ascontiguousarray(planned.chunk.keys).view(">u8").reshape(-1, 2)[:, 1].astype(np.uint64)
        if len(self.digests) and len(keys):
            place = np.minimum(np.searchsorted(self.digests, keys), len(self.digests) - 1)
            again = (self.digests[place] == keys) & (planned.fate == Fate.ACCEPTED)
            planned.fate[again] = Fate.DUPLICATE
        self.digests = np.sort(np.concatenate([self.digests, keys[planned.fate == Fate.ACCEPTED]]))
