"""Grants as the rest of the platform sees them; migration 0029 states the rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Outcome = Literal["delivered", "refused"]
State = Literal["waiting", "delivered", "refused"]

DIRECT = frozenset({"goods", "voucher", "privilege", "public_service", "public_welfare", "prop"})
AT_ONCE = frozenset({"public_welfare", "prop"})  # nobody has to fulfil these
CAUSES = frozenset({"public_welfare"})
TREES = frozenset({"planting", "adoption"})


@dataclass(frozen=True, slots=True)
class Grant:
    """What a participant got for `points`. `number` counts what was ever given of the reward, refused ones included.

    `words` are what the operator tells its holder: where to fetch it, or why it is refused.
    """

    id: UUID
    programme: str
    reward: str
    kind: str
    participant_id: UUID
    number: int
    points: int
    protects_from: dt.datetime | None
    protects_until: dt.datetime | None
    granted_at: dt.datetime
    outcome: Outcome | None
    words: str
    decided_at: dt.datetime | None

    @property
    def state(self) -> State:
        """What became of it; what nobody has to fulfil is delivered as it is granted."""
        if self.outcome is not None:
            return self.outcome
        return "delivered" if self.kind in AT_ONCE else "waiting"


@dataclass(frozen=True, slots=True)
class Left:
    """Of a reward: `left` of its stock (None: not limited), and how many this participant holds."""

    left: int | None
    own: int


@dataclass(frozen=True, slots=True)
class Cause:
    """What was given to one cause of public welfare: `gifts` by `givers` people, `points` in all."""

    reward: str
    gifts: int
    givers: int
    points: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of one reward: grants, those delivered and refused, the people who took it, points that were not given back."""

    reward: str
    kind: str
    given: int
    delivered: int
    refused: int
    people: int
    points: int
