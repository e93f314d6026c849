"""What can be refused about two-person acts."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ActUnknown(DomainError):
    """There is no such proposal."""

    code = "identity.act_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这项提案。"


@dataclass(eq=False)
class ActNeedsRole(DomainError):
    """Both people of this act need a role that you do not have."""

    code = "identity.act_needs_role"
    kind = Kind.FORBIDDEN
    title_zh = "此事项的提出人和批准人都须具有相应角色。"

    role: str


@dataclass(eq=False)
class ActNeedsSecondPerson(DomainError):
    """Whoever proposed this cannot decide it."""

    code = "identity.act_needs_second_person"
    kind = Kind.FORBIDDEN
    title_zh = "提出人不能自己批准或否决。"


@dataclass(eq=False)
class ActDecidedAlready(DomainError):
    """This proposal is decided already."""

    code = "identity.act_decided_already"
    kind = Kind.CONFLICT
    title_zh = "该提案已有决定。"


@dataclass(eq=False)
class ActExpired(DomainError):
    """This proposal stood too long without a decision; propose it again."""

    code = "identity.act_expired"
    kind = Kind.GONE
    title_zh = "该提案已过期，请重新提出。"


@dataclass(eq=False)
class ActShownDiffers(DomainError):
    """What you approve is not what was proposed; look at it again."""

    code = "identity.act_shown_differs"
    kind = Kind.CONFLICT
    title_zh = "您批准的内容与提案内容不一致，请重新查看。"
