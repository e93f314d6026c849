"""What collecting from friends refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class Protected(DomainError):
    """A prop protects these points now: nobody but their owner collects them."""

    code = "collecting.protected"
    kind = Kind.CONFLICT
    title_zh = "对方正使用防护道具,暂不能收取。"


@dataclass(eq=False)
class ShareTaken(DomainError):
    """Friends took all that they may of what is ripe here, or this friend did."""

    code = "collecting.share_taken"
    kind = Kind.CONFLICT
    title_zh = "好友可收取的部分已收完,或您已达到对此人的上限。"


@dataclass(eq=False)
class DayLimitReached(DomainError):
    """One person collects only so much from friends in a day."""

    code = "collecting.day_limit_reached"
    kind = Kind.CONFLICT
    title_zh = "您今天从好友处收取的积分已达上限。"

    most_per_day: int
