"""Who a staff token belongs to."""

from __future__ import annotations

from fastapi import Request

from backend.identity import tokens
from backend.identity.staff_http import queries
from backend.identity.tokens import Audience
from backend.kit import clock
from backend.kit.access import Principal, PrincipalKind, Unauthenticated
from backend.kit.http import database, settings_of


async def authenticate(request: Request, token: str) -> Principal:
    """The member of staff whom a good token names, with the roles they have at this moment.

    The session, the person and the roles are looked up for every request: what is taken away is gone at once.
    """
    try:
        bearer = tokens.verify_access(settings_of(request), Audience.STAFF, token)
    except tokens.TokenRefused as refused:
        raise Unauthenticated from refused
    async with database(request).hot_statement() as connection:
        person = await connection.fetchrow(
            queries.SIGNED_IN_HOT, bearer.session_id, bearer.subject, bearer.audience.value, clock.now()
        )
    if person is None or not person["active"]:
        raise Unauthenticated
    return Principal(
        kind=PrincipalKind.STAFF,
        id=bearer.subject,
        organisation_id=person["organisation_id"],
        roles=frozenset(person["roles"]),
        session_id=bearer.session_id,
    )
