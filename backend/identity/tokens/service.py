"""Sessions: a pair of tokens at sign-in, a new pair for each refresh token, and an end."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.tokens import queries
from backend.identity.tokens.access import Audience, Bearer, sign_access
from backend.identity.tokens.errors import TokenRefused
from backend.kit import clock, ids
from backend.kit.settings import Settings

REFRESH_BYTES = 32
REFRESH_LASTS = {Audience.CITIZEN: timedelta(days=30), Audience.STAFF: timedelta(minutes=30)}
REMEMBERED = timedelta(days=30)
LOST_ANSWER = timedelta(seconds=30)  # for how long the device that refreshed may ask once more
MOST_LISTED = 100
SESSION_LASTS = {Audience.CITIZEN: timedelta(days=180), Audience.STAFF: timedelta(hours=12)}


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client keeps: a short access token and the one refresh token that gives the next pair."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    subject: UUID


@dataclass(frozen=True, slots=True)
class _Whose:
    audience: Audience
    subject: UUID
    session_id: UUID
    actor_id: UUID | None
    see_only: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A session that stands; `refreshed_at` is when its last pair was given."""

    id: UUID
    started_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    device_id: UUID | None


async def start_session(
    session: AsyncSession,
    settings: Settings,
    audience: Audience,
    *,
    subject: UUID,
    device: tuple[UUID, bytes] | None = None,
    actor_id: UUID | None = None,
    see_only: bool = False,
) -> TokenPair:
    """The first pair of a new session, right after the subject has shown who they are.

    With `device` (its id, and the digest of its secret) the session is refreshed by that device only. `actor_id` is the
    citizen who acts, where the subject is a household or a firm; with `see_only` the tokens change nothing of it.
    """
    now = clock.now()
    session_id, ends_at = ids.uuid7(), now + SESSION_LASTS[audience]
    await queries.start(
        session,
        id=session_id,
        audience=audience.value,
        subject=subject,
        started_at=now,
        expires_at=ends_at,
        device_id=None if device is None else device[0],
        bound_to=None if device is None else device[1],
        actor_id=actor_id,
        see_only=see_only,
    )
    whose = _Whose(audience, subject, session_id, actor_id, see_only)
    return await _pair(session, settings, whose, ends_at=ends_at)


async def refresh(
    session: AsyncSession,
    settings: Settings,
    audience: Audience,
    *,
    refresh_token: str,
    shown: bytes | None = None,
) -> TokenPair | None:
    """The next pair; None when the token is not good. `shown` is the digest of the device's secret in the request.

    A token that was used before is in two hands, and so is one that another device shows: then the whole session is
    revoked. That revocation must be kept, so a refusal is answered as None and the caller refuses after its
    transaction. The device of a bound session may ask once more for half a minute, as long as nobody has used what it
    was given: the answer may have been lost. What was in that answer is worthless from then on, and tells if it is used.
    """
    digest = _digest(refresh_token)
    found = await queries.lock(session, digest=digest, audience=audience.value)
    if found is None:
        return None
    now = clock.now()
    # asked again under the family's lock: a twin request may have used the token while this one waited
    state = await queries.state(session, digest=digest)
    because = _in_two_hands(state, bound_to=found.bound_to, shown=shown, now=now)
    if because is not None:
        await queries.revoke(session, family_id=found.family_id, now=now, because=because)
        return None
    if found.revoked_at is not None or min(found.expires_at, found.family_expires_at) <= now:
        return None
    if state.used_at is None:
        await queries.use(session, digest=digest, now=now)
    else:
        await queries.replace(session, family_id=found.family_id, now=now)
    whose = _Whose(audience, found.subject, found.family_id, found.actor_id, found.see_only)
    return await _pair(session, settings, whose, ends_at=found.family_expires_at)


def _in_two_hands(
    state: Row[Any], *, bound_to: bytes | None, shown: bytes | None, now: datetime
) -> str | None:
    """Why this token must be in two hands; None where it need not."""
    if bound_to is not None and (shown is None or not hmac.compare_digest(bound_to, shown)):
        return "another device showed a refresh token"
    if state.replaced_at is not None:
        return "a refresh token was used that had been replaced"
    if state.used_at is None:
        return None
    if bound_to is not None and not state.next_was_used and state.used_at > now - LOST_ANSWER:
        return None
    return "a refresh token was used twice"


async def check_session(session: AsyncSession, bearer: Bearer) -> None:
    """Refuse a token whose session was ended or revoked since it was signed."""
    stands = await queries.stands(
        session,
        family_id=bearer.session_id,
        subject=bearer.subject,
        audience=bearer.audience.value,
        now=clock.now(),
    )
    if not stands:
        raise TokenRefused


async def check_session_hot(connection: asyncpg.Connection[asyncpg.Record], bearer: Bearer) -> None:
    """The same as `check_session` on a hot connection."""
    stands = await connection.fetchval(
        queries.STANDS_HOT, bearer.session_id, bearer.subject, bearer.audience.value, clock.now()
    )
    if not stands:
        raise TokenRefused


async def end_session(session: AsyncSession, *, session_id: UUID) -> None:
    """Sign out; ending an ended session changes nothing."""
    await queries.revoke(session, family_id=session_id, now=clock.now(), because="signed out")


async def end_sessions_of(
    session: AsyncSession, *, subject: UUID, because: str, but: UUID | None = None
) -> None:
    """End every session of one participant or member of staff, except the session `but`."""
    await queries.revoke_subject(session, subject=subject, now=clock.now(), because=because, but=but)


async def end_acting(
    session: AsyncSession,
    *,
    subject: UUID,
    actor_id: UUID,
    because: str = "no longer a member",
    but: UUID | None = None,
) -> None:
    """End every session in which one citizen acts for one household or firm, except the session `but`."""
    await queries.revoke_acting(
        session, subject=subject, actor_id=actor_id, now=clock.now(), because=because, but=but
    )


async def end_sessions_on(session: AsyncSession, *, device_id: UUID, because: str) -> None:
    """End every session of one device."""
    await queries.revoke_device(session, device_id=device_id, now=clock.now(), because=because)


async def sessions_of(session: AsyncSession, audience: Audience, *, subject: UUID) -> list[Session]:
    """The sessions that stand of one participant or member of staff, newest first; at most 100."""
    rows = await queries.of(
        session, subject=subject, audience=audience.value, now=clock.now(), limit=MOST_LISTED
    )
    return [Session(row.id, row.started_at, row.refreshed_at, row.expires_at, row.device_id) for row in rows]


async def forget_ended(session: AsyncSession) -> None:
    """Remove sessions that ended 30 days ago or earlier; until then their reuse can still be told."""
    await queries.forget(session, before=clock.now() - REMEMBERED)


async def _pair(session: AsyncSession, settings: Settings, whose: _Whose, *, ends_at: datetime) -> TokenPair:
    now = clock.now()
    refresh_token = secrets.token_urlsafe(REFRESH_BYTES)
    refresh_expires_at = min(now + REFRESH_LASTS[whose.audience], ends_at)
    await queries.add(
        session,
        digest=_digest(refresh_token),
        family_id=whose.session_id,
        issued_at=now,
        expires_at=refresh_expires_at,
    )
    access_token, access_expires_at = sign_access(
        settings,
        whose.audience,
        subject=whose.subject,
        session_id=whose.session_id,
        actor_id=whose.actor_id,
        see_only=whose.see_only,
    )
    return TokenPair(access_token, access_expires_at, refresh_token, refresh_expires_at, whose.subject)


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()
