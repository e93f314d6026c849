"""All SQL about step-ups."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_ADD = text("""
    INSERT INTO step_up (request_id, session_id, participant_id, purpose, door, asked_at, granted_at)
    VALUES (:request_id, :session_id, :participant_id, :purpose, :door, :asked_at, :granted_at)
""")

_GRANT = text("""
    UPDATE step_up SET granted_at = :now
    WHERE request_id = :request_id AND session_id = :session_id AND participant_id = :participant_id
      AND door = 'phone' AND granted_at IS NULL
    RETURNING purpose
""")

_USE = text("""
    UPDATE step_up SET used_at = :now WHERE used_at IS NULL AND request_id = (
        SELECT request_id FROM step_up
        WHERE session_id = :session_id AND participant_id = :participant_id AND purpose = :purpose
          AND granted_at > :since AND used_at IS NULL
        ORDER BY granted_at LIMIT 1 FOR UPDATE
    )
    RETURNING request_id
""")

_FORGET = text("DELETE FROM step_up WHERE asked_at < :before")


async def add(session: AsyncSession, **row: Any) -> None:
    await session.execute(_ADD, row)


async def grant(
    session: AsyncSession, *, request_id: UUID, session_id: UUID, participant_id: UUID, now: datetime
) -> str | None:
    given = {
        "request_id": request_id,
        "session_id": session_id,
        "participant_id": participant_id,
        "now": now,
    }
    found: str | None = (await session.execute(_GRANT, given)).scalar_one_or_none()
    return found


async def use(session: AsyncSession, **given: Any) -> bool:
    return (await session.execute(_USE, given)).first() is not None


async def forget(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(_FORGET, {"before": before})
