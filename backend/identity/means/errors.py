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
class ChargeWrong(DomainError):
    """This is not what was charged last, its three tries or its days are over, or it takes its operator's code."""

    code = "identity.charge_wrong"
    kind = Kind.INVALID
    title_zh = "与最近一次小额扣款不符，或已超过三次或期限，或须使用运营方的绑定码。"


@dataclass(eq=False)
class TooManyCharges(DomainError):
    """Of one number at most three charges in thirty days prove something, and six in a year."""

    code = "identity.too_many_charges"
    kind = Kind.RATE_LIMITED
    title_zh = "同一号码三十天内最多三次、一年内最多六次小额扣款可用于证明。"


@dataclass(eq=False)
class TooManyLinkAttempts(DomainError):
    """Too many attempts to link today; try again tomorrow."""

    code = "identity.too_many_link_attempts"
    kind = Kind.RATE_LIMITED
    title_zh = "今天的绑定尝试次数已用完，请明天再试。"


@dataclass(eq=False)
class TooOftenTold(DomainError):
    """Of one number trips can be told three times a month; its operator's code links it."""

    code = "identity.too_often_told"
    kind = Kind.RATE_LIMITED
    title_zh = "同一号码每月最多三次以出行时间绑定；可使用运营方的绑定码。"


@dataclass(eq=False)
class HoldingUnknown(DomainError):
    """There is no such linked card, account or meter."""

    code = "identity.holding_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这项绑定。"


@dataclass(eq=False)
class TakeoverUnknown(DomainError):
    """Nobody asks for this."""

    code = "identity.takeover_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这项转移申请。"


@dataclass(eq=False)
class TakeoverWaits(DomainError):
    """Somebody else asked for it first, and that is not decided yet."""

    code = "identity.takeover_waits"
    kind = Kind.CONFLICT
    title_zh = "已有他人申请转移，尚未决定。"


@dataclass(eq=False)
class TakeoverNotYet(DomainError):
    """Its holder may still object, or objected and nobody decided yet."""

    code = "identity.takeover_not_yet"
    kind = Kind.CONFLICT
    title_zh = "现持有人仍可异议，或异议尚未裁定。"


@dataclass(eq=False)
class TakeoverEnded(DomainError):
    """This was decided, withdrawn or done, its holding ended in another way, or its time is over."""

    code = "identity.takeover_ended"
    kind = Kind.CONFLICT
    title_zh = "已裁定、已撤回或已完成，原绑定已另行终止，或期限已过。"


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
