"""What a simulation refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class SimulationTooSmall(DomainError):
    """Fewer than five people acted in this period; the result would tell what one of them did."""

    code = "simulating.too_small"
    kind = Kind.CONFLICT
    title_zh = "该时段内行动者不足五人，结果会透露个人所为。"

    fewest: int


@dataclass(eq=False)
class SimulationTooLarge(DomainError):
    """More acts lie in this period than may be computed while somebody waits; `puhui packs simulate` has no limit."""

    code = "simulating.too_large"
    kind = Kind.CONFLICT
    title_zh = "该时段的行为过多，无法在等待中算完；命令 puhui packs simulate 没有此限制。"

    most_acts: int


@dataclass(eq=False)
class WrongKindOfPack(DomainError):
    """Only a methodology or a programme can be tried over stored acts."""

    code = "simulating.wrong_kind"
    kind = Kind.INVALID
    title_zh = "只有方法学或计划可以在已存的行为上试算。"

    found: str
