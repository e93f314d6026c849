"""What the catalogue refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_sqlstate
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class OfferUnknown(DomainError):
    """There is no such offer here."""

    code = "merchant.offer_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这件商品。"


@dataclass(eq=False)
class OfferWithdrawn(DomainError):
    """The offer was withdrawn; make another one."""

    code = "merchant.offer_withdrawn"
    kind = Kind.CONFLICT
    title_zh = "该商品已下架，请另行上架。"


@dataclass(eq=False)
class OfferUnlimited(DomainError):
    """The offer has no stock to add to: it is not limited."""

    code = "merchant.offer_unlimited"
    kind = Kind.CONFLICT
    title_zh = "该商品不限量，无库存可补。"


@dataclass(eq=False)
class OfferDaysReversed(DomainError):
    """An offer's last day lies before its first, or has passed."""

    code = "merchant.offer_days_reversed"
    kind = Kind.INVALID
    title_zh = "商品的截止日早于起始日，或已经过去。"


@dataclass(eq=False)
class OfferNeedsMerchant(DomainError):
    """Only staff of a merchant may offer anything."""

    code = "merchant.offer_needs_merchant"
    kind = Kind.FORBIDDEN
    title_zh = "只有商户的人员可以上架商品。"


@dataclass(eq=False)
class OfferNotShown(DomainError):
    """The offer is not published, or it is paused."""

    code = "merchant.offer_not_shown"
    kind = Kind.CONFLICT
    title_zh = "该商品尚未上架，或已暂停兑换。"


@dataclass(eq=False)
class OfferOutOfSeason(DomainError):
    """The offer is given at other times of the year."""

    code = "merchant.offer_out_of_season"
    kind = Kind.CONFLICT
    title_zh = "该商品不在当前供应季节内。"


@dataclass(eq=False)
class ShopsClosedNow(DomainError):
    """None of the offer's shops is open now."""

    code = "merchant.shops_closed_now"
    kind = Kind.CONFLICT
    title_zh = "提供该商品的门店当前均未营业。"


@dataclass(eq=False)
class PeriodLimitReached(DomainError):
    """You have redeemed this offer as often as one citizen may in this day, week or month."""

    code = "merchant.period_limit_reached"
    kind = Kind.CONFLICT
    title_zh = "您在本周期内已达到该商品的限兑次数。"

    period: str
    per_period: int


@dataclass(eq=False)
class OfferStepImpossible(DomainError):
    """The offer does not stand where this could be done with it."""

    code = "merchant.offer_step_impossible"
    kind = Kind.CONFLICT
    title_zh = "该商品当前状态不允许此操作。"

    stands: str


@dataclass(eq=False)
class OfferReviewedByItself(DomainError):
    """Nobody reviews an offer of their own organisation."""

    code = "merchant.offer_reviewed_by_itself"
    kind = Kind.FORBIDDEN
    title_zh = "不得审核本机构的商品。"


@dataclass(eq=False)
class OfferShopUnknown(DomainError):
    """One of the shops is not the merchant's."""

    code = "merchant.offer_shop_unknown"
    kind = Kind.INVALID
    title_zh = "所列门店中有不属于该商户的门店。"


@dataclass(eq=False)
class PlaceHalfSaid(DomainError):
    """Give near_lat_e2 and near_lon_e2, or neither."""

    code = "merchant.place_half_said"
    kind = Kind.INVALID
    title_zh = "near_lat_e2 与 near_lon_e2 须同时给出，或都不给出。"


name_sqlstate("PM041", lambda _: OfferNotShown())
name_sqlstate("PM042", lambda _: OfferOutOfSeason())
name_sqlstate("PM043", lambda _: ShopsClosedNow())
name_sqlstate(
    "PM044",
    lambda facts: PeriodLimitReached(
        period=str(facts.get("period")), per_period=int(facts.get("per_period", 0))
    ),
)
name_sqlstate("PM001", lambda _: OfferUnknown())
