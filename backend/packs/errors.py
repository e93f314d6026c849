"""What packs refuse: an unknown figure, a date without an edition, a pack that is not fit for use."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ParameterUnknown(DomainError):
    """The pack says that this figure is unknown; nothing is computed from a guess."""

    code = "packs.unknown_parameter"
    kind = Kind.CONFLICT
    title_zh = "规则包注明该参数未知，不作猜测。"
    ours = True  # an event's own words ("metro") would hide which figure is missing ("earn.metro.points")

    pack: str
    parameter: str


@dataclass(eq=False)
class NoEdition(DomainError):
    """The pack has no edition for this date or compliance year."""

    code = "packs.no_edition"
    kind = Kind.CONFLICT
    title_zh = "规则包在该日期或履约年度没有适用的版本。"

    pack: str
    asked: str


@dataclass(eq=False)
class AmbiguousEdition(DomainError):
    """The pack has more than one edition for this date or compliance year."""

    code = "packs.ambiguous_edition"
    kind = Kind.CONFLICT
    title_zh = "规则包在该日期或履约年度有不止一个版本。"

    pack: str
    asked: str
    editions: tuple[str, ...]


@dataclass(eq=False)
class PackUnknown(DomainError):
    """There is no such pack here."""

    code = "packs.not_found"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个规则包。"

    pack: str


@dataclass(eq=False)
class PackFaulty(DomainError):
    """The pack has faults and is not used; `puhui packs check` lists them with their lines."""

    code = "packs.faulty"
    kind = Kind.INVALID
    title_zh = "规则包有错误，不予使用；puhui packs check 会列出各处行号。"

    pack: str
    faults: tuple[str, ...]


@dataclass(eq=False)
class OutsideJurisdiction(DomainError):
    """The pack does not hold in this region, and no overlay allows it there."""

    code = "packs.outside_jurisdiction"
    kind = Kind.CONFLICT
    title_zh = "规则包不适用于该地区，也没有叠加包允许。"

    pack: str
    jurisdiction: str
    region: str


@dataclass(eq=False)
class OverlayOversteps(DomainError):
    """An overlay may give an unknown figure a visible value; it may not change a known one."""

    code = "packs.overlay_oversteps"
    kind = Kind.INVALID
    title_zh = "叠加包只能为未知参数给出公开的取值，不能更改已知参数。"

    overlay: str
    pack: str
    parameter: str
