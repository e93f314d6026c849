"""Where acts began and ended and on which device: kept for a while, apart from the acts, for screens only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from backend.intake.holders import Int64s
from backend.kit.copying import Column, Texts, binary_rows
from backend.methodologies import MISSING

CORNERS = ("from_lat_e7", "from_lon_e7", "to_lat_e7", "to_lon_e7")
PLACE_COLUMNS = ("claim_key", *CORNERS, "from_place", "to_place", "device")


def placed(table: pa.Table, rows: Int64s) -> Int64s:
    """Those of `rows` with a coordinate, a station or a device."""
    known = np.zeros(table.num_rows, dtype=np.bool_)
    for name in ("from_lat_e7", "to_lat_e7"):
        known |= table.column(name).chunk(0).to_numpy(zero_copy_only=False) != MISSING
    for name in ("from_place", "to_place", "device"):
        if table.column(name).null_count < table.num_rows:
            known |= pc.is_valid(table.column(name).chunk(0)).to_numpy(zero_copy_only=False)
    return rows[known[rows]]


def place_rows(whole: pa.Table, keys: NDArray[Any], rows: Int64s) -> Iterator[memoryview]:
    """The rows of `action_place`, those with the same columns empty together; `keys` are claim keys (`V16`)."""
    table = whole.take(pa.array(rows))
    numbers = {name: table.column(name).combine_chunks().to_numpy(zero_copy_only=False) for name in CORNERS}
    texts = {name: table.column(name).combine_chunks() for name in ("from_place", "to_place", "device")}
    there = [numbers["from_lat_e7"] != MISSING, numbers["to_lat_e7"] != MISSING]
    there += [pc.is_valid(values).to_numpy(zero_copy_only=False) for values in texts.values()]
    shape = sum(
        (known.astype(np.int64) << bit for bit, known in enumerate(there)), np.zeros(len(rows), np.int64)
    )
    for kind in np.unique(shape).tolist():
        some = np.nonzero(shape == kind)[0]
        columns: list[Column | Texts] = [Column("uuid", keys[rows[some]])]
        for number, name in enumerate(CORNERS):
            columns.append(Column("int4", numbers[name][some] if kind >> number // 2 & 1 else None))
        for bit, (name, kind_of) in enumerate(
            (("from_place", "text"), ("to_place", "text"), ("device", "uuid")), 2
        ):
            values = texts[name].take(pa.array(some))
            columns.append(
                Texts(values.cast(pa.binary()) if kind_of == "uuid" else values)
                if kind >> bit & 1
                else Column("uuid", None)
            )
        yield binary_rows(len(some), columns)
