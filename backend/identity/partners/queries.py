"""All SQL about partners' keys, nonces, quotas and what they sent today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_KEY = """
    SELECT id, organisation_id, sandbox, public_key, valid_from, valid_until, replaces, act_id, ends_at, revoked_at
    FROM partner_key_standing
"""
_BY_ID = text(_KEY + " WHERE id = :id")
_OF = text(_KEY + " WHERE organisation_id = :organisation_id ORDER BY valid_from DESC, id DESC")
_LAST = text(
    _KEY
    + """ AS k WHERE organisation_id = :organisation_id AND sandbox = :sandbox
    AND NOT EXISTS (SELECT FROM partner_key n WHERE n.replaces = k.id)
"""
)

_CALLING = text("""
    SELECT k.id, k.organisation_id, k.sandbox, k.public_key, k.valid_from, k.valid_until, k.replaces, k.act_id, k.ends_at,
           k.revoked_at, o.code, q.events_per_day, q.requests_per_minute, coalesce(u.events, 0) AS events
    FROM partner_key_standing k
    JOIN organisation o ON o.id = k.organisation_id
    JOIN organisation_role r ON r.organisation_id = o.id AND r.role = 'partner'
    LEFT JOIN partner_usage u ON u.organisation_id = o.id AND u.sandbox = k.sandbox AND u.day = :day
    LEFT JOIN LATERAL (
        SELECT events_per_day, requests_per_minute FROM partner_quota
        WHERE organisation_id = o.id ORDER BY id DESC LIMIT 1
    ) q ON true
    WHERE k.id = :id
""")

_EVERY = text("""
    SELECT id, organisation_id, sandbox, public_key, valid_from, valid_until, replaces, replaced_until, act_id FROM partner_key
""")
_EMPLOYERS = text("SELECT id, organisation_id FROM staff")

_INSERT_KEY = text("""
    INSERT INTO partner_key (id, organisation_id, sandbox, public_key, valid_from, valid_until, replaces, replaced_until, act_id)
    VALUES (:id, :organisation_id, :sandbox, :public_key, :valid_from, :valid_until, :replaces, :replaced_until, :act_id)
""")
_KNOWN = text("SELECT EXISTS (SELECT FROM partner_key WHERE public_key = :public_key)")
_REVOKE = text("""
    INSERT INTO partner_key_revoked (key_id, revoked_by, reason, revoked_at) VALUES (:key_id, :by, :reason, :at)
    ON CONFLICT (key_id) DO NOTHING RETURNING key_id
""")

_REMEMBER = text("""
    INSERT INTO partner_nonce (key_id, nonce, good_until) VALUES (:key_id, :nonce, :good_until)
    ON CONFLICT DO NOTHING RETURNING nonce
""")
_FORGET = text("""
    DELETE FROM partner_nonce WHERE (key_id, nonce) IN (
        SELECT key_id, nonce FROM partner_nonce WHERE good_until < :before LIMIT :limit)
""")

_QUOTA = text("""
    SELECT events_per_day, requests_per_minute, reason, set_by, set_at FROM partner_quota
    WHERE organisation_id = :organisation_id ORDER BY id DESC LIMIT :limit
""")
_SET_QUOTA = text("""
    INSERT INTO partner_quota (organisation_id, events_per_day, requests_per_minute, reason, set_by, set_at)
    VALUES (:organisation_id, :events_per_day, :requests_per_minute, :reason, :by, :at)
""")

_USED = text("""
    SELECT events FROM partner_usage WHERE organisation_id = :organisation_id AND sandbox = :sandbox AND day = :day
""")
# One statement, and so one lock on the partner's row of the day: whoever comes second waits and sees the first one's sum.
_SPEND = text("""
    INSERT INTO partner_usage AS u (organisation_id, sandbox, day, events)
    SELECT :organisation_id, :sandbox, :day, CAST(:events AS bigint) WHERE CAST(:events AS bigint) <= CAST(:most AS bigint)
    ON CONFLICT (organisation_id, sandbox, day) DO UPDATE SET events = u.events + excluded.events
        WHERE u.events + excluded.events <= CAST(:most AS bigint)
    RETURNING u.events
""")
_GIVE_BACK = text("""
    UPDATE partner_usage SET events = greatest(0, events - CAST(:events AS bigint))
    WHERE organisation_id = :organisation_id AND sandbox = :sandbox AND day = :day
""")
_FORGET_SANDBOX = text("DELETE FROM partner_usage WHERE organisation_id = :organisation_id AND sandbox")
_FORGET_USAGE = text("DELETE FROM partner_usage WHERE day < :before")


async def key(session: AsyncSession, key_id: UUID) -> RowMapping | None:
    return (await session.execute(_BY_ID, {"id": key_id})).mappings().one_or_none()


async def keys_of(session: AsyncSession, organisation_id: UUID) -> Sequence[RowMapping]:
    return (await session.execute(_OF, {"organisation_id": organisation_id})).mappings().all()


async def last_key(session: AsyncSession, *, organisation_id: UUID, sandbox: bool) -> RowMapping | None:
    """The end of a chain."""
    given = {"organisation_id": organisation_id, "sandbox": sandbox}
    return (await session.execute(_LAST, given)).mappings().one_or_none()


async def calling(session: AsyncSession, *, key_id: UUID, day: date) -> RowMapping | None:
    """A key with its partner, that partner's quota and what it sent on `day`."""
    return (await session.execute(_CALLING, {"id": key_id, "day": day})).mappings().one_or_none()


async def insert_key(session: AsyncSession, **row: Any) -> None:
    await session.execute(_INSERT_KEY, row)


async def is_known(session: AsyncSession, public_key: bytes) -> bool:
    return bool((await session.execute(_KNOWN, {"public_key": public_key})).scalar_one())


async def revoke(session: AsyncSession, *, key_id: UUID, by: UUID, reason: str, at: datetime) -> bool:
    given = {"key_id": key_id, "by": by, "reason": reason, "at": at}
    return (await session.execute(_REVOKE, given)).first() is not None


async def remember_nonce(session: AsyncSession, *, key_id: UUID, nonce: str, good_until: datetime) -> bool:
    """False when it is remembered already; waits for a transaction that is remembering it now."""
    given = {"key_id": key_id, "nonce": nonce, "good_until": good_until}
    return (await session.execute(_REMEMBER, given)).first() is not None


async def forget_nonces(session: AsyncSession, *, before: datetime, limit: int) -> int:
    result = await session.execute(_FORGET, {"before": before, "limit": limit})
    return result.rowcount  # type: ignore[attr-defined, no-any-return]


async def quotas(session: AsyncSession, *, organisation_id: UUID, limit: int) -> Sequence[RowMapping]:
    """The latest first."""
    given = {"organisation_id": organisation_id, "limit": limit}
    return (await session.execute(_QUOTA, given)).mappings().all()


async def set_quota(session: AsyncSession, **row: Any) -> None:
    await session.execute(_SET_QUOTA, row)


async def used(session: AsyncSession, *, organisation_id: UUID, sandbox: bool, day: date) -> int:
    given = {"organisation_id": organisation_id, "sandbox": sandbox, "day": day}
    return int((await session.execute(_USED, given)).scalar() or 0)


async def spend(
    session: AsyncSession, *, organisation_id: UUID, sandbox: bool, day: date, events: int, most: int
) -> int | None:
    """The day's events with these; None, and nothing counted, when they would be more than `most`."""
    given = {
        "organisation_id": organisation_id,
        "sandbox": sandbox,
        "day": day,
        "events": events,
        "most": most,
    }
    counted = (await session.execute(_SPEND, given)).scalar()
    return None if counted is None else int(counted)


async def give_back(
    session: AsyncSession, *, organisation_id: UUID, sandbox: bool, day: date, events: int
) -> None:
    given = {"organisation_id": organisation_id, "sandbox": sandbox, "day": day, "events": events}
    await session.execute(_GIVE_BACK, given)


async def forget_usage(session: AsyncSession, *, before: date) -> None:
    await session.execute(_FORGET_USAGE, {"before": before})


async def forget_sandbox_usage(session: AsyncSession, organisation_id: UUID) -> None:
    await session.execute(_FORGET_SANDBOX, {"organisation_id": organisation_id})


async def every_key(session: AsyncSession) -> Sequence[RowMapping]:
    return (await session.execute(_EVERY)).mappings().all()


async def employers(session: AsyncSession) -> Sequence[RowMapping]:
    """Whom each member of staff works for."""
    return (await session.execute(_EMPLOYERS)).mappings().all()
