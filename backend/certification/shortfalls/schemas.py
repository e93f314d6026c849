"""Shortfalls, debts and compulsory cancellations as answers of the operators' and the authority's surface."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool

from backend.certification.model import Series
from backend.certification.schemas import Text
from backend.certification.shortfalls.model import Cancellation, Debt, Shortfall
from backend.kit.quantities import Grams, Tonnes
from backend.kit.schemas import Asked, Code, Told

VintageYear = Annotated[int, Field(strict=True, ge=1990, le=9999)]


class DebtTold(Told):
    """What of a series was withdrawn after it had been certified, and what made it good."""

    project: str
    methodology: str
    vintage_year: int
    demo: bool
    operator: str
    acts: int
    recorded_g: Grams
    deducted_g: Grams = Field(description="Made good by later batches of the series.")
    cancelled_g: Grams = Field(description="Made good by tonnes that the operator lost.")
    open_g: Grams
    blocking_g: Grams = Field(description="What of the open grams stops issuance and bridging now.")
    due_g: Grams = Field(description="What of these is met by compulsory cancellation the next night.")
    term_days: int | None = Field(description="Of the programme; null where it names none.")
    open_since: datetime | None

    @classmethod
    def of(cls, one: Debt) -> DebtTold:
        return cls(
            **one.series.as_body(),
            operator=one.operator,
            acts=one.acts,
            recorded_g=one.recorded_g,
            deducted_g=one.deducted_g,
            cancelled_g=one.cancelled_g,
            open_g=one.open_g,
            blocking_g=one.blocking_g,
            due_g=one.due_g,
            term_days=one.term_days,
            open_since=one.since,
        )


class ShortfallTold(Told):
    """A withdrawn act that stands in an issued batch."""

    number: int
    act_id: UUID
    batch_id: UUID
    grams: Grams
    deducted_g: Grams
    cancelled_g: Grams
    open_g: Grams
    recorded_at: datetime

    @classmethod
    def of(cls, one: Shortfall) -> ShortfallTold:
        return cls(
            number=one.number,
            act_id=one.claim_key,
            batch_id=one.batch_id,
            grams=one.grams,
            deducted_g=one.deducted_g,
            cancelled_g=one.cancelled_g,
            open_g=one.open_g,
            recorded_at=one.recorded_at,
        )


class NewCancellation(Asked):
    """The series whose debt is to be met now. How much is cancelled follows from what is owed and held."""

    project: Code
    methodology: Code
    vintage_year: VintageYear
    demo: StrictBool = False
    reason: Text = Field(description="Why no batch is waited for.")

    @property
    def series(self) -> Series:
        return Series(self.project, self.methodology, self.vintage_year, self.demo)


class NumbersTold(Told):
    """Serial numbers in a row, both included."""

    first_serial: int
    last_serial: int


class CancellationTold(Told):
    """Tonnes that an operator lost to its debt. `term_days`: by that term of the programme; null: a person ordered it."""

    id: UUID
    project: str
    methodology: str
    vintage_year: int
    demo: bool
    operator: str
    book: str
    quantity_t: Tonnes
    serials: list[NumbersTold]
    owed_g: Grams
    term_days: int | None
    reason: str
    log_index: int
    cancelled_at: datetime

    @classmethod
    def of(cls, one: Cancellation) -> CancellationTold:
        return cls(
            id=one.id,
            **one.series.as_body(),
            operator=one.operator,
            book=one.book,
            quantity_t=one.quantity_t,
            serials=[NumbersTold(first_serial=run.low, last_serial=run.high - 1) for run in one.serials],
            owed_g=one.owed_g,
            term_days=one.term_days,
            reason=one.reason,
            log_index=one.log_index,
            cancelled_at=one.cancelled_at,
        )
