"""Money that came or went, as the authority records it. What an organisation has is asked of the market."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend import ledger
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from offset_bridge import registry
from offset_bridge.access import Authority
from offset_bridge.cash import service
from offset_bridge.cash.service import CashMoved, Direction

router = Router(tags=["cash"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


class Payment(Asked):
    """Money of one organisation in a market; `reference` is that of the payment outside."""

    market: Annotated[str, StringConstraints(pattern="^[a-z][a-z-]{0,39}$")]
    organisation: Code
    amount_fen: Annotated[int, Field(strict=True, ge=1, le=10**15, description="CNY 0.01")]
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class CashMovedTold(Told):
    """Money that was recorded."""

    id: UUID
    market: str
    organisation: str
    direction: Direction
    amount_fen: int
    reference: str
    recorded_at: datetime

    @classmethod
    def of(cls, one: CashMoved) -> CashMovedTold:
        return cls.model_validate(one)


@router.post(
    "/deposits",
    status_code=201,
    responses=problems(*_NOT_LET_IN, registry.AccountUnknown, *idempotency.REFUSALS),
)
async def record_deposit(
    asked: Payment, person: Authority, session: WriteSession, _: IdempotencyKey
) -> CashMovedTold:
    """Enter money that arrived for an organisation."""
    moved = await service.record(
        session, **asked.model_dump(), direction=Direction.DEPOSITED, recorded_by=person.id
    )
    return CashMovedTold.of(moved)


@router.post(
    "/withdrawals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN, registry.AccountUnknown, ledger.InsufficientBalance, *idempotency.REFUSALS
    ),
)
async def record_withdrawal(
    asked: Payment, person: Authority, session: WriteSession, _: IdempotencyKey
) -> CashMovedTold:
    """Enter money that left for an organisation; never more than it has."""
    moved = await service.record(
        session, **asked.model_dump(), direction=Direction.WITHDRAWN, recorded_by=person.id
    )
    return CashMovedTold.of(moved)


@router.get("/cash-records", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_cash_records(_person: Authority, session: ReadSession, asked: Paging) -> Page[CashMovedTold]:
    """Every deposit and withdrawal that was recorded, newest first."""
    after = asked.after(datetime, UUID)
    found = await service.movements(
        session,
        organisation=None,
        before=(after[0], after[1]) if after else None,
        limit=asked.fetch,
    )
    return asked.page(found, position=lambda one: (one.recorded_at, one.id), show=CashMovedTold.of)
