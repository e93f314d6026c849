"""What callers bring to the ledger and get from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

Outcome = Literal["posted", "repeated"]


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
class Movement:
    """One transfer as one account sees it: `amount` is positive when it came in. `cursor` pages the statement."""

    cursor: tuple[int, str, int]
    posting_id: UUID
    amount: int
    reason: str
    other_code: str
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
