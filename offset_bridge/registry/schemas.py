"""The shapes of accounts, obligations, rules and holdings over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from backend.kit.schemas import Asked, Code, Sha256, Told
from offset_bridge.registry.model import Account, Adoption, Held, Mode, ModeSet, Obligation, Source

Market = Annotated[str, StringConstraints(pattern="^[a-z][a-z-]{0,39}$")]
Year = Annotated[int, Field(strict=True, ge=2000, le=2200)]
Figure = Annotated[int, Field(strict=True, ge=0, le=10**12, description="tCO2e")]
Region = Annotated[str, StringConstraints(pattern="^CN(-[A-Z]{2}(-[A-Z]{2,4})?)?$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Day = Annotated[str, StringConstraints(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class NewAccount(Asked):
    """An account for an organisation: of an entity with an obligation (`regulated`), or of a mere holder of units."""

    market: Market
    organisation: Code
    region: Region = Field(examples=["CN-GD-GZ"])
    regulated: StrictBool


class AccountTold(Told):
    """An organisation's account in a market."""

    id: UUID
    market: str
    organisation: str
    region: str
    regulated: bool
    opened_at: datetime

    @classmethod
    def of(cls, one: Account) -> AccountTold:
        return cls(
            id=one.id,
            market=one.market,
            organisation=one.organisation,
            region=one.region,
            regulated=one.regulated,
            opened_at=one.opened_at,
        )


class ModeTold(Told):
    """What a market's registry is."""

    market: str
    mode: Mode
    act_id: UUID
    set_at: datetime

    @classmethod
    def of(cls, one: ModeSet) -> ModeTold:
        return cls(market=one.market, mode=one.mode, act_id=one.act_id, set_at=one.set_at)


class ObligationTold(Told):
    """An entity's figures of a year. The highest revision holds; the earlier ones stay."""

    market: str
    organisation: str
    compliance_year: int
    revision: int
    issued_t: int
    initial_t: int
    confirmed_emissions_t: int
    obligation_t: int
    reason: str
    act_id: UUID
    fixed_at: datetime

    @classmethod
    def of(cls, one: Obligation) -> ObligationTold:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class RulesTold(Told):
    """The rules that the authority adopted for a market's year. The highest revision holds."""

    market: str
    compliance_year: int
    revision: int
    pack_sha256: Sha256
    edition: str
    pools: dict[str, int]
    parameters: dict[str, bool | str]
    apply_by: date
    surrender_by: date
    act_id: UUID
    adopted_at: datetime

    @classmethod
    def of(cls, one: Adoption) -> RulesTold:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class HeldTold(Told):
    """Units in a row that lie free in an account, all of one lot; both ends of the numbers are included."""

    book: str
    unit: str
    demo: bool
    first: int
    last: int
    quantity_t: int
    source: Source
    facts: dict[str, Any]

    @classmethod
    def of(cls, one: Held) -> HeldTold:
        return cls(
            book=one.lot.book,
            unit=one.lot.unit,
            demo=one.lot.demo,
            first=one.serials.low,
            last=one.serials.high - 1,
            quantity_t=one.serials.quantity,
            source=one.lot.source,
            facts=dict(one.lot.facts),
        )


class ModeProposal(Asked):
    """Whether a market's registry is to be live or a demonstration."""

    market: Market
    mode: Mode


class ObligationProposal(Asked):
    """An entity's figures of a year, and why they are these; all of it becomes public."""

    market: Market
    organisation: Code
    compliance_year: Year
    issued_t: Figure
    initial_t: Figure
    confirmed_emissions_t: Figure
    obligation_t: Figure
    reason: Words


class RulesProposal(Asked):
    """An edition of the market's pack that is to hold for a year, and what the pack leaves open."""

    market: Market
    compliance_year: Year
    edition: Name
    pools: dict[Name, Figure] = Field(
        default_factory=dict,
        max_length=10,
        description="Province-wide tonnes by the pool's id; none where no pool holds.",
    )
    parameters: dict[Name, StrictBool | Name] = Field(
        default_factory=dict, max_length=20, description="Values for what the pack holds as unknown."
    )
    apply_by: date = Field(description="The last day on which credits are pledged.")
    surrender_by: date = Field(description="From this day on the year may be closed.")


class AllotmentAsked(Asked):
    """Allowances for one entity."""

    organisation: Code
    quantity_t: Annotated[int, Field(strict=True, ge=1, le=10**12)]


class AllocationProposal(Asked):
    """A year's allowances for entities."""

    market: Market
    compliance_year: Year
    allotments: list[AllotmentAsked] = Field(min_length=1, max_length=500)


class ProjectFacts(Asked):
    """What an outer registry says of credits; a rule that needs a fact that is not given refuses them."""

    project_id: Name
    project_type: Name
    project_region: Region | None = None
    gases: dict[Name, Name] | None = Field(
        default=None, max_length=10, examples=[{"CO2": "0.9", "CH4": "0.1"}]
    )
    vintage_start: Day | None = None
    vintage_end: Day | None = None
    commissioned_on: Day | None = None
    filed: StrictBool
    covered_boundary: StrictBool = False
    ccer_category: Name | None = None
    project_window_reductions_t: Figure | None = None
    boundary_of: list[Code] = Field(
        default_factory=list, max_length=20, description="Organisations inside whose boundary they arose."
    )


class RegistrationProposal(Asked):
    """CCER that the national registry holds for an organisation, to be entered here."""

    market: Market
    organisation: Code
    quantity_t: Annotated[int, Field(strict=True, ge=1, le=10**12)]
    facts: ProjectFacts
    outer_reference: Words = Field(description="Their serial numbers there.")
