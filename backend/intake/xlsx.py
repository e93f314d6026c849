"""Sheets of workbooks as batches of rows, told apart by the number that a row has in its sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from backend.intake.rows import LONGEST_FIELD, RowBatch, RowFault, from_lists, is_text, require
from backend.intake.workbook import Row, Workbook


def read_xlsx(
    path: Path,
    *,
    columns: Sequence[str],
    after_line: int,
    batch_rows: int,
    sheet: str = "",
    header_row: int = 1,
) -> Iterator[RowBatch]:
    """The rows of a sheet behind `after_line` and behind its header; rows in which no cell says anything are no rows.

    A cell that a rule reads and that holds a formula, an error, a truth value, or a number of more digits than a
    spreadsheet keeps refuses its row by name; of merged cells only the first holds the value.
    """
    with Workbook(path) as book:
        rows = book.rows(sheet)
        places = _places(rows, columns, header_row)
        numbers: list[int] = []
        cells: list[list[str | None]] = []
        faults: list[RowFault] = []
        last = 0
        for number, row in rows:
            if number <= after_line:
                continue
            last = number
            fault = _fault(number, row, places)
            if fault is None:
                numbers.append(number)
                cells.append([row[place].text if place in row else None for place in places.values()])
            else:
                faults.append(fault)
            if len(numbers) + len(faults) >= batch_rows:
                yield from_lists(numbers, cells, columns, last, faults)
                numbers, cells, faults = [], [], []
        if numbers or faults:
            yield from_lists(numbers, cells, columns, last, faults)


def _places(rows: Iterator[tuple[int, Row]], columns: Sequence[str], header_row: int) -> dict[str, int]:
    """The sheet's columns that are read, by name, in the order of `columns`. Raises HeaderMismatch."""
    found: Row = {}
    for number, row in rows:
        if number >= header_row:
            found = row if number == header_row else {}
            break
    names = {place: cell.text.strip() for place, cell in found.items() if not cell.fault}
    require(list(names.values()), columns)
    by_name = {name: place for place, name in names.items()}
    return {column: by_name[column] for column in columns}


def _fault(number: int, row: Row, places: dict[str, int]) -> RowFault | None:
    for column, place in places.items():
        cell = row.get(place)
        if cell is None:
            continue
        if cell.fault:
            return RowFault(number, column, cell.fault)
        if not is_text(cell.text):
            return RowFault(number, column, "encoding")
        if len(cell.text) > LONGEST_FIELD:
            return RowFault(number, column, "too_long")
    return None
