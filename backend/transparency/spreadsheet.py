"""Serial numbers as CSV, safe to open in a spreadsheet.

The file is read in short transactions, one per some hundred rows, so that a slow reader holds nothing open. Numbers
that moved in between are told as they were when their page was read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable
from typing import Any

from backend.kit.db import Database
from backend.transparency import provenance
from backend.transparency.model import Found
from backend.transparency.queries import Filter

ROWS_AT_ONCE = 1_000
_BOM = "\ufeff"  # by which spreadsheets know UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "A CSV file.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}

COLUMNS = (
    "unitBlockStart", "unitBlockEnd", "unitCount", "unitType", "unitStatus", "unitOwner", "vintageYear", "projectId",
    "methodology", "book", "market", "complianceYear", "batch", "demo", "bornEntry", "lastEntry",
)  # fmt: skip


def guarded(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


async def serials(db: Database, wanted: Filter) -> AsyncIterator[str]:
    """The lines of the file, some at a time."""
    yield _BOM + _lines([COLUMNS])
    after: tuple[str, int] | None = None
    while True:
        async with db.transaction() as session:
            found = await provenance.search(session, wanted, after=after, limit=ROWS_AT_ONCE)
        if not found:
            return
        yield _lines(map(_cells, found))
        after = (found[-1].line, found[-1].low)


def _cells(one: Found) -> list[str]:
    cells = (
        one.first_serial, one.last_serial, one.quantity_t, one.unit, one.status.value, one.holder, one.vintage_year,
        one.project, one.methodology, one.book, one.market, one.compliance_year, one.batch,
        "yes" if one.demo else "no", one.born, one.last,
    )  # fmt: skip
    return [guarded(cell) for cell in cells]


def _lines(rows: Iterable[Iterable[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()
