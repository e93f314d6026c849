"""What becomes of redemptions when an account closes: what no till has captured is given up, the rest stays on the books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import closing, joining
from merchant.redemption import service

_OPEN = text("""
    SELECT r.id, r.participant_id, r.points FROM redemption r JOIN redemption_open o ON o.redemption_id = r.id
    WHERE r.participant_id = ANY (CAST(:participants AS uuid[])) ORDER BY r.id
""")


async def told(session: AsyncSession, participant_id: UUID) -> list[closing.Facts]:
    """The redemptions that would be given up: their points go back to the lots first."""
    return [
        {"redemption_id": str(row.id), "points": row.points} for row in await _open(session, participant_id)
    ]


async def leave(session: AsyncSession, participant_id: UUID) -> None:
    """Give up whatever no till has captured. Raises RedemptionEnded when a till comes first: close again then."""
    for row in await _open(session, participant_id):
        await service.cancel(session, participant_id=row.participant_id, redemption_id=row.id)


async def _open(session: AsyncSession, participant_id: UUID) -> Sequence[Row[Any]]:
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    return (await session.execute(_OPEN, {"participants": people})).all()


closing.register(closing.Part("redemptions", 10, told, leave))
