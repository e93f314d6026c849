"""Adds up what acts meant before and would mean after, and tells it without telling of anyone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
FEWEST = 5  # no group of fewer people is told
_POINTS = (1, 10, 100, 1000)  # where a band of gains begins; those of losses mirror them
_GRAMS = (1, 1000, 10_000, 100_000)
OTHER = "other"


@dataclass(slots=True)
class Sums:
    """Acts with their grams and points before and after. Points are in whole points, grams in gCO2e."""

    acts: int = 0
    grams_before: int = 0
    grams_after: int = 0
    points_before: int = 0
    points_after: int = 0

    def add(self, other: Sums) -> None:
        self.acts += other.acts
        self.grams_before += other.grams_before
        self.grams_after += other.grams_after
        self.points_before += other.points_before
        self.points_after += other.points_after


@dataclass(frozen=True, slots=True)
class Group:
    """The acts of one activity in one month; `other` holds the groups of fewer than five people together."""

    activity: str
    month: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class Band:
    """How many people lose or gain between `least` and `most`, both included; None means without end."""

    least: int | None
    most: int | None
    people: int


@dataclass(frozen=True)
class Simulation:
    """What the packs would have meant. `liability` is the change in points that are not yet past their last day."""

    packs: dict[str, str]  # what was tried, by id, with its fingerprint
    people: int
    total: Sums
    liability: int
    groups: tuple[Group, ...]
    by_points: tuple[Band, ...]
    by_grams: tuple[Band, ...]
    refused: dict[str, int]  # acts without grams or points by these packs, by the reason
    campaigns: dict[
        str, int
    ]  # points that campaigns would add, if no budget ended them; of five people or more

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Change:
    """One number of each act, before and after."""

    before: Int64s
    after: Int64s


@dataclass
class Tally:
    """Sums while acts stream by: in all, by group, and by person as two growing arrays."""

    total: Sums = field(default_factory=Sums)
    liability: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    _groups: dict[tuple[str, str], Sums] = field(default_factory=dict)
    _campaigns: dict[str, int] = field(default_factory=dict)
    _people_in: dict[str, set[bytes]] = field(default_factory=dict)
    _people_of: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    _places: dict[bytes, int] = field(default_factory=dict)
    _points: Int64s = field(default_factory=lambda: np.zeros(1024, dtype=np.int64))
    _grams: Int64s = field(default_factory=lambda: np.zeros(1024, dtype=np.int64))

    def add(
        self, activity: str, months: NDArray[Any], people: Sequence[bytes], grams: Change, points: Change
    ) -> None:
        """Take in some acts of one activity: their months (datetime64[M]), who did them, and both changes."""
        own = np.fromiter((self._place(one) for one in people), dtype=np.int64, count=len(people))
        self._grow()
        np.add.at(self._grams, own, grams.after - grams.before)
        np.add.at(self._points, own, points.after - points.before)
        for month in np.unique(months):
            rows = months == month
            sums = Sums(
                acts=int(rows.sum()),
                grams_before=_sum(grams.before[rows]),
                grams_after=_sum(grams.after[rows]),
                points_before=_sum(points.before[rows]),
                points_after=_sum(points.after[rows]),
            )
            key = (activity, str(month))
            self._groups.setdefault(key, Sums()).add(sums)
            self.total.add(sums)
            known = self._people_of.setdefault(key, set())
            if len(known) < FEWEST:
                known.update(np.unique(own[rows])[:FEWEST].tolist())

    def add_campaign(self, campaign: str, points: int, people: Sequence[bytes]) -> None:
        """Take in what a campaign adds to acts of these people."""
        self._campaigns[campaign] = self._campaigns.get(campaign, 0) + points
        known = self._people_in.setdefault(campaign, set())
        if len(known) < FEWEST:
            known.update(people)

    def campaigns(self) -> dict[str, int]:
        """What each campaign adds; nothing of one in which fewer than five people acted."""
        told = {name for name, people in self._people_in.items() if len(people) >= FEWEST}
        return {name: points for name, points in sorted(self._campaigns.items()) if name in told}

    def _place(self, person: bytes) -> int:
        return self._places.setdefault(person, len(self._places))

    def _grow(self) -> None:
        if len(self._places) > len(self._points):
            room = np.zeros(max(len(self._places), len(self._points)), dtype=np.int64)
            self._points = np.concatenate([self._points, room])
            self._grams = np.concatenate([self._grams, room])

    @property
    def people(self) -> int:
        return len(self._places)

    def groups(self) -> tuple[Group, ...]:
        """The groups, those of fewer than five people as one at the end; left out when they are too few together."""
        told, rest, hidden = [], Sums(), set[int]()
        for (activity, month), sums in sorted(self._groups.items()):
            people = self._people_of[activity, month]
            if len(people) >= FEWEST:
                told.append(Group(activity, month, sums))
            else:
                rest.add(sums)
                hidden |= people
        if rest.acts and len(hidden) < FEWEST and told:
            # the total less the others would tell of these few, so the last group joins them
            rest.add(told.pop().sums)
        return (*told, Group(OTHER, "", rest)) if rest.acts else tuple(told)

    def bands(self) -> tuple[tuple[Band, ...], tuple[Band, ...]]:
        """People by what they gain or lose in points, and in grams."""
        n = self.people
        return _bands(self._points[:n], _POINTS), _bands(self._grams[:n], _GRAMS)


def _sum(values: Int64s) -> int:
    """Exact also where it leaves 64 bits."""
    high, low = values >> 32, values & 0xFFFFFFFF
    return (int(high.sum()) << 32) + int(low.sum())


def _bands(changes: Int64s, begins: Sequence[int]) -> tuple[Band, ...]:
    """Bands from the greatest loss to the greatest gain; one with fewer than five people joins the next one."""
    gains = [(low, high - 1) for low, high in pairwise(begins)]
    spans: list[tuple[int | None, int | None]] = [(None, -begins[-1])]
    spans += [(-high, -low) for low, high in reversed(gains)]
    spans += [(0, 0), *gains, (begins[-1], None)]
    counted = [Band(low, high, _within(changes, low, high)) for low, high in spans]
    return _merged([band for band in counted if band.people])


def _within(changes: Int64s, low: int | None, high: int | None) -> int:
    fits = np.ones(len(changes), dtype=np.bool_)
    if low is not None:
        fits &= changes >= low
    if high is not None:
        fits &= changes <= high
    return int(fits.sum())


def _merged(bands: list[Band]) -> tuple[Band, ...]:
    while len(bands) > 1 and any(band.people < FEWEST for band in bands):
        place = next(place for place, band in enumerate(bands) if band.people < FEWEST)
        first = min(place, len(bands) - 2)
        one, other = bands[first], bands[first + 1]
        bands[first : first + 2] = [Band(one.least, other.most, one.people + other.people)]
    return tuple(bands)
