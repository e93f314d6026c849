"""What can be refused about households, firms and their members."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_constraint
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class GroupUnknown(DomainError):
    """You are in no such household or firm."""

    code = "identity.group_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "您不在这个家庭或企业中。"


@dataclass(eq=False)
class MembershipUnknown(DomainError):
    """There is no such member in it."""

    code = "identity.membership_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "其中没有这名成员。"


@dataclass(eq=False)
class OnlyManagers(DomainError):
    """Only its managers may do this."""

    code = "identity.only_managers"
    kind = Kind.FORBIDDEN
    title_zh = "只有其管理成员可以这样做。"


@dataclass(eq=False)
class LastManager(DomainError):
    """Its last manager stays; make somebody else one first."""

    code = "identity.last_manager"
    kind = Kind.CONFLICT
    title_zh = "最后一名管理成员不能退出，请先让另一名成员成为管理成员。"


@dataclass(eq=False)
class NotAFirm(DomainError):
    """Only a firm has a unified social credit code."""

    code = "identity.not_a_firm"
    kind = Kind.CONFLICT
    title_zh = "只有企业才有统一社会信用代码。"


@dataclass(eq=False)
class CreditCodeWrong(DomainError):
    """The unified social credit code is eighteen characters long, of which the last checks the others; this one does not."""

    code = "identity.credit_code_wrong"
    kind = Kind.INVALID
    title_zh = "统一社会信用代码为十八位，末位校验前十七位；此代码不符。"


@dataclass(eq=False)
class CreditCodeTaken(DomainError):
    """Another account was confirmed for this firm: one firm has one account."""

    code = "identity.credit_code_taken"
    kind = Kind.CONFLICT
    title_zh = "该企业已有确认的账户：一家企业一个账户。"


@dataclass(eq=False)
class FirmClaimUnknown(DomainError):
    """No firm said this."""

    code = "identity.firm_claim_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这项企业代码申报。"


@dataclass(eq=False)
class FirmCheckedAlready(DomainError):
    """This was checked already."""

    code = "identity.firm_checked_already"
    kind = Kind.CONFLICT
    title_zh = "已经核对过。"


@dataclass(eq=False)
class FirmClaimWaits(DomainError):
    """Another code that was said waits for its check."""

    code = "identity.firm_claim_waits"
    kind = Kind.CONFLICT
    title_zh = "已申报另一代码，正在等待核对。"


@dataclass(eq=False)
class InvitationRefused(DomainError):
    """The invitation is unknown, used or expired, or you are in it already."""

    code = "identity.invitation_refused"
    kind = Kind.CONFLICT
    title_zh = "邀请不存在、已使用或已过期，或您已在其中。"


@dataclass(eq=False)
class TooManyMembers(DomainError):
    """There is no room: a group has at most twenty members, and a person is in at most ten groups."""

    code = "identity.too_many_members"
    kind = Kind.CONFLICT
    title_zh = "人数或家庭、企业个数已达上限：每个最多二十名成员，每人最多加入十个。"


name_constraint("firm_check_code", CreditCodeTaken)
name_constraint("firm_check_group", FirmCheckedAlready)
name_constraint("firm_check_pkey", FirmCheckedAlready)
