"""What becomes of messages when an account closes: they go, and what was chosen with them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import closing, joining
from backend.inbox import service


async def told(session: AsyncSession, participant_id: UUID) -> list[closing.Facts]:
    """How many messages would be forgotten; none where there are none."""
    count = 0
    for one in await _accounts(session, participant_id):
        count += await service.count_of(session, participant_id=one)
    return [{"messages": count}] if count else []


async def leave(session: AsyncSession, participant_id: UUID) -> None:
    """Forget them. Last of all, so that what others tell while they leave is forgotten, too."""
    for one in await _accounts(session, participant_id):
        await service.forget(session, participant_id=one)


async def _accounts(session: AsyncSession, participant_id: UUID) -> list[UUID]:
    return [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]


closing.register(closing.Part("messages", 90, told, leave))
