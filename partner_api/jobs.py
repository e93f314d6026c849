"""Jobs: how far they have come, asked or listened to; cancelled, resumed; and the rows that were not accepted."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Header, Request
from starlette.responses import Response, StreamingResponse

from backend import intake
from backend.identity import partners
from backend.intake import RefusedRow, uploads
from backend.intake.uploads import Sender, UploadJob
from backend.kit import i18n, paging
from backend.kit.db import Database
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database, settings_of
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Told
from backend.kit.settings import Settings
from partner_api.access import NOT_LET_IN, LivePartner
from partner_api.job_told import JobTold
from partner_api.scope import sender_of

router = Router(tags=["jobs"])

LOOK_EVERY_S = 1.0
BEAT_EVERY_S = 15.0
LONGEST_S = 900.0  # of one stream; its client comes again with the last event's id
_PAGE = 1000
_COLUMNS = ("line", "field", "code", "reason_zh", "reason_en", "bound")


class RejectedRow(Told):
    """A row that was not accepted, by its line in the file, with the reason in the language asked for."""

    line: int
    field: str
    code: str
    message: str
    bound: str

    @classmethod
    def of(cls, row: RefusedRow) -> RejectedRow:
        message = intake.row_reason(row.code, i18n.language())
        return cls(line=row.line, field=row.field, code=row.code, message=message, bound=row.bound)


_UNKNOWN = (*NOT_LET_IN, partners.SandboxKey, uploads.UploadJobUnknown)


@router.get("/jobs/{job_id}", responses=problems(*_UNKNOWN))
async def get_job(job_id: UUID, caller: LivePartner, session: ReadSession) -> JobTold:
    """A job of mine."""
    return JobTold.of(await uploads.job_of(session, sender_of(caller), job_id))


@router.post("/jobs/{job_id}/cancel", responses=problems(*_UNKNOWN, uploads.UploadJobIs))
async def cancel_job(job_id: UUID, caller: LivePartner, session: WriteSession) -> JobTold:
    """Stop a job behind the part that it is at. What is stored by then stays, and the rest may be resumed."""
    return JobTold.of(await uploads.cancel(session, sender_of(caller), job_id))


@router.post("/jobs/{job_id}/resume", responses=problems(*_UNKNOWN, uploads.UploadJobIs, uploads.UploadGone))
async def resume_job(job_id: UUID, caller: LivePartner, session: WriteSession) -> JobTold:
    """Let a cancelled or failed job go on where it stopped; asking again changes nothing."""
    return JobTold.of(await uploads.resume(session, sender_of(caller), job_id))


@router.get("/jobs/{job_id}/rejected", responses=problems(*_UNKNOWN, paging.CursorUnusable))
async def list_rejected(
    job_id: UUID, caller: LivePartner, session: ReadSession, settings: AppSettings, asked: Paging
) -> Page[RejectedRow]:
    """The rows that were not accepted, by line: rejected, or waiting for a decision."""
    job = await uploads.job_of(session, sender_of(caller), job_id)
    after = asked.after(int)
    rows = await uploads.rejected(session, settings, job, after=after[0] if after else 0, limit=asked.fetch)
    return asked.page(rows, position=lambda row: (row.line,), show=RejectedRow.of)


@router.get(
    "/jobs/{job_id}/rejected.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}, **problems(*_UNKNOWN)},
)
async def download_rejected(job_id: UUID, caller: LivePartner, request: Request) -> Response:
    """The same as one CSV file, with the reasons in both languages."""
    db, sender = database(request), sender_of(caller)
    async with db.transaction() as session:
        job = await uploads.job_of(session, sender, job_id)
    return StreamingResponse(
        _csv(db, settings_of(request), job),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="rejected-{job.id}.csv"'},
    )


async def _csv(db: Database, settings: Settings, job: UploadJob) -> AsyncIterator[str]:
    """UTF-8 with a byte order mark, which spreadsheets in Chinese need; nothing in it comes from the file's cells."""
    yield "\ufeff" + _lines([list(_COLUMNS)])
    after = 0
    while True:
        async with db.transaction() as session:
            rows = await uploads.rejected(session, settings, job, after=after, limit=_PAGE)
        if rows:
            yield _lines([_cells(row) for row in rows])
            after = rows[-1].line
        if len(rows) < _PAGE:
            return


def _cells(row: RefusedRow) -> list[str]:
    reasons = (intake.row_reason(row.code, "zh"), intake.row_reason(row.code, "en"))
    told = (row.field, row.code, *reasons, row.bound)
    return [str(row.line), *(f"'{cell}" if cell.startswith(("=", "+", "@")) else cell for cell in told)]


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


@router.get(
    "/jobs/{job_id}/events",
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Events `progress` and, last, `end`."},
        204: {"description": "The job ended, and the event named was its last."},
        **problems(*_UNKNOWN),
    },
)
async def listen_to_job(
    job_id: UUID,
    caller: LivePartner,
    request: Request,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="The id of the last event that I had.")
    ] = None,
) -> Response:
    """The job's progress as server-sent events, each with the job as it is then, until it ends."""
    db, sender = database(request), sender_of(caller)
    async with db.transaction() as session:
        job = await uploads.job_of(session, sender, job_id)
    if job.ended and last_event_id == _event_id(job):
        return Response(status_code=204)
    return StreamingResponse(
        _events(db, sender, job, last_event_id),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


async def _events(db: Database, sender: Sender, job: UploadJob, had: str | None) -> AsyncIterator[str]:
    began = spoke = time.monotonic()
    yield f"retry: {int(LOOK_EVERY_S * 2000)}\n\n"
    while True:
        if _event_id(job) != had:
            had = _event_id(job)
            kind = "end" if job.ended else "progress"
            yield f"id: {had}\nevent: {kind}\ndata: {JobTold.of(job).model_dump_json()}\n\n"
            spoke = time.monotonic()
        if job.ended or time.monotonic() - began > LONGEST_S:
            return
        if time.monotonic() - spoke > BEAT_EVERY_S:
            yield ": still here\n\n"
            spoke = time.monotonic()
        await asyncio.sleep(LOOK_EVERY_S)
        async with db.transaction() as session:
            job = await uploads.job_of(session, sender, job.id)


def _event_id(job: UploadJob) -> str:
    return f"{job.step}-{job.chunk}"
