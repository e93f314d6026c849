"""What a pattern of fraud is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from simulation.ground import Place
from simulation.trips import Person, Trip


@dataclass(frozen=True, slots=True)
class Cheat:
    """One cheat with everything at hand: own honest trips by their place in the city's list, days, stations, dice."""

    who: Person
    trips: Sequence[tuple[int, Trip]]
    midnights_s: Sequence[int]
    metro: Sequence[Place]
    docks: Sequence[Place]
    dice: Random
    number: int  # of this cheat, to make further accounts from

    def of(self, *partners: str) -> list[tuple[int, Trip]]:
        """The honest trips that these partners report."""
        return [(place, trip) for place, trip in self.trips if trip.partner in partners]

    def hour(self, begin: float, end: float) -> int:
        """A moment of one of the days, between two hours of it."""
        return self.dice.choice(self.midnights_s) + int(self.dice.uniform(begin, end) * 3600)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern by name; `needs` names what the cheat must have (attributes of Person)."""

    name: str
    zh: str
    en: str
    needs: tuple[str, ...]
    make: Callable[[Cheat], Iterator[Trip]]
