"""When the last acts of a means were that nobody holds: what only who made them can tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock

ASKED = 3
REACHES_BACK = timedelta(days=30)
NEAR = timedelta(minutes=3)

_LAST = text("""
    SELECT happened_at FROM action a
    WHERE means_token = :token AND participant_id IS NULL AND happened_at > :since
      AND NOT EXISTS (SELECT FROM action_claim c WHERE c.claim_key = a.claim_key)
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
    ORDER BY happened_at DESC, claim_key LIMIT :asked
""")


async def told_right(session: AsyncSession, *, token: UUID, times: Sequence[datetime]) -> bool:
    """Whether these are the beginnings of the last three acts that wait for the holder of a means, each within three minutes.

    Fewer than three acts of the last 30 days prove nothing.
    """
    rows = await session.execute(_LAST, {"token": token, "since": clock.now() - REACHES_BACK, "asked": ASKED})
    last = sorted(rows.scalars())
    said = sorted(times)
    return len(last) == len(said) == ASKED and all(
        abs(one - other) <= NEAR for one, other in zip(last, said, strict=True)
    )
