"""What collecting tells."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from backend.engagement.circle import Shown


@dataclass(frozen=True, slots=True)
class Limits:
    """What friends may collect, in figures that are known: a share of a lot, and points per friend and lot, per day."""

    share: Fraction
    most_per_friend: int
    most_per_day: int


@dataclass(frozen=True, slots=True)
class Ripe:
    """A friend's lot that is ripe: what is left in it, and what I may take of it now."""

    ripe_on: dt.date
    last_day: dt.date | None
    points: int
    may_take: int


@dataclass(frozen=True, slots=True)
class Garden:
    """What of a friend's waits to be collected; nobody takes anything while it is protected."""

    protected: bool
    lots: tuple[Ripe, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What somebody took of one of my lots; `by` is missing where that person does not agree to be shown now."""

    id: UUID
    ripe_on: dt.date
    points: int
    taken_at: dt.datetime
    by: Shown | None
