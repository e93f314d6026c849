"""Under which names people may be shown to others: only those who agreed, and still do."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import circle
from backend.kit.keys import Keys
from backend.programmes import Registered


async def shown(
    session: AsyncSession, keys: Keys, *, programme: Registered, participants: Collection[UUID]
) -> dict[UUID, str]:
    """The display names of those participants who agree to be shown in a programme now."""
    if not participants:
        return {}
    found = await circle.shown(session, keys, programme=programme, participants=list(participants))
    return {participant: one.display_name for participant, one in found.items()}
