"""Coupon codes that my points bought."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Told
from merchant import coupons
from merchant.coupons import CouponUnknown, Given

router = Router(tags=["redemptions"])


class CouponTold(Told):
    """A code of mine, good to its last day. `retired`: its points went back, and the shop may refuse it.

    Whoever may only see what a household or firm has is not told codes, with which they could buy: `code` is null.
    """

    redemption_id: UUID
    offer_id: UUID
    title: str
    merchant_name: str
    code: str | None
    valid_until: date | None
    given_at: datetime
    retired: bool

    @classmethod
    def of(cls, given: Given, *, see_only: bool) -> CouponTold:
        chinese = i18n.language() == "zh"
        return cls(
            redemption_id=given.redemption_id,
            offer_id=given.offer_id,
            title=given.title_zh if chinese else given.title_en,
            merchant_name=given.merchant_zh if chinese else given.merchant_en,
            code=None if see_only else given.code,
            valid_until=given.valid_until,
            given_at=given.given_at,
            retired=given.retired,
        )


@router.get("/coupons", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_coupons(
    citizen: SignedInCitizen, settings: AppSettings, session: ReadSession, asked: Paging
) -> Page[CouponTold]:
    """My coupon codes, newest first."""
    after = asked.after(datetime, UUID)
    rows = await coupons.coupons_of(
        session,
        settings.keys,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(
        rows,
        position=lambda row: (row.given_at, row.redemption_id),
        show=lambda one: CouponTold.of(one, see_only=citizen.see_only),
    )


@router.get("/redemptions/{redemption_id}/coupon", responses=problems(Unauthenticated, CouponUnknown))
async def get_coupon(
    redemption_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> CouponTold:
    """The code that one redemption of mine drew: the same however often I ask."""
    found = await coupons.coupon_of(
        session, settings.keys, participant_id=citizen.id, redemption_id=redemption_id
    )
    return CouponTold.of(found, see_only=citizen.see_only)
