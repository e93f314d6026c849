"""Points spent with the programme itself: on trees, lotteries, welfare, props and whatever else it gives directly.

What a merchant gives is held and captured instead (`wallets`). Each verb opens the account it needs and then writes
once: bring one verb per transaction, or several by `give_back_many`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import proving
from backend.kit import clock
from backend.programmes import codes

SPENT, GIVEN_BACK = "points.spent", "points.given_back"


async def spend(
    session: AsyncSession,
    *,
    participant_id: UUID,
    programme: str,
    points: int,
    posting_id: UUID,
    happened_at: dt.datetime,
) -> ledger.Outcome:
    """Spend `points` (above zero) with the programme, from the lots that lapse first.

    Raises InsufficientBalance, NotRedeemable.
    """
    await proving.require_redeemable(session, participant_id=participant_id)
    spent = codes.spent(programme)
    opened = await ledger.open_accounts(session, [spent])
    prefix = codes.wallet_prefix(participant_id, programme)
    drawn = await ledger.draw(
        session,
        posting_id=posting_id,
        prefix=prefix,
        since=prefix + clock.today().isoformat(),
        credit=opened[spent.code],
        amount=points,
        reason=SPENT,
        happened_at=happened_at,
    )
    assert drawn.outcome != "nothing"
    return drawn.outcome


async def give_back(
    session: AsyncSession, *, spent: UUID, posting_id: UUID, happened_at: dt.datetime
) -> ledger.Outcome:
    """Undo one spending: the exact lots have their points again, once. Raises PostingUnknown, AlreadyResolved.

    Points of a lot that lapsed meanwhile go back to it too, and from there with the next sweep.
    """
    return await give_back_many(session, undo={posting_id: spent}, happened_at=happened_at)


async def give_back_many(
    session: AsyncSession, *, undo: Mapping[UUID, UUID], happened_at: dt.datetime
) -> ledger.Outcome:
    """Undo several spendings, all or none: for each new posting id, the spending that it undoes."""
    for spent in undo.values():
        transfers = await ledger.transfers(session, spent, limit=1)
        if not transfers or transfers[0].reason != SPENT:
            raise ledger.PostingUnknown
    return await ledger.reverse(session, undo=dict(undo), reason=GIVEN_BACK, happened_at=happened_at)
