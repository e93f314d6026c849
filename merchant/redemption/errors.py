"""What a redemption refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_sqlstate
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class OfferClosed(DomainError):
    """The offer cannot be redeemed today: it was withdrawn, or its days are over or have not begun."""

    code = "merchant.offer_closed"
    kind = Kind.CONFLICT
    title_zh = "该商品今日不可兑换：已下架，或不在兑换期内。"


@dataclass(eq=False)
class SoldOut(DomainError):
    """Nothing is left of this offer."""

    code = "merchant.sold_out"
    kind = Kind.CONFLICT
    title_zh = "该商品已兑完。"


@dataclass(eq=False)
class LimitReached(DomainError):
    """You have redeemed this offer as often as one citizen may."""

    code = "merchant.limit_reached"
    kind = Kind.CONFLICT
    title_zh = "您已达到该商品的每人限兑次数。"

    per_citizen: int


@dataclass(eq=False)
class RedemptionUnknown(DomainError):
    """There is no such redemption here."""

    code = "merchant.redemption_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔兑换。"


@dataclass(eq=False)
class RedemptionExpired(DomainError):
    """The code is no longer valid; ask for a new one."""

    code = "merchant.redemption_expired"
    kind = Kind.GONE
    title_zh = "兑换码已过期，请出示新码。"


@dataclass(eq=False)
class RedemptionEnded(DomainError):
    """The redemption has ended: `how` it did."""

    code = "merchant.redemption_ended"
    kind = Kind.GONE
    title_zh = "这笔兑换已结束。"

    how: str


@dataclass(eq=False)
class RedemptionNotCaptured(DomainError):
    """Only what a till has captured can be refunded."""

    code = "merchant.redemption_not_captured"
    kind = Kind.CONFLICT
    title_zh = "只有已核销的兑换可以退还。"


@dataclass(eq=False)
class AlreadyRefunded(DomainError):
    """This redemption was refunded before."""

    code = "merchant.already_refunded"
    kind = Kind.CONFLICT
    title_zh = "这笔兑换已经退还。"


@dataclass(eq=False)
class RefundTooLate(DomainError):
    """The time in which this redemption could be refunded is over."""

    code = "merchant.refund_too_late"
    kind = Kind.CONFLICT
    title_zh = "已超过可退还的期限。"

    within_days: int


name_sqlstate("PM002", lambda _: OfferClosed())
name_sqlstate("PM003", lambda _: SoldOut())
name_sqlstate("PM004", lambda facts: LimitReached(per_citizen=int(facts.get("per_citizen", 0))))
