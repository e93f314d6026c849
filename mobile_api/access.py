"""Who a citizen's token belongs to."""

from __future__ import annotations

from fastapi import Request

from backend.identity import tokens
from backend.identity.tokens import Audience
from backend.kit.access import Principal, PrincipalKind, Unauthenticated
from backend.kit.http import database, settings_of

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


async def authenticate(request: Request, token: str) -> Principal:
    """The citizen whom a good token names.

    Changes ask whether the session still stands. Reading does without that question: after signing out, a copied
    token can read for what is left of its ten minutes, and change nothing.
    """
    try:
        bearer = tokens.verify_access(settings_of(request), Audience.CITIZEN, token)
        if request.method not in _READS:
            async with database(request).hot_statement() as connection:
                await tokens.check_session_hot(connection, bearer)
    except tokens.TokenRefused as refused:
        raise Unauthenticated from refused
    return Principal(
        kind=PrincipalKind.CITIZEN,
        id=bearer.subject,
        session_id=bearer.session_id,
        actor_id=bearer.actor_id,
    )
