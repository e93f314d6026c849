"""What is true of every line of every file. The platform never sees it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

HONEST = "honest"
NO_ACT = "no_act"  # a line that reports no act of its own: the entry that belongs to an exit


@dataclass(frozen=True, slots=True)
class Label:
    """One line: `label` is honest, no_act or a pattern of fraud; `kind` says more closely what happened.

    `trip` is the trip's number in the city; `twin` that of the trip which it copies or overlaps, empty without one.
    Lines count from 1, a CSV header being line 1 and a Parquet file's first row line 1.
    """

    file: str
    line: int
    label: str
    kind: str
    trip: int
    twin: int | None
    person: str


def write_labels(path: Path, labels: list[Label]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Label)])
        writer.writerows(["" if value is None else value for value in astuple(label)] for label in labels)


def read_labels(path: Path) -> Iterator[Label]:
    """The labels of a written city, in the order of files and lines."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Label(
                file=row["file"],
                line=int(row["line"]),
                label=row["label"],
                kind=row["kind"],
                trip=int(row["trip"]),
                twin=int(row["twin"]) if row["twin"] else None,
                person=row["person"],
            )
