"""What my points can be redeemed for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from fastapi import Depends, Query

from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from merchant import catalogue
from merchant.catalogue import Offer, OfferUnknown, Place, PlaceHalfSaid, Wanted

router = Router(prefix="/offers", tags=["offers"])


class PlaceTold(Told):
    """A shop where an offer is given."""

    shop_id: UUID
    name: str
    address: str
    district: str
    open_now: bool

    @classmethod
    def of(cls, place: Place) -> PlaceTold:
        name = place.name_zh if i18n.language() == "zh" else place.name_en
        return cls(
            shop_id=place.id,
            name=name,
            address=place.address,
            district=place.district,
            open_now=place.open_now,
        )


class OfferTold(Told):
    """Something a merchant gives for points. `items_left` is null where it is not limited; 0 is sold out.

    `gives`: goods at a till; or at once a coupon code, which `/redemptions/{redemption_id}/coupon` tells; or a voucher, which
    `/redemptions/{redemption_id}/voucher` tells: `face_fen` off a purchase of at least `minimum_fen`, good for `valid_days` after the
    day it is given. The points are spent then, and stay spent where a voucher is not used in time.
    `money_fen` is what the shop asks beside the points. `period` and `per_period`: how often one citizen may have it in a day,
    week or month. `seasons`: spans of days of each year, [MM-DD, MM-DD]. `terms`: the merchant's own words.
    `images`: names of pictures, each at `/mobile/v1/images/{name}`.
    """

    id: UUID
    programme: str
    merchant: str
    merchant_name: str
    title: str
    price_points: int
    gives: Literal["goods", "coupon", "voucher"]
    face_fen: int | None
    minimum_fen: int | None
    valid_days: int | None
    items_left: int | None
    per_citizen: int | None
    first_day: date
    last_day: date | None
    category: str | None
    money_fen: int | None
    period: Literal["day", "week", "month"] | None
    per_period: int | None
    opening_hours: bool
    seasons: list[tuple[str, str]]
    terms: str | None
    images: list[str]

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
            gives=cast("Literal['coupon', 'voucher']", offer.gives) if offer.gives else "goods",
            face_fen=offer.terms.face_fen,
            minimum_fen=offer.terms.minimum_fen,
            valid_days=offer.terms.valid_days,
            items_left=offer.items_left,
            per_citizen=offer.per_citizen,
            first_day=offer.first_day,
            last_day=offer.last_day,
            category=offer.terms.category,
            money_fen=offer.terms.money_fen,
            period=offer.terms.period,
            per_period=offer.terms.per_period,
            opening_hours=offer.terms.opening_hours,
            seasons=list(offer.terms.seasons),
            terms=offer.terms.terms_zh if chinese else offer.terms.terms_en,
            images=list(offer.images),
        )


class OfferOpened(OfferTold):
    """One offer, and where it is given: at most five hundred shops; none are listed where the merchant has none."""

    shops: list[PlaceTold]


def wanted(
    *,
    title: Annotated[
        str | None, Query(min_length=1, max_length=60, description="A part of the title.")
    ] = None,
    up_to_points: Annotated[int | None, Query(ge=1, le=1_000_000_000, description="Costs no more.")] = None,
    category: Annotated[str | None, Query(pattern=r"^[a-z_]{1,40}$", description="Of this category.")] = None,
    district: Annotated[
        str | None, Query(min_length=1, max_length=40, description="Given in a shop of this district.")
    ] = None,
    shop_id: Annotated[UUID | None, Query(description="Given in this shop.")] = None,
    near_lat_e2: Annotated[
        int | None, Query(ge=-9000, le=9000, description="Latitude in whole hundredths of a degree.")
    ] = None,
    near_lon_e2: Annotated[
        int | None, Query(ge=-18000, le=18000, description="Longitude in whole hundredths of a degree.")
    ] = None,
    within_km: Annotated[int, Query(ge=1, le=100, description="How far from there, in kilometres.")] = 5,
    open_now: Annotated[bool, Query(description="Only where a shop that gives it is open now.")] = False,
) -> Wanted:
    """What a citizen looks for. Raises PlaceHalfSaid."""
    if (near_lat_e2 is None) != (near_lon_e2 is None):
        raise PlaceHalfSaid
    return Wanted(
        title=title,
        up_to_points=up_to_points,
        category=category,
        district=district,
        shop_id=shop_id,
        near_e2=None if near_lat_e2 is None or near_lon_e2 is None else (near_lat_e2, near_lon_e2),
        within_km=within_km,
        open_now=open_now,
    )


@router.get("", responses=problems(Unauthenticated, PlaceHalfSaid, paging.CursorUnusable))
async def list_offers(
    _citizen: SignedInCitizen,
    session: ReadSession,
    asked: Paging,
    looked_for: Annotated[Wanted, Depends(wanted)],
    programme: Annotated[Code | None, Query(description="Only offers for points of this programme.")] = None,
) -> Page[OfferTold]:
    """What can be redeemed today, newest first."""
    after = asked.after(datetime, UUID)
    rows = await catalogue.open_offers(
        session,
        programme=programme,
        wanted=looked_for,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.created_at, row.id), show=OfferTold.of)


@router.get("/{offer_id}", responses=problems(Unauthenticated, OfferUnknown))
async def get_offer(offer_id: UUID, _citizen: SignedInCitizen, session: ReadSession) -> OfferOpened:
    """One offer that can be redeemed today, with the shops where it is given."""
    told = OfferTold.of(await catalogue.open_offer(session, offer_id=offer_id))
    shops = [PlaceTold.of(one) for one in await catalogue.shops_of(session, offer_id=offer_id)]
    return OfferOpened(**told.model_dump(), shops=shops)
