"""Where what is earned goes: the lot, what it comes from, and what is repaid before anything is given.

One description for every place that earns: intake's set-based SQL, points for acts that waited, corrections, and the audit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.ledger import AccountSpec
from backend.programmes import codes
from backend.programmes.earning import expires_on
from backend.programmes.rules import Programme

EARNED, REPAID, RIPENING = "points.earned", "points.repaid", "points.ripening"
BENEFIT_EARNED, BENEFIT_REPAID = "benefit.earned", "benefit.repaid"


@dataclass(frozen=True, slots=True)
class Purse:
    """What is earned on one day: a lot of this kind, ending in `suffix` and due on a day, filled from an account of
    the kind `source`.

    `debt` is the kind of account that is filled first, with the reason `repaid`; None: nothing is repaid by earning.
    """

    lot: str
    source: str
    debt: str | None
    earned: str
    repaid: str
    suffix: str  # of the lot's code, behind the programme and a colon
    due: dt.date | None

    def lot_of(self, participant_id: UUID, programme: str) -> AccountSpec:
        """A participant's lot."""
        return AccountSpec(codes.owned(self.lot, participant_id, programme, self.suffix), due=self.due)

    def source_of(self, programme: str) -> AccountSpec:
        """The account that this comes from."""
        return AccountSpec(f"{self.source}:{codes.part(programme)}")

    def debt_of(self, participant_id: UUID, programme: str) -> str | None:
        """The code of what a participant would repay first; the account need not exist."""
        return None if self.debt is None else codes.owned(self.debt, participant_id, programme)


@dataclass(frozen=True, slots=True)
class Put:
    """`amount` (above zero) for one participant, into the lot of `purse`."""

    posting_id: UUID
    participant_id: UUID
    amount: int
    purse: Purse
    happened_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Earned:
    """`repaid` of the points went to an earlier debt, the rest to the lot."""

    outcome: ledger.Outcome
    points: int
    repaid: int


def wallet(expires_on: dt.date | None) -> Purse:
    """Points that may be spent at once, up to and on a day (None: for ever)."""
    return Purse("wallet", "issuer", "debt", EARNED, REPAID, codes.day_or_never(expires_on), expires_on)


def pending(ripe_on: dt.date, last_day: dt.date | None) -> Purse:
    """Points that may be collected from one day on, up to and on another (None: for ever). They repay nothing yet."""
    suffix = f"{ripe_on.isoformat()}:{codes.day_or_never(last_day)}"
    return Purse("pending", "issuer", None, RIPENING, REPAID, suffix, last_day)


def benefit(expires_on: dt.date | None) -> Purse:
    """Money (fen) that waits for the next payout, up to and on a day (None: for ever)."""
    day = codes.day_or_never(expires_on)
    return Purse("benefit", "subsidy", "overpaid", BENEFIT_EARNED, BENEFIT_REPAID, day, expires_on)


def purse_of(programme: Programme, earned_on: dt.date) -> Purse:
    """Where what is earned on a Shanghai day goes in this programme."""
    if programme.money:
        return benefit(expires_on(programme, earned_on))
    window = programme.features.claim
    if window is None:
        return wallet(expires_on(programme, earned_on))
    ripe_on = earned_on + dt.timedelta(days=window.ripens_after_days)
    if window.collect_within_hours is None:
        return pending(ripe_on, None)
    return pending(ripe_on, ripe_on + dt.timedelta(days=window.collect_within_hours // 24 - 1))


async def put_many(session: AsyncSession, *, programme: str, puts: Sequence[Put]) -> dict[UUID, Earned]:
    """Give to many participants of a programme, all or none, with a posting each. The purses are of one sort."""
    first = puts[0].purse
    assert all((one.purse.source, one.purse.earned) == (first.source, first.earned) for one in puts)
    lots = [one.purse.lot_of(one.participant_id, programme) for one in puts]
    source = first.source_of(programme)
    opened = await ledger.open_accounts(session, [source, *lots])
    filled = await ledger.fill(
        session,
        source=opened[source.code],
        fills=[
            ledger.Fill(
                posting_id=one.posting_id,
                first=one.purse.debt_of(one.participant_id, programme),
                credit=opened[lot.code],
                amount=one.amount,
                happened_at=one.happened_at,
            )
            for one, lot in zip(puts, lots, strict=True)
        ],
        first_reason=first.repaid,
        reason=first.earned,
    )
    return {
        one.posting_id: Earned(
            outcome=filled[one.posting_id].outcome,
            points=one.amount,
            repaid=filled[one.posting_id].filled,
        )
        for one in puts
    }


async def put(
    session: AsyncSession,
    *,
    participant_id: UUID,
    programme: str,
    amount: int,
    purse: Purse,
    posting_id: UUID,
    happened_at: dt.datetime,
) -> Earned:
    """Give something to one participant: an earlier debt is repaid first where the purse says so."""
    one = Put(posting_id, participant_id, amount, purse, happened_at)
    return (await put_many(session, programme=programme, puts=[one]))[posting_id]
