"""Under which names people may be shown to others: only those who agreed, and still do."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.programmes import Registered


async def shown(
    session: AsyncSession,  # noqa: ARG001
    *,
    programme: Registered,  # noqa: ARG001
    participants: Collection[UUID],  # noqa: ARG001
) -> dict[UUID, str]:
    """The display names of those participants who agreed to be shown in a programme; nobody has been asked yet."""
    return {}
