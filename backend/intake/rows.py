"""Rows as every format gives them: batches of columns of text, and why a row is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from backend.intake.errors import HeaderMismatch

LONGEST_FIELD = 65_536


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why one row is refused: the line on which it begins, the field, a stable code and the bound that was met."""

    line: int
    field: str
    code: str
    bound: str = ""


@dataclass(slots=True)
class RowBatch:
    """Rows with the columns that the mapping needs, as Arrow strings (null where the row has no value)."""

    lines: NDArray[np.int64]
    columns: dict[str, pa.StringArray]
    last_line: int
    faults: list[RowFault] = field(default_factory=list)


def require(header: Sequence[str], columns: Sequence[str]) -> None:
    """Raise HeaderMismatch unless each column that the mapping needs stands in the header once."""
    missing = [column for column in columns if column not in header]
    doubled = sorted({name for name in header if name in columns and list(header).count(name) > 1})
    if missing or doubled:
        raise HeaderMismatch(missing=", ".join(missing), doubled=", ".join(doubled), found=len(header))


def from_lists(
    numbers: list[int],
    cells: Sequence[Sequence[str | None]],
    columns: Sequence[str],
    last_line: int,
    faults: list[RowFault],
) -> RowBatch:
    """A batch of rows that were read cell by cell."""
    turned = list(zip(*cells, strict=True)) if cells else [() for _ in columns]
    return RowBatch(
        lines=np.array(numbers, dtype=np.int64),
        columns={name: pa.array(values, pa.string()) for name, values in zip(columns, turned, strict=True)},
        last_line=last_line,
        faults=faults,
    )


def is_text(value: str) -> bool:
    """True when the value can be stored as text: no half of a surrogate pair."""
    return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)
