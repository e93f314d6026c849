"""The rows of a file that were not accepted, as a list that spreadsheets open: line, field, code and reason.

UTF-8 with a byte order mark, which spreadsheets in Chinese need; no cell begins as a formula.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from backend import intake
from backend.intake import RefusedRow, Summary
from backend.kit.errors import DomainError, Kind

if TYPE_CHECKING:
    from backend.kit.db import Database

_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_COLUMNS = ("line", "field", "code", "reason_zh", "reason_en", "bound")


@dataclass(eq=False)
class RejectedFileUnwritable(DomainError):
    """The file for the refused rows cannot be written; name another with --rejected."""

    code = "puhui.rejected_file_unwritable"
    kind = Kind.INVALID
    title_zh = "无法写入未接受行的文件，请用 --rejected 另行指定。"

    reason: str


class Listing:
    """A list that is written row by row, and stands under its name only when it is whole and not empty."""

    def __init__(self, path: Path) -> None:
        self._path, self._draft = path, path.with_name(f".{path.name}.part")
        self._rows = 0

    @property
    def written(self) -> Path | None:
        """Where the list stands; None when it has no rows."""
        return self._path if self._rows else None

    def add(self, rows: Iterable[RefusedRow]) -> None:
        """Write further rows. Raises RejectedFileUnwritable."""
        try:
            for row in rows:
                reasons = (intake.row_reason(row.code, "zh"), intake.row_reason(row.code, "en"))
                cells = (row.field, row.code, *reasons, row.bound)
                self._writer.writerow([row.line, *(_no_formula(cell) for cell in cells)])
                self._rows += 1
        except OSError as error:
            raise RejectedFileUnwritable(reason=error.strerror or "not writable") from None

    def __enter__(self) -> Self:
        try:
            self._file = self._draft.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise RejectedFileUnwritable(reason=error.strerror or "not writable") from None
        self._writer = csv.writer(self._file)
        self._writer.writerow(_COLUMNS)
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        try:
            self._file.close()
            if kind is None and self._rows:
                self._draft.replace(self._path)
            else:
                self._draft.unlink(missing_ok=True)
        except OSError as error:
            if kind is None:
                raise RejectedFileUnwritable(reason=error.strerror or "not writable") from None


async def write(db: Database, summary: Summary, path: Path) -> Path | None:
    """List the rows of a job that were not accepted; None, and no file, when there are none."""
    if not summary.rejected and not summary.conflicts:
        return None
    with Listing(path) as listing:
        async with db.transaction() as session:
            async for row in intake.refused_rows(session, summary.job_id):
                listing.add([row])
    return listing.written


def _no_formula(cell: str) -> str:
    """A spreadsheet runs what begins like a formula; a plain number is harmless."""
    return f"'{cell}" if cell.startswith(_FORMULA_BEGINS) and not _PLAIN_NUMBER.fullmatch(cell) else cell
