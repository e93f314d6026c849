"""What can be refused about pledges, closing and cancellation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class UnitsNotHeld(DomainError):
    """This account does not hold these units."""

    code = "surrender.units_not_held"
    kind = Kind.CONFLICT
    title_zh = "该账户并不持有这些单位。"

    lot: int  # place in the request, from 0


@dataclass(eq=False)
class PledgeUnknown(DomainError):
    """There is no such pledge that you may see."""

    code = "surrender.pledge_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔清缴提交，或您无权查看。"


@dataclass(eq=False)
class PledgeReleasedAlready(DomainError):
    """This pledge was taken back already."""

    code = "surrender.pledge_released_already"
    kind = Kind.CONFLICT
    title_zh = "这笔清缴提交已经撤回。"


@dataclass(eq=False)
class ReleaseBreaksRules(DomainError):
    """What would stay pledged needs these units to keep a rule; take the others back first."""

    code = "surrender.release_breaks_rules"
    kind = Kind.CONFLICT
    title_zh = "其余已提交的单位须有这些单位才符合规则；请先撤回其余的。"

    rule: str


@dataclass(eq=False)
class TooEarlyToClose(DomainError):
    """The year is not closed before the day on which the surrender is due."""

    code = "surrender.too_early_to_close"
    kind = Kind.CONFLICT
    title_zh = "清缴截止日之前不能关闭该履约年度。"

    surrender_by: date


@dataclass(eq=False)
class OnlyCreditsCancelled(DomainError):
    """Only credits are cancelled of one's own will; an allowance is surrendered."""

    code = "surrender.only_credits_cancelled"
    kind = Kind.INVALID
    title_zh = "自愿注销仅限减排量，配额用于清缴。"
