"""What imports of coupon codes refuse."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class CouponUnknown(DomainError):
    """There is no such redemption of a coupon here."""

    code = "merchant.coupon_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔券码兑换。"


@dataclass(eq=False)
class OfferGivesNoCoupons(DomainError):
    """The offer gives no coupon codes."""

    code = "merchant.offer_gives_no_coupons"
    kind = Kind.CONFLICT
    title_zh = "该商品不发放券码。"


@dataclass(eq=False)
class CouponsUnsound(DomainError):
    """Lines of the codes cannot be taken in; nothing was stored."""

    code = "merchant.coupons_unsound"
    kind = Kind.INVALID
    title_zh = "券码中有无法导入的行，全部未导入。"

    wrong: int
    lines: list[dict[str, object]]


@dataclass(eq=False)
class TooManyCoupons(DomainError):
    """More codes were sent than are taken in at once; send them in parts."""

    code = "merchant.too_many_coupons"
    kind = Kind.TOO_LARGE
    title_zh = "一次导入的券码过多，请分批导入。"

    most: int


@dataclass(eq=False)
class CouponsCsvUnreadable(DomainError):
    """The CSV has a first line that names `code`, and beside it at most `valid_until`."""

    code = "merchant.coupons_csv_unreadable"
    kind = Kind.INVALID
    title_zh = "CSV 首行须为列名：code，以及可选的 valid_until。"

    field: str = "csv"
