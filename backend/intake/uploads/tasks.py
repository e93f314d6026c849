"""The work of uploads: piece by piece, so that no task outlasts the broker's patience, and each goes on behind the last.

A task stops behind a chunk when it did enough, and promises its own continuation; when its job was cancelled, it only
stops. Whatever ends a process, the promise is owed until a task says otherwise, and what nobody owes is found by `sweep`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from backend import packs
from backend.intake import service as intake
from backend.intake.chunks import ChunkResult
from backend.intake.errors import JobRunning
from backend.intake.mapping import mapping_of
from backend.intake.rehearsing import rehearse
from backend.intake.sources import source_of
from backend.intake.uploads import files, queries
from backend.intake.uploads.errors import TrialTooLong
from backend.intake.uploads.model import OPEN, Counts, State
from backend.intake.uploads.service import TASK, step
from backend.kit import clock, logging, outbox, tasks
from backend.kit.db import Database
from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings
from backend.kit.tasks import Worker
from backend.packs import Library

CHUNK_ROWS = 100_000
MOST_CHUNKS = 40  # of one task
MOST_SECONDS = 600.0
LONGEST_TRIAL_S = 1500.0  # a trial stores nothing that another task could go on from
LOOK_EVERY_S = 0.5  # whether the job was cancelled
KEPT_FOR = timedelta(days=7)
_AT_ONCE = 100

_log = logging.get("puhui.uploads")


class _Stopped(Exception):
    """The job was cancelled; its last chunk is committed."""


class _Enough(Exception):
    """This task did its share; the next one goes on."""


@cache
def _library() -> Library:
    return packs.load_all()


@tasks.works(TASK)
async def carry_on(worker: Worker, *, job_id: UUID) -> None:
    """Take in the next chunks of a job's file, or all of them; a trial runs through at once."""
    row = await _begin(worker.db, job_id)
    if row is None:
        return
    tried = None
    try:
        tried = await _take_in(worker, row)
    except _Enough:
        pass
    except (JobRunning, _Stopped):
        return  # whoever is at it goes on, and a cancelled one may be resumed
    except Exception as error:
        if not isinstance(error, DomainError):
            await _fail(worker.db, job_id, "kit.internal")
        elif error.kind is not Kind.UNAVAILABLE:
            await _fail(worker.db, job_id, error.code)
            return
        raise  # what is away comes back, and the promise comes again
    await _conclude(worker.db, job_id, tried)


async def _begin(db: Database, job_id: UUID) -> Any:
    """The job that is to go on; None when there is nothing to do."""
    async with db.transaction() as session:
        row = (await session.execute(queries.JOB, {"id": job_id})).one_or_none()
        if row is None or State(row.state) not in OPEN:
            return None
        if row.run_finished_at is not None:  # only its end was not noted
            await step(session, job_id, State.FINISHED, intake_job=row.intake_job)
            return None
        if State(row.state) is State.WAITING:
            await step(session, job_id, State.RUNNING)
        return row


async def _conclude(db: Database, job_id: UUID, tried: Counts | None) -> None:
    """Note the end of a job, or promise that it goes on."""
    async with db.transaction() as session:
        if tried is not None:
            await step(session, job_id, State.FINISHED, counts=tried)
            return
        row = (await session.execute(queries.JOB, {"id": job_id})).one()
        if row.run_finished_at is not None:
            await step(session, job_id, State.FINISHED, intake_job=row.intake_job)
        elif State(row.state) in OPEN:
            outbox.promise(session, TASK, job_id=job_id)


async def _fail(db: Database, job_id: UUID, code: str) -> None:
    async with db.transaction() as session:
        await step(session, job_id, State.FAILED, code=code)


async def _take_in(worker: Worker, row: Any) -> Counts | None:
    """The counts of a trial; None for what was taken in, whose chunks are its counts."""
    library = await asyncio.to_thread(_library)
    async with worker.db.transaction() as session:
        source = await source_of(session, row.source)
    began = time.monotonic()
    async with _watched(worker.db, row.id) as stopped:

        def between(_chunk: ChunkResult) -> None:
            if stopped.is_set():
                raise _Stopped
            if time.monotonic() - began > (LONGEST_TRIAL_S if row.dry_run else MOST_SECONDS):
                raise TrialTooLong if row.dry_run else _Enough

        given: dict[str, Any] = {
            "path": files.path_of(worker.settings, row.upload_id, row.file_type),
            "source": row.source,
            "mapping": mapping_of(library.find(source.mapping)),
            "library": library,
            "chunk_rows": CHUNK_ROWS,
            "progress": between,
        }
        if not row.dry_run:
            await intake.ingest(worker.db, worker.settings, max_chunks=MOST_CHUNKS, **given)
            return None
        refusals = files.Refusals(worker.settings, row.upload_id, row.id)
        refusals.begin()
        summary = await rehearse(worker.db, worker.settings, refused=refusals.add, **given)
    return Counts(**{name: getattr(summary, name) for name in Counts.__slots__})


@contextlib.asynccontextmanager
async def _watched(db: Database, job_id: UUID) -> AsyncIterator[asyncio.Event]:
    """An event that is set soon after the job was cancelled."""
    stopped = asyncio.Event()

    async def look() -> None:
        while not stopped.is_set():
            await asyncio.sleep(LOOK_EVERY_S)
            with contextlib.suppress(DomainError):
                async with db.transaction() as session:
                    last = (await session.execute(queries.LAST_STEP, {"job": job_id})).one()
                if State(last.state) not in OPEN:
                    stopped.set()

    looking = asyncio.create_task(look())
    try:
        yield stopped
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


async def sweep(db: Database) -> int:
    """Promise again what is to go on and what nobody owes; how many jobs."""
    found = 0
    async with db.transaction() as session:
        for job_id in (await session.execute(queries.FORGOTTEN, {"limit": _AT_ONCE})).scalars().all():
            await session.execute(queries.LOCK, {"job": job_id})
            if not await outbox.is_owed(session, TASK, job_id=job_id):
                outbox.promise(session, TASK, job_id=job_id)
                found += 1
    if found:
        _log.warning("jobs were forgotten", count=found)
    return found


async def forget(db: Database, settings: Settings) -> int:
    """Remove files whose jobs ended, or that none was asked for, `KEPT_FOR` ago; how many."""
    await asyncio.to_thread(files.remove_unfinished, settings)
    removed = 0
    while True:
        async with db.transaction() as session:
            now = clock.now()
            rows = (
                await session.execute(queries.REMOVABLE, {"before": now - KEPT_FOR, "limit": _AT_ONCE})
            ).all()
            for row in (
                rows
            ):  # noted first: a note without its file is harmless, a file without a note stays for ever
                await session.execute(queries.ADD_REMOVED, {"id": row.id, "at": now})
        for row in rows:
            await asyncio.to_thread(files.remove, settings, row.id, row.file_type)
        removed += len(rows)
        if len(rows) < _AT_ONCE:
            return removed
