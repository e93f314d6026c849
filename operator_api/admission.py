"""Admitting organisations and their staff, by two people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.identity import admission, approvals, organisations, staff
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.identity.organisations import Organisation, Role
from backend.identity.staff import Staff
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from operator_api.access import OperatorOrAuthority

router = Router(tags=["admission"])

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
_NOT_LET_IN = (Unauthenticated, Forbidden)


class OrganisationTold(Told):
    """An organisation and what it is here."""

    id: UUID
    code: str
    name_zh: str
    name_en: str
    roles: list[Role]
    created_at: datetime

    @classmethod
    def of(cls, one: Organisation) -> OrganisationTold:
        return cls(
            id=one.id,
            code=one.code,
            name_zh=one.name_zh,
            name_en=one.name_en,
            roles=sorted(one.roles),
            created_at=one.created_at,
        )


class StaffTold(Told):
    """A member of staff."""

    id: UUID
    organisation_id: UUID
    login: str
    roles: list[Role]
    active: bool

    @classmethod
    def of(cls, one: Staff) -> StaffTold:
        return cls(
            id=one.id,
            organisation_id=one.organisation_id,
            login=one.login,
            roles=sorted(one.roles),
            active=one.active,
        )


class OrganisationProposal(Asked):
    """An organisation that is to be admitted."""

    code: Code
    name_zh: Name
    name_en: Name
    roles: list[Role] = Field(min_length=1, max_length=6)


class StaffProposal(Asked):
    """A member of staff who is to be admitted, with some of their organisation's roles."""

    organisation_code: Code
    login: Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9._@-]{1,126}$")]
    roles: list[Role] = Field(min_length=1, max_length=6)


class AdmittedTold(Told):
    """What the approval made. The secrets are told here once: hand them over, and have the password changed."""

    act: ActTold
    organisation: OrganisationTold | None
    staff: StaffTold | None
    first_password: str | None
    totp_uri: str | None


@router.get("/organisations", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_organisations(
    _person: OperatorOrAuthority, session: ReadSession, asked: Paging
) -> Page[OrganisationTold]:
    """Organisations in the order of their codes."""
    after = asked.after(str)
    rows = await organisations.organisations(session, after=after[0] if after else "", limit=asked.fetch)
    return asked.page(rows, position=lambda one: (one.code,), show=OrganisationTold.of)


@router.get("/staff", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_staff(_person: OperatorOrAuthority, session: ReadSession, asked: Paging) -> Page[StaffTold]:
    """Staff of every organisation, in the order of their logins."""
    after = asked.after(str)
    rows = await staff.staff_list(session, after=after[0] if after else "", limit=asked.fetch)
    return asked.page(rows, position=lambda one: (one.login,), show=StaffTold.of)


@router.post(
    "/organisations/proposals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN, organisations.OrganisationMisnamed, approvals.ActNeedsRole, *idempotency.REFUSALS
    ),
)
async def propose_organisation(
    asked: OrganisationProposal, person: OperatorOrAuthority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for an organisation to be admitted: merchants and partners by operators, all others by the authority."""
    return ActTold.of(
        await admission.propose_organisation(
            session,
            proposed_by=person.id,
            code=asked.code,
            name_zh=asked.name_zh,
            name_en=asked.name_en,
            roles=set(asked.roles),
        )
    )


@router.post(
    "/staff/proposals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        organisations.OrganisationUnknown,
        staff.RoleNotOfOrganisation,
        staff.LoginMisnamed,
        approvals.ActNeedsRole,
        *idempotency.REFUSALS,
    ),
)
async def propose_staff(
    asked: StaffProposal, person: OperatorOrAuthority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for a member of staff to be admitted, by whoever may admit the roles they are to have."""
    return ActTold.of(
        await admission.propose_staff(
            session,
            proposed_by=person.id,
            organisation_code=asked.organisation_code,
            login=asked.login,
            roles=set(asked.roles),
        )
    )


@router.get("/admissions", responses=problems(*_NOT_LET_IN))
async def list_admissions(person: OperatorOrAuthority, session: ReadSession) -> list[ActTold]:
    """The proposals of organisations and staff that somebody with my roles may decide, oldest first."""
    return [ActTold.of(act) for act in await admission.open_proposals(session, roles=person.roles)]


@router.post(
    "/admissions/{act_id}/approval",
    responses=problems(*_NOT_LET_IN, *UNDECIDABLE, organisations.OrganisationCodeTaken, staff.LoginTaken),
)
async def approve_admission(
    act_id: UUID, shown: Shown, person: OperatorOrAuthority, settings: AppSettings, session: WriteSession
) -> AdmittedTold:
    """Admit, as the second person, exactly what was proposed. A new member's first secrets are told once, to you."""
    made = await admission.approve(
        session,
        settings.keys,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return AdmittedTold(
        act=ActTold.of(made.act),
        organisation=OrganisationTold.of(made.organisation) if made.organisation else None,
        staff=StaffTold.of(made.new_staff.staff) if made.new_staff else None,
        first_password=made.first_password,
        totp_uri=made.new_staff.totp_uri if made.new_staff else None,
    )


@router.post("/admissions/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_admission(
    act_id: UUID, shown: Shown, person: OperatorOrAuthority, session: WriteSession
) -> ActTold:
    """Turn a proposal down, as the second person."""
    rejected = await admission.reject(
        session,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(rejected)


@router.post(
    "/staff/{staff_id}/suspension",
    status_code=204,
    responses=problems(*_NOT_LET_IN, staff.StaffUnknown, admission.AdmissionNeedsAuthority),
)
async def suspend_staff(staff_id: UUID, person: OperatorOrAuthority, session: WriteSession) -> None:
    """Keep a member of staff out from now on; their sessions end at once. One person is enough for this."""
    me = await staff.staff_member(session, staff_id=person.id)
    await admission.suspend(session, staff_id=staff_id, by=me)
