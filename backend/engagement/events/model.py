"""Events as the rest of the platform sees them; migration 0029 states the rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

OPENS_BEFORE = dt.timedelta(hours=1)  # the door opens so long before the event begins

State = Literal["seat", "waiting", "checked_in", "cancelled", "called_off", "no_seat"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something to come to: `points` are its price, `award` what checking in earns. `signed_up` counts who stands."""

    id: UUID
    programme: str
    reward: str | None
    title_zh: str
    title_en: str
    place: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    capacity: int | None
    points: int
    award: int
    published_at: dt.datetime
    called_off_at: dt.datetime | None
    called_off_because: str | None
    signed_up: int
    checked_in: int

    @property
    def seats_left(self) -> int | None:
        """None where seats are not limited."""
        return None if self.capacity is None else max(0, self.capacity - self.signed_up)


@dataclass(frozen=True, slots=True)
class SignUp:
    """One person's place in the order: `before` others stand before it."""

    id: UUID
    event_id: UUID
    participant_id: UUID
    number: int
    points: int
    signed_up_at: dt.datetime
    before: int
    capacity: int | None
    how: Literal["cancelled", "called_off", "no_seat"] | None
    checked_in_at: dt.datetime | None

    @property
    def state(self) -> State:
        """Whoever stands among the first ones has a seat, the others wait."""
        if self.how is not None:
            return self.how
        if self.checked_in_at is not None:
            return "checked_in"
        return "seat" if self.capacity is None or self.before < self.capacity else "waiting"
