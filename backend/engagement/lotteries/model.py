"""Lotteries as the rest of the platform sees them; migration 0029 states the rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from backend.engagement.lotteries.drawing import Prize

Party = Literal["operator", "second"]
State = Literal["committing", "waiting", "entering", "revealing", "drawn", "failed"]


@dataclass(frozen=True, slots=True)
class Lottery:
    """A lottery. `commitments` and `secrets` are by party, as far as they are there; times are aware."""

    id: UUID
    programme: str
    reward: str
    operator_id: UUID
    operator: str
    second_id: UUID
    second: str
    points: int
    most_per_person: int | None
    most_entries: int | None
    one_prize_per_person: bool
    prizes: tuple[Prize, ...]
    enter_from: dt.datetime
    enter_until: dt.datetime
    reveal_until: dt.datetime
    opened_by: UUID
    opened_at: dt.datetime
    log_index: int
    commitments: dict[Party, bytes]
    secrets: dict[Party, bytes]
    closed_at: dt.datetime | None
    entries_sha256: bytes | None
    outcome: Literal["drawn", "failed"] | None
    failed_by: tuple[Party, ...]
    decided_at: dt.datetime | None

    def party_of(self, organisation_id: UUID | None) -> Party | None:
        """Which of the two an organisation is; None for all others."""
        parties: dict[UUID | None, Party] = {self.operator_id: "operator", self.second_id: "second"}
        return parties.get(organisation_id)

    def organisation(self, party: Party) -> str:
        """The code of a party's organisation."""
        return self.operator if party == "operator" else self.second

    def state_at(self, moment: dt.datetime) -> State:
        """How far it has come."""
        if self.outcome is not None:
            return self.outcome
        if moment >= self.enter_until:
            return "revealing"
        if len(self.commitments) < 2:
            return "committing"
        return "entering" if moment >= self.enter_from else "waiting"

    def stated(self) -> dict[str, Any]:
        """What the log says when it is opened."""
        return {
            "lottery": str(self.id),
            "programme": self.programme,
            "reward": self.reward,
            "operator": self.operator,
            "second": self.second,
            "points": self.points,
            "most_per_person": self.most_per_person,
            "most_entries": self.most_entries,
            "one_prize_per_person": self.one_prize_per_person,
            "prizes": [{"id": one.id, "zh": one.zh, "en": one.en, "count": one.count} for one in self.prizes],
            "enter_from": _text(self.enter_from),
            "enter_until": _text(self.enter_until),
            "reveal_until": _text(self.reveal_until),
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `handle-number` is what others see of it."""

    id: UUID
    lottery_id: UUID
    participant_id: UUID
    number: int
    handle: str
    points: int
    entered_at: dt.datetime

    @property
    def label(self) -> str:
        return f"{self.handle}-{self.number}"


@dataclass(frozen=True, slots=True)
class Won:
    """A prize that an entry won. Whoever shows it shows the label, and a name only of somebody who agreed."""

    place: int
    prize: str
    label: str
    participant_id: UUID
    grant_id: UUID


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat()
