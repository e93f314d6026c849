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
    INSERT INTO member_invitation (digest, group_id, invited_by, role, expires_at)
    VALUES (:digest, :group_id, :invited_by, :role, :expires_at)
""")

_USE = text("""
    UPDATE member_invitation SET used_at = :now WHERE digest = :digest AND used_at IS NULL AND expires_at > :now
    RETURNING group_id, invited_by, role
""")

_CLAIM_FIRM = text("""
    INSERT INTO firm_claim (id, group_id, code_index, code_sealed, claimed_by, claimed_at)
    VALUES (:id, :group_id, :code_index, :code_sealed, :claimed_by, :claimed_at)
""")
_CHECK_FIRM = text("""
    INSERT INTO firm_check (claim_id, group_id, code_index, confirmed, reason, checked_by, checked_at)
    VALUES (:claim_id, :group_id, :code_index, :confirmed, :reason, :checked_by, :checked_at)
""")
_FIRM = """
    SELECT f.id, f.group_id, f.code_index, f.code_sealed, f.claimed_at, g.name_sealed, c.confirmed, c.reason, c.checked_at
    FROM firm_claim f JOIN member_group g ON g.group_id = f.group_id LEFT JOIN firm_check c ON c.claim_id = f.id
"""
_FIRM_CLAIM = text(_FIRM + " WHERE f.id = :id")
_FIRM_CLAIMS_OF = text(_FIRM + " WHERE f.group_id = :group_id ORDER BY f.id")
_FIRM_CLAIMS_WAITING = text(
    _FIRM
    + """ WHERE c.claim_id IS NULL AND (CAST(:after AS uuid) IS NULL OR f.id > :after)
      AND NOT EXISTS (SELECT FROM account_closed x WHERE x.participant_id = f.group_id)
    ORDER BY f.id LIMIT :limit"""
)

# Of a child's guardian nothing is noted: one person acts for it.
_NOTE = text("""
    INSERT INTO group_act (id, group_id, actor_id, operation, address, acted_at)
    SELECT :id, p.id, :actor_id, :operation, :address, :acted_at
    FROM participant p WHERE p.id = :group_id AND p.kind IN ('household', 'firm')
""")
_ACTS = text("""
    SELECT a.id, a.actor_id, a.operation, a.address, a.acted_at,
           (SELECT m.id FROM membership m WHERE m.group_id = a.group_id AND m.member_id = a.actor_id AND m.added_at <= a.acted_at
            ORDER BY m.added_at DESC, m.id DESC LIMIT 1) AS membership_id
    FROM group_act a
    WHERE a.group_id = :group_id
      AND (CAST(:at AS timestamptz) IS NULL OR (a.acted_at, a.id) < (:at, CAST(:before AS uuid)))
    ORDER BY a.acted_at DESC, a.id DESC LIMIT :limit
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


async def note(session: AsyncSession, **row: Any) -> None:
    await session.execute(_NOTE, row)


async def acts(session: AsyncSession, **asked: Any) -> Sequence[Row[Any]]:
    return (await session.execute(_ACTS, asked)).all()


async def forget(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(_FORGET, {"before": before})


async def claim_firm(session: AsyncSession, **row: Any) -> None:
    await session.execute(_CLAIM_FIRM, row)


async def check_firm(session: AsyncSession, **row: Any) -> None:
    await session.execute(_CHECK_FIRM, row)


async def firm_claim(session: AsyncSession, claim_id: UUID) -> Row[Any] | None:
    return (await session.execute(_FIRM_CLAIM, {"id": claim_id})).one_or_none()


async def firm_claims_of(session: AsyncSession, group_id: UUID) -> Sequence[Row[Any]]:
    return (await session.execute(_FIRM_CLAIMS_OF, {"group_id": group_id})).all()


async def firm_claims_waiting(session: AsyncSession, *, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    return (await session.execute(_FIRM_CLAIMS_WAITING, {"after": after, "limit": limit})).all()
