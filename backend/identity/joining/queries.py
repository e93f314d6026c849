"""All SQL about joined accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_ADD = text("""
    INSERT INTO account_join (joined_id, into_id, shown, joined_at) VALUES (:joined, :into, :shown, :now)
""")

_ENDED = text("SELECT joined_id FROM account_join WHERE joined_id = ANY (CAST(:ids AS uuid[]))")

_STANDING = text("""
    SELECT count(*) FROM participant p JOIN person_key k ON k.participant_id = p.id
    WHERE p.id = ANY (CAST(:ids AS uuid[])) AND p.kind = 'citizen'
""")

_SURVIVOR = text("""
    WITH RECURSIVE way AS (
        SELECT CAST(:id AS uuid) AS id
        UNION
        SELECT j.into_id FROM way JOIN account_join j ON j.joined_id = way.id
    )
    SELECT id FROM way WHERE NOT EXISTS (SELECT FROM account_join j WHERE j.joined_id = way.id)
""")

_JOINED = text("""
    WITH RECURSIVE way AS (
        SELECT j.joined_id FROM account_join j WHERE j.into_id = :id
        UNION
        SELECT j.joined_id FROM way JOIN account_join j ON j.into_id = way.joined_id
    )
    SELECT joined_id FROM way ORDER BY joined_id
""")


async def add(session: AsyncSession, **row: Any) -> None:
    await session.execute(_ADD, row)


async def any_ended(session: AsyncSession, ids: Sequence[UUID]) -> bool:
    return (await session.execute(_ENDED, {"ids": list(ids)})).first() is not None


async def count_people(session: AsyncSession, ids: Sequence[UUID]) -> int:
    return int((await session.execute(_STANDING, {"ids": list(ids)})).scalar_one())


async def survivor(session: AsyncSession, participant_id: UUID) -> UUID:
    found: UUID = (await session.execute(_SURVIVOR, {"id": participant_id})).scalar_one()
    return found


async def joined(session: AsyncSession, participant_id: UUID) -> list[UUID]:
    return list((await session.execute(_JOINED, {"id": participant_id})).scalars())
