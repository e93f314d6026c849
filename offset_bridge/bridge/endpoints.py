"""Bridge transfers over HTTP, for the staff of their owner."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from backend import ledger
from backend.certification import shortfalls
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from offset_bridge import registry
from offset_bridge.bridge import service
from offset_bridge.bridge.errors import AccountMissing, BookNotBridged, BridgeUnknown
from offset_bridge.bridge.model import BridgeTransfer, StepName
from offset_bridge.holders import Holder, own_code
from offset_bridge.origin import IssuanceNotStated
from offset_bridge.units import NumbersUnclear, RunTold, Units

router = Router(prefix="/bridge-transfers", tags=["bridge"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


class Crossing(Units):
    """Credits that are to stand in a compliance market's book, in an account of the same owner."""

    market: Code = Field(examples=["guangdong"])


class StepTold(Told):
    """A step that was taken. `reason` is the code of the refusal for which units were returned."""

    step: StepName
    reason: str | None
    taken_at: datetime


class BridgeTransferTold(Told):
    """Credits on their way over the bridge; `state` is the last of the steps."""

    id: UUID
    market: str
    from_book: str
    to_book: str
    owner: str
    quantity_t: int
    serials: list[RunTold]
    state: StepName
    steps: list[StepTold]
    asked_at: datetime

    @classmethod
    def of(cls, one: BridgeTransfer) -> BridgeTransferTold:
        return cls(
            id=one.id,
            market=one.market,
            from_book=one.from_book,
            to_book=one.to_book,
            owner=one.owner,
            quantity_t=one.quantity_t,
            serials=[RunTold.of(run) for run in one.serials],
            state=one.state,
            steps=[
                StepTold(step=step.step, reason=step.reason, taken_at=step.taken_at) for step in one.steps
            ],
            asked_at=one.asked_at,
        )


@router.post(
    "",
    status_code=202,
    responses=problems(
        *_NOT_LET_IN,
        NumbersUnclear,
        BookNotBridged,
        AccountMissing,
        registry.MarketUnopened,
        registry.DemoUnitsRefused,
        shortfalls.CorrectionsOwed,
        ledger.InsufficientBalance,
        ledger.SerialsNotHeld,
        IssuanceNotStated,
        *idempotency.REFUSALS,
    ),
)
async def start_bridge_transfer(
    asked: Crossing, person: Holder, session: WriteSession, _: IdempotencyKey
) -> BridgeTransferTold:
    """Lock my organisation's credits for a market. The further steps follow by themselves; ask for the transfer's state."""
    quantity_t, serials = asked.chosen()
    transfer = await service.lock(
        session,
        book=asked.book,
        market=asked.market,
        owner=await own_code(session, person),
        quantity_t=quantity_t,
        serials=serials,
        asked_by=person.id,
    )
    return BridgeTransferTold.of(transfer)


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_bridge_transfers(
    person: Holder, session: ReadSession, asked: Paging
) -> Page[BridgeTransferTold]:
    """My organisation's bridge transfers, newest first."""
    after = asked.after(datetime, UUID)
    found = await service.transfers_of(
        session,
        owner=await own_code(session, person),
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(found, position=lambda one: (one.asked_at, one.id), show=BridgeTransferTold.of)


@router.get("/{bridge_id}", responses=problems(*_NOT_LET_IN, BridgeUnknown))
async def get_bridge_transfer(bridge_id: UUID, person: Holder, session: ReadSession) -> BridgeTransferTold:
    """One of my organisation's bridge transfers, with the steps taken so far."""
    transfer = await service.transfer_of(session, bridge_id=bridge_id)
    if transfer.owner != await own_code(session, person):
        raise BridgeUnknown
    return BridgeTransferTold.of(transfer)
