"""Who calls: from a signed request to the partner whose key signed it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.organisations import Role
from backend.identity.partners import queries, quotas, signatures
from backend.identity.partners.errors import NonceUsed, PartnerKeyNotLive, SignatureWrong
from backend.identity.partners.signatures import Message
from backend.identity.partners.tables import CallingPartner, Quota, Usage
from backend.kit import clock
from backend.kit.principals import PrincipalKind

_LONGER = timedelta(seconds=60)  # than a signature's time, for clocks of several processes
_AT_ONCE = 10_000
_LARGE = 1 << 20  # bytes; a larger body is hashed beside the event loop


async def authenticate(session: AsyncSession, message: Message, *, body: bytes | None) -> CallingPartner:
    """The partner that signed this request. Its nonce is used up when the session's transaction commits.

    Give it a transaction of its own, committed before anything else is done: then neither a failure nor a second
    connection lets the same signature in again. Without `body` it is read later, and whoever reads it compares it with
    `signatures.sha256_said`.
    """
    signature = signatures.presented(message)
    now = clock.now()
    row = await queries.calling(session, key_id=signature.key_id, day=clock.day_of(now))
    if row is None:
        raise SignatureWrong
    signatures.verify(message, key_id=str(signature.key_id), public_key=row["public_key"])
    signatures.check_time(signature, now=now)
    if not row["valid_from"] <= now < row["ends_at"]:
        raise PartnerKeyNotLive
    if body or (body is not None and "content-digest" in message.headers):
        if len(body) > _LARGE:
            await asyncio.to_thread(signatures.check_digest, message.headers, body)
        else:
            signatures.check_digest(message.headers, body)
    good_until = datetime.fromtimestamp(signature.created, UTC) + signatures.TOLERANCE + _LONGER
    if not await queries.remember_nonce(
        session, key_id=signature.key_id, nonce=signature.nonce, good_until=good_until
    ):
        raise NonceUsed
    return _caller(row)


async def forget_nonces(session: AsyncSession, *, limit: int = _AT_ONCE) -> int:
    """Forget nonces of signatures that are too old to be taken again, at most `limit`; how many were forgotten."""
    return await queries.forget_nonces(session, before=clock.now(), limit=limit)


async def forget_usage(session: AsyncSession) -> None:
    """Forget what was counted a week ago and earlier; the jobs say what was received."""
    await queries.forget_usage(session, before=clock.today() - timedelta(days=7))


def _caller(row: RowMapping) -> CallingPartner:
    quota = (
        quotas.DEFAULT
        if row["events_per_day"] is None
        else Quota(events_per_day=row["events_per_day"], requests_per_minute=row["requests_per_minute"])
    )
    return CallingPartner(
        kind=PrincipalKind.PARTNER,
        id=row["organisation_id"],
        organisation_id=row["organisation_id"],
        roles=frozenset({Role.PARTNER.value}),
        organisation=row["code"],
        key_id=row["id"],
        sandbox=row["sandbox"],
        usage=Usage(events=row["events"], quota=quota),
    )
