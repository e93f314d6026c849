"""Why something of a child's account is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ChildUnknown(DomainError):
    """No such child's account is under this guardian's."""

    code = "identity.child_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "您名下没有这个未成年人账户。"


@dataclass(eq=False)
class EndsWrong(DomainError):
    """A guardianship ends on the first of a month, within the next fourteen years."""

    code = "identity.guardianship_ends_wrong"
    kind = Kind.INVALID
    title_zh = "监护终止日应为今后十四年内某月的第一日。"


@dataclass(eq=False)
class NotYet(DomainError):
    """The child is not fourteen yet."""

    code = "identity.not_fourteen_yet"
    kind = Kind.CONFLICT
    title_zh = "该未成年人未满十四周岁。"


@dataclass(eq=False)
class TooManyChildren(DomainError):
    """A guardian keeps at most this many children's accounts."""

    code = "identity.too_many_children"
    kind = Kind.CONFLICT
    title_zh = "每位监护人名下的未成年人账户数有上限。"

    most: int


@dataclass(eq=False)
class NoGuardian(DomainError):
    """Only a person of full age is a guardian: no child's account, no household and no firm."""

    code = "identity.no_guardian"
    kind = Kind.CONFLICT
    title_zh = "只有成年个人可任监护人，未成年人账户、家庭与企业不可。"


@dataclass(eq=False)
class NotAllowedByGuardian(DomainError):
    """The guardian of this child has not agreed to it, and can at PUT /children/{child_id}/allowances/{allowance}."""

    code = "identity.not_allowed_by_guardian"
    kind = Kind.FORBIDDEN
    title_zh = "监护人尚未同意此项；可在“我的孩子”中许可。"

    allowance: Literal["social", "lottery", "redeem"]
