"""A participant's points: earned into lots, held, captured, refunded, lapsed, clawed back.

A lot is the account of one expiry date. It may be spent on every day up to its date (Asia/Shanghai); what is left then
waits for the sweep and is never drawn again. Each verb opens the accounts it may need first and then writes once, so
that locks are taken in one order everywhere: bring one verb per transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import joining
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.programmes import codes, purses
from backend.programmes.purses import EARNED, REPAID, RIPENING, Earned

LOTS: tuple[Literal["wallet", "pending"], ...] = ("wallet", "pending")
HELD, CAPTURED = "points.held", "points.captured"
EXPIRED, CLAWED_BACK, OWED = "points.expired", "points.clawed_back", "points.owed"
RELEASED, REFUNDED, WITHDRAWN = "points.released", "points.refunded", "points.withdrawn"
PART_REFUNDED = "points.part_refunded"


@dataclass(frozen=True, slots=True)
class Earning:
    """`points` (above zero) for one participant, spendable up to and on `expires_on` (None: for ever)."""

    posting_id: UUID
    participant_id: UUID
    points: int
    expires_on: dt.date | None
    happened_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ClawedBack:
    """What was taken from the lots, and what is owed beyond them."""

    outcome: Literal["posted", "repeated"]
    drawn: int
    owed: int


@dataclass(frozen=True, slots=True)
class Expired:
    """One batch of the sweep; `after` continues it, None when nothing was left to look at."""

    lots: int
    points: int
    after: tuple[dt.date, int] | None


@dataclass(frozen=True, slots=True)
class PointsLot:
    """Points that may be spent up to and on `expires_on`."""

    expires_on: dt.date | None
    points: int


@dataclass(frozen=True, slots=True)
class Wallet:
    """What a participant has in one programme, at one moment. `lots` are the spendable ones that hold something;
    `pending` ripens or waits to be collected.
    """

    lots: tuple[PointsLot, ...]
    held: int
    owed: int
    pending: int = 0

    @property
    def spendable(self) -> int:
        return sum(lot.points for lot in self.lots)


@dataclass(frozen=True, slots=True)
class Lapsing:
    """What lapses in the night after a day if nothing is spent before, and what is left then."""

    after: dt.date
    points: int
    left: int


def forecast(wallet: Wallet) -> list[Lapsing]:
    """When a wallet's points lapse if none is spent, the first day first; those that never lapse are what is left."""
    left, found = wallet.spendable, list[Lapsing]()
    dated = [(lot.expires_on, lot.points) for lot in wallet.lots if lot.expires_on is not None]
    for day, points in sorted(dated):
        left -= points
        found.append(Lapsing(after=day, points=points, left=left))
    return found


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One movement: `points` are positive when they came into the `part` (`pending`, `wallet`, `hold`, `debt`) it is about."""

    cursor: ledger.Cursor
    posting_id: UUID
    part: str
    points: int
    reason: str
    expires_on: dt.date | None
    other: str
    happened_at: dt.datetime
    recorded_at: dt.datetime
    reverses: UUID | None


@dataclass(frozen=True, slots=True)
class Liability:
    """Points that lapse after one day unless they are spent, or collected where they are `waiting`; and in how many lots."""

    expires_on: dt.date | None
    points: int
    lots: int
    waiting: bool = False


async def earn(
    session: AsyncSession,
    *,
    participant_id: UUID,
    programme: str,
    points: int,
    expires_on: dt.date | None,
    posting_id: UUID,
    happened_at: dt.datetime,
) -> Earned:
    """Give points to a participant: an earlier debt is repaid first, the rest goes to the lot of its expiry date."""
    earning = Earning(
        posting_id=posting_id,
        participant_id=participant_id,
        points=points,
        expires_on=expires_on,
        happened_at=happened_at,
    )
    return (await earn_many(session, programme=programme, earnings=[earning]))[posting_id]


async def earn_many(
    session: AsyncSession, *, programme: str, earnings: Sequence[Earning]
) -> dict[UUID, Earned]:
    """Give points to many participants of a programme, all or none, with a posting each."""
    return await purses.put_many(
        session,
        programme=programme,
        puts=[
            purses.Put(
                one.posting_id,
                one.participant_id,
                one.points,
                purses.wallet(one.expires_on),
                one.happened_at,
            )
            for one in earnings
        ],
    )


async def hold(
    session: AsyncSession,
    *,
    participant_id: UUID,
    programme: str,
    points: int,
    posting_id: UUID,
    happened_at: dt.datetime,
) -> ledger.Outcome:
    """Set points aside for a redemption, from the lots that lapse first. Raises InsufficientBalance."""
    aside = codes.hold(participant_id, programme)
    opened = await ledger.open_accounts(session, [aside])
    prefix = codes.wallet_prefix(participant_id, programme)
    drawn = await ledger.draw(
        session,
        posting_id=posting_id,
        prefix=prefix,
        since=prefix + clock.today().isoformat(),
        credit=opened[aside.code],
        amount=points,
        reason=HELD,
        happened_at=happened_at,
    )
    assert drawn.outcome != "nothing"
    return drawn.outcome


async def release(
    session: AsyncSession, *, hold: UUID, posting_id: UUID, happened_at: dt.datetime
) -> ledger.Outcome:
    """Give what a hold set aside back to the lots it came from. Raises PostingUnknown, AlreadyResolved."""
    await _posted_for(session, hold, HELD)
    return await ledger.reverse(session, undo={posting_id: hold}, reason=RELEASED, happened_at=happened_at)


async def capture(
    session: AsyncSession, *, hold: UUID, merchant: str, posting_id: UUID, happened_at: dt.datetime
) -> ledger.Outcome:
    """Turn a hold, whole, into what the hold's programme owes the merchant. Raises PostingUnknown, AlreadyResolved."""
    held = await _posted_for(session, hold, HELD)
    payable = codes.payable(merchant, codes.programme_of(held.credit_code))
    opened = await ledger.open_accounts(session, [payable])
    return await ledger.capture(
        session,
        posting_id=posting_id,
        hold=hold,
        credit=opened[payable.code],
        reason=CAPTURED,
        happened_at=happened_at,
    )


async def refund(
    session: AsyncSession, *, capture: UUID, posting_id: UUID, happened_at: dt.datetime
) -> ledger.Outcome:
    """Undo a capture and its hold in one step: the merchant owes nothing, the exact lots have their points again.

    Points of a lot that lapsed meanwhile go back to it too, and from there with the next sweep. The two reversing
    postings have ids derived from `posting_id`. Raises PostingUnknown, AlreadyResolved.
    """
    captured = await _posted_for(session, capture, CAPTURED)
    assert captured.captures is not None
    return await ledger.reverse(
        session,
        undo={
            ids.derive(posting_id, "capture"): capture,
            ids.derive(posting_id, "hold"): captured.captures,
        },
        reason=REFUNDED,
        happened_at=happened_at,
    )


async def refund_part(
    session: AsyncSession,
    *,
    capture: UUID,
    points: int,
    before: int,
    posting_id: UUID,
    happened_at: dt.datetime,
) -> ledger.Outcome:
    """Give `points` of a capture back to the lots that its hold drew, the last one drawn first; `before` were given back already.

    The caller keeps refunds of one capture in line and within its sum. Raises PostingUnknown.
    """
    captured = await _posted_for(session, capture, CAPTURED)
    assert captured.captures is not None
    skip, left, back = before, points, dict[str, int]()
    for line in reversed(await ledger.transfers(session, captured.captures)):
        skipped = min(skip, line.amount)
        given = min(left, line.amount - skipped)
        skip, left = skip - skipped, left - given
        if given:
            back[line.debit_code] = back.get(line.debit_code, 0) + given
    assert left == 0, "more than was captured"
    opened = await ledger.find_accounts(session, [captured.credit_code, *back])
    posting = ledger.Posting(
        id=posting_id,
        reason=PART_REFUNDED,
        happened_at=happened_at,
        lines=tuple(
            ledger.Line(debit=opened[captured.credit_code], credit=opened[lot], amount=given)
            for lot, given in back.items()
        ),
    )
    return (await ledger.post(session, [posting]))[posting_id]


async def reverse_earning(
    session: AsyncSession, *, earning: UUID, posting_id: UUID, happened_at: dt.datetime
) -> ledger.Outcome:
    """Undo an earning, a debt it repaid included. Raises InsufficientBalance when its lot no longer holds as much;
    `claw_back` takes the points then. Raises PostingUnknown, AlreadyResolved.

    A posting that gave points to several participants at once, as intake's do, is no earning of one of them: unknown.
    """
    transfers = await ledger.transfers(session, earning, limit=3)
    if (
        not 1 <= len(transfers) <= 2
        or {one.reason for one in transfers} - {EARNED, REPAID, RIPENING}
        or len({one.credit_code.split(":")[1] for one in transfers}) != 1
    ):
        raise ledger.PostingUnknown
    return await ledger.reverse(
        session, undo={posting_id: earning}, reason=WITHDRAWN, happened_at=happened_at
    )


async def claw_back(
    session: AsyncSession,
    *,
    participant_id: UUID,
    programme: str,
    points: int,
    posting_id: UUID,
    happened_at: dt.datetime,
) -> ClawedBack:
    """Take points back, from what was not collected yet and then from the wallet, the lots that lapse first before others;
    what they do not hold becomes a debt that earnings repay.

    Points on hold stay there. The debt is an account of its own, so it neither blocks a lot nor its expiry.
    """
    source, lapsed, owed = (
        codes.issuer(programme),
        codes.breakage(programme),
        codes.debt(participant_id, programme),
    )
    opened = await ledger.open_accounts(session, [source, lapsed, owed])
    drawn = await ledger.draw_in_turn(
        session,
        posting_id=posting_id,
        prefixes=[
            codes.pending_prefix(participant_id, programme),
            codes.wallet_prefix(participant_id, programme),
        ],
        on=clock.today(),
        credit=opened[source.code],
        amount=points,
        reason=CLAWED_BACK,
        happened_at=happened_at,
        rest=ledger.Line(debit=opened[owed.code], credit=opened[lapsed.code], amount=0),
        rest_reason=OWED,
    )
    assert drawn.outcome != "nothing"
    return ClawedBack(outcome=drawn.outcome, drawn=drawn.drawn, owed=drawn.rest)


async def expire(
    session: AsyncSession,
    *,
    kind: Literal["wallet", "pending"] = "wallet",
    after: tuple[dt.date, int] | None = None,
    limit: int = 2_000,
) -> Expired:
    """Sweep one batch of lots whose date lies before today, of all programmes; call again with `after` until None.

    A lot is swept whole. Sweeping twice, or from two places, moves nothing twice: a batch has no identity, an
    emptied lot has nothing left.
    """
    found = await ledger.due_accounts(session, kind=kind, before=clock.today(), after=after, limit=limit)
    if not found:
        return Expired(lots=0, points=0, after=None)
    targets = {code: codes.breakage(codes.programme_of(code)) for _, code, _, _ in found}
    opened = await ledger.open_accounts(session, set(targets.values()))
    points = await ledger.sweep(
        session,
        posting_id=ids.uuid7(),
        moves=[(account, opened[targets[code].code]) for account, code, _, _ in found],
        reason=EXPIRED,
        happened_at=clock.now(),
    )
    account, _, _, due = found[-1]
    return Expired(lots=len(found), points=points, after=(due, account))


async def expire_all(db: Database, *, batch: int = 2_000) -> int:
    """Sweep every lot whose last day is over, also those that nobody collected, a transaction per batch; answers the
    points that lapsed.

    A night that was missed is made up for by the next; a crash leaves the rest to the next run.
    """
    points = 0
    for kind in LOTS:
        after = None
        while True:
            async with db.transaction() as session:
                done = await expire(session, kind=kind, after=after, limit=batch)
            points, after = points + done.points, done.after
            if after is None:
                break
    return points


async def wallet_of(session: AsyncSession, *, participant_id: UUID, programme: str) -> Wallet:
    """What a participant has in a programme now."""
    aside, owed = codes.hold(participant_id, programme), codes.debt(participant_id, programme)
    accounts = await ledger.lots(
        session, prefix=codes.wallet_prefix(participant_id, programme), codes=[aside.code, owed.code]
    )
    waiting = await ledger.lots(session, prefix=codes.pending_prefix(participant_id, programme))
    today = clock.today()
    return Wallet(
        lots=tuple(
            PointsLot(expires_on=lot.due, points=lot.balance)
            for lot in accounts
            if lot.kind == "wallet" and lot.balance > 0 and (lot.due is None or lot.due >= today)
        ),
        held=sum(lot.balance for lot in accounts if lot.kind == "hold"),
        owed=-sum(lot.balance for lot in accounts if lot.kind == "debt"),
        pending=sum(lot.balance for lot in waiting if lot.due is None or lot.due >= today),
    )


async def statement_of(
    session: AsyncSession,
    *,
    participant_id: UUID,
    programme: str,
    limit: int = 50,
    after: ledger.Cursor | None = None,
) -> list[StatementEntry]:
    """A participant's movements in a programme, newest first; `after` is the cursor of the last one already seen.

    Setting points aside shows twice, as leaving a lot and as coming on hold; so does collecting, and what came from an account that
    ended in this one, whose own movements are told, too.
    """
    accounts: list[ledger.Lot] = []
    for one in (participant_id, *await joining.joined_accounts(session, participant_id=participant_id)):
        aside, owed = codes.hold(one, programme), codes.debt(one, programme)
        accounts += await ledger.lots(
            session, prefix=codes.wallet_prefix(one, programme), codes=[aside.code, owed.code]
        )
        accounts += await ledger.lots(session, prefix=codes.pending_prefix(one, programme))
    movements = await ledger.statement(session, [lot.id for lot in accounts], limit=limit, after=after)
    return [
        StatementEntry(
            cursor=one.cursor,
            posting_id=one.posting_id,
            part=one.own_code.split(":", 1)[0],
            points=one.amount,
            reason=one.reason,
            expires_on=one.due,
            other=_for_the_citizen(one.other_code),
            happened_at=one.happened_at,
            recorded_at=one.recorded_at,
            reverses=one.reverses,
        )
        for one in movements
    ]


async def liability_of(session: AsyncSession, *, programme: str) -> list[Liability]:
    """What a programme still owes to holders of points, by the day on which it lapses; None is never.

    What waits to be collected lapses by lots of its own, and comes behind the lots of wallets.
    """
    return [
        Liability(expires_on=due, points=points, lots=lots, waiting=kind == "pending")
        for kind in ("wallet", "pending")
        for due, points, lots in await ledger.due_forecast(session, kind=kind, group=programme)
    ]


async def _posted_for(session: AsyncSession, posting_id: UUID, reason: str) -> ledger.Transfer:
    """The first transfer of a posting of this sort. A posting of another sort is as unknown as none."""
    transfers = await ledger.transfers(session, posting_id, limit=1)
    if not transfers or transfers[0].reason != reason:
        raise ledger.PostingUnknown
    return transfers[0]


def _for_the_citizen(code: str) -> str:
    """The kind of the other account, and whose it is where that is a merchant."""
    kind, name, *_ = code.split(":")
    return f"{kind}:{name}" if kind == "payable" else kind
