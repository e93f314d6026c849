"""What becomes of households and firms when their only manager closes the account: a member manages on, or they close, too."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import members
from backend.identity.closing import service
from backend.identity.closing.service import Facts, Part


async def told(session: AsyncSession, participant_id: UUID) -> list[Facts]:
    """The groups that nobody else manages: `passes` to whoever came first of the members, or `closes`."""
    return [
        {
            "group_id": str(one.group_id),
            "kind": one.kind.value,
            "becomes": "passes" if one.passes else "closes",
        }
        for one in await members.managed_alone(session, member_id=participant_id)
    ]


async def leave(session: AsyncSession, participant_id: UUID) -> None:
    """Close those in which there is no member to manage them: what they hold would be nobody's for ever."""
    for one in await members.managed_alone(session, member_id=participant_id):
        if not one.passes:
            await service.close(session, participant_id=one.group_id)


service.register(Part("groups", 5, told, leave))
