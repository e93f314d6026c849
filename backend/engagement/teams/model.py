"""Teams as others and as their members see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.engagement.circle import Shown


@dataclass(frozen=True, slots=True)
class TeamShown:
    """What everybody may see of a team. The name is None once the person who gave it left the platform."""

    id: UUID
    name: str | None
    members: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member who agrees to be shown."""

    participant_id: UUID
    shown: Shown
    since: datetime


@dataclass(frozen=True, slots=True)
class OwnTeam:
    """My team, as its members see it. `public`: enough members agree that others see it."""

    id: UUID
    name: str | None
    code: str
    leader: str | None  # handle
    members: tuple[Member, ...]
    public: bool
