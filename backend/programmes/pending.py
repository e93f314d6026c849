"""Points that wait: they ripen, are collected from midnight on, and lapse where nobody came in time.

A lot's code says from which day on it may be collected, and its last day; both are whole days in Shanghai, by the
platform's clock. Each verb opens the accounts it needs and then writes once: bring one verb per transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.programmes import codes, purses, queries
from backend.programmes.earning import expires_on
from backend.programmes.errors import NothingToCollect
from backend.programmes.service import Registered, programmes

COLLECTED, COLLECTED_REPAID = "points.collected", "points.collected_repaid"


@dataclass(frozen=True, slots=True)
class PendingLot:
    """Points of one day's earning that may be collected from `ripe_on` up to and on `last_day` (None: for ever)."""

    code: str
    ripe_on: dt.date
    last_day: dt.date | None
    points: int
    ripe: bool


@dataclass(frozen=True, slots=True)
class Collected:
    """What came out of the lots: `repaid` went to an earlier debt, the rest may be spent up to and on `expires_on`."""

    points: int
    repaid: int
    expires_on: dt.date | None
    by_lot: Mapping[str, int]


async def pending_of(session: AsyncSession, *, participant_id: UUID, programme: str) -> list[PendingLot]:
    """What waits for a participant now, the day that is ripe first before others; what lapsed is left out."""
    return [lot for _, lot in await _lots(session, participant_id, programme, clock.today())]


async def collect(
    session: AsyncSession,
    *,
    programme: Registered,
    participant_id: UUID,
    posting_id: UUID,
    ripe_on: dt.date | None = None,
) -> Collected:
    """Move a participant's own ripe lots (of one day) to the wallet; debts are repaid first. They lapse as if they had
    been earned on the day of collecting. Raises NothingToCollect.
    """
    now = clock.now()
    found = await _lots(session, participant_id, programme.code, clock.day_of(now), of_posting=posting_id)
    return await _move(
        session,
        programme,
        sources=[
            (account, lot.code, None)
            for account, lot in found
            if lot.ripe and (ripe_on is None or lot.ripe_on == ripe_on)
        ],
        to=participant_id,
        posting_id=posting_id,
        now=now,
    )


async def take_from(
    session: AsyncSession,
    *,
    programme: Registered,
    of: UUID,
    by: UUID,
    most: Mapping[str, int],
    posting_id: UUID,
    now: dt.datetime,
) -> Collected:
    """Move at most so many points of each of somebody's ripe lots (`most`, by code) to another's wallet, whose debts are
    repaid first. Who may take how much is the caller's to know. Raises NothingToCollect.
    """
    found = await _lots(session, of, programme.code, clock.day_of(now), of_posting=posting_id)
    return await _move(
        session,
        programme,
        sources=[
            (account, lot.code, most[lot.code])
            for account, lot in found
            if lot.ripe and most.get(lot.code, 0) > 0
        ],
        to=by,
        posting_id=posting_id,
        now=now,
    )


async def collect_for_all(db: Database, *, batch: int = 500) -> int:
    """Collect what is ripe in programmes where the platform does so, a transaction per batch; answers the points.

    Again moves nothing twice: a lot that was collected holds nothing. A night that was missed is made up for.
    """
    async with db.transaction() as session:
        running = [
            one
            for one in await programmes(session)
            if one.pack.features.claim is not None and one.pack.features.claim.by == "platform"
        ]
    points = 0
    for programme in running:
        after: int | None = 0
        while after is not None:
            async with db.transaction() as session:
                some, after = await _collect_batch(session, programme, after=after, limit=batch)
            points += some
    return points


async def _collect_batch(
    session: AsyncSession, programme: Registered, *, after: int, limit: int
) -> tuple[int, int | None]:
    now = clock.now()
    today = clock.day_of(now)
    rows = (
        await session.execute(
            queries.RIPE, {"programme": programme.code, "today": today, "after": after, "limit": limit}
        )
    ).all()
    if not rows:
        return 0, None
    purse = purses.wallet(expires_on(programme.pack, today))
    owners = [UUID(row.owner) for row in rows]
    source, lots = purse.source_of(programme.code), [purse.lot_of(one, programme.code) for one in owners]
    opened = await ledger.open_accounts(session, [source, *lots])
    run = ids.uuid7()
    moved = await ledger.gather(
        session,
        gathers=[
            ledger.Gather(
                posting_id=ids.derive(run, str(owner)),
                source=row.id,
                first=purse.debt_of(owner, programme.code),
                credit=opened[lot.code],
            )
            for row, owner, lot in zip(rows, owners, lots, strict=True)
        ],
        kept_out=[opened[source.code]],
        first_reason=COLLECTED_REPAID,
        reason=COLLECTED,
        happened_at=now,
    )
    return sum(one.moved for one in moved.values()), rows[-1].id


async def _lots(
    session: AsyncSession,
    participant_id: UUID,
    programme: str,
    today: dt.date,
    of_posting: UUID | None = None,
) -> list[tuple[int, PendingLot]]:
    """Lots that hold something and have not lapsed, and those that a posting drew from, by account."""
    drawn = set()
    if of_posting is not None:
        drawn = {one.debit_code for one in await ledger.transfers(session, of_posting)}
    found = []
    for lot in await ledger.lots(session, prefix=codes.pending_prefix(participant_id, programme)):
        ripe_on = dt.date.fromisoformat(lot.code.split(":")[3])
        if lot.code in drawn or (lot.balance > 0 and (lot.due is None or lot.due >= today)):
            about = PendingLot(lot.code, ripe_on, lot.due, lot.balance, ripe_on <= today)
            found.append((lot.id, about))
    return found


async def _move(
    session: AsyncSession,
    programme: Registered,
    *,
    sources: Sequence[tuple[int, str, int | None]],
    to: UUID,
    posting_id: UUID,
    now: dt.datetime,
) -> Collected:
    if not sources:
        raise NothingToCollect
    last = expires_on(programme.pack, clock.day_of(now))
    purse = purses.wallet(last)
    source, lot = purse.source_of(programme.code), purse.lot_of(to, programme.code)
    opened = await ledger.open_accounts(session, [source, lot])
    moved = await ledger.gather(
        session,
        gathers=[
            ledger.Gather(
                posting_id=posting_id,
                source=account,
                first=purse.debt_of(to, programme.code),
                credit=opened[lot.code],
                most=most,
            )
            for account, _, most in sources
        ],
        kept_out=[opened[source.code]],
        first_reason=COLLECTED_REPAID,
        reason=COLLECTED,
        happened_at=now,
    )
    if not any(one.moved for one in moved.values()):  # somebody else was quicker
        raise NothingToCollect
    return Collected(
        points=sum(one.moved for one in moved.values()),
        repaid=sum(one.filled for one in moved.values()),
        expires_on=last,
        by_lot={code: moved[account].moved for account, code, _ in sources if moved[account].moved},
    )
