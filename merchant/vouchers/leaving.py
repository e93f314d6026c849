"""What becomes of vouchers when an account closes: those that are good stay good for whoever shows the code, and nobody is told it again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import closing, joining
from backend.kit import clock
from merchant.vouchers import queries


async def told(session: AsyncSession, participant_id: UUID) -> list[closing.Facts]:
    """The vouchers that can still be used: whoever wants to use one later writes its code down before."""
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    given = {
        "people": people,
        "today": clock.today(),
        "good": True,
        "limit": None,
        "after_at": None,
        "after_id": None,
    }
    return [
        {
            "redemption_id": str(row.redemption_id),
            "face_fen": row.face_fen,
            "valid_until": row.valid_until.isoformat(),
        }
        for row in await session.execute(queries.OF_CITIZEN, given)
    ]


async def leave(session: AsyncSession, participant_id: UUID) -> None:
    """Nothing: they were paid for, and a till asks for no account."""
    del session, participant_id


closing.register(closing.Part("vouchers", 11, told, leave))
