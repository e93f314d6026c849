"""What can be refused about means."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class MeansHeld(DomainError):
    """Someone else holds this card, account or meter at that time."""

    code = "identity.means_held"
    kind = Kind.CONFLICT
    title_zh = "该卡、账户或电表在此时段已由他人绑定。"


@dataclass(eq=False)
class LinkCodeWrong(DomainError):
    """The code does not belong to this number, or its two days are over."""

    code = "identity.link_code_wrong"
    kind = Kind.INVALID
    title_zh = "绑定码与该号码不符，或已超过两天有效期。"


@dataclass(eq=False)
class TripsWrong(DomainError):
    """These are not the beginnings of its last three trips, or it takes its operator's code."""

    code = "identity.trips_wrong"
    kind = Kind.INVALID
    title_zh = "与最近三次出行的开始时间不符，或须使用运营方的绑定码。"


@dataclass(eq=False)
class TooManyLinkAttempts(DomainError):
    """Too many attempts to link today; try again tomorrow."""

    code = "identity.too_many_link_attempts"
    kind = Kind.RATE_LIMITED
    title_zh = "今天的绑定尝试次数已用完，请明天再试。"


@dataclass(eq=False)
class HoldingUnknown(DomainError):
    """There is no such linked card, account or meter."""

    code = "identity.holding_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这项绑定。"


@dataclass(eq=False)
class MeansMisnamed(DomainError):
    """A means has a kind of lower-case letters, an operator's code, and a number of 1 to 64 characters."""

    code = "identity.means_misnamed"
    kind = Kind.INVALID
    title_zh = "出行工具须有小写字母的种类、运营方代码和 1 至 64 个字符的号码。"


@dataclass(eq=False)
class HeldInTheFuture(DomainError):
    """Nobody can be recorded as holding something from a later time on."""

    code = "identity.held_in_the_future"
    kind = Kind.INVALID
    title_zh = "不能登记从未来某时起的持有。"
