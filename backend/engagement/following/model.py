"""What following answers, and what followers are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.programmes import Registered


@dataclass(frozen=True, slots=True)
class Followed:
    """What one call followed: transactions' worth of steps, and how many people's days were made again."""

    steps: int
    days: int


@dataclass(frozen=True, slots=True)
class Touched:
    """Whose days were made again in a programme, and between which days they lie.

    In the same transaction the table `followed_touched(programme_id, participant_id, day)` has each of them.
    """

    programme: Registered
    participants: Sequence[UUID]
    first_day: dt.date
    last_day: dt.date


@dataclass(frozen=True, slots=True)
class ActedDay:
    """What somebody's standing acts of one activity amount to on a Shanghai day. `grams` gCO2e, `points` earned by them."""

    participant_id: UUID
    day: dt.date
    activity: str
    acts: int
    grams: int
    points: int


Follower = Callable[[AsyncSession, Touched], Awaitable[None]]
