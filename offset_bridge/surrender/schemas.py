"""The shapes of evaluations, pledges, surrenders and cancellations over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from backend.kit.schemas import Asked, Sha256, Told
from offset_bridge.registry import Held
from offset_bridge.registry.schemas import Market, Year
from offset_bridge.rules import Reason
from offset_bridge.surrender.model import (
    AskedLot,
    Cancelled,
    Decision,
    Pledge,
    PledgeAnswer,
    PledgeLine,
    Recount,
    Surrendered,
)
from offset_bridge.units import RunTold, Units

Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class ReasonTold(Told):
    """Why tonnes may not be used, in both languages, with the rule's source."""

    code: str
    message_zh: str
    message_en: str
    source: str

    @classmethod
    def of(cls, one: Reason) -> ReasonTold:
        return cls(**one.answer())


class LimitTold(Told):
    """A limit in tonnes and how far it is used. Binding: not one tonne more."""

    id: str
    limit_t: int
    used_t: int
    binding: bool


class EvaluationTold(Told):
    """What an entity could still use of the credits in its account, in the shape of `puhui offset evaluate`.

    `case` is what was judged, so that anybody can have it judged again; `open_t` is what is left of the obligation.
    """

    organisation: str
    compliance_year: int
    edition: str
    cap_t: int | None
    usable_t: int
    used_t: int
    open_t: int
    lines: list[dict[str, Any]]
    constraints: list[LimitTold]
    warnings: list[ReasonTold]
    pack_sha256: Sha256
    case: dict[str, Any]

    @classmethod
    def of(cls, one: Decision) -> EvaluationTold:
        answer = one.answer.json()
        return cls(
            organisation=one.obligation.organisation,
            compliance_year=one.obligation.compliance_year,
            edition=one.adoption.edition,
            cap_t=one.answer.cap_t,
            usable_t=one.answer.usable_t,
            used_t=one.used_t,
            open_t=one.open_t,
            lines=answer["lines"],
            constraints=[LimitTold(**limit) for limit in answer["constraints"]],
            warnings=[ReasonTold.of(warning) for warning in one.answer.warnings],
            pack_sha256=one.adoption.pack_sha256,
            case=dict(one.case),
        )


class NewPledge(Asked):
    """Units to be set aside for a year. With `accept_partial` what may be used is pledged, else all or nothing."""

    compliance_year: Year
    lots: list[Units] = Field(min_length=1, max_length=100)
    accept_partial: StrictBool = False
    market: Market | None = Field(
        default=None, description="Needed by whoever has accounts in several markets."
    )

    def asked(self) -> list[AskedLot]:
        """The same as the service takes it; NumbersUnclear when a lot does not say what is meant."""
        chosen = [(lot.book, *lot.chosen()) for lot in self.lots]
        return [
            AskedLot(book, quantity_t=quantity if serials is None else None, serials=serials or ())
            for book, quantity, serials in chosen
        ]


class PledgeLineTold(Told):
    """What became of numbers in a row: `lot` is the place in the request they belong to, both ends are included.

    `usable_t` could be pledged, `pledged_t` are; `refused_t` may not be used, for each of the reasons.
    """

    lot: int
    book: str
    unit: str
    first: int
    last: int
    usable_t: int
    pledged_t: int
    refused_t: int
    reasons: list[ReasonTold]

    @classmethod
    def of(cls, one: PledgeLine) -> PledgeLineTold:
        return cls(
            lot=one.asked,
            book=one.book,
            unit=one.unit,
            first=one.serials.low,
            last=one.serials.high - 1,
            usable_t=one.usable_t,
            pledged_t=one.pledged_t,
            refused_t=one.refused_t,
            reasons=[ReasonTold.of(reason) for reason in one.reasons],
        )


class PledgeAnswerTold(Told):
    """A pledge, or why nothing was pledged (`pledge_id` is null, status 200 instead of 201)."""

    pledge_id: UUID | None
    compliance_year: int
    edition: str
    pack_sha256: Sha256
    cap_t: int | None
    used_before_t: int
    pledged_t: int
    refused_t: int
    lines: list[PledgeLineTold]
    constraints: list[LimitTold]
    warnings: list[ReasonTold]

    @classmethod
    def of(cls, one: PledgeAnswer) -> PledgeAnswerTold:
        decision = one.decision
        return cls(
            pledge_id=one.pledge_id,
            compliance_year=decision.obligation.compliance_year,
            edition=decision.adoption.edition,
            pack_sha256=decision.adoption.pack_sha256,
            cap_t=decision.answer.cap_t,
            used_before_t=decision.used_offsets_t,
            pledged_t=one.pledged_t,
            refused_t=one.refused_t,
            lines=[PledgeLineTold.of(line) for line in one.lines],
            constraints=[LimitTold(**limit) for limit in decision.answer.json()["constraints"]],
            warnings=[ReasonTold.of(warning) for warning in decision.answer.warnings],
        )


class UnitsTold(Told):
    """Units of one lot in a row."""

    book: str
    unit: str
    serials: RunTold

    @classmethod
    def of(cls, one: Held) -> UnitsTold:
        return cls(book=one.lot.book, unit=one.lot.unit, serials=RunTold.of(one.serials))


class PledgeTold(Told):
    """A pledge that was made; `released_at` is set when it was taken back."""

    id: UUID
    market: str
    organisation: str
    compliance_year: int
    edition: str
    pack_sha256: Sha256
    cap_t: int | None
    used_before_t: int
    offset_t: int
    allowance_t: int
    units: list[UnitsTold]
    pledged_at: datetime
    released_at: datetime | None

    @classmethod
    def of(cls, one: Pledge) -> PledgeTold:
        shown = {name: getattr(one, name) for name in cls.model_fields if name != "units"}
        return cls(units=[UnitsTold.of(unit) for unit in one.units], **shown)


class RecountTold(Told):
    """What a revision after the close makes of a surrender: `excess_t` count no longer, `claim_t` more would have."""

    obligation_revision: int
    obligation_t: int
    cap_t: int | None
    counted_offset_t: int
    excess_t: int
    claim_t: int
    overpaid_t: int
    shortfall_t: int
    counted_at: datetime

    @classmethod
    def of(cls, one: Recount) -> RecountTold:
        return cls.model_validate(one)


class SurrenderTold(Told):
    """What an entity surrendered for a year, what went back to it, and what it is short of."""

    market: str
    organisation: str
    compliance_year: int
    obligation_revision: int
    obligation_t: int
    cap_t: int | None
    offset_t: int
    allowance_t: int
    returned_t: int
    shortfall_t: int
    surrendered_at: datetime
    units: list[UnitsTold]
    returned: list[UnitsTold]
    recounts: list[RecountTold]

    @classmethod
    def of(cls, one: Surrendered) -> SurrenderTold:
        listed = ("units", "returned", "recounts")
        shown = {name: getattr(one, name) for name in cls.model_fields if name not in listed}
        return cls(
            units=[UnitsTold.of(unit) for unit in one.units],
            returned=[UnitsTold.of(unit) for unit in one.returned],
            recounts=[RecountTold.of(again) for again in one.recounts],
            **shown,
        )


class CloseProposal(Asked):
    """A market's year that is to be closed."""

    market: Market
    compliance_year: Year


class Cancellation(Units):
    """Credits to be given up for good, and what for; both become public."""

    purpose: Words
    market: Market | None = None


class CancelledTold(Told):
    """Credits that were given up."""

    id: UUID
    book: str
    quantity_t: int
    serials: list[RunTold]
    purpose: str
    cancelled_at: datetime

    @classmethod
    def of(cls, one: Cancelled) -> CancelledTold:
        return cls(
            id=one.id,
            book=one.book,
            quantity_t=one.quantity_t,
            serials=[RunTold.of(run) for run in one.serials],
            purpose=one.purpose,
            cancelled_at=one.cancelled_at,
        )
