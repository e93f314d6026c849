"""Who a staff token belongs to."""

from __future__ import annotations

from fastapi import Request

from backend.identity import staff, tokens
from backend.identity.tokens import Audience
from backend.kit.access import Principal, PrincipalKind, Unauthenticated
from backend.kit.http import database, settings_of


async def authenticate(request: Request, token: str) -> Principal:
    """The member of staff whom a good token names, with the roles they have at this moment.

    The session, the person and the roles are looked up for every request: what is taken away is gone at once.
    """
    try:
        bearer = tokens.verify_access(settings_of(request), Audience.STAFF, token)
        async with database(request).transaction() as session:
            await tokens.check_session(session, bearer)
            person = await staff.staff_member(session, staff_id=bearer.subject)
    except (tokens.TokenRefused, staff.StaffUnknown) as refused:
        raise Unauthenticated from refused
    if not person.active:
        raise Unauthenticated
    return Principal(
        kind=PrincipalKind.STAFF,
        id=person.id,
        organisation_id=person.organisation_id,
        roles=frozenset(role.value for role in person.roles),
        session_id=bearer.session_id,
    )
