"""Statements, payouts and disputes as they are asked for and told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit.schemas import Asked, Sha256, Told
from merchant.contracts.schemas import Funder
from merchant.settlement.model import (
    Accruals,
    Dispute,
    Kind,
    Numbered,
    Payout,
    Settled,
    State,
    Statement,
    Totals,
)

Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
InvoiceNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]


class PayableTold(Told):
    """Points that a programme owes us: captured, less refunded, less settled. Programmes settle apart."""

    programme: str
    payable_points: int


class TotalsTold(Told):
    """What lines come to. payable_fen = the sum of `funded` - opening_fees_fen - fees_fen; `pays` is who pays how much of it,
    empty where it is carried forward. `own_fen` is our own concession, which nobody pays.
    """

    opening_points: int
    opening_fen: int
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
    funded: dict[str, int]
    payable_points: int
    payable_fen: int
    carried: bool
    pays: dict[str, int]

    @classmethod
    def of(cls, one: Totals) -> TotalsTold:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class AccrualsTold(Told):
    """What has come together since the last statement, in the period of these days, with the fees as if it were closed today."""

    programme: str
    first_day: date | None
    last_day: date | None
    totals: TotalsTold

    @classmethod
    def of(cls, one: Accruals) -> AccrualsTold:
        return cls(
            programme=one.programme,
            first_day=one.first_day,
            last_day=one.last_day,
            totals=TotalsTold.of(one.totals),
        )


class StatementTold(Told):
    """A closed statement; it never changes, but its invoice and what becomes of it are told with it."""

    id: UUID
    merchant: str
    merchant_zh: str
    merchant_en: str
    programme: str
    number: int
    edition_id: UUID
    first_day: date
    last_day: date
    totals: TotalsTold
    lines: int
    lines_sha256: Sha256
    closed_at: datetime
    invoice: str | None
    state: State
    paid_at: datetime | None

    @classmethod
    def of(cls, one: Statement) -> StatementTold:
        shown = {name: getattr(one, name) for name in cls.model_fields if name != "totals"}
        return cls(totals=TotalsTold.of(one.totals), **shown)


class LineTold(Told):
    """A line. `redemption_id` is what it leads to; a correction names its dispute in `about`, a fee its rule.

    `money_fen` is what the shop asked beside the points of a capture, as its offer said: told only, and no part of what is payable.
    """

    line: int
    kind: Kind
    redemption_id: UUID | None
    part_id: str | None
    about: str
    happened_at: datetime
    points: int
    value_fen: int
    own_fen: int
    funded: dict[str, int]
    payable_fen: int
    money_fen: int | None

    @classmethod
    def of(cls, one: Numbered) -> LineTold:
        shown = {
            name: getattr(one.line, name) for name in cls.model_fields if name not in {"line", "money_fen"}
        }
        return cls(line=one.number, money_fen=one.money_fen, **shown)


class PlacedTold(Told):
    """A line about a redemption, and where it stands."""

    statement_id: UUID
    statement_number: int
    line: int
    kind: Kind
    part_id: str | None
    about: str
    points: int
    payable_fen: int


class SettledTold(Told):
    """A captured redemption as it is settled: its worth by its edition, by funder, and all lines about it, in all statements."""

    redemption_id: UUID
    merchant: str
    programme: str
    offer_id: UUID
    title_zh: str
    title_en: str
    captured_at: datetime
    points: int
    refunded_points: int
    edition_id: UUID
    term: str
    value_fen: int
    funded: dict[str, int]
    lines: list[PlacedTold]

    @classmethod
    def of(cls, one: Settled) -> SettledTold:
        return cls.model_validate(one)


class InvoiceAsked(Asked):
    """The number of the invoice that we wrote for a statement."""

    number: InvoiceNumber


class DisputeAsked(Asked):
    """A line that is wrong, and why."""

    statement_id: UUID
    line: Annotated[int, Field(ge=1, le=10**8)]
    reason: Words


class DisputeTold(Told):
    """A dispute and, once given, its answer. What moves is a line of the next statement, `corrected_in`, null until it is closed."""

    id: UUID
    statement_id: UUID
    line: int
    reason: str
    opened_at: datetime
    answer: str | None
    correction_points: int | None
    correction_fen: int | None
    funder: str | None
    answered_at: datetime | None
    corrected_in: UUID | None

    @classmethod
    def of(cls, one: Dispute) -> DisputeTold:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class AnswerAsked(Asked):
    """Why the line stands as it is."""

    words: Words


class CorrectionAsked(Asked):
    """An answer that moves points, money or both: more, or less where it is below zero; the money is borne by `funder`.

    All corrections of a line together come to no more than the line itself, in points and in fen, either way.
    """

    words: Words
    correction_points: Annotated[int, Field(ge=-(10**12), le=10**12)] = 0
    correction_fen: Annotated[int, Field(ge=-(10**12), le=10**12)] = 0
    funder: Funder = "programme"


class PayoutLineTold(Told):
    """A statement in a payout; `outcome` is null while nobody said what became of it."""

    statement_id: UUID
    merchant: str
    statement_number: int
    amount_fen: int
    outcome: str | None


class SettlementPayoutTold(Told):
    """Statements that were let go in one file; `file_sha256` is of the CSV that two people signed."""

    id: UUID
    programme: str
    statements: int
    amount_fen: int
    file_sha256: Sha256
    let_go_at: datetime
    lines: list[PayoutLineTold]

    @classmethod
    def of(cls, one: Payout) -> SettlementPayoutTold:
        shown: dict[str, Any] = {name: getattr(one, name) for name in cls.model_fields if name != "lines"}
        return cls(lines=[PayoutLineTold.model_validate(line) for line in one.lines], **shown)


class OutcomeAsked(Asked):
    """What became of a payment: the bank's reference, or why it failed."""

    paid: bool
    words: Words


class ClosingAsked(Asked):
    """Whose next period is to be closed."""

    merchant: Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{1,62}$")]
