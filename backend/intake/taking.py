"""Taking in a handful of events at once, with an answer for each: what a partner's request needs.

One transaction stores the whole batch, in one chunk of a job of its own; the same events again are duplicates, whoever sends
them and however often at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import chunks, holding, queries
from backend.intake.chunks import ChunkResult
from backend.intake.convert import Converted
from backend.intake.mapping import mapping_of
from backend.intake.opening import Opened, open_source
from backend.intake.partitions import ensure_partitions
from backend.intake.pipeline import in_turn
from backend.intake.plans import Fate, Plan
from backend.intake.reading import rows_of_events
from backend.intake.service import Summary
from backend.intake.sources import source_of
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import Library

Outcome = Literal["accepted", "duplicate", "conflict", "rejected", "filtered"]
_FATES: dict[int, Outcome] = {
    Fate.ACCEPTED: "accepted",
    Fate.DUPLICATE: "duplicate",
    Fate.HELD: "conflict",
    Fate.REJECTED: "rejected",
}


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """What became of one event, by its place in the batch (from 0).

    `code` says why, where there is a reason (as in docs/mappings.md; of a held event its kind or screen); `field` and
    `bound` go with it. `points` are those that its holder gets, or would get once the means is linked; where the programme
    gives money, that is `benefit_fen`, and `points` is 0.
    """

    index: int
    outcome: Outcome
    code: str
    field: str
    bound: str
    claim_key: UUID | None
    grams: int
    points: int
    benefit_fen: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch's answers in order, and their sums. `stored` is False after a dry run and a refused atomic batch.

    `summary.job_id` is the nil UUID where nothing was stored.
    """

    summary: Summary
    answers: tuple[EventAnswer, ...]
    stored: bool


async def take(
    db: Database,
    settings: Settings,
    *,
    source: str,
    rows: Sequence[Mapping[str, object]],
    library: Library,
    atomic: bool = False,
    dry_run: bool = False,
    reference: str = "batch",
) -> Taken:
    """Take in events of a registered source, read by its own mapping.

    With `atomic`, nothing is stored unless every event is accepted, a duplicate or left out. A dry run answers what would
    become of the events now, and stores nothing. Raises SourceUnknown and what packs refuse.
    """
    async with db.transaction() as session:
        feed = await source_of(session, source)
    mapping = mapping_of(library.find(feed.mapping))
    opened = await open_source(db, settings, source=source, mapping=mapping, library=library)
    batch = await asyncio.to_thread(lambda: opened.converter.convert(rows_of_events(rows, mapping.columns)))
    methods = await opened.resolve()
    job_id = ids.uuid7()
    lines = Lines(opened, batch, rows, job_id, f"{reference}.json"[:200])
    if not dry_run:
        await ensure_partitions(db, [batch], set())

    async def attempt(session: AsyncSession, again: bool) -> tuple[ChunkResult, Plan, bool]:
        await chunks.prepare(session)
        if dry_run or not len(rows):
            planned = await chunks.planned(session, opened.target(job_id), [batch], methods, opened.screens)
            return chunks.outcome(planned, [batch]), planned, False
        await lines.open_job(session)
        stored = await chunks.store(
            session,
            opened.target(job_id),
            seq=1,
            first_line=1,
            batches=[batch],
            methods=methods,
            screens=opened.screens.in_front() if again else opened.screens,
        )
        if atomic and stored.result.conflicts + stored.result.rejected:
            raise _NotWhole(stored.result, stored.plan)
        return stored.result, stored.plan, True

    try:
        result, planned, kept = await in_turn(db, attempt)
    except _NotWhole as refused:
        result, planned, kept = refused.result, refused.plan, False
    if kept and result.conflicts:
        await holding.resolve_by_rule(db, settings.keys, job_id=job_id)
    return Taken(
        Summary(
            job_id=job_id if kept else UUID(int=0),
            **{name: getattr(result, name) for name in ChunkResult.__slots__},
        ),
        answers_of(planned, batch, len(rows), money=opened.programme.money),
        kept,
    )


class _NotWhole(Exception):
    """An atomic batch that could not be stored whole; its transaction is rolled back."""

    def __init__(self, result: ChunkResult, plan: Plan) -> None:
        super().__init__()
        self.result, self.plan = result, plan


@dataclass(frozen=True, slots=True)
class Lines:
    """The events of a batch as a job of their own: opened and ended in the transaction that stores them."""

    opened: Opened
    batch: Converted
    rows: Sequence[Mapping[str, object]]
    job_id: UUID
    name: str

    async def open_job(self, session: AsyncSession) -> None:
        now = clock.now()
        written = json.dumps(self.rows, ensure_ascii=False, sort_keys=True, default=str)
        await session.execute(
            queries.ADD_JOB,
            {
                "id": self.job_id,
                "source": self.opened.feed.id,
                "file_name": self.name,
                "file_sha256": hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest(),
                "mapping_sha256": self.opened.mapping.sha256,
                "started_at": now,
                "finished_at": now,
            },
        )


def answers_of(
    planned: Plan, batch: Converted, events: int, *, money: bool = False
) -> tuple[EventAnswer, ...]:
    """An answer per event: from its fate, from why it was refused, or that a rule of the mapping leaves it out."""
    found: dict[int, EventAnswer] = {}
    chunk = planned.chunk
    grams, lines = chunk.numbers("grams"), chunk.numbers("line")
    waiting = {one.row: one for one in planned.waiting}
    refused = {fault.line: fault for fault in (*batch.faults, *planned.faults)}
    for row, fate in enumerate(planned.fate.tolist()):
        accepted = fate == Fate.ACCEPTED
        fault, held = refused.get(int(lines[row])), waiting.get(row)
        found[int(lines[row])] = EventAnswer(
            index=int(lines[row]) - 1,
            outcome=_FATES[fate],
            code=(held.code or held.kind) if held else fault.code if fault else "",
            field=fault.field if fault else "",
            bound=fault.bound if fault else "",
            claim_key=UUID(bytes=chunk.keys[row].tobytes()),
            grams=int(grams[row]) if accepted else 0,
            points=int(planned.points[row]) if accepted and not money else 0,
            benefit_fen=int(planned.points[row]) if accepted and money else 0,
        )
    for fault in batch.faults:
        found.setdefault(
            fault.line,
            EventAnswer(fault.line - 1, "rejected", fault.code, fault.field, fault.bound, None, 0, 0),
        )
    for line in range(1, events + 1):
        found.setdefault(line, EventAnswer(line - 1, "filtered", "", "", "", None, 0, 0))
    return tuple(found[line] for line in range(1, events + 1))
