"""What acts say of each other: a person in two places at once or too soon, and too many acts at a time.

Nearly everybody's acts fit together. So the people and devices whose acts might not are found on whole columns first, by
tests that may suspect the innocent and never miss anybody; only their acts are then gone through (`turns`). That may leave
everybody else out: with fewer acts there are fewer collisions, and whoever can be everywhere in turn can also skip a stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backend.intake.screening.lines import Int64s, Lines
from backend.intake.screening.places import distance_m
from backend.intake.screening.rules import SECOND_US, Screen, ScreenRules
from backend.methodologies import MISSING

Flags = NDArray[np.bool_]
TRAVELLING = ("teleport", "overlap", "overlap_within_source")
CROWDING = ("person_burst", "device_burst", "device_people")
_LARGEST = 2**62


@dataclass
class Both:
    """History and chunk as one, history first; acts without an end end when and where they begin."""

    acts: Lines
    history: Lines
    open_: Flags  # of the chunk: what no screen has stopped
    _columns: dict[str, Int64s] = field(default_factory=dict)

    @property
    def past(self) -> int:
        return len(self.history)

    def column(self, name: str) -> Int64s:
        """A column of both; those of acts alone are not copied."""
        if name not in self._columns:
            own: Int64s = getattr(self.acts, name)
            self._columns[name] = np.concatenate([getattr(self.history, name), own]) if self.past else own
        return self._columns[name]

    def looked_at(self, one: Screen, travel: frozenset[str]) -> Flags:
        """The acts that a screen looks at."""
        among = travel if one.kind in TRAVELLING else None
        own = self.acts.among(one.activities, among) & self.open_
        return np.concatenate([self.history.among(one.activities, among), own]) if self.past else own

    @cached_property
    def ended_us(self) -> Int64s:
        ended, started = self.column("ended_us"), self.column("started_us")
        return np.where(ended == MISSING, started, ended)

    @cached_property
    def ends(self) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Latitude and longitude of where each act began and ended."""
        names = ("from_lat_e7", "from_lon_e7", "to_lat_e7", "to_lon_e7")
        a, b, c, d = (self.column(name) for name in names)
        point = self.column("ended_us") == MISSING
        there, here = point & (a == MISSING), point & (c == MISSING)
        return np.where(there, c, a), np.where(there, d, b), np.where(here, a, c), np.where(here, b, d)

    def sorted(self, rows: Int64s, who: Int64s) -> Int64s:
        """Rows by person (or device) and start."""
        started, who = self.column("started_us")[rows], who[rows]
        base = int(started.min(initial=0))
        span = int(started.max(initial=0)) - base + 1
        if (int(who.max(initial=0)) + 1) * span < _LARGEST:
            return rows[np.argsort(who * span + (started - base))]
        return rows[np.lexsort((started, who))]


def suspects(both: Both, rules: ScreenRules) -> Iterator[tuple[int, Screen, str, Flags]]:
    """Screens with somebody to look at: number, screen, the column of who, and all the acts of those it may stop."""
    for number, one in enumerate(rules.screens, start=3):
        if one.kind not in TRAVELLING + CROWDING:
            continue
        column = "person" if one.kind in (*TRAVELLING, "person_burst") else "device"
        who, looked = both.column(column), both.looked_at(one, rules.travel)
        rows = _doubtful(one, both, who, looked)
        if len(rows):
            named = np.zeros(int(who.max()) + 1, dtype=np.bool_)
            named[who[rows]] = True
            yield number, one, column, looked & (who >= 0) & named[who]


def _doubtful(one: Screen, both: Both, who: Int64s, looked: Flags) -> Int64s:
    """Acts of everybody whom the screen may stop."""
    if one.kind in CROWDING:
        return _crowded(one, both, who, looked)
    looked = looked & (who >= 0)
    if one.kind == "teleport":
        a, _, c, _ = both.ends
        looked &= (a != MISSING) | (c != MISSING)
    elif one.kind == "overlap":
        looked = _of_several_sources(both, who, looked)
    rows = np.nonzero(looked)[0]
    if len(rows) < 2:
        return rows[:0]
    rows = both.sorted(rows, who)
    return rows[_far(one, both, rows) if one.kind == "teleport" else _meeting(one, both, rows)]


def _of_several_sources(both: Both, who: Int64s, looked: Flags) -> Flags:
    """The acts of people that act by more than one source."""
    source = both.column("source")
    rows = np.nonzero(looked)[0]
    if not len(rows) or (source[rows] == source[rows[0]]).all():
        return np.zeros(len(looked), dtype=np.bool_)
    first = np.full(int(who.max()) + 1, -1, dtype=np.int64)
    first[who[rows]] = source[rows]  # any one of them
    several = np.zeros(len(first), dtype=np.bool_)
    several[who[rows[source[rows] != first[who[rows]]]]] = True
    found: Flags = looked & several[np.maximum(who, 0)]
    return found


def _meeting(one: Screen, both: Both, rows: Int64s) -> Flags:
    """Rows, by person and start, that share more than the tolerance with the one before them.

    Whoever has an act that still lasts when some later one begins has it last when the very next one begins.
    """
    person, ended = both.column("person")[rows], both.ended_us[rows]
    started = both.column("started_us")[rows] + one.slack * SECOND_US
    found: Flags = np.zeros(len(rows), dtype=np.bool_)
    found[1:] = (person[1:] == person[:-1]) & (ended[:-1] > started[1:])
    return found


def _far(one: Screen, both: Both, rows: Int64s) -> Flags:
    """Rows, by person and start, that cannot be reached from the one before them at that speed, without any slack."""
    a, b = rows[:-1], rows[1:]
    begun, ended, person = both.column("started_us"), both.ended_us, both.column("person")
    from_lat, from_lon, to_lat, to_lon = both.ends
    metres = distance_m(to_lat[a], to_lon[a], from_lat[b], from_lon[b])
    whole = distance_m(from_lat[b], from_lon[b], to_lat[b], to_lon[b])
    speed = (one.above or 0) / 3.6e6  # metres in a microsecond
    near = (begun[b] >= ended[a]) & (metres <= (begun[b] - ended[a]) * speed)
    near &= (whole <= (ended[b] - begun[b]) * speed) & (to_lat[a] != MISSING) & (from_lat[b] != MISSING)
    found: Flags = np.zeros(len(rows), dtype=np.bool_)
    found[1:] = (person[a] == person[b]) & ~near
    return found


def _crowded(one: Screen, both: Both, who: Int64s, looked: Flags) -> Int64s:
    """Acts with which more than `above` acts lie within the time; fewer acts are not more people."""
    limit, started = one.above or 0, both.column("started_us")
    rows = np.nonzero(looked & (who >= 0))[0]
    if len(rows) > limit:
        many = _busy(who[rows], started[rows], limit, one.within * SECOND_US)
        rows = rows[many[who[rows]]]
    if len(rows) <= limit:
        return rows[:0]
    rows = both.sorted(rows, who)
    first, last = rows[: len(rows) - limit], rows[limit:]
    near = (who[first] == who[last]) & (started[last] - started[first] < one.within * SECOND_US)
    crowded: Int64s = last[near]
    return crowded


def _busy(who: Int64s, started: Int64s, limit: int, within_us: int) -> Flags:
    """By number, who has more than `limit` acts in two neighbouring spans of that length: nobody else has within one."""
    count = np.bincount(who)
    busy: Flags = count > limit
    base = int(started.min())
    spans = (int(started.max()) - base) // max(within_us, 1) + 2
    if busy.any() and len(count) * spans <= 8 * len(who) + 1_000_000:
        by_span = np.bincount(
            who * spans + (started - base) // max(within_us, 1), minlength=len(count) * spans
        )
        by_span = by_span.reshape(len(count), spans)
        busy = np.any(by_span[:, 1:] + by_span[:, :-1] > limit, axis=1)
    return busy
