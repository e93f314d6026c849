"""Why something of a child's account is refused."""

from __future__ import annotations

from dataclasses import dataclass

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
