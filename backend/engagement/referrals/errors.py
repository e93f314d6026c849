"""What referrals refuse."""

from __future__ import annotations

from backend.kit.errors import DomainError, Kind


class CodeUnknown(DomainError):
    """There is no such code in this programme."""

    code = "referrals.code_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个邀请码。"


class ReferredAlready(DomainError):
    """You came with a code already; it counts once."""

    code = "referrals.already"
    kind = Kind.CONFLICT
    title_zh = "已使用过邀请码，每人仅限一次。"


class ReferredTooLate(DomainError):
    """You joined too long ago for a code to count."""

    code = "referrals.too_late"
    kind = Kind.CONFLICT
    title_zh = "注册已久，不能再使用邀请码。"


class ReferringRefused(DomainError):
    """This code cannot be yours to use: it is your own, its holder came with yours, or you share a card or an account."""

    code = "referrals.refused"
    kind = Kind.CONFLICT
    title_zh = "不能使用该邀请码：本人的、互相邀请的，或与对方共用卡号、账号的均无效。"
