"""Batches and the steps on them as answers of the operators', the authority's and the verifiers' surfaces."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.certification import model
from backend.certification.evidence import Evidence
from backend.certification.model import Assurance, FindingReason, OpenPool, Stage
from backend.certification.printed import Printed, print_serial
from backend.kit.quantities import Grams, Tonnes
from backend.kit.schemas import Asked, Sha256, Told

Month = Annotated[str, StringConstraints(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]


class PoolTold(Told):
    """Grams of one series and month that wait to be frozen."""

    project: str
    methodology: str
    vintage_year: int
    demo: bool
    month: Month
    pooled_g: Grams

    @classmethod
    def of(cls, one: OpenPool) -> PoolTold:
        return cls(**one.series.as_body(), month=f"{one.month:%Y-%m}", pooled_g=one.grams)


class BatchTold(Told):
    """A frozen batch and how far it has come."""

    id: UUID
    project: str
    methodology: str
    vintage_year: int
    demo: bool
    sequence: int
    previous_id: UUID | None
    region: str
    operator: str
    first_month: Month
    last_month: Month
    benefit_split: str
    benefit_split_published_on: date
    acts: int
    frozen_g: Grams
    frozen_root: Sha256
    carry_in_g: Grams
    log_index: int
    closed_at: datetime
    stage: Stage
    report_sha256: Sha256
    report_certified_at: datetime | None
    verification_body: str | None
    revision: int | None = Field(
        description="Of the verification statement that stands; null before the first."
    )
    issued_at: datetime | None

    @classmethod
    def of(cls, one: model.Batch) -> BatchTold:
        return cls(
            id=one.id,
            **one.series.as_body(),
            sequence=one.sequence,
            previous_id=one.previous_id,
            region=one.region,
            operator=one.operator,
            first_month=f"{one.first_month:%Y-%m}",
            last_month=f"{one.last_month:%Y-%m}",
            benefit_split=one.benefit_split,
            benefit_split_published_on=one.benefit_split_published_on,
            acts=one.acts,
            frozen_g=one.frozen_g,
            frozen_root=one.frozen_root.hex(),
            carry_in_g=one.carry_in_g,
            log_index=one.log_index,
            closed_at=one.closed_at,
            stage=one.stage,
            report_sha256=one.report_sha256.hex(),
            report_certified_at=one.certified_at,
            verification_body=one.body,
            revision=one.revision,
            issued_at=one.issued_at,
        )


class ReportTold(Told):
    """A monitoring report. `sha256` is over its canonical JSON: sorted keys, no spaces, UTF-8, whole numbers."""

    batch_id: UUID
    sha256: Sha256
    document: dict[str, Any]

    @classmethod
    def of(cls, one: model.Report) -> ReportTold:
        return cls(batch_id=one.batch_id, sha256=one.sha256.hex(), document=json.loads(one.document))


class StatementTold(Told):
    """A verification statement and the sums of the certified tree; `document` is what `sha256` is over."""

    batch_id: UUID
    revision: int
    verification_body: str
    rejected_g: Grams
    deducted_g: Grams
    corrections_g: Grams = Field(
        description="What of the deduction makes good for acts of earlier batches that were withdrawn since."
    )
    verified_g: Grams
    certified_root: Sha256
    certified_leaves: int
    certified_g: Grams
    sha256: Sha256
    log_index: int
    issued_at: datetime
    document: dict[str, Any]

    @classmethod
    def of(cls, one: model.Statement) -> StatementTold:
        return cls(
            batch_id=one.batch_id,
            revision=one.revision,
            verification_body=one.body,
            rejected_g=one.rejected_g,
            deducted_g=one.deducted_g,
            corrections_g=one.corrections_g,
            verified_g=one.verified_g,
            certified_root=one.certified_root.hex(),
            certified_leaves=one.certified_leaves,
            certified_g=one.certified_g,
            sha256=one.sha256.hex(),
            log_index=one.log_index,
            issued_at=one.issued_at,
            document=json.loads(one.document),
        )


class IssuanceTold(Told):
    """Credits issued: numbers `first_serial` to `last_serial`, none when there was no whole tonne."""

    batch_id: UUID
    revision: int
    act_id: UUID
    book: str
    owner: str
    quantity_t: Tonnes
    first_serial: int | None
    last_serial: int | None
    first_printed: str | None = Field(examples=["PHCER-GD-2026-CN_SHARED_BIKE_KM-000000000001"])
    last_printed: str | None
    carry_out_g: Grams
    log_index: int
    issued_at: datetime

    @classmethod
    def of(cls, one: model.Issuance, batch: model.Batch) -> IssuanceTold:
        last = one.first_serial + one.quantity_t - 1 if one.first_serial else None
        return cls(
            batch_id=one.batch_id,
            revision=one.revision,
            act_id=one.act_id,
            book=one.book,
            owner=one.owner,
            quantity_t=one.quantity_t,
            first_serial=one.first_serial,
            last_serial=last,
            first_printed=_printed(batch, one.first_serial),
            last_printed=_printed(batch, last),
            carry_out_g=one.carry_out_g,
            log_index=one.log_index,
            issued_at=one.issued_at,
        )


def _printed(batch: model.Batch, number: int | None) -> str | None:
    if number is None:
        return None
    series = batch.series
    return print_serial(Printed(series.book, number, batch.region, series.vintage_year, series.methodology))


class SampleSize(Asked):
    """How many draws. An act may be drawn more than once: each draw is a gram, not an act."""

    draws: Annotated[int, Field(strict=True, ge=1, le=2000)]


class DrawTold(Told):
    """One draw: the gram of the frozen tree, and the position of the act that it lies in."""

    draw: int
    gram: int
    position: int


class SampleTold(Told):
    """A sample; `seed` follows from the frozen root, the log's root behind the freezing, and the number."""

    batch_id: UUID
    number: int
    seed: Sha256
    drawn_at: datetime
    draws: list[DrawTold]

    @classmethod
    def of(cls, one: model.Sample) -> SampleTold:
        return cls(
            batch_id=one.batch_id,
            number=one.number,
            seed=one.seed.hex(),
            drawn_at=one.drawn_at,
            draws=[DrawTold.model_validate(draw) for draw in one.draws],
        )


class EvidenceTold(Told):
    """A frozen act: its record in the partner's file, its public facts, and its grams computed again."""

    position: int
    frozen_g: Grams
    recomputed_g: Grams | None
    agrees: bool
    happened_at: datetime
    ended_at: datetime | None
    file_name: str
    file_sha256: str
    line: int
    facts: dict[str, Any]
    formula: str
    computation_zh: str
    computation_en: str

    @classmethod
    def of(cls, one: Evidence) -> EvidenceTold:
        return cls(
            position=one.position,
            frozen_g=one.frozen_g,
            recomputed_g=one.recomputed_g,
            agrees=one.agrees,
            happened_at=one.happened_at,
            ended_at=one.ended_at,
            file_name=one.file_name,
            file_sha256=one.file_sha256,
            line=one.line,
            facts=dict(one.facts),
            formula=one.explanation.formula,
            computation_zh=one.explanation.zh,
            computation_en=one.explanation.en,
        )


class NewFinding(Asked):
    """How many grams of an act stand: none, some, or, to take an earlier finding back, all (`confirmed`)."""

    position: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
    keeps_g: Grams
    reason: FindingReason
    remark: Text


class FindingTold(Told):
    """A finding; of one act the one with the highest number counts."""

    number: int
    position: int
    frozen_g: Grams
    keeps_g: Grams
    reason: FindingReason
    remark: str
    found_at: datetime

    @classmethod
    def of(cls, one: model.Finding) -> FindingTold:
        return cls(
            number=one.number,
            position=one.position,
            frozen_g=one.frozen_g,
            keeps_g=one.keeps_g,
            reason=one.reason,
            remark=one.remark,
            found_at=one.found_at,
        )


class ProjectionTold(Told):
    """What the samples and findings say so far: `projected_g` is the deduction that they suggest for the rest."""

    draws: int
    acts_with_findings: int
    rejected_g: Grams
    projected_g: Grams
    corrections_g: Grams = Field(
        description="Of acts that were withdrawn after earlier batches certified them; deducted on top."
    )


class NewStatement(Asked):
    """What a verification body states: the extrapolated deduction with its basis, the assurance, the materiality."""

    deduction_g: Grams
    deduction_basis: Text
    assurance: Assurance
    materiality_percent: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}(\.[0-9]{1,2})?$")] = Field(
        examples=["5", "2.5"]
    )
