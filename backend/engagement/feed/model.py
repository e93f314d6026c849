"""Posts as others, their authors and the operator see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from backend.engagement.circle import Shown
from backend.programmes.features import Name

PostKind = Literal["task", "level", "achievement", "tree", "team"]
Audience = Literal["friends", "programme"]
Cause = Literal["name", "untrue", "harassment", "other"]


@dataclass(frozen=True, slots=True)
class Post:
    """What somebody lets others see now: an achievement that stands. `title` is what was achieved."""

    id: UUID
    author: Shown
    kind: str
    title: Name
    audience: str
    posted_at: datetime
    likes: int
    liked: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class OwnPost:
    """A post as its author sees it. `state`: shown, lapsed (what it tells of no longer stands, or the author hid since),
    taken_back, or hidden by the operator for `reason`.
    """

    id: UUID
    kind: str
    reference: str
    audience: str
    posted_at: datetime
    state: str
    reason: Name | None


@dataclass(frozen=True, slots=True)
class Reported:
    """A post that people reported, for the operator; `author` is None once that person is no longer shown."""

    id: UUID
    author: Shown | None
    kind: str
    title: Name | None
    posted_at: datetime
    reports: int
    causes: tuple[str, ...]
