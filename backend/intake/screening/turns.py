"""The suspects' acts one by one, in the order of their arrival: each beside those that every screen let pass before it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.intake.screening.lines import Int64s
from backend.intake.screening.pairs import Both, Flags
from backend.intake.screening.places import distance_m
from backend.intake.screening.rules import REACH_US, SECOND_US, Screen

_HAIR_M = 1e-3  # what rounding may add to a way in several parts, and much more
Passed = list[tuple[int, int]]  # (start, act) by start; acts are numbers in `Turns`


class Turns:
    """The acts that screens suspect, as plain numbers."""

    def __init__(
        self, both: Both, found: Sequence[tuple[int, Screen, str, Flags]], clocks: Mapping[str, int]
    ) -> None:
        marked = np.zeros(len(both.column("person")), dtype=np.bool_)
        for _, _, _, flags in found:
            marked |= flags
        rows = np.nonzero(marked)[0]
        by = np.lexsort((both.column("order")[rows], rows >= both.past))
        self.rows = rows[by]
        self.fresh: list[bool] = (self.rows >= both.past).tolist()
        self.start = _taken(both.column("started_us"), self.rows)
        self.end = _taken(both.ended_us, self.rows)
        self.source = _taken(both.column("source"), self.rows)
        self.person = _taken(both.column("person"), self.rows)
        off = np.concatenate([both.history.by_activity(clocks), both.acts.by_activity(clocks)])
        self.clock = _taken(off, self.rows)
        self.ends = [values[self.rows] for values in both.ends]
        self.screens = [
            (number, one, _taken(both.column(column), self.rows), flags[self.rows].tolist())
            for number, one, column, flags in found
        ]

    def stopped(self) -> Iterator[tuple[int, int, int]]:
        """What does not pass: row, number of the first screen that stops it, and the row it collides with or -1."""
        passed: dict[tuple[int, int], Passed] = defaultdict(list)
        rows = self.rows.tolist()
        for act, fresh in enumerate(self.fresh):
            beside = [(n, one, passed[n, who[act]]) for n, one, who, marked in self.screens if marked[act]]
            stop = next(self._stops(act, beside), None) if fresh else None
            if stop is not None:
                number, other = stop
                yield rows[act], number, -1 if other is None else rows[other]
                continue
            for _, _, others in beside:
                insort(others, (self.start[act], act))

    def _stops(
        self, act: int, beside: Sequence[tuple[int, Screen, Passed]]
    ) -> Iterator[tuple[int, int | None]]:
        for number, one, passed in beside:
            if one.kind in {"overlap", "overlap_within_source"}:
                other = next((n for n in self._around(act, passed) if self._share(one, act, n)), None)
                if other is not None:
                    yield number, other
            elif one.kind == "teleport":
                other = next((n for n in self._next_to(act, passed) if self._too_far(one, act, n)), None)
                if other is not None:
                    yield number, other
            elif self._most(one, act, passed) > (one.above or 0):
                yield number, None

    def _around(self, act: int, passed: Passed) -> Iterator[int]:
        """Those that began within reach, up to the end of this one."""
        start = self.start[act]
        first = bisect_left(passed, (start - REACH_US, -1))
        until = min(self.end[act], start + REACH_US)
        for place in range(first, len(passed)):
            begins, other = passed[place]
            if begins > until:
                return
            yield other

    def _next_to(self, act: int, passed: Passed) -> Iterator[int]:
        """Those that began last before this one, with it, and first after it."""
        start = self.start[act]
        low, high = bisect_left(passed, (start, -1)), bisect_left(passed, (start + 1, -1))
        if low:
            low = bisect_left(passed, (passed[low - 1][0], -1))
        if high < len(passed):
            high = bisect_left(passed, (passed[high][0] + 1, -1))
        for begins, other in passed[low:high]:
            if abs(begins - start) <= REACH_US:
                yield other

    def _share(self, one: Screen, a: int, b: int) -> bool:
        """Whether two acts share more time than the tolerance; a point has to lie that far within the other."""
        if (self.source[a] == self.source[b]) != (one.kind == "overlap_within_source"):
            return False
        slack = max(one.slack, self.clock[a], self.clock[b]) * SECOND_US
        for point, other in ((a, b), (b, a)):
            if self.start[point] == self.end[point]:
                return self.start[other] + slack < self.start[point] < self.end[other] - slack
        return min(self.end[a], self.end[b]) - max(self.start[a], self.start[b]) > slack

    def _too_far(self, one: Screen, a: int, b: int) -> bool:
        """Whether the way between two acts takes more speed than anybody has; of two that begin at once, either way."""
        speed = (one.above or 0) / 3.6e6  # metres in a microsecond
        ways = [(a, b)] if self.start[a] < self.start[b] else [(b, a)]
        if self.start[a] == self.start[b]:
            ways = [(a, b), (b, a)]
        from_lat, from_lon, to_lat, to_lon = self.ends
        for first, second in ways:
            gap = max(self.start[second] - self.end[first], 0)
            one_, two = slice(first, first + 1), slice(second, second + 1)
            metres = float(distance_m(to_lat[one_], to_lon[one_], from_lat[two], from_lon[two])[0])
            if metres - one.slack > gap * speed + _HAIR_M:
                return True
        return False

    def _most(self, one: Screen, act: int, passed: Passed) -> int:
        """The most acts (or people) in a time of that length with this one in it."""
        within, at = one.within * SECOND_US, self.start[act]
        low, high = bisect_left(passed, (at - within + 1, -1)), bisect_left(passed, (at + within, -1))
        near = sorted([*passed[low:high], (at, act)])
        if len(near) <= (one.above or 0):
            return len(near)
        most, first = 0, 0
        for last in range(len(near)):
            while near[last][0] - near[first][0] >= within:
                first += 1
            if near[first][0] <= at <= near[last][0]:
                window = near[first : last + 1]
                people = one.kind == "device_people"
                most = max(most, len({self.person[n] for _, n in window}) if people else len(window))
        return most


def _taken(values: NDArray[np.int64], rows: Int64s) -> list[int]:
    taken: list[int] = values[rows].tolist()
    return taken
