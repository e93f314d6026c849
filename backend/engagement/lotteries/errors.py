"""What is refused of lotteries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class LotteryUnknown(DomainError):
    """There is no such lottery here."""

    code = "lotteries.unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这次抽奖。"


@dataclass(eq=False)
class SecondPartyUnfit(DomainError):
    """The second party is another organisation than the operator: an authority, a verification body or a partner."""

    code = "lotteries.second_party_unfit"
    kind = Kind.CONFLICT
    title_zh = "第二方须为运营方以外的机构:主管部门、核查机构或合作方。"


@dataclass(eq=False)
class TimesOutOfOrder(DomainError):
    """Entering ends after it begins and after now, and secrets are revealed after that."""

    code = "lotteries.times_out_of_order"
    kind = Kind.INVALID
    title_zh = "时间次序不对:报名截止须晚于现在与报名开始,公开秘密的期限须晚于报名截止。"


@dataclass(eq=False)
class NotEntering(DomainError):
    """Nobody can enter now: it has not begun, it is over, or one of the two commitments is still missing."""

    code = "lotteries.not_entering"
    kind = Kind.CONFLICT
    title_zh = "现在不能参加:尚未开始、已截止,或两份承诺尚未齐全。"

    enter_from: dt.datetime
    enter_until: dt.datetime
    commitments: int


@dataclass(eq=False)
class EntriesExhausted(DomainError):
    """No further entry is taken: of this person, or of anybody."""

    code = "lotteries.entries_exhausted"
    kind = Kind.CONFLICT
    title_zh = "已达到本人或全部的参加次数上限。"


@dataclass(eq=False)
class CommitmentRefused(DomainError):
    """A party commits once, while entries are open, and not to what the other one committed to."""

    code = "lotteries.commitment_refused"
    kind = Kind.CONFLICT
    title_zh = "每一方仅可在报名截止前承诺一次,且不得与另一方的承诺相同。"


@dataclass(eq=False)
class RevealRefused(DomainError):
    """A secret is revealed after entries were closed, in time, and once; it has to be what was committed to."""

    code = "lotteries.reveal_refused"
    kind = Kind.CONFLICT
    title_zh = "秘密须在报名截止后、期限内公开一次,且与所承诺的一致。"
