"""Agreed sales and money over HTTP, for the staff of seller and buyer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from backend import ledger
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from backend.ledger import Movement
from offset_bridge.holders import Holder, own_code
from offset_bridge.market import money, service
from offset_bridge.market.errors import (
    BookNotTraded,
    ExpiryUnusable,
    PartyHasNoAccount,
    SaleEnded,
    SaleExpired,
    SaleUnknown,
    SelfTrade,
)
from offset_bridge.market.service import Outcome, Sale
from offset_bridge.units import NumbersUnclear, RunTold, Units

sales_router = Router(prefix="/sales", tags=["agreed sales"])
cash_router = Router(prefix="/cash", tags=["cash"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
MOST_FEN = 10**15


class Offer(Units):
    """Units offered to one buyer; `price_fen` is the price of all of them together."""

    buyer: Code
    price_fen: Annotated[int, Field(strict=True, ge=1, le=MOST_FEN, description="CNY 0.01")]
    expires_at: AwareDatetime = Field(description="In the future, at most 31 days from now.")


class SaleTold(Told):
    """An agreed sale; `outcome` is null while the offer is open."""

    id: UUID
    market: str
    book: str
    seller: str
    buyer: str
    quantity_t: int
    price_fen: int
    serials: list[RunTold]
    offered_at: datetime
    expires_at: datetime
    outcome: Outcome | None
    ended_at: datetime | None

    @classmethod
    def of(cls, one: Sale) -> SaleTold:
        return cls(
            id=one.id,
            market=one.market,
            book=one.book,
            seller=one.seller,
            buyer=one.buyer,
            quantity_t=one.quantity_t,
            price_fen=one.price_fen,
            serials=[RunTold.of(run) for run in one.serials],
            offered_at=one.offered_at,
            expires_at=one.expires_at,
            outcome=one.outcome,
            ended_at=one.ended_at,
        )


class CashTold(Told):
    """My organisation's money in one market."""

    market: str
    balance_fen: int


class CashMovementTold(Told):
    """One movement of my organisation's money; `amount_fen` is positive when it came in."""

    posting_id: UUID
    amount_fen: int
    reason: str
    other: str
    happened_at: datetime
    recorded_at: datetime

    @classmethod
    def of(cls, one: Movement) -> CashMovementTold:
        return cls(
            posting_id=one.posting_id,
            amount_fen=one.amount,
            reason=one.reason,
            other=one.other_code,
            happened_at=one.happened_at,
            recorded_at=one.recorded_at,
        )


@sales_router.post(
    "",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        NumbersUnclear,
        SelfTrade,
        ExpiryUnusable,
        BookNotTraded,
        PartyHasNoAccount,
        ledger.InsufficientBalance,
        ledger.SerialsNotHeld,
        *idempotency.REFUSALS,
    ),
)
async def offer_sale(asked: Offer, person: Holder, session: WriteSession, _: IdempotencyKey) -> SaleTold:
    """Offer units of my organisation to one buyer; they are set aside until the offer ends."""
    quantity_t, serials = asked.chosen()
    sale = await service.offer(
        session,
        book=asked.book,
        seller=await own_code(session, person),
        buyer=asked.buyer,
        quantity_t=quantity_t,
        serials=serials,
        price_fen=asked.price_fen,
        expires_at=asked.expires_at,
        offered_by=person.id,
    )
    return SaleTold.of(sale)


@sales_router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_sales(
    person: Holder, session: ReadSession, asked: Paging, only_open: bool = False
) -> Page[SaleTold]:
    """The sales in which my organisation sells or buys, newest first."""
    after = asked.after(datetime, UUID)
    found = await service.sales_of(
        session,
        party=await own_code(session, person),
        only_open=only_open,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(found, position=lambda one: (one.offered_at, one.id), show=SaleTold.of)


@sales_router.get("/{sale_id}", responses=problems(*_NOT_LET_IN, SaleUnknown))
async def get_sale(sale_id: UUID, person: Holder, session: ReadSession) -> SaleTold:
    """One sale in which my organisation sells or buys."""
    sale = await service.sale_of(session, sale_id=sale_id)
    if await own_code(session, person) not in {sale.seller, sale.buyer}:
        raise SaleUnknown
    return SaleTold.of(sale)


@sales_router.post(
    "/{sale_id}/acceptance",
    responses=problems(
        *_NOT_LET_IN,
        SaleUnknown,
        SaleEnded,
        SaleExpired,
        PartyHasNoAccount,
        ledger.InsufficientBalance,
        *idempotency.REFUSALS,
    ),
)
async def accept_sale(sale_id: UUID, person: Holder, session: WriteSession, _: IdempotencyKey) -> SaleTold:
    """Buy what my organisation was offered: the units against the money, at once."""
    buyer = await own_code(session, person)
    return SaleTold.of(await service.accept(session, sale_id=sale_id, buyer=buyer, accepted_by=person.id))


@sales_router.post(
    "/{sale_id}/refusal",
    responses=problems(*_NOT_LET_IN, SaleUnknown, SaleEnded, *idempotency.REFUSALS),
)
async def decline_sale(sale_id: UUID, person: Holder, session: WriteSession, _: IdempotencyKey) -> SaleTold:
    """Turn down what my organisation was offered; the units go back to the seller."""
    buyer = await own_code(session, person)
    return SaleTold.of(await service.decline(session, sale_id=sale_id, buyer=buyer, declined_by=person.id))


@sales_router.post(
    "/{sale_id}/withdrawal",
    responses=problems(*_NOT_LET_IN, SaleUnknown, SaleEnded, *idempotency.REFUSALS),
)
async def withdraw_sale(sale_id: UUID, person: Holder, session: WriteSession, _: IdempotencyKey) -> SaleTold:
    """Take back what my organisation offered; the units are its own again."""
    seller = await own_code(session, person)
    return SaleTold.of(
        await service.withdraw(session, sale_id=sale_id, seller=seller, withdrawn_by=person.id)
    )


@cash_router.get("", responses=problems(*_NOT_LET_IN))
async def list_cash(person: Holder, session: ReadSession) -> list[CashTold]:
    """What my organisation can pay with, by market."""
    assert person.organisation_id is not None
    own = await money.balances(session, organisation_id=person.organisation_id)
    return [CashTold(market=one.market, balance_fen=one.balance_fen) for one in own]


@cash_router.get("/{market}/statement", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_cash_movements(
    market: Code, person: Holder, session: ReadSession, asked: Paging
) -> Page[CashMovementTold]:
    """Every movement of my organisation's money in a market, newest first."""
    after = asked.after(int, str, int, int)
    found = await money.statement(
        session,
        market=market,
        owner=await own_code(session, person),
        limit=asked.fetch,
        after=(after[0], after[1], after[2], after[3]) if after else None,
    )
    return asked.page(found, position=lambda one: one.cursor, show=CashMovementTold.of)
