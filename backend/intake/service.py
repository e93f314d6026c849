"""Taking in a file: which source, which mapping, which rules; resumed where a crash left it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import pipeline, queries
from backend.intake.chunks import ChunkResult
from backend.intake.errors import FileUnreadable, JobRunning, MappingNeeded
from backend.intake.mapping import Mapping, mapping_of
from backend.intake.opening import open_source
from backend.intake.reading import header_of
from backend.intake.sources import Source
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import Library


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a file; received = accepted + duplicates + conflicts + rejected + filtered.

    `points` were posted to wallets; `waiting` acts have no holder yet and their points are not among them.
    """

    job_id: UUID
    received: int
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    filtered: int
    waiting: int
    grams: int
    points: int

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "job_id": str(self.job_id)}


@dataclass(frozen=True, slots=True)
class Job:
    """One file's intake as far as it has come; `finished_at` is None while it runs or after a crash."""

    source: str
    file_name: str
    started_at: datetime
    finished_at: datetime | None
    summary: Summary

    @property
    def cursor(self) -> tuple[str, str]:
        return self.started_at.isoformat(), str(self.summary.job_id)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was not accepted, by its line in the sender's file."""

    line: int
    field: str
    code: str
    bound: str


def mapping_for(path: Path, library: Library) -> Mapping:
    """The one mapping of the library whose columns the CSV file has. Raises MappingNeeded or FileUnreadable."""
    header = set(header_of(path))
    fitting = [
        mapping
        for pack in library.of_kind("mapping")
        if not pack.faults
        for mapping in [mapping_of(pack)]
        if mapping.type == "csv" and header.issuperset(mapping.columns)
    ]
    if len(fitting) != 1:
        raise MappingNeeded
    return fitting[0]


async def ingest(
    db: Database,
    settings: Settings,
    *,
    path: Path,
    source: str,
    mapping: Mapping,
    library: Library,
    chunk_rows: int | None = None,
    max_chunks: int | None = None,
    progress: Callable[[ChunkResult], None] | None = None,
    reading: Callable[[int], None] | None = None,
) -> Summary:
    """Take in a file of a registered source, and say what became of every row.

    `progress` hears of every committed chunk, `reading` of the last line read so far.

    A job that a crash ended goes on behind its last committed chunk; a second run of a finished file finds every
    row a duplicate. Raises the errors of `backend.intake.errors`, and those of the packs that refuse.
    """
    digest = await asyncio.to_thread(_sha256, path)
    opened = await open_source(db, settings, source=source, mapping=mapping, library=library)
    async with _one_at_a_time(db, f"{opened.feed.code}/{digest}/{mapping.sha256}"):
        job_id = await _open_job(db, opened.feed, path.name, digest, mapping.sha256)
        async with db.transaction() as session:
            last = (await session.execute(queries.LAST_CHUNK, {"job": job_id})).one()
        work = pipeline.Work(
            keys=settings.keys,
            path=path,
            mapping=mapping,
            converter=opened.converter,
            resolve=opened.resolve,
            target=opened.target(job_id),
            screens=opened.screens,
            chunk_rows=chunk_rows,
            most_chunks=max_chunks,
            progress=progress,
            reading=reading,
        )
        ended = await pipeline.run(db, work, after_line=last.last_line, seq=last.seq)
        async with db.transaction() as session:
            if ended:
                await session.execute(queries.FINISH_JOB, {"id": job_id, "at": clock.now()})
            return await summary_of(session, job_id)


async def summary_of(session: AsyncSession, job_id: UUID) -> Summary:
    """The sums of a job's committed chunks."""
    row = (await session.execute(queries.JOB_TOTALS, {"job": job_id})).one()
    return Summary(job_id=job_id, **row._mapping)  # noqa: SLF001 - the documented mapping of a row


async def list_jobs(
    session: AsyncSession,
    *,
    sources: Sequence[str] | None = None,
    limit: int = 50,
    after: tuple[str, str] | None = None,
) -> list[Job]:
    """Jobs of these sources (all), newest first; `after` is the cursor of the last one seen."""
    at, key = after or (None, None)
    rows = await session.execute(
        queries.JOBS,
        {
            "before": datetime.fromisoformat(at) if at else None,
            "before_id": key,
            "sources": list(sources) if sources is not None else None,
            "limit": limit,
        },
    )
    return [
        Job(
            source=row.source,
            file_name=row.file_name,
            started_at=row.started_at,
            finished_at=row.finished_at,
            summary=Summary(
                job_id=row.id,
                **{name: getattr(row, name) for name in Summary.__slots__ if name != "job_id"},
            ),
        )
        for row in rows
    ]


async def refused_rows(session: AsyncSession, job_id: UUID) -> AsyncIterator[RefusedRow]:
    """The rows of a job that were not accepted, in the order of their lines."""
    stream = await session.stream(queries.REFUSED_ROWS, {"job": job_id})
    async for row in stream:
        yield RefusedRow(line=row.line, field=row.field, code=row.code, bound=row.bound)


async def _open_job(db: Database, feed: Source, name: str, digest: str, mapping_sha256: str) -> UUID:
    facts = {"source": feed.id, "file_sha256": digest, "mapping_sha256": mapping_sha256}
    async with db.transaction() as session:
        opening = {**facts, "id": ids.uuid7(), "file_name": name, "started_at": clock.now()}
        await session.execute(queries.OPEN_JOB, opening)
        found: UUID = (await session.execute(queries.UNFINISHED_JOB, facts)).scalar_one()
        return found


@asynccontextmanager
async def _one_at_a_time(db: Database, name: str) -> AsyncIterator[None]:
    """Hold a lock of the database that dies with this process. Raises JobRunning when another holds it."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    async with db.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        taken = await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key})
        if not taken.scalar_one():
            raise JobRunning
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileUnreadable(reason=error.strerror or "unreadable") from None
