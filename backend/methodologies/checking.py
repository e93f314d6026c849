"""What the shape of a methodology file cannot see: validity, inputs and their bounds, names, cycles and units.

Everything is looked at in one pass. A formula's units are checked for every edition, so that no later figure can break
it. What is already known to be faulty is left out, so that one slip is told once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backend.methodologies.model import CODES, COLUMNS, NUMBERS
from backend.packs.editions import check_dated
from backend.packs.faults import Faults, Path
from backend.packs.figures import UNKNOWN, parse_figure
from backend.packs.formula import (
    Formula,
    FormulaError,
    check_conservative,
    check_dimension,
    check_units,
    parse_formula,
)
from backend.packs.schema import ADDRESS, Day, Figure, Table, Text
from backend.packs.units import Dimension, UnitError, parse_unit

CLAIM_FIELDS = ("activity", "operator", "means")
_COMPLETE = ("baseline", "rights", "exclusion")
_COMPLETE_BELOW = {
    "aggregation": ("rounding_per_act",),
    "monitoring": ("measured_zh", "measured_en", "checked_zh", "checked_en"),
}
_CELL_SOURCE = ("source_title", "source_url", "source_date", "confidence")
_INT64 = 2**63 - 1
_YEARS = range(1, 10_000)
_DECIMAL = re.compile(r"-?\d+(?:\.(\d+))?")
_KEYS_OF = {
    "uint": {"unit", "min", "max", "default"},
    "int": {"unit", "min", "max", "default"},
    "decimal": {"unit", "min", "max", "default", "places"},
    "choice": {"choices", "default"},
    "region": {"choices"},
    "year": {"min", "max"},
    "timestamp": {"after"},
    "text": set[str](),
}
_NEEDED_BY = {
    "uint": ("unit", "min", "max"),
    "int": ("unit", "min", "max"),
    "decimal": ("unit", "min", "max", "places"),
    "choice": ("choices",),
    "region": ("choices",),
}
_ALWAYS = {"id", "type", "name_zh", "name_en"}
_CELL = Table(
    {},
    {
        "value": Figure(),
        "source_title": Text(),
        "source_url": Text(ADDRESS, unknown=True),
        "source_date": Day(unknown=True),
        "confidence": Text(among=("high", "medium", "low")),
    },
)


@dataclass(frozen=True)
class _Figures:
    """The figures of an edition by name. None stands for a dimension that cannot be known, as its unit is faulty."""

    dimensions: Mapping[str, Dimension | None]
    complete: bool  # False when a figure has no readable name
    tables: frozenset[str]  # those among them that are tables, which derived figures cannot use

    def of(self, names: Iterable[str]) -> dict[str, Dimension] | None:
        """The dimensions of these names; None when one of them cannot be known."""
        found = {name: self.dimensions[name] for name in names if name in self.dimensions}
        known = {name: dimension for name, dimension in found.items() if dimension is not None}
        return known if len(known) == len(found) else None


def check(data: Mapping[str, Any], faults: Faults) -> None:
    """Report every fault of a methodology file that is no matter of a single value."""
    check_dated(data, faults)
    if data.get("format") == 2:
        _check_complete(data, faults)
    activities = _tables(data.get("activity"))
    for place, activity in enumerate(activities):
        at = ("activity", place)
        if not faults.touches((*at, "inputs")):
            _check_inputs(activity.get("inputs", []), (*at, "inputs"), faults)
            if not faults.touches((*at, "inputs")) and not faults.touches((*at, "claim_key")):
                _check_claim_key(activity, at, faults)
    figures = [
        _check_edition(edition, ("edition", place), activities, faults)
        for place, edition in enumerate(_tables(data.get("edition")))
        if edition
    ]
    for place, activity in enumerate(activities):
        at = ("activity", place)
        if not faults.touches((*at, "formula")) and not faults.touches((*at, "inputs")):
            _check_formula(activity, at, data, figures, faults)
    _check_examples(data, faults)


def _check_complete(data: Mapping[str, Any], faults: Faults) -> None:
    for key in _COMPLETE:
        if key not in data:
            faults.add((key,), "missing_key")
    for table, keys in _COMPLETE_BELOW.items():
        found = data.get(table)
        for key in keys:
            if isinstance(found, dict) and key not in found:
                faults.add((table, key), "missing_key")


def _check_claim_key(activity: Mapping[str, Any], at: Path, faults: Faults) -> None:
    """What tells acts apart must be known of each act: an input, or what intake knows of every row."""
    known = {*CLAIM_FIELDS, *(item["id"] for item in activity.get("inputs", []))}
    for place, name in enumerate(activity.get("claim_key", [])):
        if name not in known:
            faults.add((*at, "claim_key", place), "bad_reference", name=repr(name))


def _check_inputs(inputs: list[Any], at: Path, faults: Faults) -> None:
    earlier: dict[str, str] = {}
    for place, item in enumerate(inputs):
        here, kind = (*at, place), item["type"]
        for key in _NEEDED_BY.get(kind, ()):
            if key not in item:
                faults.add((*here, key), "missing_key")
        usable = _KEYS_OF[kind] | _ALWAYS | ({"after"} if "after" in item else set())
        for key in sorted(item.keys() - usable):
            faults.add((*here, key), "unknown_key", known=", ".join(sorted(usable | _KEYS_OF[kind])))
        if not faults.touches(here):
            _check_values(item, here, faults)
        if "after" in item and (kind != "timestamp" or earlier.get(item["after"]) != "timestamp"):
            faults.add((*here, "after"), "bad_reference", name=repr(item["after"]))
        earlier[item["id"]] = kind


def _check_values(item: Mapping[str, Any], at: Path, faults: Faults) -> None:
    """Bounds and default: of the input's own form, in order, and small enough to be held in 64 bits."""
    if item["type"] in ("choice", "region"):
        known = [choice["id"] for choice in item["choices"]]
        if "default" in item and item["default"] not in known:
            faults.add((*at, "default"), "not_allowed", found=repr(item["default"]), known=", ".join(known))
        return
    held = _held_bounds(item, at, faults)
    if item["type"] == "uint" and held.get("min", 0) < 0:
        faults.add((*at, "min"), "out_of_range", found=item["min"], low=0, high=_INT64)
    if "min" in held and "max" in held:
        if held["min"] > held["max"]:
            faults.add((*at, "min"), "bad_order", why="min is above max", why_zh="min 大于 max")
        elif "default" in held and not held["min"] <= held["default"] <= held["max"]:
            faults.add(
                (*at, "default"), "out_of_range", found=item["default"], low=item["min"], high=item["max"]
            )


def _held_bounds(item: Mapping[str, Any], at: Path, faults: Faults) -> dict[str, int]:
    """Those of min, max and default that are sound, in steps."""
    places = item.get("places", 0)
    held: dict[str, int] = {}
    for key in ("min", "max", "default"):
        if key not in item:
            continue
        steps = _steps(item[key], places)
        if steps is None and places:
            faults.add((*at, key), "bad_decimal", places=places)
        elif steps is None:
            found = type(item[key]).__name__
            faults.add((*at, key), "wrong_type", expected="a whole number", expected_zh="整数", found=found)
        elif not -_INT64 <= steps <= _INT64:
            faults.add((*at, key), "out_of_range", found=item[key], low=-_INT64, high=_INT64)
        else:
            held[key] = steps
    return held


def _steps(value: object, places: int) -> int | None:
    """How many steps of 10^-places a bound is; None when it is not written in the input's own form."""
    if places == 0:
        return value if type(value) is int else None
    found = _DECIMAL.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    if found is None or len(found.group(1) or "") > places:
        return None
    return int(Fraction(found.group()) * 10**places)


def _check_edition(
    edition: Mapping[str, Any], at: Path, activities: Sequence[Mapping[str, Any]], faults: Faults
) -> _Figures:
    """Report the faults of an edition; its figures, for the formulas that use them."""
    for place, deduction in enumerate(_tables(edition.get("deduction"))):
        here = (*at, "deduction", place)
        if not faults.touches(here):
            value = parse_figure(deduction["value"])
            if value != UNKNOWN and not 0 <= Fraction(value) < 1:
                faults.add((*here, "value"), "out_of_range", found=deduction["value"], low=0, high="<1")
            _check_activities(deduction, here, activities, faults)
    for place, cap in enumerate(_tables(edition.get("cap"))):
        here = (*at, "cap", place)
        if not faults.touches(here):
            if cap["per"] == "act" and (cap["of"] != "grams" or cap["over"] != "trim"):
                faults.add((*here, "of"), "bad_order", why=_PER_ACT[0], why_zh=_PER_ACT[1])
            _check_activities(cap, here, activities, faults)
    for place, table in enumerate(_tables(edition.get("table"))):
        if not faults.touches((*at, "table", place)):
            check_cells(table, (*at, "table", place), faults)
    return _figures(edition, at, faults)


_PER_ACT = ("a cap per act limits grams and trims them", "按次的上限只能限制克数，且为截断")


def _check_activities(
    item: Mapping[str, Any], at: Path, activities: Sequence[Mapping[str, Any]], faults: Faults
) -> None:
    known = {str(activity.get("id")) for activity in activities}
    for place, name in enumerate(item.get("activities", ())):
        if name not in known:
            faults.add((*at, "activities", place), "bad_reference", name=repr(name))


def check_cells(table: Mapping[str, Any], at: Path, faults: Faults) -> None:
    """Report cells that are not picked by exactly the names in `by`, appear twice, or hold no figure."""
    by, seen = table["by"], set[tuple[object, ...]]()
    for place, cell in enumerate(table["cell"]):
        here = (*at, "cell", place)
        for key in ("value", *by):
            if key not in cell:
                faults.add((*here, key), "missing_key")
        known = {"value", *by, *_CELL_SOURCE}
        for key in sorted(cell.keys() - known):
            faults.add((*here, key), "unknown_key", known=", ".join(sorted(known)))
        for name in by:
            if name in cell and type(cell[name]) not in (str, int):
                faults.add((*here, name), "bad_cell")
        _CELL.check({key: cell[key] for key in ("value", *_CELL_SOURCE) if key in cell}, here, faults)
        if not faults.touches(here):
            picked = tuple(cell[name] for name in by)
            if picked in seen:
                faults.add(here, "duplicate", name=", ".join(map(str, picked)))
            seen.add(picked)


def _figures(edition: Mapping[str, Any], at: Path, faults: Faults) -> _Figures:
    """Parameters, tables and derived figures by name; names twice, cycles and units that do not fit are reported."""
    names: dict[str, Dimension | None] = {}
    formulas: dict[str, Formula] = {}
    tables: set[str] = set()
    complete = True
    for kind in ("parameter", "table", "derived"):
        for place, item in enumerate(_tables(edition.get(kind))):
            name = item.get("id")
            if type(name) is not str:
                complete = False
                continue
            if name in names and not faults.touches((*at, kind, place, "id")):
                faults.add((*at, kind, place, "id"), "duplicate", name=repr(name))
            names[name] = _dimension_of(item)
            if kind == "table":
                tables.add(name)
            if kind == "derived" and not faults.touches((*at, kind, place, "formula")):
                formulas[name] = parse_formula(item["formula"])
    figures = _Figures(names, complete, frozenset(tables))
    for place, item in enumerate(_tables(edition.get("derived"))):
        here = (*at, "derived", place, "formula")
        if str(item.get("id")) in formulas and not faults.touches(here):
            _check_derived(item, here, formulas, figures, faults)
    return figures


def _dimension_of(item: Mapping[str, Any]) -> Dimension | None:
    try:
        return parse_unit(item["unit"]).dimension if type(item.get("unit")) is str else None
    except UnitError:
        return None


def _check_derived(
    item: Mapping[str, Any],
    at: Path,
    formulas: Mapping[str, Formula],
    figures: _Figures,
    faults: Faults,
) -> None:
    usable = figures.dimensions.keys() - figures.tables
    formula = formulas[item["id"]]
    cycle = _cycle(item["id"], {name: one.names for name, one in formulas.items()})
    if cycle is not None:
        faults.add(at, "name_cycle", cycle=" → ".join(cycle))
    if figures.complete:
        for name in sorted(formula.names - usable):
            faults.add(at, "unknown_name", name=repr(name))
    known, wanted = figures.of(formula.names), figures.dimensions[item["id"]]
    if formula.names <= usable and known is not None and wanted is not None:
        try:
            check_dimension(formula, known, wanted=wanted, unit=item["unit"])
        except FormulaError as error:
            faults.add(at, "unit_mismatch", why=error, why_zh=error.zh)


def _cycle(start: str, uses: Mapping[str, frozenset[str]]) -> list[str] | None:
    """A way from a name back to itself, if there is one."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in sorted(uses.get(way[-1], frozenset()), reverse=True):
            if name == start:
                return [*way, start]
            if name in uses and name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return None


def _check_formula(
    activity: Mapping[str, Any],
    at: Path,
    data: Mapping[str, Any],
    figures: Sequence[_Figures],
    faults: Faults,
) -> None:
    if "formula" not in activity:
        return
    formula = parse_formula(activity["formula"])
    given = {item["id"]: item for item in activity.get("inputs", [])}
    if data.get("format") == 2:
        try:
            check_conservative(formula)
        except FormulaError as error:
            faults.add((*at, "formula"), "not_conservative", why=error, why_zh=error.zh)
    per = activity.get("per") if not faults.touches((*at, "per")) else None
    for one in figures:
        if not _check_names(formula, given, one, at, faults):
            return
        try:
            _reduces(formula, given, one, per)
        except FormulaError as error:
            faults.add((*at, "formula"), "unit_mismatch", why=error, why_zh=error.zh)
            return
    _check_picks(formula.names, given, data, faults)


def _check_names(
    formula: Formula, given: Mapping[str, Mapping[str, Any]], figures: _Figures, at: Path, faults: Faults
) -> bool:
    """Whether every name of the formula is one input or one figure of the edition."""
    numbers = {name for name, item in given.items() if item["type"] in NUMBERS}
    held = {name for name, item in given.items() if item["type"] in COLUMNS}
    unknown = sorted(formula.names - numbers - figures.dimensions.keys()) if figures.complete else []
    shadowed = sorted(held & figures.dimensions.keys())
    for name in unknown:
        faults.add((*at, "formula"), "unknown_name", name=repr(name))
    for name in shadowed:
        faults.add((*at, "inputs"), "duplicate", name=repr(name))
    return not unknown and not shadowed


def _reduces(
    formula: Formula, given: Mapping[str, Mapping[str, Any]], figures: _Figures, per: str | None
) -> None:
    """Refuse a formula that does not reduce to grams; where a faulty unit leaves it open, nothing is said."""
    inputs = {
        name: parse_unit(item["unit"]).dimension for name, item in given.items() if item["type"] in NUMBERS
    }
    known = figures.of(formula.names)
    if known is not None and formula.names <= inputs.keys() | known.keys():
        check_units(formula, {**known, **inputs}, per=per)


def _check_picks(
    names: frozenset[str], given: Mapping[str, Mapping[str, Any]], data: Mapping[str, Any], faults: Faults
) -> None:
    """Whether each table that a formula uses is picked by inputs of its activity, from values that they may have."""
    for number, edition in enumerate(_tables(data.get("edition"))):
        for place, table in enumerate(_tables(edition.get("table"))):
            at = ("edition", number, "table", place)
            if faults.touches(at) or table["id"] not in names:
                continue
            for order, name in enumerate(table["by"]):
                item = given.get(name)
                if item is None or item["type"] not in CODES:
                    faults.add((*at, "by", order), "bad_pick", name=repr(name))
                    continue
                known = {choice["id"] for choice in item.get("choices", ())}
                for row, cell in enumerate(table["cell"]):
                    fits = cell[name] in known if known else cell[name] in _YEARS
                    if not fits:
                        faults.add((*at, "cell", row, name), "bad_reference", name=repr(cell[name]))


def _check_examples(data: Mapping[str, Any], faults: Faults) -> None:
    activities = {str(a.get("id")) for a in _tables(data.get("activity"))}
    editions = {str(e.get("id")) for e in _tables(data.get("edition"))}
    for place, example in enumerate(_tables(data.get("example"))):
        if faults.touches(("example", place)):
            continue
        if example["activity"] not in activities:
            faults.add(("example", place, "activity"), "bad_reference", name=repr(example["activity"]))
        if "edition" in example and example["edition"] not in editions:
            faults.add(("example", place, "edition"), "bad_reference", name=repr(example["edition"]))
        if len(example["out"]) != 1:
            faults.add(("example", place, "out"), "missing_key")


def _tables(value: object) -> list[dict[str, Any]]:
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []
