"""What settlement tells: lines, statements, what a merchant has in hand since the last one, payouts, disputes.

Amounts are fen and points; what is taken back is below zero. `funded` is by funder, the merchant's own part included.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


class Kind(enum.StrEnum):
    """What a line is about."""

    CAPTURE = "capture"
    REFUND = "refund"
    FEE = "fee"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Payable:
    """Points that one programme owes a merchant."""

    programme: str
    points: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line. A capture or refund leads to its redemption, a correction to its dispute (`about`), a fee names its rule.

    `payable_fen` is what the line adds to what is paid: nothing of `own_fen`, the merchant's concession.
    """

    kind: Kind
    redemption_id: UUID | None
    part_id: str | None
    about: str
    happened_at: dt.datetime
    points: int
    value_fen: int
    own_fen: int
    funded: Mapping[str, int]
    payable_fen: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What lines come to, with what was carried in. `pays` is what each funder pays; {} where nothing can be paid."""

    opening_points: int
    opening: Mapping[str, int]
    opening_fees_fen: int
    captures: int
    captured_points: int
    captured_fen: int
    refunds: int
    refunded_points: int
    refunded_fen: int
    own_fen: int
    fees_fen: int
    corrections_points: int
    corrections_fen: int
    funded: Mapping[str, int]
    payable_points: int
    payable_fen: int
    carried: bool
    pays: Mapping[str, int]

    @property
    def opening_fen(self) -> int:
        """Fen carried in from earlier statements."""
        return sum(self.opening.values()) - self.opening_fees_fen


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement before two people closed it."""

    merchant_id: UUID
    programme: str
    number: int
    edition_id: UUID
    first_day: dt.date
    last_day: dt.date
    cut: dt.datetime
    horizon: int
    totals: Totals
    lines: Sequence[Line]
    lines_sha256: str


class State(enum.StrEnum):
    """What becomes of a closed statement."""

    CARRIED = "carried"
    PAYABLE = "payable"
    ON_ITS_WAY = "on_its_way"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Statement:
    """A closed statement, as it stands."""

    id: UUID
    merchant_id: UUID
    merchant: str
    merchant_zh: str
    merchant_en: str
    programme: str
    number: int
    edition_id: UUID
    first_day: dt.date
    last_day: dt.date
    totals: Totals
    lines: int
    lines_sha256: str
    closed_at: dt.datetime
    invoice: str | None
    state: State
    paid_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Numbered:
    """A line with its number in its statement.

    `money_fen`: what the offer of a capture asked beside the points. The shop took it itself; it is told, and nothing is reckoned with it.
    """

    number: int
    line: Line
    money_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A line about a redemption, and the statement that has it."""

    statement_id: UUID
    statement_number: int
    line: int
    kind: Kind
    part_id: str | None
    about: str
    points: int
    payable_fen: int


@dataclass(frozen=True, slots=True)
class Settled:
    """A captured redemption as it is settled: what it is worth by which edition, and the lines that are about it.

    What came together since the last statement is in no line yet.
    """

    redemption_id: UUID
    merchant: str
    programme: str
    offer_id: UUID
    title_zh: str
    title_en: str
    captured_at: dt.datetime
    points: int
    refunded_points: int
    edition_id: UUID
    term: str
    value_fen: int
    funded: Mapping[str, int]
    lines: Sequence[Placed]


@dataclass(frozen=True, slots=True)
class Accruals:
    """What has come together since the last statement; fees are reckoned when it is closed."""

    programme: str
    first_day: dt.date | None
    last_day: dt.date | None
    totals: Totals


@dataclass(frozen=True, slots=True)
class Dispute:
    """A merchant does not agree with a line. `correction_points` and `correction_fen` are what moves by the answer in the next
    statement, `corrected_in` that statement, once it is closed.
    """

    id: UUID
    statement_id: UUID
    line: int
    reason: str
    opened_at: dt.datetime
    answer: str | None
    correction_points: int | None
    correction_fen: int | None
    funder: str | None
    answered_at: dt.datetime | None
    corrected_in: UUID | None


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """A statement in a payout, and what became of it: None while nobody said."""

    statement_id: UUID
    merchant: str
    statement_number: int
    amount_fen: int
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Payout:
    """Statements of a programme that two people let go, in one file."""

    id: UUID
    programme: str
    statements: int
    amount_fen: int
    file_sha256: str
    let_go_at: dt.datetime
    lines: Sequence[PayoutLine]
