"""All SQL about sessions and refresh tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_START = text("""
    INSERT INTO token_family (id, audience, subject, started_at, expires_at, device_id, bound_to, actor_id, see_only)
    VALUES (:id, :audience, :subject, :started_at, :expires_at, :device_id, :bound_to, :actor_id, :see_only)
""")

_ADD = text("""
    INSERT INTO refresh_token (digest, family_id, issued_at, expires_at)
    VALUES (:digest, :family_id, :issued_at, :expires_at)
""")

_LOCK = text("""
    SELECT refresh_token.used_at, refresh_token.expires_at, family.id AS family_id, family.subject,
           family.expires_at AS family_expires_at, family.revoked_at, family.bound_to,
           family.actor_id, family.see_only
    FROM refresh_token JOIN token_family AS family ON family.id = refresh_token.family_id
    WHERE refresh_token.digest = :digest AND family.audience = :audience
    FOR UPDATE OF family
""")

_STATE = text("""
    SELECT token.used_at, token.replaced_at, EXISTS (
        SELECT FROM refresh_token AS later
        WHERE later.family_id = token.family_id AND later.issued_at >= token.used_at AND later.used_at IS NOT NULL
          AND later.digest <> token.digest
    ) AS next_was_used
    FROM refresh_token AS token WHERE token.digest = :digest
""")
_USE = text("UPDATE refresh_token SET used_at = :now WHERE digest = :digest")
_REPLACE = text("""
    UPDATE refresh_token SET replaced_at = :now
    WHERE family_id = :family_id AND used_at IS NULL AND replaced_at IS NULL
""")

_REVOKE = text("""
    UPDATE token_family SET revoked_at = :now, revoked_because = :because
    WHERE id = :id AND revoked_at IS NULL
""")

_REVOKE_SUBJECT = text("""
    UPDATE token_family SET revoked_at = :now, revoked_because = :because
    WHERE (subject = :subject OR actor_id = :subject) AND revoked_at IS NULL
      AND id IS DISTINCT FROM CAST(:but AS uuid)
""")

_REVOKE_ACTING = text("""
    UPDATE token_family SET revoked_at = :now, revoked_because = :because
    WHERE subject = :subject AND actor_id = :actor_id AND revoked_at IS NULL
      AND id IS DISTINCT FROM CAST(:but AS uuid)
""")

_REVOKE_DEVICE = text("""
    UPDATE token_family SET revoked_at = :now, revoked_because = :because
    WHERE device_id = :device_id AND revoked_at IS NULL
""")

_OF = text("""
    SELECT family.id, family.started_at, family.expires_at, family.device_id,
           (SELECT max(issued_at) FROM refresh_token WHERE family_id = family.id) AS refreshed_at
    FROM token_family AS family
    WHERE family.subject = :subject AND family.audience = :audience AND family.revoked_at IS NULL
      AND family.expires_at > :now
    ORDER BY family.id DESC LIMIT :limit
""")

_STANDS = text("""
    SELECT EXISTS (
        SELECT FROM token_family
        WHERE id = :id AND subject = :subject AND audience = :audience
          AND revoked_at IS NULL AND expires_at > :now
    )
""")

STANDS_HOT = """
    SELECT EXISTS (
        SELECT FROM token_family
        WHERE id = $1::uuid AND subject = $2::uuid AND audience = $3::text
          AND revoked_at IS NULL AND expires_at > $4::timestamptz
    )
"""

_FORGET = text("DELETE FROM token_family WHERE expires_at < :before OR revoked_at < :before")


async def start(session: AsyncSession, **row: Any) -> None:
    await session.execute(_START, row)


async def add(session: AsyncSession, **row: Any) -> None:
    await session.execute(_ADD, row)


async def lock(session: AsyncSession, *, digest: bytes, audience: str) -> Row[Any] | None:
    return (await session.execute(_LOCK, {"digest": digest, "audience": audience})).one_or_none()


async def state(session: AsyncSession, *, digest: bytes) -> Row[Any]:
    return (await session.execute(_STATE, {"digest": digest})).one()


async def replace(session: AsyncSession, *, family_id: UUID, now: datetime) -> None:
    await session.execute(_REPLACE, {"family_id": family_id, "now": now})


async def use(session: AsyncSession, *, digest: bytes, now: datetime) -> None:
    await session.execute(_USE, {"digest": digest, "now": now})


async def revoke(session: AsyncSession, *, family_id: UUID, now: datetime, because: str) -> None:
    await session.execute(_REVOKE, {"id": family_id, "now": now, "because": because})


async def revoke_subject(
    session: AsyncSession, *, subject: UUID, now: datetime, because: str, but: UUID | None
) -> None:
    given = {"subject": subject, "now": now, "because": because, "but": but}
    await session.execute(_REVOKE_SUBJECT, given)


async def revoke_device(session: AsyncSession, *, device_id: UUID, now: datetime, because: str) -> None:
    await session.execute(_REVOKE_DEVICE, {"device_id": device_id, "now": now, "because": because})


async def revoke_acting(
    session: AsyncSession, *, subject: UUID, actor_id: UUID, now: datetime, because: str, but: UUID | None
) -> None:
    given = {"subject": subject, "actor_id": actor_id, "now": now, "because": because, "but": but}
    await session.execute(_REVOKE_ACTING, given)


async def of(
    session: AsyncSession, *, subject: UUID, audience: str, now: datetime, limit: int
) -> Sequence[Row[Any]]:
    given = {"subject": subject, "audience": audience, "now": now, "limit": limit}
    return (await session.execute(_OF, given)).all()


async def stands(
    session: AsyncSession, *, family_id: UUID, subject: UUID, audience: str, now: datetime
) -> bool:
    given = {"id": family_id, "subject": subject, "audience": audience, "now": now}
    return bool((await session.execute(_STANDS, given)).scalar_one())


async def forget(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(_FORGET, {"before": before})
