"""What acts say of each other: a person in two places at once or too soon, and too many acts at a time.

Nearly everybody's acts fit together, so the people whose acts might not are found on whole columns first, and only
theirs are gone through one by one, in the order of their arrival: an act collides with acts that were let pass.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.intake.screening.lines import Int64s, Lines
from backend.intake.screening.rules import REACH_US, SECOND_US, Screen
from backend.methodologies import MISSING

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Both:
    """History and chunk as one, history first; acts without an end end where they begin."""

    person: Int64s
    started_us: Int64s
    ended_us: Int64s
    source: Int64s
    from_lat: Int64s
    from_lon: Int64s
    to_lat: Int64s
    to_lon: Int64s
    order: Int64s
    past: int

    @staticmethod
    def of(acts: Lines, history: Lines) -> _Both:
        def both(name: str) -> Int64s:
            return np.concatenate([getattr(history, name), getattr(acts, name)])

        started, ended = both("started_us"), both("ended_us")
        return _Both(
            person=both("person"),
            started_us=started,
            ended_us=np.where(ended == MISSING, started, ended),
            source=both("source"),
            from_lat=both("from_lat_e7"),
            from_lon=both("from_lon_e7"),
            to_lat=both("to_lat_e7"),
            to_lon=both("to_lon_e7"),
            order=both("order"),
            past=len(history),
        )


def collisions(
    one: Screen, acts: Lines, history: Lines, travel: frozenset[str], open_: Flags
) -> Iterator[tuple[int, int]]:
    """The acts of the chunk that collide with one let pass before them, and that one (history rows come first)."""
    moving = _moving(one, history, travel), _moving(one, acts, travel) & open_
    both = _Both.of(acts, history)
    rows = np.nonzero(np.concatenate(moving) & (both.person >= 0))[0]
    if one.kind == "teleport":
        rows = rows[(both.from_lat[rows] != MISSING) | (both.to_lat[rows] != MISSING)]
    elif one.kind == "overlap":
        rows = _of_several_sources(both, rows)
    if len(rows) < 2:
        return
    rows = rows[np.lexsort((both.started_us[rows], both.person[rows]))]
    doubtful = _far(one, both, rows) if one.kind == "teleport" else _meeting(both, rows)
    if not doubtful.any():
        return
    people = np.unique(both.person[rows[doubtful]])
    rows = rows[np.isin(both.person[rows], people)]
    rows = rows[np.lexsort((both.order[rows], both.person[rows]))]
    yield from _one_by_one(one, both, rows)


def _moving(one: Screen, lines: Lines, travel: frozenset[str]) -> Flags:
    wanted = [name in travel and one.looks_at(name) for name in lines.activities]
    return np.array(wanted or [False])[lines.activity]


def _of_several_sources(both: _Both, rows: Int64s) -> Int64s:
    """The rows of people with acts of more than one source."""
    if not len(rows) or (both.source[rows] == both.source[rows[0]]).all():
        return rows[:0]
    size = int(both.person[rows].max()) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1, dtype=np.int64)
    np.minimum.at(low, both.person[rows], both.source[rows])
    np.maximum.at(high, both.person[rows], both.source[rows])
    several: Int64s = rows[(low != high)[both.person[rows]]]
    return several


def _meeting(both: _Both, rows: Int64s) -> Flags:
    """Rows, by person and start, that begin before an earlier one of the same person has ended."""
    person, ended = both.person[rows], both.ended_us[rows]
    # Ends that only grow within a person, and begin anew with the next one: a person's number outweighs every moment.
    base = ended.min()
    step = int(ended.max() - base) + 1
    running = np.maximum.accumulate((person - person[0]) * step + (ended - base))
    same = np.concatenate([[False], person[1:] == person[:-1]])
    reach = np.concatenate([[0], running[:-1]]) - (person - person[0]) * step + base
    found: Flags = same & (reach >= both.started_us[rows])
    return found


def _far(one: Screen, both: _Both, rows: Int64s) -> Flags:
    """Rows, by person and start, that the one before them cannot reach at that speed, without any slack."""
    from backend.intake.screening.engine import distance_m  # noqa: PLC0415 - it stands on this module

    a, b = rows[:-1], rows[1:]
    metres = distance_m(both.to_lat[a], both.to_lon[a], both.from_lat[b], both.from_lon[b])
    whole = distance_m(both.from_lat[b], both.from_lon[b], both.to_lat[b], both.to_lon[b])
    gap = np.maximum(both.started_us[b] - both.ended_us[a], 0)
    own = np.maximum(both.ended_us[b] - both.started_us[b], 0)
    speed = (one.above or 0) / 3.6e6  # metres in a microsecond
    near = (metres <= gap * speed) & (whole <= own * speed) & (both.started_us[b] >= both.ended_us[a])
    unknown = (both.to_lat[a] == MISSING) | (both.from_lat[b] == MISSING)
    return np.concatenate([[False], (both.person[a] == both.person[b]) & (~near | unknown)])


def _one_by_one(one: Screen, both: _Both, rows: Int64s) -> Iterator[tuple[int, int]]:
    """Each act beside those of its person that were let pass, in the order of arrival."""
    passed: list[tuple[int, int]] = []  # (start, row), by start
    person = -1
    for row in rows.tolist():
        if both.person[row] != person:
            person, passed = int(both.person[row]), []
        other = -1 if row < both.past else _collides(one, both, row, passed)
        if other >= 0:
            yield row - both.past, other
        else:
            insort(passed, (int(both.started_us[row]), row))


def _collides(one: Screen, both: _Both, row: int, passed: list[tuple[int, int]]) -> int:
    """The act let pass before that this one collides with, -1 for none."""
    start = int(both.started_us[row])
    place = bisect_left(passed, (start, row))
    if one.kind == "teleport":
        near = [passed[n][1] for n in (place - 1, place) if 0 <= n < len(passed)]
        return next((other for other in near if _too_far(one, both, row, other)), -1)
    end = int(both.ended_us[row])
    for begins, other in reversed(passed[:place]):
        if begins < start - REACH_US:
            break
        if _shares(one, both, row, other):
            return other
    for begins, other in passed[place:]:
        if begins > end:
            break
        if _shares(one, both, row, other):
            return other
    return -1


def _shares(one: Screen, both: _Both, a: int, b: int) -> bool:
    """Whether two acts share more time than the tolerance; an act without an end is a point in the other's middle."""
    if (both.source[a] == both.source[b]) != (one.kind == "overlap_within_source"):
        return False
    slack = one.slack * SECOND_US
    for point, other in ((a, b), (b, a)):
        if both.started_us[point] == both.ended_us[point]:
            inside = both.started_us[other] + slack < both.started_us[point] < both.ended_us[other] - slack
            return bool(inside)
    shared = min(both.ended_us[a], both.ended_us[b]) - max(both.started_us[a], both.started_us[b])
    return bool(shared > slack)


def _too_far(one: Screen, both: _Both, a: int, b: int) -> bool:
    """Whether the way between two acts takes more speed than anybody has."""
    from backend.intake.screening.engine import distance_m  # noqa: PLC0415 - it stands on this module

    first, second = (a, b) if both.started_us[a] <= both.started_us[b] else (b, a)
    gap = max(int(both.started_us[second] - both.ended_us[first]), 0)
    if gap > REACH_US:
        return False
    one_, two = np.array([first]), np.array([second])
    metres = distance_m(both.to_lat[one_], both.to_lon[one_], both.from_lat[two], both.from_lon[two])[0]
    return bool(metres - one.slack > gap * (one.above or 0) / 3.6e6)


def bursts(one: Screen, acts: Lines, history: Lines, open_: Flags) -> Int64s:
    """The acts of the chunk with which more acts, or people, than allowed are there at once; later arrivals are too many."""
    column = "person" if one.kind == "person_burst" else "device"
    past = np.nonzero((getattr(history, column) >= 0) & _looked_at(one, history))[0]
    now = np.nonzero(open_ & (getattr(acts, column) >= 0) & _looked_at(one, acts))[0]
    limit = one.above or 0
    if len(now) == 0 or len(past) + len(now) <= limit:
        return now[:0]
    who = np.concatenate([getattr(history, column)[past], getattr(acts, column)[now]])
    started = np.concatenate([history.started_us[past], acts.started_us[now]])
    by = np.lexsort((started, who))
    reach, group = started[by], who[by]
    crowded = np.zeros(len(by), dtype=np.bool_)
    if len(by) > limit:  # some `limit + 1` acts in a row lie within the time
        crowded[limit:] = (group[limit:] == group[: len(by) - limit]) & (
            reach[limit:] - reach[: len(by) - limit] < one.within * SECOND_US
        )
    if not crowded.any():
        return now[:0]
    people = np.concatenate([history.person[past], acts.person[now]])
    order = np.concatenate([history.order[past], acts.order[now]])
    some = np.nonzero(np.isin(who, np.unique(group[crowded])))[0]
    some = some[np.lexsort((order[some], who[some]))]
    marks = np.stack([who, started, people], axis=1)
    found = _too_many(one, some.tolist(), marks, len(past))
    return now[np.array(found, dtype=np.int64)] if found else now[:0]


def _looked_at(one: Screen, lines: Lines) -> Flags:
    if one.activities is None:
        return np.ones(len(lines), dtype=np.bool_)
    return np.array([one.looks_at(name) for name in lines.activities] or [False])[lines.activity]


def _too_many(one: Screen, rows: list[int], marks: Int64s, past: int) -> list[int]:
    """In the order of arrival, the acts with which more than `above` acts or people would lie within the time."""
    found: list[int] = []
    passed: list[tuple[int, int]] = []
    current, within, limit = -1, one.within * SECOND_US, one.above or 0
    for row in rows:
        who, at, person = marks[row].tolist()
        if who != current:
            current, passed = who, []
        if row >= past and _most(one, passed, at, person, within) > limit:
            found.append(row - past)
        else:
            insort(passed, (at, person))
    return found


def _most(one: Screen, passed: list[tuple[int, int]], at: int, person: int, within: int) -> int:
    """The most acts (or people) in a window of that length that holds the new one."""
    low, high = bisect_left(passed, (at - within + 1, -2)), bisect_left(passed, (at + within, -2))
    near = sorted([*passed[low:high], (at, person)])
    most, first = 0, 0
    for last in range(len(near)):
        while near[last][0] - near[first][0] >= within:
            first += 1
        if near[first][0] <= at <= near[last][0]:
            window = near[first : last + 1]
            most = max(most, len({who for _, who in window}) if one.kind == "device_people" else len(window))
    return most
