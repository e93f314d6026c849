"""What screens see of acts, column by column, and what they say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lines:
    """Acts as columns of one length: those of a chunk, or those of the same people that were accepted before.

    Every number that an act does not have is `MISSING` (`backend.methodologies.MISSING`); every index that it does not
    have is -1. Indices are dense, of one numbering shared by a chunk and its history, and mean nothing beyond it.
    `order` is the order of arrival: the line within a chunk; of two acts that cannot both be, the later one waits.
    """

    person: Int64s  # index of the participant, -1 where nobody holds the means
    activity: NDArray[np.int16]  # index in `activities`
    source: Int64s  # id of the source
    own: NDArray[np.bool_]  # whether it is an act of the programme whose caps are applied
    started_us: Int64s  # microseconds since 1970, UTC
    ended_us: Int64s  # MISSING for an act without an end
    distance_m: Int64s
    from_lat_e7: Int64s
    from_lon_e7: Int64s
    to_lat_e7: Int64s
    to_lon_e7: Int64s
    from_place: Int64s  # index in `places`
    to_place: Int64s
    device: Int64s  # index of the device
    points: Int64s  # before any cap
    order: Int64s
    activities: Sequence[str]  # ids of activities: the modes
    places: Sequence[str]  # codes of stations

    def __len__(self) -> int:
        return len(self.person)

    def present(self) -> frozenset[str]:
        """The activities of which there is an act."""
        there = np.bincount(self.activity, minlength=len(self.activities))
        return frozenset(name for name, count in zip(self.activities, there.tolist(), strict=True) if count)

    def by_activity(self, known: Mapping[str, int]) -> Int64s:
        """What is known of each act's activity, 0 where nothing is."""
        return np.array([known.get(name, 0) for name in self.activities] or [0], dtype=np.int64)[
            self.activity
        ]

    def among(self, *wanted: frozenset[str] | None) -> NDArray[np.bool_]:
        """The acts whose activity each of these holds; None holds all of them."""
        named = [name for name in wanted if name is not None]
        if not named:
            return np.ones(len(self), dtype=np.bool_)
        held = np.array([all(act in some for some in named) for act in self.activities] or [False])
        return held[self.activity]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One verdict per act of the chunk: `screen` is an index in `screens`, 0 for an act that passes.

    `held[i]` says whether screen `i` holds an act for a decision (otherwise it rejects it); `points` is what the caps
    leave, `cap` an index in `caps` (0: none trimmed it). `against` is the history row or, offset by the length of the
    history, the chunk row that an overlap collides with; -1 otherwise.
    """

    screen: NDArray[np.int16]
    points: Int64s
    cap: NDArray[np.int16]
    against: Int64s
    screens: Sequence[str]
    held: Sequence[bool]
    caps: Sequence[str]
