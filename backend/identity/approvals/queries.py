"""All SQL about two-person acts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_INSERT = text("""
    INSERT INTO two_person_act (id, kind, subject_sha256, body, proposed_by, proposed_at, expires_at)
    VALUES (:id, :kind, :subject_sha256, CAST(:body AS jsonb), :proposed_by, :proposed_at, :expires_at)
""")

_ACT = """
    SELECT act.id, act.kind, act.subject_sha256, act.body, act.proposed_by, act.proposed_at, act.expires_at,
           decided.decided_by, decided.decided_at, decided.decision
    FROM two_person_act AS act LEFT JOIN two_person_decision AS decided ON decided.act_id = act.id
"""
_EVERY = text(_ACT)
_GET = text(_ACT + " WHERE act.id = :id")
_OPEN = text(
    _ACT
    + """
    WHERE act.kind = ANY(CAST(:kinds AS text[])) AND decided.act_id IS NULL AND act.expires_at > :now
    ORDER BY act.proposed_at, act.id LIMIT :limit
"""
)

_DECIDE = text("""
    INSERT INTO two_person_decision (act_id, proposed_by, expires_at, decided_by, decided_at, decision)
    SELECT id, proposed_by, expires_at, :by, :at, :decision FROM two_person_act WHERE id = :id
    ON CONFLICT (act_id) DO NOTHING RETURNING act_id
""")


async def insert(session: AsyncSession, *, body: dict[str, Any], **row: Any) -> None:
    row["body"] = json.dumps(body, ensure_ascii=False, sort_keys=True)
    await session.execute(_INSERT, row)


async def get(session: AsyncSession, act_id: UUID) -> RowMapping | None:
    return (await session.execute(_GET, {"id": act_id})).mappings().one_or_none()


async def decide(session: AsyncSession, *, act_id: UUID, by: UUID, at: datetime, decision: str) -> bool:
    given = {"id": act_id, "by": by, "at": at, "decision": decision}
    return (await session.execute(_DECIDE, given)).first() is not None


async def open_acts(
    session: AsyncSession, *, kinds: Sequence[str], now: datetime, limit: int
) -> Sequence[RowMapping]:
    return (await session.execute(_OPEN, {"kinds": list(kinds), "now": now, "limit": limit})).mappings().all()


async def every(session: AsyncSession) -> AsyncIterator[RowMapping]:
    result = await session.stream(_EVERY)
    async for row in result.mappings():
        yield row
