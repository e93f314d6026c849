"""Sources of acts, and the files that were taken in from them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from backend import intake, packs, programmes
from backend.identity import organisations
from backend.intake import Job, Source
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.library import library
from operator_api.scope import programme_in_sight, programmes_in_sight

router = Router(tags=["sources"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


class NewSource(Asked):
    """One feed of one partner into one programme."""

    code: Code
    programme: Code
    partner: Code = Field(description="The code of the organisation that sends the acts.")
    region: Annotated[str, StringConstraints(pattern="^CN-[A-Z]{2}(-[A-Z]{2,4})?$")] = Field(
        examples=["CN-GD", "CN-GD-SZ"]
    )
    evidence: Literal["operator_feed", "receipt_upload", "self_report"]
    mapping: Code
    overlays: list[Code] = Field(default=[], max_length=10)
    covered_boundary: StrictBool = Field(
        default=False,
        description="True when the acts arise inside a boundary that some ETS covers: points, never credits.",
    )


class SourceTold(Told):
    """A registered source."""

    code: str
    programme: str
    partner: str
    region: str
    evidence: str
    mapping: str
    overlays: list[str]
    covered_boundary: bool

    @classmethod
    def of(cls, one: Source) -> SourceTold:
        return cls(
            code=one.code,
            programme=one.programme,
            partner=one.partner,
            region=one.region,
            evidence=one.evidence,
            mapping=one.mapping,
            overlays=list(one.overlays),
            covered_boundary=one.covered_boundary,
        )


class JobTold(Told):
    """One file: received = accepted + duplicates + conflicts + rejected + filtered. `finished_at` is null while it runs."""

    id: UUID
    source: str
    file_name: str
    started_at: datetime
    finished_at: datetime | None
    received: int
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    filtered: int
    waiting: int
    reduction_g: int
    points: int

    @classmethod
    def of(cls, job: Job) -> JobTold:
        sums = job.summary
        return cls(
            id=sums.job_id,
            source=job.source,
            file_name=job.file_name,
            started_at=job.started_at,
            finished_at=job.finished_at,
            received=sums.received,
            accepted=sums.accepted,
            duplicates=sums.duplicates,
            conflicts=sums.conflicts,
            rejected=sums.rejected,
            filtered=sums.filtered,
            waiting=sums.waiting,
            reduction_g=sums.grams,
            points=sums.points,
        )


@router.get("/sources", responses=problems(*_NOT_LET_IN))
async def list_sources(person: OperatorOrAuthority, session: ReadSession) -> list[SourceTold]:
    """The sources of the programmes that I may see, by code."""
    seen = {one.code for one in await programmes_in_sight(session, person)}
    return [SourceTold.of(one) for one in await intake.list_sources(session) if one.programme in seen]


@router.post(
    "/sources",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        programmes.ProgrammeUnknown,
        organisations.OrganisationUnknown,
        packs.PackUnknown,
        intake.SourceDiffers,
        *idempotency.REFUSALS,
    ),
)
async def register_source(
    asked: NewSource, person: Operator, session: WriteSession, _: IdempotencyKey
) -> SourceTold:
    """Register a feed of a known partner into a programme of mine. The same facts again answer what stands."""
    programme = await programme_in_sight(session, person, asked.programme)
    await organisations.organisation_by_code(session, code=asked.partner)
    known = await library()
    for pack in (asked.mapping, *asked.overlays):
        known.find(pack)
    source = Source(
        code=asked.code,
        programme=asked.programme,
        partner=asked.partner,
        region=asked.region,
        evidence=asked.evidence,
        mapping=asked.mapping,
        overlays=tuple(asked.overlays),
        covered_boundary=asked.covered_boundary,
    )
    return SourceTold.of(await intake.register_source(session, source, programme_id=programme.id))


@router.get("/jobs", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_jobs(person: OperatorOrAuthority, session: ReadSession, asked: Paging) -> Page[JobTold]:
    """The files taken in from the sources that I may see, newest first."""
    seen = {one.code for one in await programmes_in_sight(session, person)}
    sources = [one.code for one in await intake.list_sources(session) if one.programme in seen]
    after = asked.after(str, str)
    jobs = await intake.list_jobs(
        session, sources=sources, limit=asked.fetch, after=(after[0], after[1]) if after else None
    )
    return asked.page(jobs, position=lambda job: job.cursor, show=JobTold.of)
