"""All SQL about members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_ADD = text("""
    INSERT INTO membership (id, group_id, member_id, role, added_by, added_at)
    VALUES (:id, :group_id, :member_id, :role, :added_by, :added_at)
""")

_END = text("""
    INSERT INTO membership_end (membership_id, ended_by, ended_at) VALUES (:membership_id, :ended_by, :ended_at)
""")

_STANDING = """
    SELECT m.id, m.group_id, m.member_id, m.role, m.added_at, p.kind, g.name_sealed
    FROM membership m JOIN participant p ON p.id = m.group_id
    LEFT JOIN member_group g ON g.group_id = m.group_id
    WHERE NOT EXISTS (SELECT FROM membership_end e WHERE e.membership_id = m.id)
      AND NOT EXISTS (SELECT FROM account_closed c WHERE c.participant_id = m.group_id)
"""
_OF_GROUP = text(_STANDING + " AND m.group_id = :group_id ORDER BY m.id")
_OF_MEMBER = text(_STANDING + " AND m.member_id = :member_id ORDER BY m.id")

_NAME = text("INSERT INTO member_group (group_id, name_sealed) VALUES (:group_id, :name_sealed)")

_INVITE = text("""
    INSERT INTO member_invitation (digest, group_id, invited_by, expires_at)
    VALUES (:digest, :group_id, :invited_by, :expires_at)
""")

_USE = text("""
    UPDATE member_invitation SET used_at = :now WHERE digest = :digest AND used_at IS NULL AND expires_at > :now
    RETURNING group_id, invited_by
""")

_FORGET = text("DELETE FROM member_invitation WHERE expires_at < :before")


async def add(session: AsyncSession, **row: Any) -> None:
    await session.execute(_ADD, row)


async def end(session: AsyncSession, *, membership_id: UUID, ended_by: UUID, ended_at: datetime) -> None:
    given = {"membership_id": membership_id, "ended_by": ended_by, "ended_at": ended_at}
    await session.execute(_END, given)


async def of_group(session: AsyncSession, group_id: UUID) -> Sequence[Row[Any]]:
    return (await session.execute(_OF_GROUP, {"group_id": group_id})).all()


async def of_member(session: AsyncSession, member_id: UUID) -> Sequence[Row[Any]]:
    return (await session.execute(_OF_MEMBER, {"member_id": member_id})).all()


async def name(session: AsyncSession, *, group_id: UUID, name_sealed: bytes) -> None:
    await session.execute(_NAME, {"group_id": group_id, "name_sealed": name_sealed})


async def invite(session: AsyncSession, **row: Any) -> None:
    await session.execute(_INVITE, row)


async def use_invitation(session: AsyncSession, *, digest: bytes, now: datetime) -> Row[Any] | None:
    return (await session.execute(_USE, {"digest": digest, "now": now})).one_or_none()


async def forget(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(_FORGET, {"before": before})
