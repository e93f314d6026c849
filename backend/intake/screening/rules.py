"""What screens and caps say, as a pack and a programme state it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
SHANGHAI_US = 8 * 3_600 * SECOND_US
REACH_US = DAY_US  # acts further apart than this say nothing of each other

Kind = Literal[
    "speed", "distance", "duration", "teleport", "overlap", "overlap_within_source", "person_burst", "device_burst",
    "device_people", "same_station", "station_pair",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen. Which bounds it has depends on its kind; one that it has not is None.

    speed            faster than `above` km/h, over the distance reported or the great circle of its ends
    distance         below `below` or above `above` metres
    duration         below `below` or above `above` seconds
    teleport         the way from where one act ended to where the next began took more than `above` km/h, beyond the
                     first `slack` metres
    overlap          two acts of travel of one person and of different sources share more than `slack` seconds
    overlap_within_source   the same within one source
    person_burst     more than `above` acts of one person begin within `within` seconds
    device_burst     more than `above` acts on one device begin within `within` seconds
    device_people    more than `above` people act on one device within `within` seconds
    same_station     out where it went in, after more than `above` seconds
    station_pair     one of `pairs`, unordered, in less than `below` seconds
    """

    id: str
    kind: Kind
    holds: bool  # otherwise it rejects
    activities: frozenset[str] | None = None  # None: all
    above: int | None = None
    below: int | None = None
    slack: int = 0
    within: int = 0
    pairs: frozenset[frozenset[str]] = frozenset()

    def looks_at(self, activity: str) -> bool:
        return self.activities is None or activity in self.activities


@dataclass(frozen=True, slots=True)
class Cap:
    """What a programme gives one person at most in a Shanghai day or month: `limit` acts that earn, or points.

    Over it an act is trimmed to what is left, or earns nothing.
    """

    id: str
    per: Literal["day", "month"]
    of: Literal["acts", "points"]
    limit: int
    over: Literal["trim", "zero"]
    activities: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ScreenRules:
    """The screens of a pack, and the caps and windows of a programme.

    `travel` are the activities in which a person is under way and can be in one place only. `clocks` says by how many
    seconds the clocks behind an activity may be off: so much in the future is not early, so much together is no overlap.
    `late_days` and `early_s` are None where the programme states no window.
    """

    screens: tuple[Screen, ...] = ()
    travel: frozenset[str] = frozenset()
    clocks: Mapping[str, int] = field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    late_days: int | None = None
    early_s: int | None = None
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # what a citizen is told, zh and en

    @property
    def names(self) -> tuple[str, ...]:
        """What a verdict can say: nothing, a window, a screen."""
        return ("", "early", "late", *("overlap" if s.kind == "overlap" else s.id for s in self.screens))

    @property
    def ids(self) -> tuple[str, ...]:
        """The same as `names`, each screen by its own id."""
        return ("", "early", "late", *(one.id for one in self.screens))

    @property
    def look_back(self) -> bool:
        """Whether a verdict can depend on other acts at all."""
        apart = {"speed", "distance", "duration", "same_station", "station_pair"}
        return bool(self.caps) or any(one.kind not in apart for one in self.screens)

    def span(self, first_us: int, last_us: int) -> tuple[int, int]:
        """Which moments of a person's history decide on acts between these two (microseconds)."""
        low, high = first_us - REACH_US, last_us + REACH_US + 1
        for cap in self.caps:
            low = min(low, _begins(first_us, cap.per))
            high = max(
                high, _begins(_begins(last_us, cap.per) + (40 if cap.per == "month" else 1) * DAY_US, cap.per)
            )
        return low, high


def _begins(at_us: int, per: Literal["day", "month"]) -> int:
    """When the Shanghai day or month of a moment begins."""
    import numpy as np  # noqa: PLC0415 - the one use of it here

    day = (at_us + SHANGHAI_US) // DAY_US
    if per == "month":
        day = int(np.datetime64(day, "D").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64))
    return day * DAY_US - SHANGHAI_US
