"""What can be refused about joining accounts."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class NotToBeJoined(DomainError):
    """These two cannot become one: they are the same account, one of them has ended, or one is no person's."""

    code = "identity.not_to_be_joined"
    kind = Kind.CONFLICT
    title_zh = "这两个账户不能合并：它们是同一账户、其中一个已终止，或不属于个人。"
