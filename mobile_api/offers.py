"""What my points can be redeemed for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from merchant import catalogue
from merchant.catalogue import Offer, OfferUnknown

router = Router(prefix="/offers", tags=["offers"])


class OfferTold(Told):
    """Something a merchant gives for points. `items_left` is null where it is not limited; 0 is sold out."""

    id: UUID
    programme: str
    merchant: str
    merchant_name: str
    title: str
    price_points: int
    items_left: int | None
    per_citizen: int | None
    first_day: date
    last_day: date | None

    @classmethod
    def of(cls, offer: Offer) -> OfferTold:
        chinese = i18n.language() == "zh"
        return cls(
            id=offer.id,
            programme=offer.programme,
            merchant=offer.merchant,
            merchant_name=offer.merchant_zh if chinese else offer.merchant_en,
            title=offer.title_zh if chinese else offer.title_en,
            price_points=offer.price_points,
            items_left=offer.items_left,
            per_citizen=offer.per_citizen,
            first_day=offer.first_day,
            last_day=offer.last_day,
        )


@router.get("", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_offers(
    _citizen: SignedInCitizen,
    session: ReadSession,
    asked: Paging,
    programme: Annotated[Code | None, Query(description="Only offers for points of this programme.")] = None,
    title: Annotated[
        str | None, Query(min_length=1, max_length=60, description="A part of the title.")
    ] = None,
    up_to_points: Annotated[int | None, Query(ge=1, le=1_000_000_000, description="Costs no more.")] = None,
) -> Page[OfferTold]:
    """What can be redeemed today, newest first."""
    after = asked.after(datetime, UUID)
    rows = await catalogue.open_offers(
        session,
        programme=programme,
        title=title,
        up_to_points=up_to_points,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.created_at, row.id), show=OfferTold.of)


@router.get("/{offer_id}", responses=problems(Unauthenticated, OfferUnknown))
async def get_offer(offer_id: UUID, _citizen: SignedInCitizen, session: ReadSession) -> OfferTold:
    """One offer that can be redeemed today."""
    return OfferTold.of(await catalogue.open_offer(session, offer_id=offer_id))
