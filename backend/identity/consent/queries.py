"""All SQL about consent and the assigned right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_KEEP_TEXT = text("""
    INSERT INTO agreement_text (sha256, agreement_id, edition, body)
    VALUES (:sha256, :agreement_id, :edition, :body)
    ON CONFLICT (sha256) DO NOTHING
""")

_ASSIGN_MANY = text("""
    INSERT INTO assignment_of_right
        (id, participant_id, agreement_id, edition, text_sha256, covers, recorded_at)
    SELECT given.id, given.participant_id, :agreement_id, :edition, :text_sha256,
           tstzrange(CAST(:covers_from AS timestamptz), NULL), :recorded_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:participants AS uuid[])) AS given (id, participant_id)
    ORDER BY given.participant_id
    ON CONFLICT DO NOTHING
    RETURNING id
""")

_ASSIGNMENT = """
    SELECT id, agreement_id, edition, text_sha256, lower(covers) AS covers_from,
           upper(covers) AS covers_until, recorded_at, revoked_at
    FROM assignment_of_right
"""
_STANDING = text(_ASSIGNMENT + " WHERE participant_id = :participant_id AND revoked_at IS NULL")
_ASSIGNMENTS = text(_ASSIGNMENT + " WHERE participant_id = :participant_id ORDER BY recorded_at, id")

_REVOKE = text("""
    UPDATE assignment_of_right
    SET covers = tstzrange(
            lower(covers), greatest(CAST(:now AS timestamptz), lower(covers) + interval '1 microsecond')
        ), revoked_at = :now
    WHERE participant_id = :participant_id AND revoked_at IS NULL
    RETURNING id
""")

_SAY = text("""
    INSERT INTO consent_event
        (participant_id, scenario, given, agreement_id, edition, text_sha256, happened_at)
    VALUES (:participant_id, :scenario, :given, :agreement_id, :edition, :text_sha256, :happened_at)
""")

_SAY_MANY = text("""
    INSERT INTO consent_event
        (participant_id, scenario, given, agreement_id, edition, text_sha256, happened_at)
    SELECT given.who, asked.what, true, :agreement_id, :edition, :text_sha256, :happened_at
    FROM unnest(CAST(:participants AS uuid[])) AS given (who)
    CROSS JOIN unnest(CAST(:scenarios AS text[])) AS asked (what)
    WHERE NOT EXISTS (
        SELECT FROM consent_event AS earlier
        WHERE earlier.participant_id = given.who AND earlier.scenario = asked.what
    )
""")

_LATEST = text("""
    SELECT DISTINCT ON (scenario) scenario, given, agreement_id, edition, text_sha256, happened_at
    FROM consent_event WHERE participant_id = :participant_id
    ORDER BY scenario, id DESC
""")

_HISTORY = text("""
    SELECT id, scenario, given, agreement_id, edition, text_sha256, happened_at
    FROM consent_event WHERE participant_id = :participant_id AND id > :after ORDER BY id LIMIT :limit
""")


async def keep_text(session: AsyncSession, **row: Any) -> None:
    await session.execute(_KEEP_TEXT, row)


async def assign_many(session: AsyncSession, **given: Any) -> list[UUID]:
    return list((await session.execute(_ASSIGN_MANY, given)).scalars())


async def standing(session: AsyncSession, participant_id: UUID) -> RowMapping | None:
    return (await session.execute(_STANDING, {"participant_id": participant_id})).mappings().one_or_none()


async def assignments(session: AsyncSession, participant_id: UUID) -> Sequence[RowMapping]:
    return (await session.execute(_ASSIGNMENTS, {"participant_id": participant_id})).mappings().all()


async def revoke(session: AsyncSession, participant_id: UUID, *, now: datetime) -> bool:
    revoked = await session.execute(_REVOKE, {"participant_id": participant_id, "now": now})
    return revoked.first() is not None


async def say(session: AsyncSession, **event: Any) -> None:
    await session.execute(_SAY, event)


async def say_many(session: AsyncSession, **given: Any) -> None:
    await session.execute(_SAY_MANY, given)


async def latest(session: AsyncSession, participant_id: UUID) -> Sequence[RowMapping]:
    return (await session.execute(_LATEST, {"participant_id": participant_id})).mappings().all()


async def history(
    session: AsyncSession, participant_id: UUID, *, after: int, limit: int
) -> Sequence[RowMapping]:
    found = await session.execute(
        _HISTORY, {"participant_id": participant_id, "after": after, "limit": limit}
    )
    return found.mappings().all()
