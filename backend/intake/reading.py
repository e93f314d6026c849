"""Files to batches of rows: CSV, NDJSON, Parquet and XLSX, in bounded memory, every bad row told apart by its line.

A bad record never takes good ones with it. Where a stray quote would swallow the lines behind it, only the line on
which the record begins is refused and the others are read again.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections import deque
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from backend.intake.errors import FileUnreadable
from backend.intake.rows import LONGEST_FIELD, RowBatch, RowFault, from_lists, is_text, require

BATCH_ROWS = 50_000
BLOCK_BYTES = 4 << 20
_SHORTEST_ROW_BYTES = 80  # of CSV; only decides how large the blocks are when batches are wanted small


def read_rows(
    path: Path,
    *,
    file_type: str,
    encoding: str,
    columns: Sequence[str],
    after_line: int = 0,
    batch_rows: int = BATCH_ROWS,
    sheet: str = "",
    header_row: int = 1,
) -> Iterator[RowBatch]:
    """The rows of a file behind `after_line`, batch by batch. Lines count from 1, a CSV header being line 1.

    `sheet` and `header_row` are for workbooks; without a name the workbook has one visible sheet.

    A batch has about `batch_rows` rows at most, and never more than fit comfortably in memory.

    Raises FileUnreadable, HeaderMismatch or SheetNeeded when the file as a whole cannot be what the mapping describes.
    """
    readers = {"csv": _read_csv, "ndjson": _read_ndjson, "parquet": _read_parquet}
    size = min(batch_rows, BATCH_ROWS)
    try:
        if file_type == "xlsx":
            from backend.intake.xlsx import read_xlsx  # noqa: PLC0415 - it stands on this module

            yield from read_xlsx(
                path,
                columns=columns,
                after_line=after_line,
                batch_rows=size,
                sheet=sheet,
                header_row=header_row,
            )
        else:
            yield from readers[file_type](path, encoding, columns, after_line, size)
    except OSError as error:
        raise FileUnreadable(reason=error.strerror or file_type) from None


def header_of(path: Path, *, encoding: str = "utf-8") -> list[str]:
    """The column names of a CSV file's first line, empty when it has none."""
    try:
        with path.open("rb") as file:
            return _header(file.readline(LONGEST_FIELD), encoding)
    except OSError as error:
        raise FileUnreadable(reason=error.strerror or "unreadable") from None


def _header(line: bytes, encoding: str) -> list[str]:
    text = line.decode("utf-8-sig" if encoding == "utf-8" else encoding, "surrogateescape")
    try:
        return [name.strip() for name in next(csv.reader([text], strict=True), [])]
    except csv.Error:
        return []


# --- CSV ---------------------------------------------------------------------------------------------------------


def _read_csv(
    path: Path, encoding: str, columns: Sequence[str], after_line: int, batch_rows: int
) -> Iterator[RowBatch]:
    block_bytes = (
        BLOCK_BYTES if batch_rows == BATCH_ROWS else min(BLOCK_BYTES, batch_rows * _SHORTEST_ROW_BYTES)
    )
    csv.field_size_limit(LONGEST_FIELD)
    with path.open("rb") as file:
        header = _header(file.readline(), encoding)
        require(header, columns)
        number = 1 + sum(1 for _ in itertools.islice(file, max(after_line - 1, 0)))
        pending = b""
        while block := pending + file.read(block_bytes):
            pending = b""
            if not block.endswith(b"\n"):
                block += file.readline()
            batch = _sound(block, number, header, columns, encoding)
            if batch is None:
                lines = _Lines(block, encoding, number, file)
                batch = _careful(lines, header, columns)
                pending = "".join(lines.waiting).encode(encoding, "surrogateescape")
            number = batch.last_line
            yield batch


def _sound(
    block: bytes, number: int, header: Sequence[str], columns: Sequence[str], encoding: str
) -> RowBatch | None:
    """The batch when every line is one whole record, which is nearly always so; None when one may not be."""
    count = block.count(b"\n")
    if not block.endswith(b"\n") or b"\r" in block.replace(b"\r\n", b"\n"):
        return None
    try:
        decoded = block.decode(encoding)  # also what no rule reads has to be text
        text = block if encoding == "utf-8" else decoded.encode()
        table = pa_csv.read_csv(
            io.BytesIO(text),
            read_options=pa_csv.ReadOptions(
                column_names=list(header), use_threads=False, block_size=len(text) + 1
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.string()),
                check_utf8=True,
            ),
        )
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if table.num_rows != count:
        return None
    whole = table.combine_chunks()
    return RowBatch(
        lines=np.arange(number + 1, number + 1 + count, dtype=np.int64),
        columns={column: _one_array(whole.column(column)) for column in columns},
        last_line=number + count,
    )


def _one_array(column: pa.ChunkedArray) -> pa.StringArray:
    return column.chunk(0) if column.num_chunks else pa.array([], pa.string())


class _Lines:
    """The physical lines of a block with their numbers; they can be given back, and more be had from the file."""

    def __init__(self, block: bytes, encoding: str, number: int, file: BinaryIO) -> None:
        text = block.decode(encoding, "surrogateescape")
        self.waiting = deque(io.StringIO(text, newline=""))
        self.number = number
        self.taken: list[str] = []
        self._file, self._encoding = file, encoding

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = (
            self.waiting.popleft()
            if self.waiting
            else self._file.readline().decode(self._encoding, "surrogateescape")
        )
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def give_back(self, lines: Sequence[str]) -> None:
        self.waiting.extendleft(reversed(lines))
        self.number -= len(lines)


def _careful(lines: _Lines, header: Sequence[str], columns: Sequence[str]) -> RowBatch:
    """The same, record by record, where some record is not sound or spans lines."""
    places = [header.index(column) for column in columns]
    last = lines.number + len(lines.waiting)
    numbers: list[int] = []
    cells: list[list[str]] = []
    faults: list[RowFault] = []
    reader = csv.reader(lines, strict=True)
    while lines.number < last:
        begins = lines.number + 1
        lines.taken.clear()
        row, code = _next_record(reader)
        if not code and not row:
            continue  # a blank line
        if not code and len(row) != len(header):
            code = "columns"
        if code:
            faults.append(
                RowFault(begins, "", code, f"{len(row)}/{len(header)}" if code == "columns" else "")
            )
            lines.give_back(lines.taken[1:])
            reader = csv.reader(lines, strict=True)
            continue
        bad = next((name for name, value in zip(header, row, strict=True) if not is_text(value)), None)
        if bad is not None:
            faults.append(RowFault(begins, bad, "encoding"))
            continue
        numbers.append(begins)
        cells.append([row[place] for place in places])
    return from_lists(numbers, cells, columns, lines.number, faults)


def _next_record(reader: Iterator[list[str]]) -> tuple[list[str], str]:
    try:
        return next(reader), ""
    except StopIteration:
        return [], ""
    except csv.Error:
        return [], "quoting"


# --- NDJSON ------------------------------------------------------------------------------------------------------


def _read_ndjson(
    path: Path, encoding: str, columns: Sequence[str], after_line: int, batch_rows: int
) -> Iterator[RowBatch]:
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    with path.open(encoding=codec, errors="surrogateescape", newline="") as file:
        number = sum(1 for _ in itertools.islice(file, after_line))
        while block := list(itertools.islice(file, batch_rows)):
            numbers: list[int] = []
            cells: list[list[str | None]] = []
            faults: list[RowFault] = []
            for line in block:
                number += 1
                if not line.strip():
                    continue
                try:
                    event = json.loads(line, parse_float=str, parse_int=str, parse_constant=_no_constant)
                except (ValueError, RecursionError):
                    faults.append(RowFault(number, "", "json"))
                    continue
                found = _cells_of(number, event, columns)
                if isinstance(found, RowFault):
                    faults.append(found)
                else:
                    numbers.append(number)
                    cells.append(found)
            yield from_lists(numbers, cells, columns, number, faults)


def rows_of_events(events: Sequence[object], columns: Sequence[str]) -> RowBatch:
    """Events as they came in a request, read like the lines of an NDJSON file; the first has line 1."""
    numbers: list[int] = []
    cells: list[list[str | None]] = []
    faults: list[RowFault] = []
    for number, event in enumerate(events, start=1):
        found = _cells_of(number, event, columns)
        if isinstance(found, RowFault):
            faults.append(found)
        else:
            numbers.append(number)
            cells.append(found)
    return from_lists(numbers, cells, columns, len(events), faults)


def _cells_of(number: int, event: object, columns: Sequence[str]) -> list[str | None] | RowFault:
    """The cells of one event, whole numbers and decimals as they were written."""
    if not isinstance(event, dict):
        return RowFault(number, "", "not_an_object")
    cells: list[str | None] = []
    for column in columns:
        value = event.get(column)
        if type(value) is int or isinstance(value, Decimal):
            value = str(value)
        if not (value is None or isinstance(value, str)) or (value and not is_text(value)):
            return RowFault(number, column, "not_a_value")
        if value is not None and len(value) > LONGEST_FIELD:
            return RowFault(number, column, "too_long")
        cells.append(value)
    return cells


def _no_constant(name: str) -> str:
    raise ValueError(name)


# --- Parquet -----------------------------------------------------------------------------------------------------


def _read_parquet(
    path: Path, _encoding: str, columns: Sequence[str], after_line: int, batch_rows: int
) -> Iterator[RowBatch]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException:
        raise FileUnreadable(reason="not a Parquet file") from None
    require(file.schema_arrow.names, columns)
    number = 0
    for batch in file.iter_batches(batch_size=batch_rows, columns=list(columns)):
        last = number + batch.num_rows
        if last > after_line:
            skip = max(after_line - number, 0)
            part = batch.slice(skip)
            yield RowBatch(
                lines=np.arange(number + skip + 1, last + 1, dtype=np.int64),
                columns={c: part.column(c).cast(pa.string()) for c in columns},
                last_line=last,
            )
        number = last
