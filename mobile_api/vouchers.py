"""Vouchers that my points bought."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from backend.kit import i18n, paging
from backend.kit.access import Principal, SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Told
from merchant import redemption, vouchers
from merchant.vouchers import State, Voucher, VoucherUnknown

router = Router(tags=["redemptions"])


class VoucherTold(Told):
    """A voucher of mine: `face_fen` off a purchase of at least `minimum_fen`, up to `valid_until`, included.

    The points were spent when it was given: what is `over` unused is worth nothing, and they do not come back. The code is told while
    it is good; show it at a till of the merchant. `shop_name`: where it was used, if that was a shop.
    """

    redemption_id: UUID
    offer_id: UUID
    programme: str
    title: str
    merchant_name: str
    points: int
    state: State
    code: str | None
    face_fen: int
    minimum_fen: int | None
    given_at: datetime
    valid_until: date
    used_at: datetime | None
    shop_name: str | None

    @classmethod
    def of(cls, one: Voucher) -> VoucherTold:
        return cls(**_told(one))


class VoucherOpened(VoucherTold):
    """One voucher, and its code as a QR drawing (SVG) while it is good."""

    qr_svg: str | None

    @classmethod
    def of(cls, one: Voucher) -> VoucherOpened:
        drawn = None if one.code is None else redemption.qr_svg(vouchers.drawn(one.code))
        return cls(**_told(one), qr_svg=drawn)


def _told(one: Voucher) -> dict[str, object]:
    chinese = i18n.language() == "zh"
    return {
        "redemption_id": one.redemption_id,
        "offer_id": one.offer_id,
        "programme": one.programme,
        "title": one.title_zh if chinese else one.title_en,
        "merchant_name": one.merchant_zh if chinese else one.merchant_en,
        "points": one.points,
        "state": one.state,
        "code": one.code,
        "face_fen": one.face_fen,
        "minimum_fen": one.minimum_fen,
        "given_at": one.given_at,
        "valid_until": one.valid_until,
        "used_at": one.used_at,
        "shop_name": one.shop_zh if chinese else one.shop_en,
    }


@router.get("/vouchers", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_vouchers(
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: ReadSession,
    asked: Paging,
    good: Annotated[bool, Query(description="Only those that can be used today.")] = False,
) -> Page[VoucherTold]:
    """My vouchers, newest first."""
    after = asked.after(datetime, UUID)
    rows = await vouchers.vouchers_of(
        session,
        settings.keys,
        participant_id=citizen.id,
        good=good,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(
        rows,
        position=lambda row: (row.given_at, row.redemption_id),
        show=lambda one: VoucherTold.of(_shown(one, citizen)),
    )


@router.get("/redemptions/{redemption_id}/voucher", responses=problems(Unauthenticated, VoucherUnknown))
async def get_voucher(
    redemption_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> VoucherOpened:
    """The voucher that one redemption of mine gave, to show at a till."""
    found = await vouchers.voucher_of(
        session, settings.keys, participant_id=citizen.id, redemption_id=redemption_id
    )
    return VoucherOpened.of(_shown(found, citizen))


def _shown(one: Voucher, citizen: Principal) -> Voucher:
    """Without its code for whoever may only see what a household or firm has: with it they could buy."""
    return replace(one, code=None) if citizen.see_only else one
