"""Noting looks, and telling of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import joining
from backend.identity.looks import queries
from backend.identity.looks.errors import ReasonMissing
from backend.kit import clock, ids

LONGEST = 500


@dataclass(frozen=True, slots=True)
class Look:
    """One look, as the person who was looked at is told of it: the organisation, not which of its staff."""

    id: UUID
    operation: str
    reason: str
    looked_at: datetime
    organisation: str
    name_zh: str
    name_en: str


async def look(
    session: AsyncSession,
    *,
    participant_id: UUID,
    staff_id: UUID,
    organisation_id: UUID,
    operation: str,
    reason: str,
) -> UUID:
    """Note that a member of staff opens what is this participant's, through an operation (its OpenAPI id). ReasonMissing."""
    if not reason.strip() or len(reason) > LONGEST:
        raise ReasonMissing
    look_id = ids.uuid7()
    await session.execute(
        queries.ADD,
        {
            "id": look_id,
            "participant": participant_id,
            "staff": staff_id,
            "organisation": organisation_id,
            "operation": operation,
            "reason": reason.strip(),
            "at": clock.now(),
        },
    )
    return look_id


async def looks_of(
    session: AsyncSession,
    *,
    participant_id: UUID,
    limit: int = 50,
    after: tuple[datetime, UUID] | None = None,
) -> list[Look]:
    """Every look at a participant, and at accounts that became one with theirs, newest first; `after` is the last one seen."""
    joined = await joining.joined_accounts(session, participant_id=participant_id)
    rows = await session.execute(
        queries.OF_PERSON,
        {
            "participants": [participant_id, *joined],
            "at": after[0] if after else None,
            "id": after[1] if after else None,
            "limit": limit,
        },
    )
    return [Look(**row._mapping) for row in rows]  # noqa: SLF001
