"""Rows of one operator are not another's: what lies outside is unknown, not forbidden."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake, programmes
from backend.identity import Role, organisations
from backend.identity.organisations import Organisation, OrganisationUnknown
from backend.kit.access import Principal
from backend.programmes import ProgrammeUnknown, Registered


async def own_code(session: AsyncSession, person: Principal) -> str:
    """The code of the organisation that the person acts for."""
    assert person.organisation_id is not None
    own = await organisations.organisation(session, organisation_id=person.organisation_id)
    return own.code


async def programmes_in_sight(session: AsyncSession, person: Principal) -> list[Registered]:
    """Every programme for the authority, its own for an operator."""
    running = await programmes.programmes(session)
    if Role.AUTHORITY in person.roles:
        return running
    own = await own_code(session, person)
    return [one for one in running if one.operator_code == own]


async def programme_in_sight(session: AsyncSession, person: Principal, code: str) -> Registered:
    """The programme, or `ProgrammeUnknown` when it is not this person's to see."""
    for one in await programmes_in_sight(session, person):
        if one.code == code:
            return one
    raise ProgrammeUnknown(programme=code)


async def partner_in_sight(session: AsyncSession, person: Principal, code: str) -> Organisation:
    """The partner, or `OrganisationUnknown` when it is not this person's to see.

    Its own people see it, the authority, and operators: those whose programmes it sends to, or any until it sends to one.
    """
    found = await organisations.organisation_by_code(session, code=code)
    if Role.PARTNER not in found.roles:
        raise OrganisationUnknown
    if found.id == person.organisation_id or Role.AUTHORITY in person.roles:
        return found
    fed = {one.programme for one in await intake.list_sources(session) if one.partner == code}
    own = {one.code for one in await programmes_in_sight(session, person)}
    if Role.OPERATOR not in person.roles or (fed and fed.isdisjoint(own)):
        raise OrganisationUnknown
    return found
