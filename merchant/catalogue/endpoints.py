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
from merchant.catalogue import reviewing, service
from merchant.catalogue.errors import (
    OfferDaysReversed,
    OfferShopUnknown,
    OfferStepImpossible,
    OfferUnknown,
    OfferUnlimited,
    OfferWithdrawn,
)
from merchant.catalogue.model import Step
from merchant.catalogue.schemas import OfferMade, OfferTold, Restocking

MOST_BODY_BYTES = 3_000_000  # ten thousand coupon codes, or the largest image in base64
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
    responses=problems(
        *_NOT_LET_IN,
        programmes.ProgrammeUnknown,
        OfferDaysReversed,
        OfferShopUnknown,
        *idempotency.REFUSALS,
    ),
)
async def draft_offer(
    made: OfferMade, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> OfferTold:
    """Draft an offer for points of a programme. Nobody sees it before it is submitted and the operator publishes it.

    An offer never changes: withdraw it and draft another one.
    """
    offer = await reviewing.draft_offer(
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
        gives=None if made.gives == "goods" else made.gives,
        terms=made.on_terms(),
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


_STEPS = problems(*_NOT_LET_IN, OfferUnknown, OfferWithdrawn, OfferStepImpossible)


@router.post("/{offer_id}/submission", responses=_STEPS)
async def submit_offer(offer_id: UUID, person: MerchantStaff, session: WriteSession) -> OfferTold:
    """Hand a draft, or an offer that was sent back, to the operator's review."""
    return await _step(offer_id, person.id, merchant_of(person), session, Step.SUBMITTED)


@router.post("/{offer_id}/pause", responses=_STEPS)
async def pause_offer(offer_id: UUID, person: MerchantStaff, session: WriteSession) -> OfferTold:
    """Let nobody redeem it for a while. Codes that citizens hold already stay good."""
    return await _step(offer_id, person.id, merchant_of(person), session, Step.PAUSED)


@router.post("/{offer_id}/resumption", responses=_STEPS)
async def resume_offer(offer_id: UUID, person: MerchantStaff, session: WriteSession) -> OfferTold:
    """Let a paused offer be redeemed again."""
    return await _step(offer_id, person.id, merchant_of(person), session, Step.RESUMED)


async def _step(offer_id: UUID, by: UUID, merchant_id: UUID, session: WriteSession, step: Step) -> OfferTold:
    offer = await reviewing.step(session, merchant_id=merchant_id, offer_id=offer_id, step=step, by=by)
    return OfferTold.of(offer)
