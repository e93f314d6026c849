"""What the inbox refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ItemUnknown(DomainError):
    """There is no such message for you."""

    code = "inbox.item_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这条消息。"


@dataclass(eq=False)
class TopicNeeded(DomainError):
    """Messages about your account cannot be switched off."""

    code = "inbox.topic_needed"
    kind = Kind.CONFLICT
    title_zh = "账户安全类消息不能关闭。"
