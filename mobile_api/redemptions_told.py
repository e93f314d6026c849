"""What citizens ask and are told of their redemptions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from backend.kit import clock, i18n
from backend.kit.schemas import Asked, Told
from merchant import redemption
from merchant.redemption import Issued, Redemption, State


class RedemptionAsked(Asked):
    """The offer that I want. An app that draws the code itself asks for none: a drawing takes longer than all the rest."""

    offer_id: UUID
    drawing: bool = True


class CodeAsked(Asked):
    """Whether the code is wanted as a drawing, too."""

    drawing: bool = True


class Reply(Asked):
    """The question that I was shown."""

    scan_id: UUID


class CodeTold(Told):
    """The code to show at the till: as text, as a QR drawing (SVG) where asked for, and as digits to type.

    It is told once; show another one from `refresh_after` on. With `confirm`, the till will ask you on the phone.
    """

    redemption_id: UUID
    points: int
    code: str
    number: str
    refresh_after: datetime
    code_expires_at: datetime
    confirm: bool
    qr_svg: str | None

    @classmethod
    def of(cls, issued: Issued, *, drawing: bool) -> CodeTold:
        return cls(
            redemption_id=issued.redemption_id,
            points=issued.points,
            code=issued.code,
            number=issued.number,
            refresh_after=issued.refresh_after,
            code_expires_at=issued.code_expires_at,
            confirm=issued.confirm,
            qr_svg=redemption.qr_svg(issued.code) if drawing else None,
        )


class QuestionTold(Told):
    """A till asks: do you give so many points to this merchant? Answer until then."""

    scan_id: UUID
    merchant_name: str
    shop_id: UUID | None
    points: int
    until: datetime


class RedemptionTold(Told):
    """A redemption of mine, and its receipt. `stands_until` while it is held: then its points come back by themselves.

    `money_fen` is what the shop asks beside the points: a record, we move none. `gives`: goods at a till, or at once what its `/coupon` or
    `/voucher` tells.
    """

    redemption_id: UUID
    offer_id: UUID
    gives: Literal["goods", "coupon", "voucher"]
    programme: str
    merchant: str
    merchant_name: str
    title: str
    points: int
    money_fen: int | None
    state: State
    made_at: datetime
    stands_until: datetime | None
    ended_at: datetime | None
    refunded_at: datetime | None
    refunded_points: int
    shop_id: UUID | None
    confirm: bool
    question: QuestionTold | None

    @classmethod
    def of(cls, one: Redemption) -> RedemptionTold:
        chinese = i18n.language() == "zh"
        return cls(
            redemption_id=one.id,
            offer_id=one.offer_id,
            gives=cast("Literal['coupon', 'voucher']", one.gives) if one.gives else "goods",
            programme=one.programme,
            merchant=one.merchant,
            merchant_name=one.merchant_zh if chinese else one.merchant_en,
            title=one.title_zh if chinese else one.title_en,
            points=one.points,
            money_fen=one.money_fen,
            state=one.state_at(clock.now()),
            made_at=one.made_at,
            stands_until=one.stands_until,
            ended_at=one.ended_at,
            refunded_at=one.refunded_at,
            refunded_points=one.refunded_points,
            shop_id=one.shop_id,
            confirm=one.confirm,
            question=cls._question(one, one.merchant_zh if chinese else one.merchant_en),
        )

    @staticmethod
    def _question(one: Redemption, merchant_name: str) -> QuestionTold | None:
        asked = one.question_at(clock.now())
        if asked is None:
            return None
        return QuestionTold(
            scan_id=asked.scan_id,
            merchant_name=merchant_name,
            shop_id=one.shop_id,
            points=one.points,
            until=asked.until,
        )
