"""The steps of a bridge transfer, each in a transaction of its own.

The row of a step is written before anything moves. A second worker on the same step waits at that row; when the first
has committed, it finds the step taken and does nothing; when the first died, it takes the step itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.kit import clock, ids, outbox
from backend.kit.db import errors_from_database
from backend.kit.errors import DomainError
from backend.ledger import SerialRange
from offset_bridge import moving, origin
from offset_bridge.bridge import arrival, gate, queries
from offset_bridge.bridge.errors import BookNotBridged, BridgeUnknown, NumbersTaken
from offset_bridge.bridge.model import FOLLOWS, BridgeTransfer, Step, StepName

DEPOSIT = "bridge.deposit"
CONFIRM = "bridge.confirm"


async def lock(
    session: AsyncSession,
    *,
    book: str,
    market: str,
    owner: str,
    asked_by: UUID,
    quantity_t: int,
    serials: Sequence[SerialRange] | None = None,
) -> BridgeTransfer:
    """Set `quantity_t` of the owner's credits aside for a market, these numbers or the lowest held, and owe the deposit.

    Refuses before anything is locked what the market's registry would refuse (MarketUnopened, DemoUnitsRefused,
    AccountMissing), and an operator who owes for withdrawn acts (CorrectionsOwed); and BookNotBridged, SerialsNotHeld,
    InsufficientBalance.
    """
    known = (await ledger.books(session, [book])).get(book)
    if known is None or book not in origin.BOOKS:
        raise BookNotBridged
    await gate.check(session, market=market, owner=owner, demo=known.demo)
    to_book = origin.book_in(market, book)
    await ledger.open_book(session, code=to_book, unit=known.unit, demo=known.demo)
    bridge_id, at = ids.uuid7(), clock.now()
    await queries.ask(
        session,
        id=bridge_id,
        market=market,
        from_book=book,
        to_book=to_book,
        owner=owner,
        quantity_t=quantity_t,
        asked_by=asked_by,
        asked_at=at,
    )
    transfer = await transfer_of(session, bridge_id=bridge_id)
    await _take(session, transfer, StepName.LOCKED)
    moved = await _move(session, transfer, StepName.LOCKED, serials=serials)
    await origin.issued(
        session, book=book, serials=moved
    )  # what nobody issued is refused here, not at the deposit
    outbox.promise(session, DEPOSIT, bridge_id=bridge_id)
    await _state(session, transfer, StepName.LOCKED, moved)
    return await transfer_of(session, bridge_id=bridge_id)


async def deposit(session: AsyncSession, *, bridge_id: UUID) -> None:
    """Let the locked units stand in the market's book under the same numbers, and owe the confirmation.

    Where the market's registry refuses by now, the units go back to their owner with the reason. Does nothing when
    either has happened.
    """
    transfer = await transfer_of(session, bridge_id=bridge_id)
    if transfer.state is not StepName.LOCKED:
        return
    try:
        book = (await ledger.books(session, [transfer.from_book]))[transfer.from_book]
        await gate.check(session, market=transfer.market, owner=transfer.owner, demo=book.demo)
        if not await _deposit(session, transfer):
            return
    except gate.REFUSALS as refused:
        await give_back(session, transfer, refused)
        return
    await arrival.record_lots(session, transfer)
    outbox.promise(session, CONFIRM, bridge_id=bridge_id)
    await _state(session, transfer, StepName.DEPOSITED, transfer.serials)


async def _deposit(session: AsyncSession, transfer: BridgeTransfer) -> bool:
    """Take the step; False when it was taken. Nothing of it stays when the numbers are taken in the market's book."""
    try:
        with errors_from_database():
            async with session.begin_nested():
                if not await _take(session, transfer, StepName.DEPOSITED):
                    return False
                await _move(session, transfer, StepName.DEPOSITED, serials=transfer.serials)
    except ledger.SerialsTaken:
        raise NumbersTaken from None
    return True


async def give_back(session: AsyncSession, transfer: BridgeTransfer, refused: DomainError) -> None:
    """Let locked units go back to their owner, for what the registry said. Does nothing once they are deposited."""
    if not await _take(session, transfer, StepName.RETURNED, reason=refused.code):
        return
    await _move(session, transfer, StepName.RETURNED, serials=transfer.serials)
    await _state(session, transfer, StepName.RETURNED, transfer.serials, reason=refused.code)


async def confirm(session: AsyncSession, *, bridge_id: UUID) -> None:
    """Let what was locked leave its book for good, now that it stands in the market's. Does nothing the second time."""
    transfer = await transfer_of(session, bridge_id=bridge_id)
    if transfer.state is not StepName.DEPOSITED or not await _take(session, transfer, StepName.CONFIRMED):
        return
    await _move(session, transfer, StepName.CONFIRMED, serials=transfer.serials)
    await _state(session, transfer, StepName.CONFIRMED, transfer.serials)


async def _take(
    session: AsyncSession, transfer: BridgeTransfer, step: StepName, *, reason: str | None = None
) -> bool:
    return await queries.take(
        session,
        bridge_id=transfer.id,
        step=step,
        follows=FOLLOWS[step],
        posting_id=ids.derive(transfer.id, step),
        reason=reason,
        taken_at=clock.now(),
    )


def accounts(transfer: BridgeTransfer, step: StepName) -> tuple[str, str]:
    """The accounts, by code, that a step debits and credits."""
    holder = f"holder:{transfer.from_book}:{transfer.owner}"
    locked = f"locked:{transfer.from_book}:{transfer.market}"
    match step:
        case StepName.LOCKED:
            return holder, locked
        case StepName.RETURNED:
            return locked, holder
        case StepName.CONFIRMED:
            return locked, f"bridged_out:{transfer.from_book}:{transfer.market}"
        case StepName.DEPOSITED:
            return f"bridged_in:{transfer.to_book}", f"entity:{transfer.to_book}:{transfer.owner}"


async def _move(
    session: AsyncSession,
    transfer: BridgeTransfer,
    step: StepName,
    *,
    serials: Sequence[SerialRange] | None,
) -> tuple[SerialRange, ...]:
    debit, credit = accounts(transfer, step)
    return await moving.move(
        session,
        posting_id=ids.derive(transfer.id, step),
        reason=f"bridge.{step}",
        debit=debit,
        credit=credit,
        quantity_t=transfer.quantity_t,
        serials=serials,
    )


async def _state(
    session: AsyncSession,
    transfer: BridgeTransfer,
    step: StepName,
    serials: Sequence[SerialRange],
    *,
    reason: str | None = None,
) -> None:
    await log.append(session, kind=f"bridge.{step}", body=stated(transfer, serials, reason=reason))


def stated(
    transfer: BridgeTransfer, serials: Sequence[SerialRange], *, reason: str | None = None
) -> dict[str, Any]:
    """What the log says of a step: the same of each, and the reason where units were returned."""
    body = {
        "bridge": str(transfer.id),
        "from_book": transfer.from_book,
        "to_book": transfer.to_book,
        "market": transfer.market,
        "owner": transfer.owner,
        "serials": moving.listed(serials),
    }
    return body if reason is None else {**body, "reason": reason}


async def transfer_of(session: AsyncSession, *, bridge_id: UUID) -> BridgeTransfer:
    """The transfer with its numbers and the steps taken so far, or BridgeUnknown."""
    row = await queries.one(session, bridge_id)
    if row is None:
        raise BridgeUnknown
    return (await _with_steps(session, [row]))[0]


async def transfers_of(
    session: AsyncSession, *, owner: str, limit: int = 50, after: tuple[datetime, UUID] | None = None
) -> list[BridgeTransfer]:
    """The owner's transfers, newest first, starting behind `after` (asked_at, id)."""
    return await _with_steps(session, await queries.page(session, owner=owner, limit=limit, after=after))


async def every_transfer(session: AsyncSession) -> list[BridgeTransfer]:
    """Every transfer there is, oldest first; for the audit."""
    return await _with_steps(session, await queries.every(session))


async def _with_steps(session: AsyncSession, rows: Sequence[RowMapping]) -> list[BridgeTransfer]:
    wanted = [row["id"] for row in rows]
    steps: dict[UUID, list[Step]] = {one: [] for one in wanted}
    for row in await queries.steps(session, wanted):
        steps[row["bridge_id"]].append(
            Step(StepName(row["step"]), row["posting_id"], row["reason"], row["taken_at"])
        )
    locked = {one: ids.derive(one, StepName.LOCKED) for one in wanted}
    serials = await moving.numbers_of(session, list(locked.values()))
    return [
        BridgeTransfer(**dict(row), serials=serials[locked[row["id"]]], steps=tuple(steps[row["id"]]))
        for row in rows
    ]
