"""What batches and the steps on them look like to the rest of the platform; migration 0011 states the rules."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend.certification.printed import book_of
from backend.certification.sumtree import SumRoot


@dataclass(frozen=True, slots=True)
class Series:
    """Batches that follow each other and carry grams on: they never mix projects, methodologies or vintage years."""

    project: str
    methodology: str
    vintage_year: int
    demo: bool

    @property
    def carry_account(self) -> str:
        """Where the grams beyond the last whole tonne wait."""
        return f"carry:{self.project}:{self.methodology}:{self.vintage_year}" + (":demo" if self.demo else "")

    def pool(self, month: dt.date) -> str:
        """The pool of one month."""
        return f"pool:{self.project}:{self.methodology}:{month:%Y-%m}" + (":demo" if self.demo else "")

    @property
    def book(self) -> str:
        """The book that its credits are numbered in."""
        return book_of(demo=self.demo)

    def as_body(self) -> dict[str, Any]:
        """As documents and log entries say it."""
        return {
            "project": self.project,
            "methodology": self.methodology,
            "vintage_year": self.vintage_year,
            "demo": self.demo,
        }


@dataclass(frozen=True, slots=True)
class OpenPool:
    """Grams of one series and month that wait to be frozen."""

    series: Series
    month: dt.date
    grams: int


class Stage(enum.StrEnum):
    """How far a batch has come."""

    FROZEN = "frozen"
    CERTIFIED = "report_certified"
    VERIFIED = "verified"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class Batch:
    """A frozen batch. `first_month` and `last_month` are the first days of months."""

    id: UUID
    series: Series
    sequence: int
    previous_id: UUID | None
    region: str
    operator_id: UUID
    operator: str
    first_month: dt.date
    last_month: dt.date
    benefit_split: str
    benefit_split_published_on: dt.date
    acts: int
    frozen_g: int
    frozen_root: bytes
    carry_in_g: int
    log_index: int
    closed_by: UUID
    closed_at: dt.datetime
    report_sha256: bytes
    certified_at: dt.datetime | None
    body_id: UUID | None
    body: str | None
    revision: int | None
    issued_at: dt.datetime | None

    @property
    def account(self) -> str:
        """Its account in the ledger."""
        return f"batch:{self.id}"

    @property
    def frozen(self) -> SumRoot:
        """The root of the frozen tree."""
        return SumRoot(self.frozen_root, self.frozen_g, self.acts)

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        if self.issued_at is not None:
            return Stage.ISSUED
        if self.revision is not None:
            return Stage.VERIFIED
        return Stage.FROZEN if self.certified_at is None else Stage.CERTIFIED


@dataclass(frozen=True, slots=True)
class Report:
    """A monitoring report: canonical JSON, and the fingerprint that two people certify."""

    batch_id: UUID
    sha256: bytes
    document: bytes


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of a sample: a gram of the frozen tree, and the act that it lies in."""

    draw: int
    gram: int
    position: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Acts drawn with the weight of their grams; whoever has the seed and the tree draws the same ones."""

    batch_id: UUID
    number: int
    seed: bytes
    drawn_by: UUID
    drawn_at: dt.datetime
    draws: tuple[Draw, ...]


class FindingReason(enum.StrEnum):
    """Why an act does not keep all of its grams, or that it does after all.

    WITHDRAWN is found by itself when a statement is made: whoever sent the act took it back since the freezing.
    """

    NO_RECORD = "no_record"
    NOT_ELIGIBLE = "not_eligible"
    DUPLICATE = "duplicate"
    OVERSTATED = "overstated"
    OUTSIDE_BOUNDARY = "outside_boundary"
    OTHER = "other"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a verifier found of an act: it keeps `keeps_g` of its `frozen_g`."""

    number: int
    position: int
    frozen_g: int
    keeps_g: int
    reason: FindingReason
    remark: str
    found_by: UUID
    found_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Projection:
    """What samples and findings say so far; `projected_g` is the deduction that they suggest for the rest.

    `corrections_g` of acts that were withdrawn after earlier batches certified them come on top of what is stated.
    """

    draws: int
    acts_with_findings: int
    rejected_g: int
    projected_g: int
    corrections_g: int


class Assurance(enum.StrEnum):
    """How sure a verification statement is."""

    REASONABLE = "reasonable"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class Statement:
    """A verification statement and the certified tree that it makes.

    Of `deducted_g`, `corrections_g` make good for acts of earlier batches that were withdrawn since.
    """

    batch_id: UUID
    revision: int
    body_id: UUID
    body: str
    findings: int
    rejected_g: int
    deducted_g: int
    corrections_g: int
    kept_acts: int
    last_keeps_g: int
    verified_g: int
    certified_root: bytes
    certified_leaves: int
    certified_g: int
    sha256: bytes
    document: bytes
    log_index: int
    issued_by: UUID
    issued_at: dt.datetime

    @property
    def certified(self) -> SumRoot:
        """The root of the certified tree."""
        return SumRoot(self.certified_root, self.certified_g, self.certified_leaves)


@dataclass(frozen=True, slots=True)
class Issuance:
    """Credits with the numbers `[first_serial, first_serial + quantity_t)`; none and no number below a whole tonne."""

    batch_id: UUID
    revision: int
    act_id: UUID
    book: str
    first_serial: int | None
    quantity_t: int
    carry_out_g: int
    owner_id: UUID
    owner: str
    proposed_by: UUID
    approved_by: UUID
    log_index: int
    issued_at: dt.datetime
