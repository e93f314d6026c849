"""What others may see of somebody, and what that person sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Shown:
    """How somebody who agrees is shown now."""

    handle: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a person said about being shown: `shown`, `named`, `hidden`, or `erased`."""

    kind: str
    handle: str
    edition: str | None
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code to hand to one other person; it is told once."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Friend:
    """Somebody's friend, shown while both agree."""

    participant_id: UUID
    shown: Shown
    since: datetime
