"""Who a citizen's token belongs to."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from backend.identity import members, tokens
from backend.identity.tokens import Audience
from backend.kit.access import Principal, PrincipalKind, SeeOnly, Unauthenticated
from backend.kit.http import Route, before_commit, database, settings_of, written_in

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LEAVING = frozenset(
    {("POST", "/sign-in/sign-out"), ("DELETE", "/sessions")}
)  # what those who only see may do, too

OWN = (
    "/members",  # these note themselves what concerns the group
    "/sign-in",
    "/step-up",
    "/sessions",
    "/devices",
    "/children",
    "/me/doors",
    "/me/phone",
    "/me/proofs",
)  # what whoever acts for a household or a firm does for themselves


async def authenticate(request: Request, token: str) -> Principal:
    """The citizen whom a good token names.

    Changes ask whether the session still stands. Reading does without that question: after signing out, a copied
    token can read for what is left of its ten minutes, and change nothing. Whoever may only see what a household or firm
    has is refused every change here, before any endpoint is reached, but leaving.
    """
    try:
        bearer = tokens.verify_access(settings_of(request), Audience.CITIZEN, token)
        if request.method not in _READS:
            async with database(request).hot_statement() as connection:
                await tokens.check_session_hot(connection, bearer)
    except tokens.TokenRefused as refused:
        raise Unauthenticated from refused
    if bearer.see_only and request.method not in _READS and not _leaves(request):
        raise SeeOnly
    principal = Principal(
        kind=PrincipalKind.CITIZEN,
        id=bearer.subject,
        session_id=bearer.session_id,
        actor_id=bearer.actor_id,
        see_only=bearer.see_only,
    )
    if (
        bearer.actor_id is not None
        and request.method not in _READS
        and isinstance(request.scope.get("route"), Route)
    ):
        _note_who_acts(request, group_id=bearer.subject, actor_id=bearer.actor_id)
    return principal


def _note_who_acts(request: Request, *, group_id: UUID, actor_id: UUID) -> None:
    """With what the request changes, note which member did it. What is the person's own is nothing of the group's."""
    operation, address = request.scope["route"].name, _address(request)
    if address.startswith(OWN):
        return

    async def note(response: Response) -> None:
        session = written_in(request)
        if session is not None and response.status_code < HTTPStatus.BAD_REQUEST:
            await members.acted.note(
                session, group_id=group_id, actor_id=actor_id, operation=operation, address=address
            )

    before_commit(request, note)


def _leaves(request: Request) -> bool:
    return (request.method, _address(request)) in _LEAVING


def _address(request: Request) -> str:
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))
