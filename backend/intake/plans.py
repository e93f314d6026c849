"""What a chunk is, and what a plan says of it: nothing here asks the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from backend.intake.history import History, Known
from backend.intake.holders import Held, Int64s
from backend.intake.placing import placed
from backend.intake.rows import RowFault
from backend.intake.screening import Lines, Verdicts
from backend.programmes.budgets import Limit, Room

CREDITS = ("pooled", "unlinked", "right_not_assigned", "evidence", "method_not_filed", "covered_boundary")


class Fate(IntEnum):
    """What becomes of an act."""

    ACCEPTED = 0
    DUPLICATE = 1
    HELD = 2
    REJECTED = 3


@dataclass(frozen=True, slots=True)
class Chunk:
    """The acts of a chunk in the order of their claim keys, of equal keys in the order of their lines.

    `keys` and `means` are `V16`; `means_no` is each act's place in `means`, which holds each once.
    """

    table: pa.Table
    keys: NDArray[Any]
    means: NDArray[Any]
    means_no: Int64s

    def __len__(self) -> int:
        return len(self.keys)

    def numbers(self, name: str) -> Int64s:
        values: Int64s = self.table.column(name).chunk(0).to_numpy(zero_copy_only=False)
        return values


@dataclass(slots=True)
class Waiting:
    """Why an act is held: kind and code as in `intake_held`, and the claim key that it stands against."""

    row: int
    kind: str
    code: str
    against: bytes | None


@dataclass(frozen=True, slots=True)
class Screened:
    """What a plan's verdicts rest on."""

    snapshot: str
    span: tuple[int, int]
    known: Known
    lines: Lines
    rows: Int64s
    history: History
    verdicts: Verdicts
    now_us: int


@dataclass(frozen=True, slots=True)
class Funding:
    """What a plan's points rest on: the budget's limit, its room, what the acts would have earned, and when."""

    limit: Limit
    room: Room
    wanted: int
    at: datetime


@dataclass(slots=True)
class Plan:
    """The fate of every act, and who gets what: `points` are what caps left, `cap` an index in `caps` (0: none)."""

    chunk: Chunk
    fate: NDArray[np.int8]
    held: Held
    credit: Int64s  # an index in CREDITS
    points: Int64s
    cap: NDArray[np.int16]
    caps: Sequence[str]
    waiting: list[Waiting] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    screened: Screened | None = None
    funding: Funding | None = None
    unfunded: Int64s | None = None  # what a budget took of each act, where one did

    @property
    def accepted(self) -> Int64s:
        """The rows of the accepted acts."""
        return np.nonzero(self.fate == Fate.ACCEPTED)[0]

    def seen(self, rows: Int64s) -> Int64s:
        """Those of `rows` that have something that only screens look at; none without screens."""
        return placed(self.chunk.table, rows) if self.screened is not None else rows[:0]

    @property
    def trimmed(self) -> Int64s:
        """The rows of accepted acts of which a cap took points."""
        return np.nonzero((self.cap > 0) & (self.fate == Fate.ACCEPTED))[0]

    @property
    def taken_by_caps(self) -> Int64s:
        """What caps took of each act's points."""
        taken: Int64s = self.chunk.numbers("points") - self.points
        return taken if self.unfunded is None else taken - self.unfunded
