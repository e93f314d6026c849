"""Which member did what for a household or a firm, noted with whatever it changed and told to its managers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people
from backend.identity.members import queries, service
from backend.identity.members.errors import OnlyManagers
from backend.kit import clock, ids
from backend.kit.settings import Keys

LONGEST_ADDRESS = 300


@dataclass(frozen=True, slots=True)
class Acted:
    """Something that a member changed. `phone_masked` tells those who know each other who it was."""

    id: UUID
    actor_id: UUID
    membership_id: UUID | None
    phone_masked: str | None
    operation: str
    address: str
    acted_at: datetime


async def note(
    session: AsyncSession, *, group_id: UUID, actor_id: UUID, operation: str, address: str
) -> None:
    """Note what a member changes, in the transaction that changes it. Nothing where the account is no household or firm."""
    await queries.note(
        session,
        id=ids.uuid7(),
        group_id=group_id,
        actor_id=actor_id,
        operation=operation,
        address=address[:LONGEST_ADDRESS],
        acted_at=clock.now(),
    )


async def acts_of(
    session: AsyncSession,
    keys: Keys,
    *,
    group_id: UUID,
    asked_by: UUID,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[Acted]:
    """What was done for a group, the latest first, told to its managers. Raises GroupUnknown, OnlyManagers."""
    role = await service.role_of(session, group_id=group_id, member_id=asked_by)
    if role != service.MANAGER:
        raise OnlyManagers
    at, last = before or (None, None)
    rows = await queries.acts(session, group_id=group_id, at=at, before=last, limit=limit)
    phones = {
        who: await people.phone_of(session, keys, participant_id=who)
        for who in {row.actor_id for row in rows}
    }
    return [
        Acted(
            id=row.id,
            actor_id=row.actor_id,
            membership_id=row.membership_id,
            phone_masked=people.masked(phone) if (phone := phones[row.actor_id]) else None,
            operation=row.operation,
            address=row.address,
            acted_at=row.acted_at,
        )
        for row in rows
    ]
