"""What the archive holds, read from `contents.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("contents.toml")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table that are a person's: by which column, in which file, under which heading.

    With `through` they hang on another table's rows: its column `by` says whose those are, and the columns `on` here are the
    columns `to` there. `words` is the column with what was written, sealed under the key of whom `writer` names.
    """

    name: str
    by: str
    file: str
    zh: str
    en: str
    leave_out: tuple[str, ...] = ()
    words: str = ""
    writer: str = ""
    through: str = ""
    on: tuple[str, ...] = ()
    to: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What its rows are called in the file: the same table may say something of a person in two ways."""
        if self.through:
            return f"{self.name}.{'.'.join(self.on)}.{self.by}"
        return self.name if self.by in {"participant_id", "subject"} else f"{self.name}.{self.by}"


def _read() -> tuple[tuple[Table, ...], dict[str, str]]:
    values = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    given: list[dict[str, Any]] = [
        {name: tuple(value) if isinstance(value, list) else value for name, value in one.items()}
        for one in values["table"]
    ]
    return tuple(Table(**one) for one in given), {one["name"]: one["because"] for one in values["excused"]}


TABLES, EXCUSED = _read()
