"""What is refused of events."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class EventUnknown(DomainError):
    """There is no such event here."""

    code = "events.unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这场活动。"


@dataclass(eq=False)
class EventTimesOutOfOrder(DomainError):
    """An event begins after now and ends after it began."""

    code = "events.times_out_of_order"
    kind = Kind.INVALID
    title_zh = "时间次序不对:活动须晚于现在开始,并晚于开始结束。"


@dataclass(eq=False)
class EventBegun(DomainError):
    """The event has begun, or was called off; sign-ups do not change any more."""

    code = "events.begun"
    kind = Kind.CONFLICT
    title_zh = "活动已开始或已取消,报名不再变动。"


@dataclass(eq=False)
class SignedUpAlready(DomainError):
    """You signed up for this event already."""

    code = "events.signed_up_already"
    kind = Kind.CONFLICT
    title_zh = "您已报名该活动。"


@dataclass(eq=False)
class NotSignedUp(DomainError):
    """You have not signed up for this event, or no longer."""

    code = "events.not_signed_up"
    kind = Kind.NOT_FOUND
    title_zh = "您没有报名该活动,或已取消。"


@dataclass(eq=False)
class CheckInRefused(DomainError):
    """The code is not the one on the screen now, you have no seat, or it is not the time for checking in."""

    code = "events.check_in_refused"
    kind = Kind.CONFLICT
    title_zh = "签到码不是屏幕当前所示,或您没有席位,或不在签到时间内。"
