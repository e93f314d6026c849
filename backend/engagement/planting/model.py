"""Orders of trees, and the trees that stand for them; migration 0029 states the rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from backend.programmes.features import Name

State = Literal["waiting", "handed_over", "planted", "failed"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Orders that were handed to a partner together, and how many of them are planted or failed."""

    id: UUID
    partner: str
    made_at: dt.datetime
    orders: int
    planted: int
    failed: int


@dataclass(frozen=True, slots=True)
class Order:
    """A tree that somebody spent points on. It is real where a `partner` plants or keeps it; else it grows on screens only.

    `words` are why it failed.
    """

    id: UUID
    reward: str
    kind: str
    participant_id: UUID
    number: int
    points: int
    ordered_at: dt.datetime
    batch_id: UUID | None
    partner: str | None
    outcome: str | None
    words: str
    certificate: str | None
    reference: str | None
    place: str | None
    planted_on: dt.date | None
    stands_until: dt.date | None

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.certificate is not None:
            return "planted"
        if self.outcome == "refused":
            return "failed"
        return "waiting" if self.batch_id is None else "handed_over"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says, and all that its number tells anybody: no person."""

    number: str
    programme: str
    programme_title: Name
    kind: str
    real: bool
    title: Name
    species: Name | None
    partner: str | None
    reference: str | None
    place: str | None
    planted_on: dt.date
    stands_until: dt.date | None
    points: int
