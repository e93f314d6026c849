"""What callers bring to the ledger and get from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

Outcome = Literal["posted", "repeated"]
Cursor = tuple[int, str, int, int]


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """An account by its code, `<kind>:<the rest>`; `due` is the day after which what is left may be swept."""

    code: str
    due: date | None = None

    @property
    def kind(self) -> str:
        return self.code.split(":", 1)[0]


@dataclass(frozen=True, slots=True)
class Line:
    """`amount` (smallest unit, above zero) leaving the account `debit` for the account `credit` (ids)."""

    debit: int
    credit: int
    amount: int


@dataclass(frozen=True, slots=True)
class Posting:
    """Transfers that stand or fall together. The id comes from the caller's entity, so a retry is the same posting."""

    id: UUID
    reason: str
    happened_at: datetime
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a draw did: `drawn` from the range of accounts, `rest` from the account named for the rest."""

    outcome: Literal["posted", "repeated", "nothing"]
    drawn: int
    rest: int


@dataclass(frozen=True, slots=True)
class Fill:
    """`amount` that first fills the account with the code `first`, if there is one, and then goes to `credit`."""

    posting_id: UUID
    first: str | None
    credit: int
    amount: int
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Filled:
    """What a fill did: `filled` went to the account named first."""

    outcome: Outcome
    filled: int


@dataclass(frozen=True, slots=True)
class Gather:
    """At most `most` (None: all there is) of `source`, which first fills the account with the code `first`, if there is
    one, and then goes to `credit`.
    """

    posting_id: UUID
    source: int
    first: str | None
    credit: int
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What left one account: `filled` of it went to the account named first."""

    moved: int
    filled: int


@dataclass(frozen=True, slots=True)
class Lot:
    """A guarded account and what it holds."""

    id: int
    code: str
    kind: str
    due: date | None
    balance: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """One line of a posting, its accounts by code."""

    line: int
    debit_code: str
    credit_code: str
    amount: int
    reason: str
    happened_at: datetime
    reverses: UUID | None
    captures: UUID | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Balances by kind; gross credits and debits by (kind, kind of the other account)."""

    balance: dict[str, int]
    credited: dict[tuple[str, str], int]
    debited: dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer as one account sees it: `amount` is positive when it came in. `cursor` pages the statement."""

    cursor: Cursor
    posting_id: UUID
    amount: int
    reason: str
    own_code: str
    other_code: str
    due: date | None
    happened_at: datetime
    recorded_at: datetime
    reverses: UUID | None


@dataclass(frozen=True, slots=True)
class TrialLine:
    """The sums of one kind of account: debits and credits since the beginning, in the kind's unit."""

    kind: str
    unit: str
    debits: int
    credits: int
    accounts: int
