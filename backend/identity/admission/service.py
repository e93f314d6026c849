"""Admitting organisations and their staff, by two people.

If one person could admit, that person could make a second self and approve their own proposals with it. Operators
admit merchants and partners; whoever is to operate, verify, file or surrender is admitted by the authority.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import approvals, organisations, staff, tokens
from backend.identity.admission.errors import AdmissionNeedsAuthority
from backend.identity.approvals import ActKind, ActUnknown, TwoPersonAct
from backend.identity.organisations import Organisation, Role
from backend.identity.staff import NewStaff, Staff
from backend.kit.settings import Keys

_BY_OPERATORS = frozenset({Role.MERCHANT, Role.PARTNER})

ORGANISATION_BY_OPERATOR = ActKind("identity.organisation.by_operator", Role.OPERATOR)
ORGANISATION_BY_AUTHORITY = ActKind("identity.organisation.by_authority", Role.AUTHORITY)
STAFF_BY_OPERATOR = ActKind("identity.staff.by_operator", Role.OPERATOR)
STAFF_BY_AUTHORITY = ActKind("identity.staff.by_authority", Role.AUTHORITY)
KINDS = (ORGANISATION_BY_OPERATOR, ORGANISATION_BY_AUTHORITY, STAFF_BY_OPERATOR, STAFF_BY_AUTHORITY)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What an approval made: an organisation, or a member of staff with the one sight of their first secrets."""

    act: TwoPersonAct
    organisation: Organisation | None = None
    new_staff: NewStaff | None = None
    first_password: str | None = None


async def propose_organisation(
    session: AsyncSession,
    *,
    proposed_by: UUID,
    code: str,
    name_zh: str,
    name_en: str,
    roles: Collection[Role],
) -> TwoPersonAct:
    """Ask for an organisation with these roles to be admitted."""
    kind = ORGANISATION_BY_OPERATOR if set(roles) <= _BY_OPERATORS else ORGANISATION_BY_AUTHORITY
    organisations.check_names(code=code, name_zh=name_zh, name_en=name_en)
    body = {"code": code, "name_zh": name_zh, "name_en": name_en, "roles": sorted(roles)}
    return await _propose(session, kind, proposed_by, body)


async def propose_staff(
    session: AsyncSession,
    *,
    proposed_by: UUID,
    organisation_code: str,
    login: str,
    roles: Collection[Role],
) -> TwoPersonAct:
    """Ask for a member of staff with some of their organisation's roles to be admitted."""
    employer = await organisations.organisation_by_code(session, code=organisation_code)
    staff.check_new(login=login, roles=roles, employer=employer)
    kind = STAFF_BY_OPERATOR if set(roles) <= _BY_OPERATORS else STAFF_BY_AUTHORITY
    body = {"organisation_code": organisation_code, "login": login, "roles": sorted(roles)}
    return await _propose(session, kind, proposed_by, body)


async def approve(
    session: AsyncSession, keys: Keys, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Admitted:
    """Agree to a proposal, as the second person, and admit whom it names."""
    kind = await _kind_of(session, act_id)
    act = await approvals.approve(
        session, kind, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    body = act.body
    roles = [Role(role) for role in body["roles"]]
    if kind in {ORGANISATION_BY_OPERATOR, ORGANISATION_BY_AUTHORITY}:
        made = await organisations.create_organisation(
            session, code=body["code"], name_zh=body["name_zh"], name_en=body["name_en"], roles=roles
        )
        return Admitted(act=act, organisation=made)
    first_password = secrets.token_urlsafe(18)
    new = await staff.create_staff(
        session,
        keys,
        organisation_code=body["organisation_code"],
        login=body["login"],
        password=first_password,
        roles=roles,
    )
    return Admitted(act=act, new_staff=new, first_password=first_password)


async def reject(
    session: AsyncSession, *, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a proposal down, as the second person."""
    kind = await _kind_of(session, act_id)
    return await approvals.reject(
        session, kind, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def open_proposals(session: AsyncSession, *, roles: Collection[str]) -> list[TwoPersonAct]:
    """The proposals that someone with these roles may decide, oldest first."""
    kinds = [kind for kind in KINDS if kind.role in roles]
    return await approvals.open_acts(session, kinds=kinds)


async def suspend(session: AsyncSession, *, staff_id: UUID, by: Staff) -> None:
    """Keep a member of staff out from now on. One person is enough: waiting for a second would help a thief."""
    person = await staff.staff_member(session, staff_id=staff_id)
    if not (Role.AUTHORITY in by.roles or (Role.OPERATOR in by.roles and person.roles <= _BY_OPERATORS)):
        raise AdmissionNeedsAuthority
    await staff.set_active(session, staff_id=staff_id, active=False)
    await tokens.end_sessions_of(session, subject=staff_id, because="suspended")


async def _propose(
    session: AsyncSession, kind: ActKind, proposed_by: UUID, body: dict[str, Any]
) -> TwoPersonAct:
    return await approvals.propose(
        session, kind, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def _kind_of(session: AsyncSession, act_id: UUID) -> ActKind:
    for kind in KINDS:
        try:
            await approvals.act(session, kind, act_id=act_id)
        except ActUnknown:
            continue
        return kind
    raise ActUnknown
