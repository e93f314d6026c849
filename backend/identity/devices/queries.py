"""All SQL about devices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_SEEN = text("""
    INSERT INTO device (id, participant_id, digest, name_sealed, first_seen_at, last_seen_at)
    VALUES (:id, :participant_id, :digest, :name_sealed, :now, :now)
    ON CONFLICT (participant_id, digest) WHERE revoked_at IS NULL DO UPDATE
    SET last_seen_at = excluded.last_seen_at, name_sealed = coalesce(excluded.name_sealed, device.name_sealed)
    RETURNING id, xmax = 0 AS fresh,
        EXISTS (SELECT FROM device d WHERE d.participant_id = :participant_id) AS others
""")

_OF = text("""
    SELECT id, name_sealed, first_seen_at, last_seen_at, revoked_at FROM device
    WHERE participant_id = :participant_id ORDER BY id DESC LIMIT :limit
""")

_REVOKE = text("""
    UPDATE device SET revoked_at = coalesce(revoked_at, :now)
    WHERE id = :id AND participant_id = :participant_id
    RETURNING id
""")

_REVOKE_ALL = text("UPDATE device SET revoked_at = :now WHERE participant_id = :whose AND revoked_at IS NULL")


async def seen(session: AsyncSession, **row: Any) -> Row[Any]:
    return (await session.execute(_SEEN, row)).one()


async def of(session: AsyncSession, *, participant_id: UUID, limit: int) -> Sequence[Row[Any]]:
    return (await session.execute(_OF, {"participant_id": participant_id, "limit": limit})).all()


async def revoke(session: AsyncSession, *, device_id: UUID, participant_id: UUID, now: datetime) -> bool:
    given = {"id": device_id, "participant_id": participant_id, "now": now}
    return (await session.execute(_REVOKE, given)).first() is not None


async def revoke_all(session: AsyncSession, *, participant_id: UUID, now: datetime) -> None:
    await session.execute(_REVOKE_ALL, {"whose": participant_id, "now": now})
