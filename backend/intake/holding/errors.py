"""Refusals of decisions, corrections and appeals."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class HeldUnknown(DomainError):
    """There is no such held row."""

    code = "intake.held_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这条待处理的数据。"


@dataclass(eq=False)
class DecidedAlready(DomainError):
    """Something else was decided of it before."""

    code = "intake.decided_already"
    kind = Kind.CONFLICT
    title_zh = "此前已作出不同的决定。"

    outcome: str


@dataclass(eq=False)
class ClaimStands(DomainError):
    """Another act that is not part of this decision stands for the same claim, so this one cannot be accepted."""

    code = "intake.claim_stands"
    kind = Kind.CONFLICT
    title_zh = "同一行为已由另一条记录认领，不能再次接受。"


@dataclass(eq=False)
class OverlapStands(DomainError):
    """The same person travelled elsewhere at that time, says another source whose act stands."""

    code = "intake.overlap_stands"
    kind = Kind.CONFLICT
    title_zh = "同一人同一时间另有一次出行已被接受（来自其他来源）。"


@dataclass(eq=False)
class ProgrammeLeft(DomainError):
    """Its person had left the programme when the act happened, so it is not accepted, and may be refused."""

    code = "intake.programme_left"
    kind = Kind.CONFLICT
    title_zh = "行为发生时本人已退出该计划，不能接受，可予拒绝。"


@dataclass(eq=False)
class ConsentWithdrawn(DomainError):
    """Its person had said no to this scenario when the act happened, so it is not accepted, and may be refused."""

    code = "intake.consent_withdrawn"
    kind = Kind.CONFLICT
    title_zh = "行为发生时本人已撤回对该场景的同意，不能接受，可予拒绝。"


@dataclass(eq=False)
class WithdrawnAlready(DomainError):
    """The act was withdrawn before, and nothing stands in its place."""

    code = "intake.withdrawn_already"
    kind = Kind.CONFLICT
    title_zh = "该行为此前已撤销，且没有替代记录。"


@dataclass(eq=False)
class NothingToAppeal(DomainError):
    """The act was neither held nor refused nor withdrawn, or it stands again: there is nothing to appeal against."""

    code = "intake.nothing_to_appeal"
    kind = Kind.CONFLICT
    title_zh = "该行为未被暂扣、拒绝或撤销，或已重新有效，无需申诉。"


@dataclass(eq=False)
class AppealTooLate(DomainError):
    """The time for an appeal is over."""

    code = "intake.appeal_too_late"
    kind = Kind.CONFLICT
    title_zh = "申诉期限已过。"

    until: str


@dataclass(eq=False)
class AppealUnknown(DomainError):
    """There is no such appeal."""

    code = "intake.appeal_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这项申诉。"
