"""Creating and finding organisations."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.organisations import queries
from backend.identity.organisations.errors import (
    OrganisationCodeTaken,
    OrganisationMisnamed,
    OrganisationUnknown,
)
from backend.identity.organisations.tables import Organisation, Role
from backend.kit import clock, ids

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


async def create_organisation(
    session: AsyncSession, *, code: str, name_zh: str, name_en: str, roles: Collection[Role]
) -> Organisation:
    """A new organisation with these roles."""
    check_names(code=code, name_zh=name_zh, name_en=name_en)
    organisation_id = ids.uuid7()
    made = await queries.insert(
        session,
        organisation_id=organisation_id,
        code=code,
        name_zh=name_zh.strip(),
        name_en=name_en.strip(),
        created_at=clock.now(),
    )
    if not made:
        raise OrganisationCodeTaken
    await queries.give_roles(session, organisation_id=organisation_id, roles=[role.value for role in roles])
    return await organisation(session, organisation_id=organisation_id)


def check_names(*, code: str, name_zh: str, name_en: str) -> None:
    """Refuse what cannot be an organisation's code and names."""
    if not _CODE.fullmatch(code) or not name_zh.strip() or not name_en.strip():
        raise OrganisationMisnamed


async def organisation(session: AsyncSession, *, organisation_id: UUID) -> Organisation:
    """The organisation with this id, or `OrganisationUnknown`."""
    return _organisation(await queries.by_id(session, organisation_id))


async def organisation_by_code(session: AsyncSession, *, code: str) -> Organisation:
    """The organisation with this code, or `OrganisationUnknown`."""
    return _organisation(await queries.by_code(session, code))


async def organisations(session: AsyncSession, *, after: str = "", limit: int = 100) -> list[Organisation]:
    """Organisations in the order of their codes; at most `limit` after the code `after`."""
    return [_organisation(row) for row in await queries.page(session, after=after, limit=limit)]


def _organisation(row: Row[Any] | None) -> Organisation:
    if row is None:
        raise OrganisationUnknown
    return Organisation(
        id=row.id,
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        created_at=row.created_at,
        roles=frozenset(Role(role) for role in row.roles),
    )
