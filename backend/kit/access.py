"""Permissions as types: who may call an endpoint is read from its signature.

    SignedInCitizen      a signed-in citizen                    `async def home(citizen: SignedInCitizen)`
    SignedInStaff        any signed-in member of staff
    SignedIn             anybody who is signed in
    requires(*roles)     staff with at least one of the roles   `Authority = Annotated[Principal, requires("authority")]`

Who a token belongs to is decided by `app.state.authenticate`, an async function `(request, token) -> Principal`;
it raises `Unauthenticated` (or returns None) for a token that is not good. A surface whose requests are signed and
carry no token has `app.state.vouch` instead, an async function `request -> Principal`. Whoever may not see an object
answers `problems.NotFound`, so that nothing leaks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, ClassVar

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from backend.kit.errors import DomainError, Kind
from backend.kit.principals import Principal as Principal  # noqa: PLC0414 - callers look for it here
from backend.kit.principals import PrincipalKind as PrincipalKind  # noqa: PLC0414


class Unauthenticated(DomainError):
    """Please sign in: the request has no token that is good here."""

    code = "kit.unauthenticated"
    kind = Kind.UNAUTHENTICATED
    title_zh = "请先登录：请求没有有效的令牌。"
    headers: ClassVar[dict[str, str]] = {"www-authenticate": 'Bearer realm="puhui"'}


class Forbidden(DomainError):
    """Your role does not allow this."""

    code = "kit.forbidden"
    kind = Kind.FORBIDDEN
    title_zh = "您的角色没有此项权限。"


class SeeOnly(DomainError):
    """You may see what is theirs and change nothing of it."""

    code = "kit.see_only"
    kind = Kind.FORBIDDEN
    title_zh = "您只能查看，不能变更。"


Authenticate = Callable[[Request, str], Awaitable[Principal | None]]
Vouch = Callable[[Request], Awaitable[Principal]]

_bearer = HTTPBearer(auto_error=False, description="An access token from this surface's sign-in.")


async def _signed_in(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    vouch: Vouch | None = getattr(request.app.state, "vouch", None)
    if vouch is not None:
        return await vouch(request)
    authenticate: Authenticate | None = getattr(request.app.state, "authenticate", None)
    if bearer is None or authenticate is None or not 0 < len(bearer.credentials) <= 4096:
        raise Unauthenticated
    principal = await authenticate(request, bearer.credentials)
    if principal is None:
        raise Unauthenticated
    return principal


SignedIn = Annotated[Principal, Depends(_signed_in)]


def requires(*roles: str, kind: PrincipalKind = PrincipalKind.STAFF) -> Any:
    """A dependency that lets in callers of `kind` who hold at least one of `roles` (anyone of `kind` if none is named).

    Another kind of caller is not signed in here (401); a missing role is 403.
    """

    async def permitted(principal: SignedIn) -> Principal:
        if principal.kind is not kind:
            raise Unauthenticated
        if roles and principal.roles.isdisjoint(roles):
            raise Forbidden
        return principal

    return Depends(permitted)


SignedInCitizen = Annotated[Principal, requires(kind=PrincipalKind.CITIZEN)]
SignedInStaff = Annotated[Principal, requires(kind=PrincipalKind.STAFF)]
SignedInPartner = Annotated[Principal, requires(kind=PrincipalKind.PARTNER)]
SignedInMerchant = Annotated[Principal, requires(kind=PrincipalKind.MERCHANT)]
