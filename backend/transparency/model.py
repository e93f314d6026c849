"""What the public is told of serial numbers, batches and totals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.transparency.printed import printed
from backend.transparency.telling import Status


@dataclass(frozen=True, slots=True)
class Part:
    """Grams of one tonne that lie in one run of a certified tree; see `runs.Run`.

    `batch` is the batch in whose certified tree `[low_g, high_g)` lies. `acts` and the days are those of the whole run.
    What was carried from an earlier batch is told by the parts of that batch, in `parts`.
    """

    batch: str
    low_g: int
    high_g: int
    from_day: str | None = None
    to_day: str | None = None
    regions: tuple[str, ...] | None = None
    acts: int | None = None
    carried_from: str | None = None
    parts: tuple[Part, ...] = ()

    @property
    def grams(self) -> int:
        return self.high_g - self.low_g


@dataclass(frozen=True, slots=True)
class Leave:
    """What lets a methodology lead to credits: a filing by the authority, or an override for demonstrations."""

    entry_index: int
    demo: bool
    pack_sha256: str
    methodology: str | None
    version: str | None
    region: str | None
    valid_from: str | None = None
    valid_until: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EventTold:
    """Something that happened to a number; `facts` are those of the log entry, without its lists of numbers."""

    entry_index: int
    kind: str
    recorded_at: datetime
    books: tuple[str, ...]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a number stands now, and the entry that brought it there."""

    status: Status
    book: str
    market: str | None
    holder: str | None
    compliance_year: int | None
    entry_index: int


@dataclass(frozen=True, slots=True)
class Tonne:
    """One tonne of a batch: number `tonne` (from 1), the grams `[low_g, high_g)` of its certified tree."""

    tonne: int
    low_g: int
    high_g: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the log tells of it; what did not happen yet is None."""

    id: str
    project: str
    methodology: str
    vintage_year: int
    demo: bool
    sequence: int | None
    first_month: str | None
    last_month: str | None
    previous: str | None
    next: str | None
    carry_in_g: int | None
    acts: int | None
    frozen_g: int | None
    frozen_root: str | None
    pack_sha256s: tuple[str, ...]
    report_sha256: str | None = None
    verification_body: str | None = None
    statement_sha256: str | None = None
    rejected_g: int | None = None
    deducted_g: int | None = None
    corrections_g: int | None = None
    verified_g: int | None = None
    certified_g: int | None = None
    certified_leaves: int | None = None
    certified_root: str | None = None
    book: str | None = None
    first_serial: str | None = None
    last_serial: str | None = None
    quantity_t: int | None = None
    owner: str | None = None
    carry_out_g: int | None = None
    entries: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The last step that was taken."""
        if self.quantity_t is not None:
            return "issued"
        return "verified" if self.verified_g is not None else "reported" if self.report_sha256 else "frozen"


@dataclass(frozen=True, slots=True)
class Story:
    """All that the log tells of one serial number, in whichever books it stood."""

    book: str
    number: int
    line: str
    unit: str
    demo: bool
    credit: str | None
    stands: Standing
    events: tuple[EventTold, ...]
    batch: Batch | None
    tonne: Tonne | None
    leave: tuple[Leave, ...]
    overlays: tuple[str, ...]
    as_of_entries: int

    @property
    def serial(self) -> str:
        return printed(self.book, self.number)

    @property
    def also(self) -> tuple[str, ...]:
        """The same number as it is printed in the other books in which it stood."""
        books = dict.fromkeys(book for event in self.events for book in event.books)
        return tuple(printed(book, self.number) for book in books if book != self.book)


@dataclass(frozen=True, slots=True)
class Found:
    """Neighbouring numbers of one source that stand alike."""

    line: str
    low: int
    high: int
    status: Status
    book: str
    market: str | None
    holder: str | None
    compliance_year: int | None
    unit: str
    batch: str | None
    project: str | None
    methodology: str | None
    vintage_year: int | None
    demo: bool
    born: int
    last: int

    @property
    def quantity_t(self) -> int:
        return self.high - self.low

    @property
    def first_serial(self) -> str:
        return printed(self.book, self.low)

    @property
    def last_serial(self) -> str:
        return printed(self.book, self.high - 1)


@dataclass(frozen=True, slots=True)
class Totals:
    """Tonnes of one kind by where they stand; `issued_t` is the sum of all the others."""

    unit: str
    project: str | None
    methodology: str | None
    vintage_year: int | None
    demo: bool
    by_status: dict[Status, int]
    by_market: dict[str, dict[Status, int]]

    @property
    def issued_t(self) -> int:
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class ActStep:
    """Where an act's grams lie in one batch's tree, and what became of the tonnes that they are part of.

    `kind` is the entry that the receipt rests on: in a frozen tree nothing is certified yet. `carried_on_g` went on
    into the batch `carried_to`, if there is one by now.
    """

    batch: str
    kind: str
    state: str | None
    low_g: int
    high_g: int
    carried_on_g: int
    carried_to: str | None
    first_tonne: int | None
    last_tonne: int | None
    tonnes: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class ActTrace:
    """Where the grams of one act went. `counted_g` is what the batch's tree has of it."""

    counted_g: int
    steps: tuple[ActStep, ...]
    as_of_entries: int
