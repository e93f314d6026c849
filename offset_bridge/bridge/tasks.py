"""What the outbox owes for a bridge transfer."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import tasks
from offset_bridge.bridge import service


@tasks.handles(service.DEPOSIT)
async def deposit(session: AsyncSession, *, bridge_id: UUID) -> None:
    """Take the step after the lock."""
    await service.deposit(session, bridge_id=bridge_id)


@tasks.handles(service.CONFIRM)
async def confirm(session: AsyncSession, *, bridge_id: UUID) -> None:
    """Take the step after the deposit."""
    await service.confirm(session, bridge_id=bridge_id)
