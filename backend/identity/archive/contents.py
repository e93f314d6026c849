"""What the archive holds, read from `contents.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("contents.toml")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table that are a person's: by which column, in which file, under which heading."""

    name: str
    by: str
    file: str
    zh: str
    en: str
    leave_out: tuple[str, ...] = ()
    words: str = ""  # the column with what the person wrote, sealed under their own key

    @property
    def key(self) -> str:
        """What its rows are called in the file: the same table may say something of a person in two ways."""
        return self.name if self.by in {"participant_id", "subject"} else f"{self.name}.{self.by}"


def _read() -> tuple[tuple[Table, ...], dict[str, str]]:
    values = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    tables = [Table(**{**one, "leave_out": tuple(one.get("leave_out", ()))}) for one in values["table"]]
    return tuple(tables), {one["name"]: one["because"] for one in values["excused"]}


TABLES, EXCUSED = _read()
