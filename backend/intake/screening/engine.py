"""The verdict of every act: windows, what one act says of itself, what acts say of each other, then caps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.intake.screening.caps import apply_caps
from backend.intake.screening.lines import Int64s, Lines, Verdicts
from backend.intake.screening.pairs import bursts, collisions
from backend.intake.screening.rules import DAY_US, SECOND_US, SHANGHAI_US, Screen, ScreenRules
from backend.methodologies import MISSING

_EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG
_KMH_US = 3_600 * SECOND_US / 1_000  # metres of one km/h take this many microseconds
Flags = NDArray[np.bool_]


def screen(acts: Lines, history: Lines, rules: ScreenRules, now_us: int) -> Verdicts:
    """What the rules say of each act of a chunk, beside what the same people did before.

    An act is judged by the first screen, in the order of the pack, that it does not pass. Of acts that cannot both be, the
    one that arrived later waits. Caps count what is left, in the order of arrival.
    """
    found = np.zeros(len(acts), dtype=np.int16)
    against = np.full(len(acts), -1, dtype=np.int64)
    _windows(acts, rules, now_us, found)
    for number, one in enumerate(rules.screens, start=3):
        flags = _alone(one, acts)
        if flags is not None:
            found[flags & _looked_at(one, acts) & (found == 0)] = number
    for number, one in enumerate(rules.screens, start=3):
        if one.kind in {"teleport", "overlap", "overlap_within_source"}:
            for row, other in collisions(one, acts, history, rules.travel, found == 0):
                found[row], against[row] = number, other
        elif one.kind in {"person_burst", "device_burst", "device_people"}:
            found[bursts(one, acts, history, found == 0)] = number
    points, cap = apply_caps(rules.caps, acts, history, found == 0)
    return Verdicts(
        screen=found,
        points=points,
        cap=cap,
        against=against,
        screens=rules.names,
        held=(False, True, True, *(one.holds for one in rules.screens)),
        caps=("", *(one.id for one in rules.caps)),
    )


def _windows(acts: Lines, rules: ScreenRules, now_us: int, found: NDArray[np.int16]) -> None:
    if rules.early_s is not None:
        found[acts.started_us > now_us + rules.early_s * SECOND_US] = 1
    if rules.late_days is not None:
        today = (now_us + SHANGHAI_US) // DAY_US
        found[(acts.started_us + SHANGHAI_US) // DAY_US < today - rules.late_days] = 2


def _looked_at(one: Screen, acts: Lines) -> Flags:
    if one.activities is None:
        return np.ones(len(acts), dtype=np.bool_)
    return np.array([one.looks_at(name) for name in acts.activities] or [False])[acts.activity]


def _alone(one: Screen, acts: Lines) -> Flags | None:
    """The acts that do not pass by themselves; None for a screen of another kind."""
    took = np.where(acts.ended_us == MISSING, -1, acts.ended_us - acts.started_us)
    if one.kind == "speed" and one.above is not None:
        circle = distance_m(acts.from_lat_e7, acts.from_lon_e7, acts.to_lat_e7, acts.to_lon_e7)
        metres = np.maximum(np.where(acts.distance_m == MISSING, 0, acts.distance_m), circle)
        fast: Flags = (took >= 0) & (metres * _KMH_US > took.astype(np.float64) * one.above)
        return fast
    if one.kind == "distance":
        known, value = acts.distance_m != MISSING, acts.distance_m
    elif one.kind == "duration":
        known, value = took >= 0, took // SECOND_US
    elif one.kind == "same_station":
        known = (acts.from_place >= 0) & (acts.from_place == acts.to_place) & (took >= 0)
        value = took // SECOND_US
    elif one.kind == "station_pair":
        known, value = _paired(one, acts) & (took >= 0), took // SECOND_US
    else:
        return None
    out = np.zeros(len(acts), dtype=np.bool_)
    if one.above is not None:
        out |= value > one.above
    if one.below is not None:
        out |= value < one.below
    flagged: Flags = known & out
    return flagged


def _paired(one: Screen, acts: Lines) -> Flags:
    """The acts between the two stations of a listed pair."""
    place = {code: number for number, code in enumerate(acts.places)}
    found = np.zeros(len(acts), dtype=np.bool_)
    for pair in one.pairs:
        ends = [place[code] for code in pair if code in place]
        if len(ends) == len(pair):
            low, high = min(ends), max(ends)
            found |= (np.minimum(acts.from_place, acts.to_place) == low) & (
                np.maximum(acts.from_place, acts.to_place) == high
            )
    return found


def distance_m(lat_a: Int64s, lon_a: Int64s, lat_b: Int64s, lon_b: Int64s) -> NDArray[np.float64]:
    """Great circles between places in 1e-7 degrees, in metres; 0 where one of them is not known."""
    known = (lat_a != MISSING) & (lat_b != MISSING)
    found = np.zeros(len(known))
    if known.any():
        one, two, three, four = (np.radians(values[known] / 1e7) for values in (lat_a, lon_a, lat_b, lon_b))
        half = np.sin((three - one) / 2) ** 2 + np.cos(one) * np.cos(three) * np.sin((four - two) / 2) ** 2
        found[known] = 2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half, 1)))
    return found
