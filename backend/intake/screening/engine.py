"""The verdict of every act: windows, what one act says of itself, what acts say of each other, then caps."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backend.intake.screening.caps import apply_caps
from backend.intake.screening.lines import Int64s, Lines, Verdicts
from backend.intake.screening.pairs import Both, suspects
from backend.intake.screening.places import distance_m
from backend.intake.screening.rules import DAY_US, SECOND_US, SHANGHAI_US, Screen, ScreenRules
from backend.intake.screening.turns import Turns
from backend.methodologies import MISSING

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
    there, facts = acts.present(), _Facts(acts)
    for number, one in enumerate(rules.screens, start=3):
        flags = facts.stopped(one) if there.intersection(one.activities or there) else None
        if flags is not None and flags.any():
            found[flags & acts.among(one.activities) & (found == 0)] = number
    both = Both(acts, history, found == 0)
    doubts = list(suspects(both, rules)) if len(acts) else []
    if doubts:
        for row, number, other in Turns(both, doubts, rules.clocks).stopped():
            found[row - both.past], against[row - both.past] = number, other
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
        ahead = acts.started_us > now_us + rules.early_s * SECOND_US
        if rules.clocks and ahead.any():
            ahead &= acts.started_us > now_us + acts.by_activity(rules.clocks) * SECOND_US
        found[ahead] = 1
    if rules.late_days is not None:
        today = (now_us + SHANGHAI_US) // DAY_US
        found[(acts.started_us + SHANGHAI_US) // DAY_US < today - rules.late_days] = 2


class _Facts:
    """What acts say of themselves, computed when a screen asks first."""

    def __init__(self, acts: Lines) -> None:
        self._acts = acts

    @cached_property
    def _took_us(self) -> Int64s:
        """How long each act took, -1 for one without an end."""
        acts = self._acts
        return np.where(acts.ended_us == MISSING, -1, acts.ended_us - acts.started_us)

    @cached_property
    def _took_s(self) -> Int64s:
        return self._took_us // SECOND_US

    @cached_property
    def _way(self) -> NDArray[np.float64]:
        """The longer of the distance reported and the great circle of the ends, as microseconds at 1 km/h."""
        acts = self._acts
        circle = distance_m(acts.from_lat_e7, acts.from_lon_e7, acts.to_lat_e7, acts.to_lon_e7)
        return np.maximum(np.where(acts.distance_m == MISSING, 0, acts.distance_m), circle) * _KMH_US

    def stopped(self, one: Screen) -> Flags | None:
        """The acts, of any activity, that do not pass; None for a screen that looks at several together."""
        acts = self._acts
        if one.kind == "speed" and one.above is not None:
            fast: Flags = (self._way > self._took_us * float(one.above)) & (self._took_us >= 0)
            return fast
        if one.kind == "distance":
            known, value = acts.distance_m != MISSING, acts.distance_m
        elif one.kind == "duration":
            known, value = self._took_us >= 0, self._took_s
        elif one.kind == "same_station":
            known = (acts.from_place >= 0) & (acts.from_place == acts.to_place) & (self._took_us >= 0)
            value = self._took_s
        elif one.kind == "station_pair":
            known, value = _paired(one, acts) & (self._took_us >= 0), self._took_s
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
