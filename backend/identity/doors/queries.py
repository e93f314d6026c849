"""All SQL about doors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_HOLDER = text("SELECT participant_id FROM door WHERE subject_index = :subject_index AND closed_at IS NULL")

_OPEN = text("""
    INSERT INTO door (id, participant_id, provider, subject_index, subject_sealed, opened_at)
    VALUES (:id, :participant_id, :provider, :subject_index, :subject_sealed, :opened_at)
""")

_OF = text("""
    SELECT id, provider, subject_index, subject_sealed, opened_at FROM door
    WHERE participant_id = :participant_id AND closed_at IS NULL ORDER BY id
""")

_CLOSE = text("""
    UPDATE door SET closed_at = :now, subject_index = NULL, subject_sealed = NULL
    WHERE participant_id = :participant_id AND closed_at IS NULL AND (CAST(:id AS uuid) IS NULL OR id = :id)
    RETURNING id
""")


async def holder(session: AsyncSession, *, subject_index: bytes) -> UUID | None:
    found = await session.execute(_HOLDER, {"subject_index": subject_index})
    return found.scalar_one_or_none()


async def open_door(session: AsyncSession, **row: Any) -> None:
    await session.execute(_OPEN, row)


async def of(session: AsyncSession, *, participant_id: UUID) -> Sequence[Row[Any]]:
    return (await session.execute(_OF, {"participant_id": participant_id})).all()


async def close(
    session: AsyncSession, *, participant_id: UUID, now: datetime, door_id: UUID | None = None
) -> int:
    given = {"participant_id": participant_id, "now": now, "id": door_id}
    return len((await session.execute(_CLOSE, given)).all())
