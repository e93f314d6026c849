"""All SQL about organisations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_INSERT = text("""
    INSERT INTO organisation (id, code, name_zh, name_en, created_at)
    VALUES (:id, :code, :name_zh, :name_en, :created_at)
    ON CONFLICT (code) DO NOTHING RETURNING id
""")

_GIVE_ROLES = text("""
    INSERT INTO organisation_role (organisation_id, role)
    SELECT :id, role FROM unnest(CAST(:roles AS text[])) AS role
    ON CONFLICT DO NOTHING
""")

_ORGANISATION = """
    SELECT organisation.id, code, name_zh, name_en, created_at,
           array(SELECT role FROM organisation_role WHERE organisation_id = organisation.id) AS roles
    FROM organisation
"""
_BY_CODE = text(_ORGANISATION + " WHERE code = :code")
_BY_ID = text(_ORGANISATION + " WHERE id = :id")
_PAGE = text(_ORGANISATION + " WHERE code > :after ORDER BY code LIMIT :limit")


async def insert(
    session: AsyncSession,
    *,
    organisation_id: UUID,
    code: str,
    name_zh: str,
    name_en: str,
    created_at: datetime,
) -> bool:
    row = {
        "id": organisation_id,
        "code": code,
        "name_zh": name_zh,
        "name_en": name_en,
        "created_at": created_at,
    }
    return (await session.execute(_INSERT, row)).first() is not None


async def give_roles(session: AsyncSession, *, organisation_id: UUID, roles: Sequence[str]) -> None:
    await session.execute(_GIVE_ROLES, {"id": organisation_id, "roles": list(roles)})


async def by_code(session: AsyncSession, code: str) -> Row[Any] | None:
    return (await session.execute(_BY_CODE, {"code": code})).one_or_none()


async def by_id(session: AsyncSession, organisation_id: UUID) -> Row[Any] | None:
    return (await session.execute(_BY_ID, {"id": organisation_id})).one_or_none()


async def page(session: AsyncSession, *, after: str, limit: int) -> Sequence[Row[Any]]:
    return (await session.execute(_PAGE, {"after": after, "limit": limit})).all()
