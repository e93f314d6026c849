"""Who stands behind a token of a till, or a key of a shop's software: one look per request, on a hot connection.

What was revoked, suspended or ended is refused from the next request on.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from backend.identity import tokens
from backend.identity.tokens import Audience
from backend.kit import clock
from backend.kit.access import Principal, PrincipalKind, Unauthenticated
from backend.kit.db import Database
from backend.kit.settings import Settings
from merchant.tills import queries
from merchant.tills.software import LIVE, SANDBOX, digest


@dataclass(frozen=True, slots=True)
class AtTill(Principal):
    """A clerk at a till (`id` is the clerk's), or a shop's software (`id` is the key's, there is no till)."""

    shop_id: UUID | None = None
    till_id: UUID | None = None
    sandbox: bool = False


async def clerk(db: Database, settings: Settings, token: str) -> AtTill:
    """The clerk whom a till's token names. Raises Unauthenticated."""
    try:
        bearer = tokens.verify_access(settings, Audience.TILL, token)
    except tokens.TokenRefused as refused:
        raise Unauthenticated from refused
    async with db.hot_statement() as connection:
        row = await connection.fetchrow(queries.STANDING, bearer.session_id, bearer.subject, clock.now())
    if row is None:
        raise Unauthenticated
    return AtTill(
        kind=PrincipalKind.MERCHANT,
        id=row["clerk_id"],
        organisation_id=row["merchant_id"],
        roles=frozenset({"capture", "refund", "read"}),
        session_id=row["id"],
        shop_id=row["shop_id"],
        till_id=row["till_id"],
    )


async def software(db: Database, settings: Settings, written: str) -> AtTill:
    """The shop's software that a key belongs to. Raises Unauthenticated."""
    if not written.startswith((LIVE, SANDBOX)):
        raise Unauthenticated
    today = clock.today()
    async with db.hot_statement() as connection:
        row = await connection.fetchrow(queries.LIVE_KEY, digest(settings.keys, written))
    if row is None or row["sandbox"] != written.startswith(SANDBOX):
        raise Unauthenticated
    if row["last_used_on"] != today:
        async with db.hot_statement() as connection:
            await connection.execute(queries.USED_KEY, row["id"], today)
    return AtTill(
        kind=PrincipalKind.MERCHANT,
        id=row["id"],
        organisation_id=row["merchant_id"],
        roles=frozenset(row["scopes"]),
        shop_id=row["shop_id"],
        sandbox=row["sandbox"],
    )
