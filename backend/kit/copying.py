"""PostgreSQL's binary COPY from and to whole columns: no text is made of a number on the way, nor read back.

The format: https://www.postgresql.org/docs/18/sql-copy.html#SQL-COPY-FILE-FORMATS-BINARY-FORMAT
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.db import raw_connection

Fixed = Literal["int2", "int4", "int8", "uuid", "timestamptz"]

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_PIECE = 1 << 18
_EPOCH_2000_US = 946_684_800_000_000
_WIDTHS = {"int2": 2, "int4": 4, "int8": 8, "uuid": 16, "timestamptz": 8}
_TYPES = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "uuid": "V16", "timestamptz": ">i8"}
_INFINITY = np.iinfo(np.int64).max
JSONB = b"\x01"  # the version that precedes the text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of fixed width: values as numpy (uuid: `V16`; timestamptz: microseconds since 1970), or one for all.

    `values` None is NULL in every row.
    """

    type: Fixed
    values: NDArray[Any] | int | bytes | None


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of varying width, never NULL: UTF-8 texts, behind `prefix` in every row."""

    values: pa.Array
    prefix: bytes = b""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same bytes in every row, such as a text that all rows share."""

    value: bytes


def binary_rows(rows: int, columns: Sequence[Column | Texts | Constant]) -> memoryview:
    """The rows as the body of a binary COPY, without its header and end."""
    if not rows:
        return memoryview(b"")
    pieces: list[pa.Array] = []
    pending: list[tuple[str, str, Any]] = [("fields", ">i2", len(columns))]
    for number, column in enumerate(columns):
        if isinstance(column, Texts):
            texts = column.values.cast(pa.binary())
            lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False) + len(column.prefix)
            pending.append((f"n{number}", ">i4", lengths))
            if column.prefix:
                pending.append((f"p{number}", f"V{len(column.prefix)}", column.prefix))
            pieces += [_fixed(rows, pending), texts]
            pending = []
        elif isinstance(column, Constant):
            pending.append((f"n{number}", ">i4", len(column.value)))
            pending.append((f"v{number}", f"V{len(column.value)}", column.value))
        elif column.values is None:
            pending.append((f"n{number}", ">i4", -1))
        else:
            pending.append((f"n{number}", ">i4", _WIDTHS[column.type]))
            values = column.values
            if column.type == "timestamptz" and not isinstance(values, bytes):
                values = values - _EPOCH_2000_US
            pending.append((f"v{number}", _TYPES[column.type], values))
    if pending:
        pieces.append(_fixed(rows, pending))
    if len(pieces) == 1:
        return memoryview(pieces[0].buffers()[2])
    joined = pc.binary_join_element_wise(*pieces, pa.scalar(b"", pa.binary()))
    return memoryview(joined.buffers()[2])


def _fixed(rows: int, fields: Sequence[tuple[str, str, Any]]) -> pa.Array:
    """Fields of fixed width, row by row, as one array of bytes."""
    block = np.empty(rows, dtype=[(name, kind) for name, kind, _ in fields])
    for name, _, value in fields:
        block[name] = np.void(value) if isinstance(value, bytes) else value
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(block.itemsize)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(block)]
    return pa.Array.from_buffers(pa.binary(), rows, buffers)


async def copy_rows(
    session: AsyncSession, *, table: str, columns: Sequence[str], bodies: Iterable[memoryview]
) -> None:
    """COPY the rows of `binary_rows` into `table`, inside the session's transaction."""
    connection = await raw_connection(session)
    await connection.copy_to_table(table, source=_Stream(bodies), columns=list(columns), format="binary")


class _Stream:
    """Bodies between the header and the end, in pieces that COPY sends one by one."""

    def __init__(self, bodies: Iterable[memoryview]) -> None:
        self._pieces = self._cut(bodies)

    @staticmethod
    def _cut(bodies: Iterable[memoryview]) -> Iterator[bytes]:
        yield _HEADER
        for body in bodies:
            for start in range(0, len(body), _PIECE):
                yield bytes(body[start : start + _PIECE])
        yield _TRAILER

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise StopAsyncIteration from None


async def fetch_columns(
    session: AsyncSession, query: str, *arguments: object, types: Mapping[str, Fixed]
) -> dict[str, NDArray[Any]]:
    """The rows of a query as numpy columns; every value is of the fixed type that `types` says, and none is NULL.

    uuid: `V16`; timestamptz: microseconds since 1970.
    """
    connection = await raw_connection(session)
    sink = io.BytesIO()
    await connection.copy_from_query(query, *arguments, output=sink, format="binary")
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in types.items():
        layout += [(f"n {name}", ">i4"), (name, _TYPES[kind])]
    raw = sink.getbuffer()
    dtype = np.dtype(layout)
    body = len(raw) - len(_HEADER) - len(_TRAILER)
    if body % dtype.itemsize:
        raise ValueError("a column is NULL or of another width than was said")
    rows = np.frombuffer(raw, dtype=dtype, count=body // dtype.itemsize, offset=len(_HEADER))
    found: dict[str, NDArray[Any]] = {}
    for name, kind in types.items():
        if len(rows) and (rows[f"n {name}"] != _WIDTHS[kind]).any():
            raise ValueError("a column is NULL or of another width than was said")
        if kind == "uuid":
            found[name] = np.ascontiguousarray(rows[name])
        else:
            values = rows[name].astype(np.int64)
            if kind == "timestamptz":  # infinity stays the last moment, as it comes
                values = np.where(values == _INFINITY, values, values + _EPOCH_2000_US)
            found[name] = values
    return found
