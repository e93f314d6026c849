"""A methodology as read from its pack: what is counted, with which figures, from which source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from backend.methodologies.errors import ActivityUnknown
from backend.packs import editions
from backend.packs.editions import Validity
from backend.packs.figures import Known, parse_figure
from backend.packs.formula import Formula, parse_formula
from backend.packs.units import Unit, parse_unit

InputType = Literal["uint", "int", "timestamp", "text"]
NUMBERS = ("uint", "int")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A figure of an edition with its source. `value` is `"unknown"` where the source does not say."""

    id: str
    value: Known
    written: str
    unit: Unit
    name_zh: str
    name_en: str
    source_title: str
    source_url: str
    source_date: dt.date | Literal["unknown"]
    confidence: str


@dataclass(frozen=True, slots=True)
class Input:
    """What must be known of an action. `low` and `high` are bounds in `unit`, both included; numbers have both."""

    id: str
    type: InputType
    unit: Unit | None
    low: int | None
    high: int | None
    after: str | None
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class Activity:
    """One kind of action and its formula. `per` is what one action counts as, such as one `trip`."""

    id: str
    name_zh: str
    name_en: str
    per: str | None
    inputs: Mapping[str, Input]
    formula: Formula
    evidence: tuple[str, ...]
    claim_key: tuple[str, ...]


@dataclass(frozen=True)
class Edition:
    """The figures that hold from `valid_from` to `valid_until`, both days included."""

    id: str
    valid_from: Validity
    valid_until: Validity | None
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True)
class Methodology:
    """A methodology pack. `creditable` holds the evidence tiers whose grams may reach a credit pool."""

    id: str
    version: str
    sha256: str
    title_zh: str
    title_en: str
    jurisdiction: str
    excludes_jurisdictions: tuple[str, ...]
    status: str
    official: bool
    gas_species: tuple[str, ...]
    activities: Mapping[str, Activity]
    editions: tuple[Edition, ...]
    creditable: Mapping[str, bool]
    unknowns: tuple[str, ...]
    data: Mapping[str, Any]

    def activity(self, activity: str) -> Activity:
        """The activity of this id; `ActivityUnknown` when there is none."""
        if activity not in self.activities:
            raise ActivityUnknown(methodology=self.id, activity=activity)
        return self.activities[activity]

    def claim_fields(self, activity: str) -> tuple[str, ...]:
        """The fields that together must be unique over the whole platform, in their canonical order."""
        return self.activity(activity).claim_key

    def edition_on(self, on: dt.date) -> Edition:
        """The one edition for a day; `NoEdition` or `AmbiguousEdition` otherwise."""
        return editions.for_day(self.id, self.editions, on)


def read_methodology(data: Mapping[str, Any], *, sha256: str) -> Methodology:
    """Build a methodology from a document whose shape was checked."""
    pack = data["pack"]
    return Methodology(
        id=pack["id"],
        version=pack["version"],
        sha256=sha256,
        title_zh=pack["title_zh"],
        title_en=pack["title_en"],
        jurisdiction=pack["jurisdiction"],
        excludes_jurisdictions=tuple(pack.get("excludes_jurisdictions", ())),
        status=pack["status"],
        official=pack["official"],
        gas_species=tuple(data["gas"]["species"]),
        activities={item["id"]: _activity(item) for item in data["activity"]},
        editions=tuple(_edition(item) for item in data["edition"]),
        creditable={tier: rule["creditable"] for tier, rule in data["evidence_policy"].items()},
        unknowns=tuple(data["review"]["unknowns"]),
        data=data,
    )


def _activity(item: Mapping[str, Any]) -> Activity:
    return Activity(
        id=item["id"],
        name_zh=item["name_zh"],
        name_en=item["name_en"],
        per=item.get("per"),
        inputs={given["id"]: _input(given) for given in item["inputs"]},
        formula=parse_formula(item["formula"]),
        evidence=tuple(item["evidence"]),
        claim_key=tuple(item["claim_key"]),
    )


def _input(item: Mapping[str, Any]) -> Input:
    return Input(
        id=item["id"],
        type=item["type"],
        unit=parse_unit(item["unit"]) if "unit" in item else None,
        low=item.get("min"),
        high=item.get("max"),
        after=item.get("after"),
        name_zh=item.get("name_zh", item["id"]),
        name_en=item.get("name_en", item["id"]),
    )


def _edition(item: Mapping[str, Any]) -> Edition:
    return Edition(
        id=item["id"],
        valid_from=item["valid_from"],
        valid_until=item.get("valid_until"),
        parameters={given["id"]: _parameter(given) for given in item["parameter"]},
    )


def _parameter(item: Mapping[str, Any]) -> Parameter:
    return Parameter(
        id=item["id"],
        value=parse_figure(item["value"]),
        written=item["value"],
        unit=parse_unit(item["unit"]),
        name_zh=item["name_zh"],
        name_en=item["name_en"],
        source_title=item["source_title"],
        source_url=item["source_url"],
        source_date=item["source_date"],
        confidence=item["confidence"],
    )


def in_base_units(value: Fraction, unit: Unit) -> Fraction:
    """A figure in metres, seconds, grams … instead of its own unit."""
    return value * unit.scale
