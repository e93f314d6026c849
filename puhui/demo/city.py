"""The demo city: who lives there, what they act with, and a month of trips. The same seed is the same city."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from backend.kit.clock import SHANGHAI

SEED = 20261001
FIRST_DAY = datetime(2026, 10, 1, tzinfo=SHANGHAI)
DAYS = 31
HOLIDAY_DAYS = 7  # 1 to 7 October: fewer ways to work
CITIZENS, HOUSEHOLDS, FIRMS, STRANGERS = 4_780, 160, 60, 400
STATIONS = 24

Kind = Literal["citizen", "household", "firm", "stranger"]


@dataclass(slots=True)
class Resident:
    """Someone who travels. A stranger uses the city's cards and bikes without taking part."""

    name: str
    kind: Kind
    card: str = ""
    accounts: tuple[str, ...] = ()  # of the shared bikes
    member: str = ""  # of the docked bikes
    assigns: bool = False  # the right to claim, on paper, from the month's first day
    by_phone: bool = False  # links its means itself, over the citizens' interface


@dataclass(frozen=True, slots=True)
class Ride:
    """A shared-bike ride with the distance that its operator measured (m)."""

    account: str
    bike: str
    started: datetime
    ended: datetime
    distance_m: int


@dataclass(frozen=True, slots=True)
class DockRide:
    """A ride from one station of the docked bikes to another."""

    member: str
    started: datetime
    ended: datetime
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MetroTrip:
    """A trip through two gates; `distance_m` only on the intercity line."""

    card: str
    entered: datetime
    left: datetime
    distance_m: int | None


@dataclass(frozen=True, slots=True)
class BusRide:
    """A tap on a bus."""

    card: str
    at: datetime


@dataclass(slots=True)
class City:
    """Everything that happened in the month, in the order of time within each list."""

    residents: list[Resident]
    rides: list[Ride] = field(default_factory=list)
    dock_rides: list[DockRide] = field(default_factory=list)
    metro_trips: list[MetroTrip] = field(default_factory=list)
    bus_rides: list[BusRide] = field(default_factory=list)
    stations: list[tuple[str, str]] = field(default_factory=list)  # latitude, longitude


def found(seed: int = SEED) -> City:
    """Build the city and let the month pass."""
    dice = random.Random(seed)  # noqa: S311 - a city, not a secret
    city = City(_residents(dice))
    city.stations = [
        (f"{23 + dice.randrange(90_000) / 1e6:.6f}", f"{113 + dice.randrange(90_000) / 1e6:.6f}")
        for _ in range(STATIONS)
    ]
    for day in range(DAYS):
        midnight = FIRST_DAY + timedelta(days=day)
        quiet = day < HOLIDAY_DAYS or midnight.weekday() >= 5
        for resident in city.residents:
            _live(city, resident, midnight, dice, quiet=quiet)
    city.rides.sort(key=lambda ride: (ride.started, ride.account))
    city.dock_rides.sort(key=lambda ride: (ride.started, ride.member))
    city.metro_trips.sort(key=lambda trip: (trip.entered, trip.card))
    city.bus_rides.sort(key=lambda ride: (ride.at, ride.card))
    return city


def _residents(dice: random.Random) -> list[Resident]:
    """The three who use the phone come first; the others are on their partners' lists, or strangers."""
    people = [
        Resident("甲", "citizen", card=_card(1), accounts=(_account(1),), by_phone=True),
        Resident("乙", "citizen", accounts=(_account(2),), by_phone=True),
        Resident("丙", "citizen", card=_card(3), by_phone=True),
    ]
    number = 10
    for kind, count in (
        ("citizen", CITIZENS - len(people)),
        ("household", HOUSEHOLDS),
        ("firm", FIRMS),
        ("stranger", STRANGERS),
    ):
        for _ in range(count):
            people.append(_resident(kind, number, dice))  # type: ignore[arg-type]
            number += 20
    return people


def _resident(kind: Kind, number: int, dice: random.Random) -> Resident:
    if kind == "firm":
        staff = dice.randint(4, 12)
        return Resident(
            f"{kind}-{number}",
            kind,
            accounts=tuple(_account(number + place) for place in range(staff)),
            assigns=dice.random() < 0.9,
        )
    chosen = Resident(f"{kind}-{number}", kind)
    if kind == "household" or dice.random() < 0.72:
        chosen.card = _card(number)
    if kind != "household" and dice.random() < 0.62:
        chosen.accounts = (_account(number),)
    if dice.random() < 0.25 or not (chosen.card or chosen.accounts):
        chosen.member = _member(number)
    chosen.assigns = kind != "stranger" and dice.random() < 0.82
    return chosen


def _card(number: int) -> str:
    return f"YKT{number:09d}"


def _account(number: int) -> str:
    return f"LX{number:07d}"


def _member(number: int) -> str:
    return f"GG{number:06d}"


def _live(city: City, who: Resident, midnight: datetime, dice: random.Random, *, quiet: bool) -> None:
    """One day of one resident. Nobody is in two places at once: each way begins when the one before has ended."""
    eager = 2.2 if who.by_phone else 1.0
    for begin_h in (7, 17):
        at = midnight + timedelta(seconds=begin_h * 3600 + dice.randrange(3 * 3600))
        if who.card and dice.random() < eager * (0.09 if quiet else 0.17):
            left = at + timedelta(minutes=dice.randint(12, 46))
            intercity = dice.random() < 0.06
            distance = dice.randint(18_000, 26_000) if intercity else None
            city.metro_trips.append(MetroTrip(who.card, at, left, distance))
            at = left + timedelta(minutes=dice.randint(4, 9))
        if who.card and dice.random() < eager * (0.08 if quiet else 0.14):
            city.bus_rides.append(BusRide(who.card, at))
            at += timedelta(minutes=dice.randint(15, 40))
        ended = at
        for account in who.accounts:  # a firm's people ride at the same time, each on an account
            if dice.random() < eager * (0.16 if quiet else 0.22):
                seconds = dice.randint(240, 2_400)
                metres = round(seconds * dice.uniform(2.6, 4.4))
                bike = f"V{dice.randrange(5_000):05d}"
                city.rides.append(Ride(account, bike, at, at + timedelta(seconds=seconds), metres))
                ended = max(ended, at + timedelta(seconds=seconds))
        at = ended + timedelta(minutes=dice.randint(4, 9))
        if who.member and dice.random() < eager * (0.08 if quiet else 0.12):
            start, end = dice.sample(range(STATIONS), 2)
            way = apart_m(city.stations[start], city.stations[end])
            seconds = max(300, round(way / dice.uniform(2.6, 4.4)))
            city.dock_rides.append(DockRide(who.member, at, at + timedelta(seconds=seconds), start, end))


def apart_m(here: tuple[str, str], there: tuple[str, str]) -> float:
    """About how far two stations lie apart, in metres."""
    north = (float(here[0]) - float(there[0])) * 111_195
    east = (float(here[1]) - float(there[1])) * 111_195 * math.cos(math.radians(float(here[0])))
    return math.hypot(north, east)
