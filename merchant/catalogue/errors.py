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


name_sqlstate("PM001", lambda _: OfferUnknown())
