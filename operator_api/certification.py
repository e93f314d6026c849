"""Closing periods, certifying reports, assigning verification bodies, issuing: what operator and authority do."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field, StrictBool
from sqlalchemy.ext.asyncio import AsyncSession

from backend import certification, methodologies
from backend.certification import Batch
from backend.certification.schemas import (
    BatchTold,
    FindingTold,
    IssuanceTold,
    Month,
    PoolTold,
    ReportTold,
    SampleTold,
    StatementTold,
    Text,
)
from backend.identity import Role, approvals, organisations
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code
from operator_api.access import Authority, Operator, OperatorOrAuthority

router = Router(prefix="/certification", tags=["certification"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
_NO_BATCH = (*_NOT_LET_IN, certification.BatchUnknown)
_NOT_ISSUABLE = (
    certification.NotIndependent,
    certification.IssuedAlready,
    certification.ReportNotCertified,
    certification.StatementMissing,
    certification.shortfalls.StatementOutdated,
    certification.shortfalls.CorrectionsOwed,
    certification.MethodologyNotFiled,
    methodologies.EngineDiffers,
)


class Period(Asked):
    """A monitoring period that is to be closed: whole months of one vintage year, all of them over."""

    project: Code
    methodology: Code
    first_month: Month = Field(examples=["2026-10"])
    last_month: Month = Field(examples=["2026-10"])
    demo: StrictBool = Field(default=False, description="True for the pools that rest on a demonstration.")
    benefit_split: Text = Field(
        description="Where the split of benefits was published, so that others find it."
    )
    benefit_split_published_on: date


class BodyAssigned(Asked):
    """The verification body by its organisation's code."""

    verification_body: Code


async def batch_in_sight(session: AsyncSession, person: Principal, batch_id: UUID) -> Batch:
    """The batch, or BatchUnknown when it is another operator's."""
    found = await certification.batch(session, batch_id)
    if Role.AUTHORITY not in person.roles and found.operator_id != person.organisation_id:
        raise certification.BatchUnknown
    return found


@router.get("/pools", responses=problems(*_NOT_LET_IN, certification.ProjectUnknown))
async def list_open_pools(
    person: OperatorOrAuthority, session: ReadSession, project: Annotated[Code, Query()]
) -> list[PoolTold]:
    """What of a project could be frozen, by methodology and month."""
    known = await certification.project_of(session, project)
    if Role.AUTHORITY not in person.roles and known.operator.id != person.organisation_id:
        raise certification.ProjectUnknown
    return [PoolTold.of(one) for one in await certification.open_pools(session, project=project)]


@router.get("/batches", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_batches(
    person: OperatorOrAuthority,
    session: ReadSession,
    asked: Paging,
    project: Annotated[Code | None, Query()] = None,
) -> Page[BatchTold]:
    """Batches of my organisation, for the authority of every operator; the one closed last first."""
    after = asked.after(str, str)
    rows = await certification.batches(
        session,
        operator_id=None if Role.AUTHORITY in person.roles else person.organisation_id,
        project=project,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda one: (one.closed_at.isoformat(), str(one.id)), show=BatchTold.of)


@router.post(
    "/batches",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        certification.ProjectUnknown,
        certification.NotTheOperator,
        certification.PeriodInvalid,
        certification.PeriodNotOver,
        certification.BatchOpen,
        certification.NothingToFreeze,
        certification.PoolsDiffer,
        methodologies.EngineDiffers,
        *idempotency.REFUSALS,
    ),
)
async def close_period(
    asked: Period, person: Operator, settings: AppSettings, session: WriteSession, _: IdempotencyKey
) -> BatchTold:
    """Close a monitoring period: what the pools of its months hold is frozen, in one order, and logged."""
    batch = await certification.close_period(
        session,
        settings.keys,
        project=asked.project,
        methodology=asked.methodology,
        first_month=date.fromisoformat(f"{asked.first_month}-01"),
        last_month=date.fromisoformat(f"{asked.last_month}-01"),
        demo=asked.demo,
        benefit_split=asked.benefit_split,
        benefit_split_published_on=asked.benefit_split_published_on,
        closed_by=person.id,
    )
    return BatchTold.of(batch)


@router.get("/batches/{batch_id}", responses=problems(*_NO_BATCH))
async def get_batch(batch_id: UUID, person: OperatorOrAuthority, session: ReadSession) -> BatchTold:
    """One batch and how far it has come."""
    return BatchTold.of(await batch_in_sight(session, person, batch_id))


@router.get("/batches/{batch_id}/report", responses=problems(*_NO_BATCH))
async def get_report(batch_id: UUID, person: OperatorOrAuthority, session: ReadSession) -> ReportTold:
    """The monitoring report: what is certified is the SHA-256 of its canonical form."""
    await batch_in_sight(session, person, batch_id)
    return ReportTold.of(await certification.report(session, batch_id=batch_id))


@router.get("/report-proposals", responses=problems(*_NOT_LET_IN))
async def list_report_proposals(person: Operator, session: ReadSession) -> list[ActTold]:
    """Reports of my organisation that one person wants certified and a second has not decided, oldest first."""
    assert person.organisation_id is not None
    own = await organisations.organisation(session, organisation_id=person.organisation_id)
    return [ActTold.of(act) for act in await certification.open_reports(session, operator=own.code)]


@router.post(
    "/batches/{batch_id}/report/proposals",
    status_code=201,
    responses=problems(
        *_NO_BATCH,
        certification.NotTheOperator,
        certification.ReportCertifiedAlready,
        approvals.ActNeedsRole,
        *idempotency.REFUSALS,
    ),
)
async def propose_report(
    batch_id: UUID, person: Operator, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for the report to be certified: a second person of my organisation has to agree to the same bytes."""
    await batch_in_sight(session, person, batch_id)
    return ActTold.of(await certification.propose_report(session, batch_id=batch_id, proposed_by=person.id))


@router.post(
    "/batches/{batch_id}/report/proposals/{act_id}/approval",
    responses=problems(
        *_NO_BATCH, *UNDECIDABLE, certification.NotTheOperator, certification.ReportCertifiedAlready
    ),
)
async def certify_report(
    batch_id: UUID, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> BatchTold:
    """Certify, as the second person, exactly the report that was proposed."""
    await batch_in_sight(session, person, batch_id)
    certified = await certification.certify_report(
        session,
        batch_id=batch_id,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return BatchTold.of(certified)


@router.post(
    "/batches/{batch_id}/report/proposals/{act_id}/rejection",
    responses=problems(*_NO_BATCH, *UNDECIDABLE, certification.NotTheOperator),
)
async def reject_report(
    batch_id: UUID, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> ActTold:
    """Turn a proposed certification down, as the second person."""
    await batch_in_sight(session, person, batch_id)
    rejected = await certification.reject_report(
        session,
        batch_id=batch_id,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(rejected)


@router.post(
    "/batches/{batch_id}/assignments",
    status_code=201,
    responses=problems(
        *_NO_BATCH,
        organisations.OrganisationUnknown,
        certification.BodyUnsuitable,
        certification.NotIndependent,
        certification.VerificationBegun,
        *idempotency.REFUSALS,
    ),
)
async def assign_verification_body(
    batch_id: UUID, asked: BodyAssigned, person: Authority, session: WriteSession, _: IdempotencyKey
) -> BatchTold:
    """Let a verification body verify the batch; another one may take its place until it has begun."""
    assigned = await certification.assign_body(
        session, batch_id=batch_id, organisation_code=asked.verification_body, assigned_by=person.id
    )
    return BatchTold.of(assigned)


@router.get("/batches/{batch_id}/samples", responses=problems(*_NO_BATCH))
async def list_samples(batch_id: UUID, person: OperatorOrAuthority, session: ReadSession) -> list[SampleTold]:
    """The samples that the verification body drew."""
    await batch_in_sight(session, person, batch_id)
    return [SampleTold.of(one) for one in await certification.samples(session, batch_id=batch_id)]


@router.get("/batches/{batch_id}/findings", responses=problems(*_NO_BATCH))
async def list_findings(
    batch_id: UUID, person: OperatorOrAuthority, session: ReadSession
) -> list[FindingTold]:
    """What the verification body found, in order."""
    await batch_in_sight(session, person, batch_id)
    return [FindingTold.of(one) for one in await certification.findings(session, batch_id=batch_id)]


@router.get("/batches/{batch_id}/statements", responses=problems(*_NO_BATCH))
async def list_statements(
    batch_id: UUID, person: OperatorOrAuthority, session: ReadSession
) -> list[StatementTold]:
    """Every verification statement; the last one stands."""
    await batch_in_sight(session, person, batch_id)
    return [StatementTold.of(one) for one in await certification.statements(session, batch_id=batch_id)]


@router.get("/issuance-proposals", responses=problems(*_NOT_LET_IN))
async def list_issuance_proposals(_person: Authority, session: ReadSession) -> list[ActTold]:
    """Issuances that one person of the authority proposed and a second has not decided, oldest first."""
    return [ActTold.of(act) for act in await certification.open_issuances(session)]


@router.post(
    "/batches/{batch_id}/issuance/proposals",
    status_code=201,
    responses=problems(*_NO_BATCH, *_NOT_ISSUABLE, approvals.ActNeedsRole, *idempotency.REFUSALS),
)
async def propose_issuance(
    batch_id: UUID, person: Authority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for the batch to be issued as its verification statement stands now."""
    return ActTold.of(await certification.propose_issuance(session, batch_id=batch_id, proposed_by=person.id))


@router.post(
    "/batches/{batch_id}/issuance/proposals/{act_id}/approval",
    status_code=201,
    responses=problems(
        *_NO_BATCH, *UNDECIDABLE, *_NOT_ISSUABLE, certification.StatementSuperseded, *idempotency.REFUSALS
    ),
)
async def approve_issuance(
    batch_id: UUID, act_id: UUID, shown: Shown, person: Authority, session: WriteSession, _: IdempotencyKey
) -> IssuanceTold:
    """Agree, as the second person, to exactly what was proposed: the credits exist from then on."""
    issued = await certification.approve_issuance(
        session,
        batch_id=batch_id,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return IssuanceTold.of(issued, await certification.batch(session, batch_id))


@router.post(
    "/batches/{batch_id}/issuance/proposals/{act_id}/rejection",
    responses=problems(*_NO_BATCH, *UNDECIDABLE, certification.NotIndependent),
)
async def reject_issuance(
    batch_id: UUID, act_id: UUID, shown: Shown, person: Authority, session: WriteSession
) -> ActTold:
    """Turn a proposed issuance down, as the second person."""
    rejected = await certification.reject_issuance(
        session,
        batch_id=batch_id,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(rejected)


@router.get("/batches/{batch_id}/issuance", responses=problems(*_NO_BATCH, certification.NotIssuedYet))
async def get_issuance(batch_id: UUID, person: OperatorOrAuthority, session: ReadSession) -> IssuanceTold:
    """What was issued of the batch."""
    batch = await batch_in_sight(session, person, batch_id)
    return IssuanceTold.of(await certification.issuance(session, batch_id=batch_id), batch)
