"""Benefits in money (fen): given for acts, taken back, lapsed, and paid out; the way of points, without ever being points.

A benefit lies on the citizen's lot until a payout or its last day. What is taken back beyond the lots is owed, and what is
given later repays that first. Money leaves only by payouts (`payouts`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import joining
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.programmes import codes
from backend.programmes.wallets import ClawedBack, Liability, StatementEntry

CLAWED_BACK, OWED, EXPIRED, PAID_OUT = (
    "benefit.clawed_back", "benefit.owed", "benefit.expired", "benefit.paid_out",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BenefitLot:
    """Fen that are paid out by the next payout, or lapse behind their last day (None: never)."""

    expires_on: dt.date | None
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Benefits:
    """What a participant has in one programme: not paid out yet, and owed."""

    lots: tuple[BenefitLot, ...]
    owed_fen: int

    @property
    def amount_fen(self) -> int:
        return sum(lot.amount_fen for lot in self.lots)


@dataclass(frozen=True, slots=True)
class MoneyIdentity:
    """What became of every fen that a programme ever gave, at one moment. `reversed` is everything taken back, also what
    the citizen no longer had; `owed` is the part of that which later benefits have not repaid yet.
    """

    given: int
    waiting: int
    paid_out: int
    expired: int
    reversed: int
    owed: int

    @property
    def holds(self) -> bool:
        """True when no fen is missing and none came from nowhere."""
        return self.given == self.waiting + self.paid_out + self.expired + self.reversed - self.owed


async def benefits_of(session: AsyncSession, *, participant_id: UUID, programme: str) -> Benefits:
    """What a participant has in a programme now."""
    accounts = await ledger.lots(
        session,
        prefix=codes.benefit_prefix(participant_id, programme),
        codes=[codes.overpaid(participant_id, programme).code],
    )
    today = clock.today()
    return Benefits(
        lots=tuple(
            BenefitLot(expires_on=lot.due, amount_fen=lot.balance)
            for lot in accounts
            if lot.kind == "benefit" and lot.balance > 0 and (lot.due is None or lot.due >= today)
        ),
        owed_fen=-sum(lot.balance for lot in accounts if lot.kind == "overpaid"),
    )


async def take_back(
    session: AsyncSession,
    *,
    participant_id: UUID,
    programme: str,
    points: int,
    posting_id: UUID,
    happened_at: dt.datetime,
) -> ClawedBack:
    """Take a benefit of `points` fen back from the lots that lapse first; what they do not hold, because it was paid out, is owed."""
    source, forgone, owed = (
        codes.subsidy(programme),
        codes.forgone(programme),
        codes.overpaid(participant_id, programme),
    )
    opened = await ledger.open_accounts(session, [source, forgone, owed])
    prefix = codes.benefit_prefix(participant_id, programme)
    drawn = await ledger.draw(
        session,
        posting_id=posting_id,
        prefix=prefix,
        since=prefix + clock.today().isoformat(),
        credit=opened[source.code],
        amount=points,
        reason=CLAWED_BACK,
        happened_at=happened_at,
        rest=ledger.Line(debit=opened[owed.code], credit=opened[forgone.code], amount=0),
        rest_reason=OWED,
    )
    assert drawn.outcome != "nothing"
    return ClawedBack(outcome=drawn.outcome, drawn=drawn.drawn, owed=drawn.rest)


async def expire_all(db: Database, *, batch: int = 2_000) -> int:
    """Let every benefit lapse whose last day is over, a transaction per batch; answers the fen. Again changes nothing."""
    amount, after = 0, None
    while True:
        async with db.transaction() as session:
            found = await ledger.due_accounts(
                session, kind="benefit", before=clock.today(), after=after, limit=batch
            )
            if not found:
                return amount
            targets = {code: codes.forgone(codes.programme_of(code)) for _, code, _, _ in found}
            opened = await ledger.open_accounts(session, set(targets.values()))
            amount += await ledger.sweep(
                session,
                posting_id=ids.uuid7(),
                moves=[(account, opened[targets[code].code]) for account, code, _, _ in found],
                reason=EXPIRED,
                happened_at=clock.now(),
            )
            account, _, _, due = found[-1]
            after = (due, account)


async def statement_of(
    session: AsyncSession,
    *,
    participant_id: UUID,
    programme: str,
    limit: int = 50,
    after: ledger.Cursor | None = None,
) -> list[StatementEntry]:
    """A participant's movements in a programme, newest first, in fen; those of accounts that ended in theirs, too."""
    accounts: list[ledger.Lot] = []
    for one in (participant_id, *await joining.joined_accounts(session, participant_id=participant_id)):
        accounts += await ledger.lots(
            session,
            prefix=codes.benefit_prefix(one, programme),
            codes=[codes.overpaid(one, programme).code],
        )
    movements = await ledger.statement(session, [lot.id for lot in accounts], limit=limit, after=after)
    return [
        StatementEntry(
            cursor=one.cursor,
            posting_id=one.posting_id,
            part=one.own_code.split(":", 1)[0],
            points=one.amount,
            reason=one.reason,
            expires_on=one.due,
            other=one.other_code.split(":", 1)[0],
            happened_at=one.happened_at,
            recorded_at=one.recorded_at,
            reverses=one.reverses,
        )
        for one in movements
    ]


async def liability_of(session: AsyncSession, *, programme: str) -> list[Liability]:
    """What a programme still owes in money, by the day on which it lapses; None is never. `points` are fen."""
    rows = await ledger.due_forecast(session, kind="benefit", group=programme)
    return [Liability(expires_on=due, points=amount, lots=lots) for due, amount, lots in rows]


async def money_identity(session: AsyncSession, *, programme: str) -> MoneyIdentity:
    """What became of every fen of a programme, from stored balances and folded ones of one moment."""
    figures = await ledger.group_figures(
        session,
        group=programme,
        kinds=["benefit", "overpaid"],
        codes=[
            codes.subsidy(programme).code, codes.forgone(programme).code, codes.paid_out(programme).code,
        ],
        credited=["subsidy", "overpaid"],
        debited=["overpaid"],
    )  # fmt: skip
    held = figures.balance
    taken_back = sum(amount for (kind, _), amount in figures.credited.items() if kind == "subsidy")
    owed_ever = figures.debited.get(("overpaid", "forgone"), 0)
    return MoneyIdentity(
        given=taken_back - held.get("subsidy", 0),
        waiting=held.get("benefit", 0),
        paid_out=held.get("paid_out", 0),
        expired=held.get("forgone", 0) - owed_ever,
        reversed=taken_back + owed_ever,
        owed=-held.get("overpaid", 0),
    )
