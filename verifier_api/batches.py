"""What a verification body does with a batch: read the report, draw acts, look at them, find, state."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncSession

from backend import certification, methodologies
from backend.certification import Batch
from backend.certification.schemas import (
    BatchTold,
    EvidenceTold,
    FindingTold,
    NewFinding,
    NewStatement,
    ProjectionTold,
    ReportTold,
    SampleSize,
    SampleTold,
    StatementTold,
)
from backend.identity import Role
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated, requires
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems

router = Router(prefix="/batches", tags=["batches"])

Verifier = Annotated[Principal, requires(Role.VERIFICATION_BODY)]
Position = Annotated[int, Path(ge=0, le=2**31 - 1)]

_NOT_LET_IN = (Unauthenticated, Forbidden)
_NO_BATCH = (*_NOT_LET_IN, certification.BatchUnknown)


async def assigned(session: AsyncSession, person: Principal, batch_id: UUID) -> Batch:
    """The batch, or BatchUnknown when another body verifies it."""
    found = await certification.batch(session, batch_id)
    if found.body_id is None or found.body_id != person.organisation_id:
        raise certification.BatchUnknown
    return found


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_batches(person: Verifier, session: ReadSession, asked: Paging) -> Page[BatchTold]:
    """The batches that my organisation verifies; the one closed last first."""
    after = asked.after(str, str)
    rows = await certification.batches(
        session,
        body_id=person.organisation_id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda one: (one.closed_at.isoformat(), str(one.id)), show=BatchTold.of)


@router.get("/{batch_id}", responses=problems(*_NO_BATCH))
async def get_batch(batch_id: UUID, person: Verifier, session: ReadSession) -> BatchTold:
    """One batch that my organisation verifies."""
    return BatchTold.of(await assigned(session, person, batch_id))


@router.get("/{batch_id}/report", responses=problems(*_NO_BATCH))
async def get_report(batch_id: UUID, person: Verifier, session: ReadSession) -> ReportTold:
    """The operator's monitoring report."""
    await assigned(session, person, batch_id)
    return ReportTold.of(await certification.report(session, batch_id=batch_id))


@router.post(
    "/{batch_id}/samples",
    status_code=201,
    responses=problems(*_NO_BATCH, certification.IssuedAlready, *idempotency.REFUSALS),
)
async def draw_sample(
    batch_id: UUID, asked: SampleSize, person: Verifier, session: WriteSession, _: IdempotencyKey
) -> SampleTold:
    """Draw acts with the weight of their grams, by a seed that follows from the frozen tree and the log."""
    return SampleTold.of(
        await certification.draw_sample(session, batch_id=batch_id, draws=asked.draws, drawn_by=person.id)
    )


@router.get("/{batch_id}/samples", responses=problems(*_NO_BATCH))
async def list_samples(batch_id: UUID, person: Verifier, session: ReadSession) -> list[SampleTold]:
    """Every sample drawn of the batch."""
    await assigned(session, person, batch_id)
    return [SampleTold.of(one) for one in await certification.samples(session, batch_id=batch_id)]


@router.get(
    "/{batch_id}/acts/{position}",
    responses=problems(*_NO_BATCH, certification.ActNotInBatch, methodologies.EngineDiffers),
)
async def get_evidence(
    batch_id: UUID, position: Position, person: Verifier, session: ReadSession
) -> EvidenceTold:
    """The evidence of one frozen act: its record, its facts, its grams computed again. It tells of no person."""
    await assigned(session, person, batch_id)
    return EvidenceTold.of(await certification.evidence(session, batch_id=batch_id, position=position))


@router.post(
    "/{batch_id}/findings",
    status_code=201,
    responses=problems(
        *_NO_BATCH,
        certification.ActNotInBatch,
        certification.KeepsTooMuch,
        certification.ActWithdrawn,
        certification.IssuedAlready,
        *idempotency.REFUSALS,
    ),
)
async def record_finding(
    batch_id: UUID, asked: NewFinding, person: Verifier, session: WriteSession, _: IdempotencyKey
) -> FindingTold:
    """Say how many grams of an act stand; the next statement rests on it."""
    finding = await certification.record_finding(
        session,
        batch_id=batch_id,
        position=asked.position,
        keeps_g=asked.keeps_g,
        reason=asked.reason,
        remark=asked.remark,
        found_by=person.id,
    )
    return FindingTold.of(finding)


@router.get("/{batch_id}/findings", responses=problems(*_NO_BATCH))
async def list_findings(batch_id: UUID, person: Verifier, session: ReadSession) -> list[FindingTold]:
    """Every finding, in order."""
    await assigned(session, person, batch_id)
    return [FindingTold.of(one) for one in await certification.findings(session, batch_id=batch_id)]


@router.get("/{batch_id}/projection", responses=problems(*_NO_BATCH))
async def get_projection(batch_id: UUID, person: Verifier, session: ReadSession) -> ProjectionTold:
    """What samples and findings say of the rest of the batch so far: a suggestion, the statement decides."""
    await assigned(session, person, batch_id)
    return ProjectionTold.model_validate(await certification.projection(session, batch_id=batch_id))


@router.post(
    "/{batch_id}/statements",
    status_code=201,
    responses=problems(
        *_NO_BATCH,
        certification.ReportNotCertified,
        certification.SampleMissing,
        certification.DeductionExceedsVerified,
        certification.IssuedAlready,
        *idempotency.REFUSALS,
    ),
)
async def issue_statement(
    batch_id: UUID, asked: NewStatement, person: Verifier, session: WriteSession, _: IdempotencyKey
) -> StatementTold:
    """State what was verified; supersedes the statement before it, until the batch is issued."""
    statement = await certification.issue_statement(
        session,
        batch_id=batch_id,
        deduction_g=asked.deduction_g,
        deduction_basis=asked.deduction_basis,
        assurance=asked.assurance,
        materiality_percent=asked.materiality_percent,
        issued_by=person.id,
    )
    return StatementTold.of(statement)


@router.get("/{batch_id}/statements", responses=problems(*_NO_BATCH))
async def list_statements(batch_id: UUID, person: Verifier, session: ReadSession) -> list[StatementTold]:
    """Every statement; the last one stands."""
    await assigned(session, person, batch_id)
    return [StatementTold.of(one) for one in await certification.statements(session, batch_id=batch_id)]
