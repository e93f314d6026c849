"""What is refused of news."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class NewsUnknown(DomainError):
    """There is no such item here, or it was withdrawn."""

    code = "news.unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这条消息，或已撤回。"
