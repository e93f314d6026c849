"""The holders' view of credits over HTTP: what is held, passing it on, giving it up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend import ledger
from backend.identity import organisations
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.quantities import Fen
from backend.kit.schemas import Code, Told
from offset_bridge.credits import service
from offset_bridge.credits.errors import BookUnknown, TakerCannotHold, TransferToOneself
from offset_bridge.credits.service import CreditCancellation, CreditTransfer, Holding
from offset_bridge.holders import Holder, own_code
from offset_bridge.origin import IssuanceNotStated
from offset_bridge.units import NumbersUnclear, RunTold, Units

router = Router(prefix="/credits", tags=["credits"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
_UNITS = (NumbersUnclear, BookUnknown, ledger.InsufficientBalance, ledger.SerialsNotHeld)


class HoldingTold(Told):
    """Numbers in a row that my organisation holds, how their ends are printed, and the batch they were issued from."""

    book: str
    serials: RunTold
    first_serial: str
    last_serial: str
    batch: UUID
    project: str
    methodology: str
    vintage_year: int
    demo: bool

    @classmethod
    def of(cls, one: Holding) -> HoldingTold:
        return cls(
            book=one.book,
            serials=RunTold.of(one.issued.serials),
            first_serial=one.issued.printed(one.issued.serials.low),
            last_serial=one.issued.printed(one.issued.serials.high - 1),
            batch=one.issued.batch,
            project=one.issued.project,
            methodology=one.issued.methodology,
            vintage_year=one.issued.vintage_year,
            demo=one.demo,
        )


class PassingOn(Units):
    """Credits for another holder, and what was paid for all of them outside this platform (0: nothing)."""

    to: Code = Field(description="The code of the organisation that is to hold them.")
    price_fen: Fen


class CreditTransferTold(Told):
    """Credits that passed to another holder."""

    id: UUID
    book: str
    giver: str
    taker: str
    quantity_t: int
    price_fen: int
    serials: list[RunTold]
    asked_at: datetime

    @classmethod
    def of(cls, one: CreditTransfer) -> CreditTransferTold:
        return cls(
            id=one.id,
            book=one.book,
            giver=one.giver,
            taker=one.taker,
            quantity_t=one.quantity_t,
            price_fen=one.price_fen,
            serials=[RunTold.of(run) for run in one.serials],
            asked_at=one.asked_at,
        )


class GivingUp(Units):
    """Credits to be cancelled for good, and what for. The purpose becomes public: name no person in it."""

    purpose: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class CreditCancellationTold(Told):
    """Credits that were cancelled; they never move again and count towards no obligation."""

    id: UUID
    book: str
    owner: str
    quantity_t: int
    purpose: str
    serials: list[RunTold]
    asked_at: datetime

    @classmethod
    def of(cls, one: CreditCancellation) -> CreditCancellationTold:
        return cls(
            id=one.id,
            book=one.book,
            owner=one.owner,
            quantity_t=one.quantity_t,
            purpose=one.purpose,
            serials=[RunTold.of(run) for run in one.serials],
            asked_at=one.asked_at,
        )


@router.get("", responses=problems(*_NOT_LET_IN, IssuanceNotStated, paging.CursorUnusable))
async def list_credits(person: Holder, session: ReadSession, asked: Paging) -> Page[HoldingTold]:
    """The credits that my organisation holds in the books that issued them, by book and number."""
    after = asked.after(str, int)
    held = await service.holdings(
        session,
        owner=await own_code(session, person),
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(held, position=lambda one: (one.book, one.issued.serials.low), show=HoldingTold.of)


@router.post(
    "/transfers",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        *_UNITS,
        TransferToOneself,
        TakerCannotHold,
        organisations.OrganisationUnknown,
        *idempotency.REFUSALS,
    ),
)
async def transfer_credits(
    asked: PassingOn, person: Holder, session: WriteSession, _: IdempotencyKey
) -> CreditTransferTold:
    """Pass credits on to another operator or enterprise, in the book that issued them."""
    quantity_t, serials = asked.chosen()
    made = await service.transfer(
        session,
        book=asked.book,
        giver=await own_code(session, person),
        taker=asked.to,
        quantity_t=quantity_t,
        serials=serials,
        price_fen=asked.price_fen,
        asked_by=person.id,
    )
    return CreditTransferTold.of(made)


@router.post(
    "/cancellations",
    status_code=201,
    responses=problems(*_NOT_LET_IN, *_UNITS, *idempotency.REFUSALS),
)
async def cancel_credits(
    asked: GivingUp, person: Holder, session: WriteSession, _: IdempotencyKey
) -> CreditCancellationTold:
    """Give credits up for good, for a purpose that becomes public."""
    quantity_t, serials = asked.chosen()
    made = await service.cancel(
        session,
        book=asked.book,
        owner=await own_code(session, person),
        quantity_t=quantity_t,
        serials=serials,
        purpose=asked.purpose,
        asked_by=person.id,
    )
    return CreditCancellationTold.of(made)
