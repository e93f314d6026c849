"""All SQL about two-person acts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_COLUMNS = """id, kind, subject_sha256, body, proposed_by, proposed_at, expires_at,
              decided_by, decided_at, decision"""

_INSERT = text(f"""
    INSERT INTO two_person_act (id, kind, subject_sha256, body, proposed_by, proposed_at, expires_at)
    VALUES (:id, :kind, :subject_sha256, CAST(:body AS jsonb), :proposed_by, :proposed_at, :expires_at)
    RETURNING {_COLUMNS}
""")

_LOCK = text(f"SELECT {_COLUMNS} FROM two_person_act WHERE id = :id FOR UPDATE")
_GET = text(f"SELECT {_COLUMNS} FROM two_person_act WHERE id = :id")

_DECIDE = text(f"""
    UPDATE two_person_act SET decided_by = :by, decided_at = :at, decision = :decision
    WHERE id = :id RETURNING {_COLUMNS}
""")

_OPEN = text(f"""
    SELECT {_COLUMNS} FROM two_person_act
    WHERE kind = ANY(CAST(:kinds AS text[])) AND decision IS NULL AND expires_at > :now
    ORDER BY proposed_at, id LIMIT :limit
""")


async def insert(session: AsyncSession, *, body: dict[str, Any], **row: Any) -> RowMapping:
    row["body"] = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return (await session.execute(_INSERT, row)).mappings().one()


async def lock(session: AsyncSession, act_id: UUID) -> RowMapping | None:
    return (await session.execute(_LOCK, {"id": act_id})).mappings().one_or_none()


async def get(session: AsyncSession, act_id: UUID) -> RowMapping | None:
    return (await session.execute(_GET, {"id": act_id})).mappings().one_or_none()


async def decide(session: AsyncSession, *, act_id: UUID, by: UUID, at: datetime, decision: str) -> RowMapping:
    given = {"id": act_id, "by": by, "at": at, "decision": decision}
    return (await session.execute(_DECIDE, given)).mappings().one()


async def open_acts(
    session: AsyncSession, *, kinds: Sequence[str], now: datetime, limit: int
) -> Sequence[RowMapping]:
    return (await session.execute(_OPEN, {"kinds": list(kinds), "now": now, "limit": limit})).mappings().all()
