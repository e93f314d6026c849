"""What shops refuse."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ShopUnknown(DomainError):
    """There is no such shop here."""

    code = "merchant.shop_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这家门店。"


@dataclass(eq=False)
class ShopHoursUnsound(DomainError):
    """Opening hours are spans of minutes of a day, each ending after it begins, one after the other."""

    day: str

    code = "merchant.shop_hours_unsound"
    kind = Kind.INVALID
    title_zh = "营业时间须为当日的分钟区间，先后有序，互不重叠。"


@dataclass(eq=False)
class ShopClosed(DomainError):
    """The shop was closed for good or for now."""

    code = "merchant.shop_closed"
    kind = Kind.CONFLICT
    title_zh = "该门店已停业。"
