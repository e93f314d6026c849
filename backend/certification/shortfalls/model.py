"""Shortfalls, debts and compulsory cancellations as the rest of the platform sees them; migration 0019 states the rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend.certification.model import Series
from backend.kit.quantities import GRAMS_PER_TONNE
from backend.ledger import SerialRange


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A withdrawn act that stands in an issued batch with `grams`; `deducted_g` and `cancelled_g` of them are made good."""

    claim_key: UUID
    series: Series
    number: int
    batch_id: UUID
    operator_id: UUID
    grams: int
    deducted_g: int
    cancelled_g: int
    recorded_at: dt.datetime

    @property
    def open_g(self) -> int:
        """What nothing has made good yet."""
        return self.grams - self.deducted_g - self.cancelled_g


@dataclass(frozen=True, slots=True)
class Debt:
    """What is missing in one series of an operator.

    Of `open_g`, `blocking_g` stop issuance and bridging, and of those `due_g` are met by compulsory cancellation.
    `term_days` is the programme's term, None when it names none; `since` is the day of the oldest open shortfall.
    """

    series: Series
    operator_id: UUID
    operator: str
    acts: int
    recorded_g: int
    deducted_g: int
    cancelled_g: int
    open_g: int
    blocking_g: int
    due_g: int
    term_days: int | None
    since: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Tonnes that an operator lost to its debt, by the programme's term or by order of somebody of the authority."""

    id: UUID
    series: Series
    operator_id: UUID
    operator: str
    book: str
    quantity_t: int
    owed_g: int
    term_days: int | None
    ordered_by: UUID | None
    reason: str
    serials: tuple[SerialRange, ...]
    log_index: int
    cancelled_at: dt.datetime

    @property
    def grams(self) -> int:
        """What it can make good."""
        return self.quantity_t * GRAMS_PER_TONNE

    def stated(self) -> dict[str, Any]:
        """What the log says of it."""
        return {
            "cancellation": str(self.id),
            **self.series.as_body(),
            "book": self.book,
            "serials": [[one.low, one.high] for one in self.serials],
            "owner": self.operator,
            "owed_g": self.owed_g,
            "ordered": self.ordered_by is not None,
        }
