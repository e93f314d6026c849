"""Files: sent once, then taken in by a job or tried."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field, StrictBool, StringConstraints

from backend import intake
from backend.identity import partners
from backend.intake import Source, uploads
from backend.intake.uploads import Upload
from backend.kit import idempotency, paging
from backend.kit.http import ReadSession, Router, WriteSession, database, settings_of
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import BodyTooLarge, problems
from backend.kit.schemas import Asked, Code, Told
from partner_api.access import NOT_LET_IN, LivePartner, StreamedFromPartner, give_back, spend
from partner_api.job_told import JobTold
from partner_api.library import library
from partner_api.scope import own_source, sender_of

router = Router(tags=["uploads"])

FileName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f/\\\x7f]+$")]
FileType = Literal["csv", "ndjson", "parquet", "xlsx"]

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"The file as it is, at most {uploads.MOST_BYTES} bytes.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Declared(Asked):
    """What a file is, as its sender says."""

    source: Code = Field(description="The code of a source of mine.")
    type: FileType
    name: FileName


class UploadTold(Told):
    """A file that was received. `lines` is null where they are not known before it is read; `removed_at` while it is kept."""

    id: UUID
    source: str
    file_name: str
    file_type: FileType
    sha256: str
    size_bytes: int
    lines: int | None
    received_at: datetime
    removed_at: datetime | None

    @classmethod
    def of(cls, one: Upload) -> UploadTold:
        return cls.model_validate(one)


class NewJob(Asked):
    """What to do with a file."""

    dry_run: StrictBool = Field(default=False, description="True tries the file and stores nothing of it.")


class UploadWithJobs(UploadTold):
    """A file, and what was asked for it."""

    jobs: list[JobTold]


@router.post(
    "/uploads",
    status_code=201,
    openapi_extra=_BODY,
    responses={
        200: {"model": UploadTold, "description": "The same file is kept already: that upload."},
        **problems(
            *NOT_LET_IN,
            partners.SandboxKey,
            intake.SourceUnknown,
            uploads.UploadTypeDiffers,
            uploads.UploadsTooMany,
            uploads.UploadTooLarge,
            uploads.UploadEmpty,
            uploads.NoRoomForUpload,
            BodyTooLarge,
        ),
    },
)
async def receive_upload(
    sent: StreamedFromPartner,
    request: Request,
    response: Response,
    declared: Annotated[Declared, Query()],
) -> UploadTold:
    """Send a file; nothing of it is taken in before a job is asked for. Sending the same file again answers the same upload."""
    if sent.caller.sandbox:
        raise partners.SandboxKey
    db, settings, sender = database(request), settings_of(request), sender_of(sent.caller)
    async with db.transaction() as session:
        own = await own_source(session, sent.caller, declared.source)
        await _require_type(own, declared.type)
        await uploads.require_room(session, sender)
    upload_id = uploads.new_id()
    received = await uploads.receive(
        settings, sent.chunks(), upload_id=upload_id, file_type=declared.type, most_bytes=uploads.MOST_BYTES
    )
    try:
        async with db.transaction() as session:
            upload = await uploads.record(
                session,
                sender,
                upload_id=upload_id,
                source=own,
                file_name=declared.name,
                file_type=declared.type,
                received=received,
            )
    except BaseException:
        uploads.remove(settings, upload_id, declared.type)
        raise
    if upload.id != upload_id:
        uploads.remove(settings, upload_id, declared.type)
        response.status_code = 200
    return UploadTold.of(upload)


async def _require_type(source: Source, file_type: str) -> None:
    mapping = intake.mapping_of((await library()).find(source.mapping))
    if mapping.type != file_type:
        raise uploads.UploadTypeDiffers(expected=mapping.type)


@router.get("/uploads", responses=problems(*NOT_LET_IN, paging.CursorUnusable))
async def list_uploads(caller: LivePartner, session: ReadSession, asked: Paging) -> Page[UploadTold]:
    """My files, newest first."""
    after = asked.after(datetime, UUID)
    rows = await uploads.list_uploads(
        session, sender_of(caller), limit=asked.fetch, after=(after[0], after[1]) if after else None
    )
    return asked.page(rows, position=lambda one: (one.received_at, one.id), show=UploadTold.of)


@router.get("/uploads/{upload_id}", responses=problems(*NOT_LET_IN, uploads.UploadUnknown))
async def get_upload(upload_id: UUID, caller: LivePartner, session: ReadSession) -> UploadWithJobs:
    """One file of mine, with its jobs."""
    upload = await uploads.upload_of(session, sender_of(caller), upload_id)
    jobs = [JobTold.of(job) for job in await uploads.jobs_of(session, upload)]
    return UploadWithJobs(**UploadTold.of(upload).model_dump(), jobs=jobs)


@router.post(
    "/uploads/{upload_id}/jobs",
    status_code=202,
    responses=problems(
        *NOT_LET_IN,
        partners.EventsQuotaReached,
        uploads.UploadUnknown,
        uploads.UploadGone,
        uploads.UploadJobIs,
        *idempotency.REFUSALS,
    ),
)
async def start_job(
    upload_id: UUID,
    asked: NewJob,
    caller: LivePartner,
    request: Request,
    session: WriteSession,
    _: IdempotencyKey,
) -> JobTold:
    """Let a file be taken in. Once: asking again answers the job that stands. A trial counts against no quota."""
    sender = sender_of(caller)
    upload = await uploads.upload_of(session, sender, upload_id)
    standing = None if asked.dry_run else await uploads.real_job(session, sender, upload)
    if standing is not None:
        return JobTold.of(standing)
    events = 0 if asked.dry_run else upload.lines or 0
    job_id = uploads.new_id()
    await spend(request, caller, events=events)
    try:
        job = await uploads.start(
            session, sender, upload, job_id=job_id, dry_run=asked.dry_run, events=events
        )
    except BaseException:
        await give_back(request, caller, events=events)
        raise
    if job.id != job_id:
        await give_back(request, caller, events=events)
    return JobTold.of(job)
