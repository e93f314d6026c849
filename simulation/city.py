"""A city and some days of it: residents, a share of cheats, and every trip with what it truly was."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from simulation.fraud import PATTERNS, Cheat, Pattern
from simulation.ground import Place, anywhere, great_circle_m
from simulation.honest import Days, strangers_place
from simulation.trips import Person, Trip

PEOPLE, DAYS = 1_500, 14
FIRST_DAY = dt.date(2026, 10, 12)  # a Monday; so is every first day by default
CHEATS_PER_PATTERN = 6
_SHANGHAI_S = 8 * 3600
_TOGETHER = {"together", "companion"}  # honest trips that one person may have at once


@dataclass(slots=True)
class City:
    """Everything that happened and was claimed to; `holders` says whose each number is on paper."""

    seed: int
    first_day: dt.date
    days: int
    people: list[Person]
    trips: list[Trip] = field(default_factory=list)
    cheats: dict[str, list[str]] = field(default_factory=dict)  # pattern to persons

    def holders(self) -> dict[tuple[str, str], str]:
        """Partner and number to the person who holds it; farmed accounts among them."""
        found: dict[tuple[str, str], str] = {means: who.id for who in self.people for means in who.numbers()}
        for trip in self.trips:
            partner = "metro" if trip.partner == "bus" else trip.partner
            found.setdefault((partner, trip.number), trip.person)
        return found


def found(
    seed: int,
    *,
    people: int = PEOPLE,
    days: int = DAYS,
    first_day: dt.date = FIRST_DAY,
    cheats_per_pattern: int = CHEATS_PER_PATTERN,
    patterns: Sequence[str] | None = None,
) -> City:
    """Build the city of a seed and let its days pass. `patterns` names the fraud that occurs (all).

    The honest part of a seed is the same whatever fraud occurs beside it. Raises ValueError for an unknown pattern.
    """
    wanted = [pattern for pattern in PATTERNS if patterns is None or pattern.name in patterns]
    if unknown := set(patterns or ()) - {pattern.name for pattern in wanted}:
        raise ValueError(f"no such pattern: {', '.join(sorted(unknown))}")
    dice = Random(f"{seed}/ground")
    metro = [_named(anywhere(dice), f"M{place:02d}") for place in range(60)]
    stops = [_named(anywhere(dice), f"B{place:03d}") for place in range(400)]
    docks = [_named(anywhere(dice, spread_m=8_000), f"D{place:03d}") for place in range(120)]
    city = City(seed, first_day, days, _settle(seed, people))
    first_s = int(dt.datetime.combine(first_day, dt.time(), dt.UTC).timestamp()) - _SHANGHAI_S
    midnights = [first_s + day * 86_400 for day in range(days)]
    lives = Days(metro, stops, docks)
    for who in city.people:
        own = Random(f"{seed}/days/{who.id}")
        lived = [
            trip
            for day, midnight in enumerate(midnights)
            for trip in lives.live(who, midnight, (first_day.weekday() + day) % 7, own)
        ]
        city.trips.extend(_one_body(lived))
    _cheat(city, wanted, cheats_per_pattern, midnights, metro, docks)
    return city


def _settle(seed: int, people: int) -> list[Person]:
    dice = Random(f"{seed}/people")
    settled: list[Person] = []
    for place in range(people):
        who = Person(f"p{place:05d}", anywhere(dice), strangers_place(dice), f"phone-{seed}-{place:05d}")
        chance = [dice.random() for _ in range(8)]
        who.card = f"YKT9{place:08d}" if chance[0] < 0.72 else ""
        who.bikes = [f"LX7{place:06d}"] if chance[1] < 0.58 else []
        who.more_bikes = [f"A{place:07d}"] if chance[2] < 0.24 else []
        who.member = f"GG9{place:05d}" if chance[3] < 0.18 or not (who.card or who.bikes) else ""
        who.walker = f"W{place:07d}" if chance[4] < 0.35 else ""
        who.nights = chance[5] < 0.03
        who.courier = bool(who.bikes) and chance[6] < 0.01
        if settled and chance[7] < 0.07:  # a phone for two, sometimes for three
            who.phone, who.home = settled[-1].phone, settled[-1].home
        if great_circle_m(who.home, who.work) < 400:
            who.work = anywhere(dice)
        settled.append(who)
    return settled


def _one_body(trips: Sequence[Trip]) -> Iterator[Trip]:
    """The trips in order without those that one body could not have made beside the others."""
    free_s = 0
    for trip in sorted(trips, key=lambda trip: (trip.started_s, trip.ended_s)):
        if trip.started_s <= free_s and trip.kind not in _TOGETHER:
            continue
        yield trip
        if trip.kind == "left_unlocked":  # the bike goes on, the rider does not
            free_s = max(free_s, min(trip.ended_s, trip.started_s + 1_800))
        else:
            free_s = max(free_s, trip.ended_s)


def _cheat(
    city: City,
    patterns: Sequence[Pattern],
    each: int,
    midnights: Sequence[int],
    metro: Sequence[Place],
    docks: Sequence[Place],
) -> None:
    """Let cheats cheat, each by one pattern only, so that a line has one true label."""
    honest: dict[str, list[tuple[int, Trip]]] = {}
    for place, trip in enumerate(city.trips):
        honest.setdefault(trip.person, []).append((place, trip))
    phones = Counter(who.phone for who in city.people)
    for order, pattern in enumerate(PATTERNS):
        if pattern not in patterns:
            continue
        dice = Random(f"{city.seed}/fraud/{pattern.name}")
        able = [
            who
            for place, who in enumerate(city.people)
            if place % len(PATTERNS) == order  # nobody is able to cheat in two ways
            and not who.courier
            and phones[who.phone] == 1
            and all(getattr(who, need) for need in pattern.needs)
        ]
        for who in dice.sample(able, k=min(each, len(able))):
            number = int(who.id[1:])
            if pattern.name == "replay_other_id":
                who.bikes.append(f"LX6{number:06d}")
            cheat = Cheat(who, honest.get(who.id, []), midnights, metro, docks, dice, number)
            made = list(pattern.make(cheat))
            city.trips.extend(made)
            if made:
                city.cheats.setdefault(pattern.name, []).append(who.id)


def _named(place: Place, name: str) -> Place:
    return Place(place.lat, place.lon, name)
