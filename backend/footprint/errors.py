"""What can be refused of a footprint."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ItemUnknown(DomainError):
    """The pack of footprints has no such item in this category."""

    code = "footprint.item_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "足迹规则包在该类别中没有这一项。"


@dataclass(eq=False)
class FactorUnknown(DomainError):
    """No source gives a usable figure for this, so nothing is computed; a figure of one's own can be stated instead."""

    code = "footprint.factor_unknown"
    kind = Kind.CONFLICT
    title_zh = "没有可用的排放因子，不作猜测；可以自行填写已知的排放量。"

    item: str


@dataclass(eq=False)
class RegionNeeded(DomainError):
    """The figure depends on the region, which is missing."""

    code = "footprint.region_needed"
    kind = Kind.INVALID
    title_zh = "该项的排放因子因地区而异，须写明地区。"

    item: str


@dataclass(eq=False)
class QuantityOutside(DomainError):
    """The quantity is not above zero, or above the most that one entry may have."""

    code = "footprint.quantity_outside"
    kind = Kind.INVALID
    title_zh = "数量须大于零，且不超过单条上限。"

    most: str


@dataclass(eq=False)
class OutsideTime(DomainError):
    """The day is in the future, or before 2000."""

    code = "footprint.outside_time"
    kind = Kind.INVALID
    title_zh = "日期晚于今天，或早于 2000 年。"


@dataclass(eq=False)
class EntryUnknown(DomainError):
    """You have no such entry."""

    code = "footprint.entry_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "您没有这一条足迹记录。"


@dataclass(eq=False)
class EntryEnded(DomainError):
    """The entry was corrected or taken back already."""

    code = "footprint.entry_ended"
    kind = Kind.CONFLICT
    title_zh = "这条足迹记录已被更正或撤回。"


@dataclass(eq=False)
class TooManyEntries(DomainError):
    """There are as many entries today as a day may bring."""

    code = "footprint.too_many_entries"
    kind = Kind.RATE_LIMITED
    title_zh = "今天新增的足迹记录已达上限。"

    most: int
