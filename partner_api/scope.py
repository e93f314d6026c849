"""What a partner may see: its own, and nothing else is there."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake
from backend.identity.partners import CallingPartner
from backend.intake import Source
from backend.intake.uploads import Sender


async def own_source(session: AsyncSession, caller: CallingPartner, code: str) -> Source:
    """The caller's source of this code. Raises SourceUnknown, also for somebody else's."""
    source = await intake.source_of(session, code)
    if source.partner != caller.organisation:
        raise intake.SourceUnknown(source=code)
    return source


def sender_of(caller: CallingPartner) -> Sender:
    """The caller as uploads know it."""
    return Sender(organisation_id=caller.id, key_id=caller.key_id)
