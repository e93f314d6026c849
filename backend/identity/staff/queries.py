"""All SQL about staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_INSERT = text("""
    INSERT INTO staff (id, organisation_id, login, password_hash, totp_sealed, created_at)
    VALUES (:id, :organisation_id, :login, :password_hash, :totp_sealed, :created_at)
    ON CONFLICT (login) DO NOTHING RETURNING id
""")

_GIVE_ROLES = text("""
    INSERT INTO staff_role (staff_id, organisation_id, role)
    SELECT :id, :organisation_id, role FROM unnest(CAST(:roles AS text[])) AS role
""")

_STAFF = """
    SELECT id, organisation_id, login, active,
           array(SELECT role FROM staff_role WHERE staff_id = staff.id) AS roles
    FROM staff
"""
_BY_ID = text(_STAFF + " WHERE id = :id")
_BY_LOGIN = text(_STAFF + " WHERE login = :login")
_PAGE = text(
    _STAFF
    + " WHERE login > :after AND (CAST(:organisation_id AS uuid) IS NULL OR organisation_id = :organisation_id)"
    " ORDER BY login LIMIT :limit"
)

_COUNT_ATTEMPT = text("""
    UPDATE staff SET
        failures = CASE WHEN locked_until <= :now THEN 1 ELSE failures + 1 END,
        locked_until = CASE
            WHEN locked_until > :now THEN locked_until
            WHEN locked_until IS NULL AND failures + 1 >= :allowed THEN :lock_until
        END
    WHERE login = :login
    RETURNING coalesce(old.locked_until > :now, false) AS was_locked
""")

_SECRETS = text("SELECT id, password_hash, totp_sealed, active FROM staff WHERE login = :login")

_SPEND_TOTP_STEP = text("""
    UPDATE staff SET totp_last_step = :step, failures = 0, locked_until = NULL
    WHERE id = :id AND totp_last_step < :step
    RETURNING id
""")

_SET_PASSWORD_HASH = text("UPDATE staff SET password_hash = :password_hash WHERE id = :id")
_SET_ACTIVE = text("UPDATE staff SET active = :active WHERE id = :id RETURNING id")


async def insert(session: AsyncSession, **row: Any) -> bool:
    return (await session.execute(_INSERT, row)).first() is not None


async def give_roles(
    session: AsyncSession, *, staff_id: UUID, organisation_id: UUID, roles: Sequence[str]
) -> None:
    await session.execute(
        _GIVE_ROLES, {"id": staff_id, "organisation_id": organisation_id, "roles": list(roles)}
    )


async def by_id(session: AsyncSession, staff_id: UUID) -> Row[Any] | None:
    return (await session.execute(_BY_ID, {"id": staff_id})).one_or_none()


async def by_login(session: AsyncSession, login: str) -> Row[Any] | None:
    return (await session.execute(_BY_LOGIN, {"login": login})).one_or_none()


async def page(
    session: AsyncSession, *, organisation_id: UUID | None, after: str, limit: int
) -> Sequence[Row[Any]]:
    given = {"organisation_id": organisation_id, "after": after, "limit": limit}
    return (await session.execute(_PAGE, given)).all()


async def count_attempt(
    session: AsyncSession, *, login: str, now: datetime, lock_until: datetime, allowed: int
) -> bool | None:
    given = {"login": login, "now": now, "lock_until": lock_until, "allowed": allowed}
    return (await session.execute(_COUNT_ATTEMPT, given)).scalar_one_or_none()


async def secrets(session: AsyncSession, login: str) -> Row[Any] | None:
    return (await session.execute(_SECRETS, {"login": login})).one_or_none()


async def spend_totp_step(session: AsyncSession, *, staff_id: UUID, step: int) -> bool:
    return (await session.execute(_SPEND_TOTP_STEP, {"id": staff_id, "step": step})).first() is not None


async def set_password_hash(session: AsyncSession, *, staff_id: UUID, password_hash: str) -> None:
    await session.execute(_SET_PASSWORD_HASH, {"id": staff_id, "password_hash": password_hash})


async def set_active(session: AsyncSession, *, staff_id: UUID, active: bool) -> bool:
    return (await session.execute(_SET_ACTIVE, {"id": staff_id, "active": active})).first() is not None


_LOCK_TOTP = text("SELECT id, totp_sealed FROM staff ORDER BY id FOR UPDATE")
_SET_TOTP = text("""
    UPDATE staff SET totp_sealed = again.sealed
    FROM unnest(CAST(:ids AS uuid[]), CAST(:sealed AS bytea[])) AS again (id, sealed) WHERE staff.id = again.id
""")


async def lock_totp(session: AsyncSession) -> list[tuple[UUID, bytes]]:
    rows = await session.execute(_LOCK_TOTP)
    return [(staff_id, sealed) for staff_id, sealed in rows]


async def every_totp(session: AsyncSession) -> list[tuple[UUID, bytes]]:
    rows = await session.execute(text("SELECT id, totp_sealed FROM staff"))
    return [(staff_id, sealed) for staff_id, sealed in rows]


async def set_totp(session: AsyncSession, sealed: dict[UUID, bytes]) -> None:
    if sealed:
        await session.execute(_SET_TOTP, {"ids": list(sealed), "sealed": list(sealed.values())})
