"""Acts as screens see them, written down one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.intake.screening import Lines
from backend.methodologies import MISSING

ACTIVITIES = ("cycling", "metro", "walking")
SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
MORNING = 1_746_489_600_000_000  # 2025-05-06 08:00 in Asia/Shanghai


@dataclass(frozen=True)
class Act:
    """One act; `at` and `took` in microseconds, `took` None for one without an end; places in 1e-7 degrees."""

    person: int = 0
    at: int = MORNING
    took: int | None = 10 * MINUTE
    activity: str = "cycling"
    source: int = 1
    metres: int = MISSING
    begins: tuple[int, int] | None = None
    ends: tuple[int, int] | None = None
    stations: tuple[str, str] | None = None
    device: int = -1
    points: int = 10
    own: bool = True
    order: int = 0


def lines(acts: Sequence[Act], *, past: bool = False) -> Lines:
    """The acts as columns; `order` is the place in the list where an act does not say another."""
    places: dict[str, int] = {}
    ways = [
        tuple(places.setdefault(code, len(places)) for code in act.stations) if act.stations else (-1, -1)
        for act in acts
    ]

    def column(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64).reshape(len(acts))

    nowhere = (MISSING, MISSING)
    return Lines(
        person=column([act.person for act in acts]),
        activity=column([ACTIVITIES.index(act.activity) for act in acts]).astype(np.int16),
        source=column([act.source for act in acts]),
        own=column([act.own for act in acts]).astype(np.bool_),
        started_us=column([act.at for act in acts]),
        ended_us=column([MISSING if act.took is None else act.at + act.took for act in acts]),
        distance_m=column([act.metres for act in acts]),
        from_lat_e7=column([(act.begins or nowhere)[0] for act in acts]),
        from_lon_e7=column([(act.begins or nowhere)[1] for act in acts]),
        to_lat_e7=column([(act.ends or nowhere)[0] for act in acts]),
        to_lon_e7=column([(act.ends or nowhere)[1] for act in acts]),
        from_place=column([way[0] for way in ways]),
        to_place=column([way[1] for way in ways]),
        device=column([act.device for act in acts]),
        points=column([act.points for act in acts]),
        order=column([act.order or number - (len(acts) if past else 0) for number, act in enumerate(acts)]),
        activities=ACTIVITIES,
        places=tuple(places),
    )


def with_points(act: Act, points: int) -> Act:
    return replace(act, points=points)
