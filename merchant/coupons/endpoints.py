"""The codes of a merchant's coupon offers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from merchant.access import MerchantStaff, merchant_of
from merchant.catalogue import OfferUnknown, OfferWithdrawn
from merchant.coupons import service
from merchant.coupons.errors import (
    CouponsCsvUnreadable,
    CouponsUnsound,
    OfferGivesNoCoupons,
    TooManyCoupons,
)
from merchant.coupons.schemas import CouponsSent, CouponsTold, RetiredCoupon

router = Router(prefix="/offers", tags=["offers"])

_REFUSED = (Unauthenticated, Forbidden, OfferUnknown, OfferGivesNoCoupons)


@router.post(
    "/{offer_id}/coupon-imports",
    status_code=201,
    responses=problems(
        *_REFUSED,
        OfferWithdrawn,
        CouponsUnsound,
        CouponsCsvUnreadable,
        TooManyCoupons,
        *idempotency.REFUSALS,
    ),
)
async def import_coupons(
    offer_id: UUID,
    sent: CouponsSent,
    person: MerchantStaff,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> CouponsTold:
    """Bring in codes, at most ten thousand at once: all of them, or none and every wrong line named."""
    found = await service.bring_in(
        session,
        settings.keys,
        merchant_id=merchant_of(person),
        offer_id=offer_id,
        lines=sent.lines(),
        valid_until=sent.valid_until,
        imported_by=person.id,
    )
    return CouponsTold.of(found)


@router.get("/{offer_id}/coupons", responses=problems(*_REFUSED))
async def count_coupons(offer_id: UUID, person: MerchantStaff, session: ReadSession) -> CouponsTold:
    """How many codes there are and were. Codes that nobody has yet are told to nobody."""
    return CouponsTold.of(await service.counts(session, merchant_id=merchant_of(person), offer_id=offer_id))


@router.get("/{offer_id}/coupons/retired", responses=problems(*_REFUSED, paging.CursorUnusable))
async def list_retired_coupons(
    offer_id: UUID, person: MerchantStaff, settings: AppSettings, session: ReadSession, asked: Paging
) -> Page[RetiredCoupon]:
    """Codes whose points went back, newest first: they are given to nobody else, and you need not take them."""
    after = asked.after(datetime, UUID)
    rows = await service.retired(
        session,
        settings.keys,
        merchant_id=merchant_of(person),
        offer_id=offer_id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.given_at, row.redemption_id), show=RetiredCoupon.of)
