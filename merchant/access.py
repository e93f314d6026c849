"""The permissions that operations of merchants ask for.

`MerchantStaff` is staff of a merchant. `AnyTill` is whoever may scan: staff, a clerk at a till, a shop's software with the
scope `capture`; `AnyReader` the same for looking things up. `Refunder` is staff, or a till or software whose request brings
a manager's word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from backend.identity import Role, staff_http
from backend.kit.access import Forbidden, Principal, PrincipalKind, SignedIn, Unauthenticated, requires
from backend.kit.http import database, settings_of
from merchant.tills import letting_in
from merchant.tills.letting_in import AtTill
from merchant.tills.software import LIVE, SANDBOX

MerchantStaff = Annotated[Principal, requires(Role.MERCHANT)]


def merchant_of(person: Principal) -> UUID:
    """The organisation that the person acts for."""
    assert person.organisation_id is not None
    return person.organisation_id


async def authenticate(request: Request, token: str) -> Principal:
    """Whoever a good token or key names here: staff, a clerk at a till, or a shop's software."""
    settings = settings_of(request)
    if token.startswith((LIVE, SANDBOX)):
        return await letting_in.software(database(request), settings, token)
    try:
        return await staff_http.authenticate(request, token)
    except Unauthenticated:
        return await letting_in.clerk(database(request), settings, token)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who does something at a merchant, and where: `by` is a member of staff, a clerk or a software key."""

    merchant_id: UUID
    by: UUID
    shop_id: UUID | None
    till_id: UUID | None
    sandbox: bool
    staff: bool
    session_id: UUID | None


def caller_of(principal: Principal, scope: str) -> Caller:
    """The caller behind a principal who may do what the scope says. Raises Unauthenticated, Forbidden."""
    if principal.kind is PrincipalKind.STAFF:
        if Role.MERCHANT not in principal.roles:
            raise Forbidden
        return Caller(
            merchant_of(principal),
            principal.id,
            shop_id=None,
            till_id=None,
            sandbox=False,
            staff=True,
            session_id=principal.session_id,
        )
    if not isinstance(principal, AtTill):
        raise Unauthenticated
    if scope not in principal.roles:
        raise Forbidden
    return Caller(
        merchant_of(principal),
        principal.id,
        shop_id=principal.shop_id,
        till_id=principal.till_id,
        sandbox=principal.sandbox,
        staff=False,
        session_id=principal.session_id,
    )


def _caller(scope: str) -> Any:
    async def permitted(principal: SignedIn) -> Caller:
        return caller_of(principal, scope)

    return Depends(permitted)


AnyTill = Annotated[Caller, _caller("capture")]
AnyReader = Annotated[Caller, _caller("read")]
Refunder = Annotated[Caller, _caller("refund")]
