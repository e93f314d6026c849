"""What the catalogue tells."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from uuid import UUID


class Stand(enum.StrEnum):
    """Whether an offer can be redeemed on a day."""

    OPEN = "open"
    UPCOMING = "upcoming"
    OVER = "over"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as it stands. Both days are included; `items_left` is None where the offer is not limited."""

    id: UUID
    merchant_id: UUID
    merchant: str
    merchant_zh: str
    merchant_en: str
    programme: str
    title_zh: str
    title_en: str
    price_points: int
    items_left: int | None
    per_citizen: int | None
    first_day: dt.date
    last_day: dt.date | None
    created_at: dt.datetime
    withdrawn_at: dt.datetime | None

    def stand_on(self, day: dt.date) -> Stand:
        """Open from its first to its last day, unless it was withdrawn."""
        if self.withdrawn_at is not None:
            return Stand.WITHDRAWN
        if day < self.first_day:
            return Stand.UPCOMING
        return Stand.OVER if self.last_day is not None and day > self.last_day else Stand.OPEN
