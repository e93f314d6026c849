"""Trips as they happened, or as somebody pretends they did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from simulation.ground import Place
from simulation.labels import HONEST

Partner = Literal["metro", "bus", "bikes", "more-bikes", "docks", "walks"]


@dataclass(frozen=True, slots=True)
class Trip:
    """One trip by the true clock (seconds since 1970, UTC), as one partner will report it.

    `distance_m` is what the partner measures, None where it measures none; `steps` only of walks; `device` is the
    phone in hand, None where a card was enough.
    """

    partner: Partner
    person: str
    number: str
    device: str | None
    started_s: int
    ended_s: int
    start: Place
    end: Place
    distance_m: int | None
    steps: int | None = None
    label: str = HONEST
    kind: str = "trip"
    twin: int | None = None  # place in the city's list of trips

    @property
    def seconds(self) -> int:
        return self.ended_s - self.started_s


@dataclass(slots=True)
class Person:
    """A resident. Accounts are lists, since who farms has many; the second phone is that of the family."""

    id: str
    home: Place
    work: Place
    phone: str
    card: str = ""
    bikes: list[str] = field(default_factory=list)
    more_bikes: list[str] = field(default_factory=list)
    member: str = ""
    walker: str = ""
    nights: bool = False
    courier: bool = False

    def numbers(self) -> list[tuple[Partner, str]]:
        """Everything that this person acts with, as partner and number (a card is the metro's and the bus's)."""
        own: list[tuple[Partner, str]] = [("bikes", n) for n in self.bikes]
        own += [("more-bikes", n) for n in self.more_bikes]
        own += [("metro", self.card)] if self.card else []
        own += [("docks", self.member)] if self.member else []
        return own + ([("walks", self.walker)] if self.walker else [])
