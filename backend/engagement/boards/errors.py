"""What is refused of leaderboards."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class BoardUnknown(DomainError):
    """The programme has no such leaderboard."""

    code = "boards.unknown"
    kind = Kind.NOT_FOUND
    title_zh = "该计划没有这个排行榜。"
