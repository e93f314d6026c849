"""The columns of an act that only screens look at: whether it is inside a covered boundary, how far, from where to where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from backend.identity import means_tokens
from backend.intake.mapping import Seen
from backend.intake.placing import CORNERS
from backend.kit.settings import Keys
from backend.methodologies import MISSING

UUID_TYPE = pa.binary(16)
SEEN = (
    ("covered", pa.bool_()),
    ("distance_m", pa.int64()),
    *((name, pa.int64()) for name in CORNERS),
    ("from_place", pa.string()),
    ("to_place", pa.string()),
    ("device", UUID_TYPE),
)
_LONGEST = 200
_Columns = Mapping[str, pa.StringArray]


def seen_columns(
    keys: Keys, seen: Seen, columns: _Columns, distance_m: NDArray[np.int64] | None, keep: NDArray[np.int64]
) -> list[pa.Array]:
    """The columns of `SEEN` for the rows in `keep`; what a row does not have is MISSING, or null for texts and devices."""
    n, rows = len(keep), pa.array(keep)
    covered = pa.array(np.zeros(n, dtype=np.bool_))
    if seen.covered is not None:
        column, among = seen.covered
        covered = pc.is_in(columns[column].take(rows), value_set=pa.array(sorted(among)))
    corners = []
    for pair in (seen.start, seen.end):
        if pair:
            corners += _degrees_e7([columns[name].take(rows) for name in pair])
        else:
            corners += [np.full(n, MISSING), np.full(n, MISSING)]
    return [
        covered,
        pa.array(np.full(n, MISSING) if distance_m is None else distance_m[keep]),
        *(pa.array(values) for values in corners),
        *(_short(columns, name, rows) for name in (seen.from_place, seen.to_place)),
        _devices(keys, columns, seen.device, rows),
    ]


def _devices(keys: Keys, columns: _Columns, name: str | None, rows: pa.Array) -> pa.Array:
    """Keyed digests of the devices; one device is the same wherever it is named."""
    if name is None:
        return pa.nulls(len(rows), UUID_TYPE)
    coded = columns[name].take(rows).dictionary_encode()
    names = [text[:_LONGEST] for text in coded.dictionary.to_pylist()]
    digests = means_tokens(keys, "device", "any", names)
    return pa.array(digests, UUID_TYPE).take(coded.indices)


def _degrees_e7(corner: Sequence[pa.StringArray]) -> list[NDArray[np.int64]]:
    """Latitude and longitude in 1e-7 degrees; MISSING twice where the corner is no place on the earth."""
    found = []
    for texts in corner:
        try:
            degrees = texts.cast(pa.float64())
        except pa.ArrowInvalid:
            degrees = pa.array([_degrees(text) for text in texts.to_pylist()], pa.float64())
        found.append(degrees.fill_null(np.nan).to_numpy(zero_copy_only=False))
    sound = (np.abs(found[0]) <= 90) & (np.abs(found[1]) <= 180)
    return [
        np.where(sound, np.rint(np.where(sound, part, 0) * 1e7), MISSING).astype(np.int64) for part in found
    ]


def _degrees(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _short(columns: _Columns, name: str | None, rows: pa.Array) -> pa.Array:
    """Station codes; screens need them only to tell stations apart, so a long one is cut."""
    if name is None:
        return pa.nulls(len(rows), pa.string())
    return pc.utf8_slice_codeunits(columns[name].take(rows), 0, _LONGEST)
