"""A merchant's own offers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from backend import programmes
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from merchant.access import MerchantStaff, merchant_of
from merchant.catalogue import service
from merchant.catalogue.errors import OfferDaysReversed, OfferUnknown, OfferUnlimited, OfferWithdrawn
from merchant.catalogue.schemas import OfferMade, OfferTold, Restocking

router = Router(prefix="/offers", tags=["offers"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_offers(person: MerchantStaff, session: ReadSession, asked: Paging) -> Page[OfferTold]:
    """What my organisation offers or offered, newest first."""
    after = asked.after(datetime, UUID)
    rows = await service.offers_of(
        session,
        merchant_id=merchant_of(person),
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.created_at, row.id), show=OfferTold.of)


@router.post(
    "",
    status_code=201,
    responses=problems(*_NOT_LET_IN, programmes.ProgrammeUnknown, OfferDaysReversed, *idempotency.REFUSALS),
)
async def create_offer(
    made: OfferMade, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> OfferTold:
    """Offer something for points of a programme. An offer never changes: withdraw it and make another one."""
    offer = await service.create_offer(
        session,
        merchant_id=merchant_of(person),
        programme=made.programme,
        title_zh=made.title_zh,
        title_en=made.title_en,
        price_points=made.price_points,
        items=made.items,
        first_day=made.first_day,
        last_day=made.last_day,
        per_citizen=made.per_citizen,
        created_by=person.id,
    )
    return OfferTold.of(offer)


@router.get("/{offer_id}", responses=problems(*_NOT_LET_IN, OfferUnknown))
async def get_offer(offer_id: UUID, person: MerchantStaff, session: ReadSession) -> OfferTold:
    """One offer of my organisation."""
    return OfferTold.of(await service.offer_of(session, merchant_id=merchant_of(person), offer_id=offer_id))


@router.post(
    "/{offer_id}/restocks",
    status_code=201,
    responses=problems(*_NOT_LET_IN, OfferUnknown, OfferUnlimited, OfferWithdrawn, *idempotency.REFUSALS),
)
async def restock_offer(
    offer_id: UUID, more: Restocking, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> OfferTold:
    """Put up more items of a limited offer."""
    offer = await service.restock(
        session,
        merchant_id=merchant_of(person),
        offer_id=offer_id,
        items=more.items,
        restocked_by=person.id,
    )
    return OfferTold.of(offer)


@router.post("/{offer_id}/withdrawal", responses=problems(*_NOT_LET_IN, OfferUnknown))
async def withdraw_offer(offer_id: UUID, person: MerchantStaff, session: WriteSession) -> OfferTold:
    """Let nobody redeem it any more. Codes that citizens hold already stay good. Again changes nothing."""
    offer = await service.withdraw(
        session, merchant_id=merchant_of(person), offer_id=offer_id, withdrawn_by=person.id
    )
    return OfferTold.of(offer)
