"""Caps: what one person gets at most in a day or a month, counted in the order in which acts arrived.

Most people stay below every cap, which is seen on whole columns. The acts of the others are gone through one by one, each
past every cap before the next act's turn: a cap counts what an act earned in the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.intake.screening.lines import Int64s, Lines
from backend.intake.screening.rules import DAY_US, SHANGHAI_US, Cap

Spent = dict[tuple[int, int, int], int]  # by cap, person, and day or month


def apply_caps(
    caps: Sequence[Cap], acts: Lines, history: Lines, open_: NDArray[np.bool_]
) -> tuple[Int64s, NDArray[np.int16]]:
    """The points that are left of each act, and the number of the cap that last took some (0: none).

    Only acts that passed every screen (`open_`) count, and only of people; each cap looks at what the ones before it left.
    """
    points, taken_by = acts.points.copy(), np.zeros(len(acts), dtype=np.int16)
    rows = np.nonzero(open_ & (acts.person >= 0) & acts.own & (points > 0))[0] if caps else points[:0]
    if not len(rows):
        return points, taken_by
    size = int(acts.person[rows].max()) + 1
    past = np.nonzero((history.person >= 0) & (history.person < size) & history.own & (history.points > 0))[0]
    over = np.zeros(size, dtype=np.bool_)
    for cap in caps:
        over[_people_over(cap, acts, rows, history, past)] = True
    rows = rows[over[acts.person[rows]]]
    if len(rows):
        spent = _spent_before(caps, history, past[over[history.person[past]]])
        rows = rows[np.argsort(acts.order[rows], kind="stable")]
        _one_by_one(caps, acts, rows, spent=spent, points=points, taken_by=taken_by)
    return points, taken_by


def _worth(cap: Cap, lines: Lines, rows: Int64s) -> Int64s:
    """What acts that earn count for a cap before it has taken anything."""
    return lines.points[rows] if cap.of == "points" else np.ones(len(rows), dtype=np.int64)


def _period(cap: Cap, moments_us: Int64s) -> Int64s:
    """The number of the Shanghai day or month."""
    days = (moments_us + SHANGHAI_US) // DAY_US
    if cap.per == "month":
        first = int(days.min(initial=0))
        months = (
            np.arange(first, int(days.max(initial=0)) + 1).astype("datetime64[D]").astype("datetime64[M]")
        )
        return months.astype(np.int64)[days - first]
    return days


def _people_over(cap: Cap, acts: Lines, rows: Int64s, history: Lines, past: Int64s) -> Int64s:
    """The people with a day or month in which all their acts together are worth more than the cap."""
    rows, past = rows[acts.among(cap.activities)[rows]], past[history.among(cap.activities)[past]]
    if not len(rows):
        return rows
    spans = _period(cap, acts.started_us[rows])
    earlier = _period(cap, history.started_us[past])
    low, width = int(spans.min()), int(np.ptp(spans)) + 1
    past, earlier = (
        past[(earlier >= low) & (earlier < low + width)],
        earlier[(earlier >= low) & (earlier < low + width)],
    )
    codes = np.concatenate(
        [acts.person[rows] * width + (spans - low), history.person[past] * width + (earlier - low)]
    )
    worth = np.concatenate([_worth(cap, acts, rows), _worth(cap, history, past)])
    if int(codes.max()) > 8 * len(codes) + 1_000_000:
        known, codes = np.unique(codes, return_inverse=True)
    else:
        known = np.arange(int(codes.max()) + 1)
    sums = np.bincount(codes, weights=worth, minlength=len(known))
    people: Int64s = known[sums > cap.limit] // width
    return people


def _spent_before(caps: Sequence[Cap], history: Lines, past: Int64s) -> Spent:
    spent: Spent = defaultdict(int)
    for number, cap in enumerate(caps):
        rows = past[history.among(cap.activities)[past]]
        marks = (history.person[rows], _period(cap, history.started_us[rows]), _worth(cap, history, rows))
        for person, period, worth in zip(*(column.tolist() for column in marks), strict=True):
            spent[number, person, period] += worth
    return spent


def _one_by_one(
    caps: Sequence[Cap],
    acts: Lines,
    rows: Int64s,
    *,
    spent: Spent,
    points: Int64s,
    taken_by: NDArray[np.int16],
) -> None:
    """Let each act, in this order, past every cap, and count what is left of it with each."""
    held = [
        (number, cap, acts.among(cap.activities)[rows].tolist(), _period(cap, acts.started_us[rows]).tolist())
        for number, cap in enumerate(caps)
    ]
    people, whole = acts.person[rows].tolist(), points[rows].tolist()
    for place, row in enumerate(rows.tolist()):
        left, last = whole[place], 0
        groups = []
        for number, cap, among, periods in held:
            if among[place]:
                group = (number, people[place], periods[place])
                groups.append((group, cap))
                rest = cap.limit - spent[group]
                less = _left(cap, left, rest)
                left, last = less, number + 1 if less < left else last
        points[row], taken_by[row] = left, last
        for group, cap in groups:
            spent[group] += left if cap.of == "points" else int(left > 0)


def _left(cap: Cap, points: int, rest: int) -> int:
    """What a cap with that much room leaves of an act's points."""
    if cap.of == "acts":
        return points if rest >= 1 else 0
    if points <= rest:
        return points
    return max(rest, 0) if cap.over == "trim" else 0
