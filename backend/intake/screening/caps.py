"""Caps: what one person gets at most in a day or a month, counted in the order in which acts arrived."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.intake.screening.lines import Int64s, Lines
from backend.intake.screening.rules import DAY_US, SHANGHAI_US, Cap


def apply_caps(
    caps: Sequence[Cap], acts: Lines, history: Lines, open_: NDArray[np.bool_]
) -> tuple[Int64s, NDArray[np.int16]]:
    """The points that are left of each act, and the number of the cap that last took some (0: none).

    Only acts that passed every screen (`open_`) count, and only of people; each cap looks at what the ones before it left.
    """
    points, taken_by = acts.points.copy(), np.zeros(len(acts), dtype=np.int16)
    for number, cap in enumerate(caps, start=1):
        rows = np.nonzero(open_ & (acts.person >= 0) & acts.own & _of(cap, acts) & (points > 0))[0]
        if not len(rows):
            continue
        past = np.nonzero((history.person >= 0) & history.own & _of(cap, history) & (history.points > 0))[0]
        group, before = _groups(cap, acts, rows, history, past)
        worth = points[rows] if cap.of == "points" else np.ones(len(rows), dtype=np.int64)
        sums = before + np.bincount(group, weights=worth, minlength=len(before)).astype(np.int64)
        over = sums > cap.limit
        if not over.any():
            continue
        some = np.nonzero(over[group])[0]
        some = some[np.lexsort((acts.order[rows[some]], group[some]))]
        left = _left(cap, group[some], before, points[rows[some]])
        less = left < points[rows[some]]
        points[rows[some]] = left
        taken_by[rows[some[less]]] = number
    return points, taken_by


def _of(cap: Cap, lines: Lines) -> NDArray[np.bool_]:
    if cap.activities is None:
        return np.ones(len(lines), dtype=np.bool_)
    return np.array([name in cap.activities for name in lines.activities] or [False])[lines.activity]


def _groups(cap: Cap, acts: Lines, rows: Int64s, history: Lines, past: Int64s) -> tuple[Int64s, Int64s]:
    """A number for each act's person and day or month, and what each such group had before."""
    first = (int(acts.started_us[rows].min()) + SHANGHAI_US) // DAY_US
    spans, earlier = _period(cap, acts.started_us[rows]), _period(cap, history.started_us[past])
    low = int(_period(cap, np.array([first * DAY_US - SHANGHAI_US]))[0])
    width = int(spans.max()) - low + 1
    codes = acts.person[rows] * width + spans - low
    inside = (earlier >= low) & (earlier < low + width)
    past = past[inside]
    old = history.person[past] * width + earlier[inside] - low
    worth = history.points[past] if cap.of == "points" else np.ones(len(past), dtype=np.int64)
    size = int(codes.max()) + 1
    if size <= 8 * len(codes) + 1_000_000:
        keep = old < size
        before = np.bincount(old[keep], weights=worth[keep], minlength=size).astype(np.int64)
        return codes, before
    known, group = np.unique(codes, return_inverse=True)
    place = np.minimum(np.searchsorted(known, old), len(known) - 1)
    keep = known[place] == old
    before = np.bincount(place[keep], weights=worth[keep], minlength=len(known)).astype(np.int64)
    return group.astype(np.int64), before


def _period(cap: Cap, moments_us: Int64s) -> Int64s:
    days = (moments_us + SHANGHAI_US) // DAY_US
    if cap.per == "month":
        return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return days


def _left(cap: Cap, group: Int64s, before: Int64s, points: Int64s) -> Int64s:
    """What is left of each act's points; acts of one group stand together, in the order of their arrival."""
    left = points.copy()
    spent = dict(zip(np.unique(group).tolist(), before[np.unique(group)].tolist(), strict=True))
    for place, (number, own) in enumerate(zip(group.tolist(), points.tolist(), strict=True)):
        worth = own if cap.of == "points" else 1
        rest = cap.limit - spent[number]
        if worth > rest:
            left[place] = max(rest, 0) if cap.of == "points" and cap.over == "trim" else 0
            worth = int(left[place]) if cap.of == "points" else 0
        spent[number] += worth
    return left
