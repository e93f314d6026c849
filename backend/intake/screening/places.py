"""How far places are from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.intake.screening.lines import Int64s
from backend.methodologies import MISSING

_EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


def distance_m(lat_a: Int64s, lon_a: Int64s, lat_b: Int64s, lon_b: Int64s) -> NDArray[np.float64]:
    """Great circles between places in 1e-7 degrees, in metres; 0 where one of them is not known."""
    known = (lat_a != MISSING) & (lat_b != MISSING)
    found = np.zeros(len(known))
    if known.any():
        one, two, three, four = (np.radians(values[known] / 1e7) for values in (lat_a, lon_a, lat_b, lon_b))
        half = np.sin((three - one) / 2) ** 2 + np.cos(one) * np.cos(three) * np.sin((four - two) / 2) ** 2
        found[known] = 2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half, 1)))
    return found
