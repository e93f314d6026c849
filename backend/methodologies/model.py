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

InputType = Literal["uint", "int", "decimal", "choice", "region", "year", "timestamp", "text"]
NUMBERS = ("uint", "int", "decimal")  # what a formula may compute with
CODES = ("choice", "region", "year")  # what picks a figure from a table
COLUMNS = NUMBERS + CODES  # what is held as whole numbers


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
class Cell:
    """One figure of a table, with its source. `at` are the values that pick it, in the order of the table's `by`."""

    at: tuple[str | int, ...]
    figure: Parameter


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Figures by region, year or choice. `by` names the inputs that pick one; a cell that is not there is unknown."""

    id: str
    unit: Unit
    name_zh: str
    name_en: str
    by: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """A figure computed from other figures of its edition, exactly."""

    id: str
    formula: Formula
    unit: Unit
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Deduction:
    """The part of a reduction that is not counted, taken off before grams are floored. `figure` is at least 0, below 1."""

    kind: str
    figure: Parameter
    activities: tuple[str, ...] | None  # None: all of them


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that counts in a span of time, of one participant; per act it is the quantifier that holds to it.

    `of` is `grams` or `acts`; what is over is trimmed to the limit or counts zero.
    """

    id: str
    per: Literal["act", "day", "month", "year"]
    of: Literal["grams", "acts"]
    limit: int | Literal["unknown"]
    over: Literal["trim", "zero"]
    activities: tuple[str, ...] | None
    name_zh: str
    name_en: str
    source: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a choice or region may have."""

    id: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Input:
    """What must be known of an action, held as one whole number where it is no text.

    A decimal with `places` is held in steps of 10^-places of its unit, a choice or region as its place in `choices`;
    everything else as it is. `low`, `high` and `default` are in that form, both bounds included; numbers have both.
    """

    id: str
    type: InputType
    unit: Unit | None
    low: int | None
    high: int | None
    after: str | None
    name_zh: str
    name_en: str
    places: int = 0
    choices: tuple[Choice, ...] = ()
    default: int | None = None

    @property
    def step(self) -> Fraction:
        """How many base units (metres, joules, grams …) one step of the held number is worth."""
        return (self.unit.scale if self.unit else Fraction(1)) / Fraction(10) ** self.places

    def show(self, held: int) -> str:
        """The held number as people write it: `12.50`, `CN-GD`, `2023`."""
        if self.choices:
            return self.choices[held].id if 0 <= held < len(self.choices) else str(held)
        if not self.places:
            return str(held)
        digits = str(abs(held)).rjust(self.places + 1, "0")
        return f"{'-' if held < 0 else ''}{digits[: -self.places]}.{digits[-self.places :]}"


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
    derived: Mapping[str, Derived]
    tables: Mapping[str, FigureTable]
    deductions: tuple[Deduction, ...]
    caps: tuple[Cap, ...]


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
    choices = tuple(
        Choice(one["id"], one.get("name_zh", one["id"]), one.get("name_en", one["id"]))
        for one in item.get("choices", ())
    )
    places = item.get("places", 0)
    low, high = (_held(item.get(bound), places) for bound in ("min", "max"))
    if choices:
        low, high = 0, len(choices) - 1
    if item["type"] == "year":
        low, high = low or 1, high or 9999
    default = item.get("default")
    if choices and default is not None:
        default = [one.id for one in choices].index(default)
    return Input(
        id=item["id"],
        type=item["type"],
        unit=parse_unit(item["unit"]) if "unit" in item else None,
        low=low,
        high=high,
        after=item.get("after"),
        name_zh=item.get("name_zh", item["id"]),
        name_en=item.get("name_en", item["id"]),
        places=places,
        choices=choices,
        default=_held(default, places),
    )


def _held(value: int | str | None, places: int) -> int | None:
    """A bound or default as it is held: a decimal in whole steps."""
    return int(Fraction(value) * 10**places) if isinstance(value, str) else value


def _edition(item: Mapping[str, Any]) -> Edition:
    return Edition(
        id=item["id"],
        valid_from=item["valid_from"],
        valid_until=item.get("valid_until"),
        parameters={given["id"]: _parameter(given) for given in item["parameter"]},
        derived={given["id"]: _derived(given) for given in item.get("derived", ())},
        tables={given["id"]: read_table(given) for given in item.get("table", ())},
        deductions=tuple(_deduction(given) for given in item.get("deduction", ())),
        caps=tuple(_cap(given) for given in item.get("cap", ())),
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


def _derived(item: Mapping[str, Any]) -> Derived:
    return Derived(
        id=item["id"],
        formula=parse_formula(item["formula"]),
        unit=parse_unit(item["unit"]),
        name_zh=item["name_zh"],
        name_en=item["name_en"],
    )


def read_table(item: Mapping[str, Any]) -> FigureTable:
    """Build a table from a document whose shape was checked; a cell's own source goes before the table's."""
    by = tuple(item["by"])
    return FigureTable(
        id=item["id"],
        unit=parse_unit(item["unit"]),
        name_zh=item["name_zh"],
        name_en=item["name_en"],
        by=by,
        cells=tuple(
            Cell(tuple(cell[name] for name in by), _parameter({**item, **cell})) for cell in item["cell"]
        ),
    )


def _deduction(item: Mapping[str, Any]) -> Deduction:
    return Deduction(
        kind=item["kind"],
        figure=_parameter({**item, "unit": "1"}),
        activities=tuple(item["activities"]) if "activities" in item else None,
    )


def _cap(item: Mapping[str, Any]) -> Cap:
    return Cap(
        id=item["id"],
        per=item["per"],
        of=item["of"],
        limit=item["limit"],
        over=item["over"],
        activities=tuple(item["activities"]) if "activities" in item else None,
        name_zh=item["name_zh"],
        name_en=item["name_en"],
        source=item["source"],
    )


def concerns(one: Deduction | Cap, activity: str) -> bool:
    """True when a deduction or cap holds for this activity."""
    return one.activities is None or activity in one.activities
