"""Uploads and their jobs: asked for, cancelled, resumed, told. The work itself is in `tasks`."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake.service import RefusedRow
from backend.intake.sources import Source
from backend.intake.uploads import queries
from backend.intake.uploads.errors import (
    UploadGone,
    UploadJobIs,
    UploadJobUnknown,
    UploadsTooMany,
    UploadUnknown,
)
from backend.intake.uploads.files import Received, Refusals
from backend.intake.uploads.model import FOLLOWS, OPEN, Counts, State, Upload, UploadJob
from backend.kit import clock, ids, outbox
from backend.kit.settings import Settings

TASK = "intake.upload"
MOST_KEPT = 200  # files of one partner


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose uploads these are, and by which key they are asked for."""

    organisation_id: UUID
    key_id: UUID


async def require_room(session: AsyncSession, sender: Sender) -> None:
    """Raise UploadsTooMany when a partner keeps as many files here as it may."""
    kept = await session.execute(queries.COUNT_KEPT, {"organisation_id": sender.organisation_id})
    if kept.scalar_one() >= MOST_KEPT:
        raise UploadsTooMany(most=MOST_KEPT)


async def record(
    session: AsyncSession,
    sender: Sender,
    *,
    upload_id: UUID,
    source: Source,
    file_name: str,
    file_type: str,
    received: Received,
) -> Upload:
    """Note a file that came whole. The same file that is kept already answers the upload that stands: compare its id."""
    same = {
        "organisation_id": sender.organisation_id,
        "source_id": source.id,
        "sha256": received.sha256,
        "file_type": file_type,
    }
    standing = (await session.execute(queries.KEPT_SAME, same)).one_or_none()
    if standing is not None:
        return _upload(standing)
    await session.execute(
        queries.ADD,
        {
            **same,
            "id": upload_id,
            "key_id": sender.key_id,
            "file_name": file_name,
            "size_bytes": received.size_bytes,
            "lines": received.lines,
            "at": clock.now(),
        },
    )
    return await upload_of(session, sender, upload_id)


async def upload_of(session: AsyncSession, sender: Sender, upload_id: UUID) -> Upload:
    """A partner's upload. Raises UploadUnknown, also for somebody else's."""
    found = await session.execute(queries.ONE, {"id": upload_id, "organisation_id": sender.organisation_id})
    row = found.one_or_none()
    if row is None:
        raise UploadUnknown
    return _upload(row)


async def list_uploads(
    session: AsyncSession, sender: Sender, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Upload]:
    """A partner's uploads, newest first."""
    at, before = after or (None, None)
    rows = await session.execute(
        queries.PAGE,
        {"organisation_id": sender.organisation_id, "at": at, "before": before, "limit": limit},
    )
    return [_upload(row) for row in rows]


async def start(
    session: AsyncSession, sender: Sender, upload: Upload, *, job_id: UUID, dry_run: bool, events: int = 0
) -> UploadJob:
    """Let a file be taken in, once however often it is asked, or be tried. A job that stands answers: compare its id.

    Raises UploadGone, and UploadJobIs for a trial while another job of the file is at work.
    """
    if upload.removed_at is not None:
        raise UploadGone
    await session.execute(queries.LOCK, {"job": upload.id})  # a trial and a job are not begun at once
    if dry_run:
        for one in await jobs_of(session, upload):
            if not one.ended:
                raise UploadJobIs(state=one.state)
    asked = {
        "id": job_id,
        "upload_id": upload.id,
        "dry_run": dry_run,
        "events": events,
        "at": clock.now(),
        "key_id": sender.key_id,
    }
    if (await session.execute(queries.ADD_JOB, asked)).one_or_none() is None:
        standing = await session.execute(queries.REAL_JOB_OF, {"upload_id": upload.id})
        return await job_of(session, sender, standing.scalar_one())
    await step(session, job_id, State.WAITING)
    outbox.promise(session, TASK, job_id=job_id)
    await session.flush()
    return await job_of(session, sender, job_id)


async def real_job(session: AsyncSession, sender: Sender, upload: Upload) -> UploadJob | None:
    """The job that takes this file in, if there is one."""
    found = (await session.execute(queries.REAL_JOB_OF, {"upload_id": upload.id})).scalar_one_or_none()
    return None if found is None else await job_of(session, sender, found)


async def job_of(session: AsyncSession, sender: Sender, job_id: UUID) -> UploadJob:
    """A partner's job. Raises UploadJobUnknown, also for somebody else's."""
    found = await session.execute(queries.JOB_OF, {"id": job_id, "organisation_id": sender.organisation_id})
    row = found.one_or_none()
    if row is None:
        raise UploadJobUnknown
    return await _job(session, row)


async def jobs_of(session: AsyncSession, upload: Upload) -> list[UploadJob]:
    """The jobs of an upload, the first one first."""
    rows = (await session.execute(queries.JOBS_OF, {"upload_id": upload.id})).all()
    return [await _job(session, row) for row in rows]


async def cancel(session: AsyncSession, sender: Sender, job_id: UUID) -> UploadJob:
    """Let a job stop behind the chunk that it is at; what was committed stays. A cancelled one is answered as it is.

    Raises UploadJobIs when it finished or failed.
    """
    job = await job_of(session, sender, job_id)
    if job.state is not State.CANCELLED and not await step(session, job_id, State.CANCELLED):
        raise UploadJobIs(state=(await job_of(session, sender, job_id)).state)
    return await job_of(session, sender, job_id)


async def resume(session: AsyncSession, sender: Sender, job_id: UUID) -> UploadJob:
    """Let a cancelled or failed job go on behind its last committed chunk. One that is at work is answered as it is.

    Raises UploadJobIs when it finished, UploadGone when its file is.
    """
    job = await job_of(session, sender, job_id)
    if job.state in OPEN:
        return job
    upload = await upload_of(session, sender, job.upload_id)
    if upload.removed_at is not None:
        raise UploadGone
    if not await step(session, job_id, State.WAITING):
        raise UploadJobIs(state=(await job_of(session, sender, job_id)).state)
    outbox.promise(session, TASK, job_id=job_id)
    await session.flush()
    return await job_of(session, sender, job_id)


async def rejected(
    session: AsyncSession, settings: Settings, job: UploadJob, *, after: int, limit: int
) -> list[RefusedRow]:
    """The rows behind line `after` that were not accepted, or of a trial would not be, by line."""
    if job.dry_run:
        told = Refusals(settings, job.upload_id, job.id)
        return await asyncio.to_thread(told.read, after=after, limit=limit)
    if job.intake_job is None:
        return []
    rows = await session.execute(queries.REJECTED, {"job": job.intake_job, "after": after, "limit": limit})
    return [RefusedRow(line=row.line, field=row.field, code=row.code, bound=row.bound) for row in rows]


async def step(
    session: AsyncSession,
    job_id: UUID,
    state: State,
    *,
    code: str = "",
    intake_job: UUID | None = None,
    counts: Counts | None = None,
) -> bool:
    """Note what becomes of a job; False, and nothing is noted, when that cannot follow what it is."""
    await session.execute(queries.LOCK, {"job": job_id})
    row = (await session.execute(queries.LAST_STEP, {"job": job_id})).one_or_none()
    if row is None and state is not State.WAITING:
        return False
    if row is not None and state not in FOLLOWS[State(row.state)]:
        return False
    await session.execute(
        queries.ADD_STEP,
        {
            "job": job_id,
            "seq": 1 if row is None else row.seq + 1,
            "state": state.value,
            "code": code,
            "intake_job": intake_job,
            "counts": None if counts is None else json.dumps(asdict(counts)),
            "at": clock.now(),
        },
    )
    return True


def new_id() -> UUID:
    """An id for an upload or a job that is about to be."""
    return ids.uuid7()


def _upload(row: Any) -> Upload:
    return Upload(**{field.name: getattr(row, field.name) for field in fields(Upload)})


async def _job(session: AsyncSession, row: Any) -> UploadJob:
    state = State(row.state)
    done = 0 if row.intake_job is None else row.done
    total = row.lines
    if state is State.FINISHED:
        done = total = max(done, row.lines or 0)
    counts = Counts(**row.counts) if row.counts is not None else _counted(row)
    return UploadJob(
        id=row.id,
        upload_id=row.upload_id,
        source=row.source,
        file_name=row.file_name,
        dry_run=row.dry_run,
        state=state,
        code=row.code,
        step=row.step,
        chunk=row.chunk or 0,
        done=done,
        total=None if total is None else max(total, done),
        eta_s=await _eta(session, row, state, done),
        asked_at=row.asked_at,
        state_at=row.state_at,
        intake_job=row.intake_job,
        counts=counts,
    )


def _counted(row: Any) -> Counts:
    return Counts(**{field.name: getattr(row, field.name) or 0 for field in fields(Counts)})


async def _eta(session: AsyncSession, row: Any, state: State, done: int) -> int | None:
    if state is not State.RUNNING or row.intake_job is None or row.lines is None:
        return None
    pace = (await session.execute(queries.PACE, {"job": row.intake_job})).scalar_one()
    return math.ceil(max(row.lines - done, 0) / float(pace)) if pace else None
