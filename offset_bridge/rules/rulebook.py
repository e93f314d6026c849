"""An edition of a market's rules as this room uses them, read from the pack; nothing here knows any one market."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from backend.packs import Market, MarketEdition, NoEdition
from backend.packs.figures import UNKNOWN, Known, parse_figure
from backend.packs.market_shape import CAP_BASES
from backend.packs.regions import covers
from offset_bridge.rules.case import Case, Lot, Parameter
from offset_bridge.rules.errors import CaseInvalid, EditionMissing, EditionUnknown, ParameterUnset
from offset_bridge.rules.words import Reason


@dataclass(frozen=True, slots=True)
class UnitRule:
    """What a credit of this kind must fulfil to be accepted at all."""

    local_required: bool
    filed_required: bool
    source: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Projects that are out: by type, by category or by region. One that is not enabled only warns."""

    id: str
    units: frozenset[str]
    types: frozenset[str]
    spared: frozenset[str]
    categories: frozenset[str]
    regions: tuple[str, ...]
    enabled: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class GasShare:
    """These gases must be at least this part of each project's reductions."""

    units: frozenset[str]
    gases: frozenset[str]
    at_least: Known
    id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A day that a date of the lot must not precede; a vintage that straddles it is out as a whole."""

    units: frozenset[str]
    field: str
    day: dt.date
    spared: frozenset[str]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Selection:
    """Lots of a unit from a region. `unsettled` is the setting that says whether `without` counts as inside."""

    unit: str
    region: str | None
    without: tuple[str, ...]
    unsettled: str | None

    def means(self, lot: Lot, settled: Mapping[str, bool]) -> bool:
        """True when the lot is meant; its region must be known if the selection names one."""
        if lot.unit != self.unit or self.region is None:
            return lot.unit == self.unit
        inside = self.unsettled is not None and settled.get(self.unsettled, False)
        return covers(self.region, lot.project_region or "", excludes=() if inside else self.without)

    def hangs_on_setting(self, lot: Lot) -> bool:
        """True when only the setting says whether the lot is meant."""
        region = lot.project_region or ""
        return (
            self.unsettled is not None
            and lot.unit == self.unit
            and any(covers(excluded, region) for excluded in self.without)
        )


@dataclass(frozen=True, slots=True)
class ShareRule:
    """`of` must be at least this part of `over`."""

    id: str
    of: Selection
    over: Selection
    at_least: Known
    reason: Reason


@dataclass(frozen=True, slots=True)
class Pool:
    """A published province-wide amount for a year."""

    id: str
    tonnes: int
    units: frozenset[str]
    source: str


@dataclass(frozen=True)
class Rulebook:
    """The rules of one edition, with the case's parameters put where the pack knows nothing."""

    market: Market
    edition: MarketEdition
    units: Mapping[str, UnitRule]
    exclusions: tuple[Exclusion, ...]
    gas_shares: tuple[GasShare, ...]
    not_before: tuple[NotBefore, ...]
    share: ShareRule | None
    pool: Pool | None
    rate: Known
    base: str
    settings: Mapping[str, bool | None]  # None: unknown
    cap_source: str

    def cap(self, figures: Mapping[str, int]) -> int | None:
        """floor(rate × base) in tonnes; None when rate or base is unknown."""
        if self.rate == UNKNOWN or UNKNOWN == self.base:  # noqa: PLR1714, SIM300 - narrows the type
            return None
        if self.base not in figures:
            raise CaseInvalid(
                f"entity.{self.base}",
                "该版本的抵消上限以此为基数，须给出",
                "is the base of this edition's cap and must be given",
            )
        return math.floor(self.rate * figures[self.base])

    def cap_unset(self) -> ParameterUnset:
        """The error that names which part of the cap is unknown."""
        return self.unset("cap.rate" if self.rate == UNKNOWN else "cap.base", self.cap_source)

    def unset(self, parameter: str, source: str) -> ParameterUnset:
        """The error that names an unknown parameter of this edition."""
        return ParameterUnset(parameter=parameter, edition=self.edition.id, source=source)


def rulebook_of(market: Market, case: Case, *, edition_id: str | None = None) -> Rulebook:
    """The rules for the case's year, or those of the edition named. `EditionMissing`, `EditionUnknown` without one.

    `CaseInvalid` for a parameter that is not unknown. A pool is always that of the case's year.
    """
    edition = _edition(market, case.compliance_year, edition_id)
    given = _Parameters(case.parameters)
    data, cap = edition.data, edition.data["cap"]
    listed = {unit["type"]: unit for unit in data.get("unit", [])}
    constraints = data.get("constraint", [])
    book = Rulebook(
        market=market,
        edition=edition,
        units={
            unit: UnitRule(
                local_required=listed.get(unit, {}).get("local_required", False),
                filed_required=listed.get(unit, {}).get("filed_required", True),
                source=listed.get(unit, {}).get("source", edition.source),
            )
            for unit in edition.units
        },
        exclusions=tuple(_exclusion(item) for item in data.get("exclusion", [])),
        gas_shares=tuple(
            GasShare(
                units=frozenset(item["applies_to"]),
                gases=frozenset(item["gases"]),
                at_least=given.figure(f"{item['id']}.at_least", parse_figure(item["at_least"])),
                id=item["id"],
                reason=_reason(item),
            )
            for item in constraints
            if item["kind"] == "project_gas_share"
        ),
        not_before=tuple(
            NotBefore(
                units=frozenset(item["applies_to"]),
                field=item["field"],
                day=item["day"],
                spared=frozenset(item.get("except", ())),
                reason=_reason(item),
            )
            for item in data.get("not_before", [])
        ),
        share=next((_share(item, given) for item in constraints if item["kind"] == "share"), None),
        pool=pool_of(market, case.compliance_year),
        rate=given.figure("cap.rate", edition.rate),
        base=given.base(edition.base),
        settings={
            item["id"]: given.setting(item["id"], item["value"]) for item in market.data.get("setting", [])
        },
        cap_source=cap["source"],
    )
    given.all_taken()
    return book


def _edition(market: Market, year: int, edition_id: str | None) -> MarketEdition:
    if edition_id is not None:
        for edition in market.editions:
            if edition.id == edition_id:
                return edition
        raise EditionUnknown(market=market.market, known=tuple(edition.id for edition in market.editions))
    try:
        return market.edition_for(year)
    except NoEdition:
        listed_years = ", ".join(
            f"{e.id} {e.compliance_years[0]}-{e.compliance_years[1]}" for e in market.editions
        )
        raise EditionMissing(
            market=market.market,
            edition=str(year),
            source=f"pack {market.id} {market.version}: {listed_years}",
        ) from None


def _exclusion(item: Mapping[str, object]) -> Exclusion:
    def texts(key: str) -> tuple[str, ...]:
        found = item.get(key, ())
        assert isinstance(found, list | tuple)
        return tuple(found)

    return Exclusion(
        id=str(item["id"]),
        units=frozenset(texts("applies_to")),
        types=frozenset(texts("project_types")),
        spared=frozenset(texts("except")),
        categories=frozenset(texts("ccer_categories")),
        regions=texts("project_regions"),
        enabled=bool(item.get("enabled", True)),
        reason=Reason(str(item["id"]), f"{item['zh']}除外", f"excluded: {item['en']}", str(item["source"])),
    )


def _reason(item: Mapping[str, object]) -> Reason:
    return Reason(str(item["id"]), str(item["message_zh"]), str(item["message_en"]), str(item["source"]))


def _share(item: Mapping[str, dict[str, object]], given: _Parameters) -> ShareRule:
    return ShareRule(
        id=str(item["id"]),
        of=_selection(item["of"]),
        over=_selection(item["over"]),
        at_least=given.figure(f"{item['id']}.at_least", parse_figure(str(item["at_least"]))),
        reason=_reason(item),
    )


def _selection(item: Mapping[str, object]) -> Selection:
    without = item.get("except_regions", ())
    assert isinstance(without, list | tuple)
    region, setting = item.get("project_region"), item.get("except_unless")
    return Selection(
        unit=str(item["unit"]),
        region=None if region is None else str(region),
        without=tuple(without),
        unsettled=None if setting is None else str(setting),
    )


def pool_of(market: Market, year: int) -> Pool | None:
    """The province-wide pool that the pack lists for a year."""
    for item in market.data.get("pool", []):
        if item["compliance_year"] == year:
            return Pool(
                id=item.get("id", f"pool-{year}"),
                tonnes=item["tonnes"],
                units=frozenset(item["counts"]),
                source=item["source"],
            )
    return None


class _Parameters:
    """Puts given values where the pack has `"unknown"`, and nowhere else."""

    def __init__(self, given: Mapping[str, Parameter]) -> None:
        self.given = dict(given)
        self.asked: set[str] = set()

    def figure(self, name: str, own: Known) -> Known:
        if name not in self.given:
            return own
        value = self._take(name, unknown=own == UNKNOWN)
        try:
            figure = parse_figure(value) if isinstance(value, str) else UNKNOWN
        except ValueError:
            figure = UNKNOWN
        if figure == UNKNOWN or not 0 <= figure <= 1:
            raise CaseInvalid(
                f"parameters.{name}",
                "应为 0 到 1 之间的数，写成字符串",
                "must be a figure from 0 to 1, as a string",
            )
        return Fraction(figure)

    def base(self, own: str) -> str:
        if "cap.base" not in self.given:
            return own
        value = self._take("cap.base", unknown=own == UNKNOWN)
        if value not in CAP_BASES:
            known = ", ".join(CAP_BASES)
            raise CaseInvalid("parameters.cap.base", f"应为下列之一：{known}", f"must be one of {known}")
        return str(value)

    def setting(self, name: str, own: str) -> bool | None:
        value = self._take(name, unknown=own == UNKNOWN) if name in self.given else own
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value, value)
        if isinstance(value, bool):
            return value
        if name in self.given:
            raise CaseInvalid(f"parameters.{name}", "应为 true 或 false", "must be true or false")
        return None

    def _take(self, name: str, *, unknown: bool) -> Parameter:
        if not unknown:
            raise CaseInvalid(
                f"parameters.{name}",
                "规则包中已有取值，不能更改",
                "is known in the pack and cannot be changed",
            )
        self.asked.add(name)
        return self.given[name]

    def all_taken(self) -> None:
        """Refuse parameters that this edition does not ask for."""
        if set(self.given) - self.asked:
            raise CaseInvalid(
                "parameters",
                "有该版本不使用的参数",
                "holds a parameter that this edition does not have",
            )
