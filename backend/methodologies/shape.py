"""The methodology kind of pack: its shape, the checks on its formulas, and its examples.

A formula's units are checked for every edition, so that no later figure can break it. The examples of a pack are run
both one by one and as columns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from backend.kit.errors import DomainError
from backend.methodologies.model import NUMBERS, Methodology, read_methodology
from backend.methodologies.quantifier import Quantifier, prepare
from backend.methodologies.rows import RowReason
from backend.packs import ParameterUnknown
from backend.packs.editions import check_dated
from backend.packs.faults import Faults
from backend.packs.figures import UNKNOWN
from backend.packs.formula import FormulaError, check_units, parse_formula
from backend.packs.pack import (
    EXCLUDES,
    JURISDICTION,
    REVIEW,
    Pack,
    PackKind,
    document,
    header,
    load,
    register,
)
from backend.packs.schema import (
    ADDRESS,
    IDENTIFIER,
    PACK_ID,
    Anything,
    Day,
    Figure,
    Flag,
    FormulaText,
    Items,
    Keyed,
    Table,
    Text,
    UnitText,
    Whole,
)
from backend.packs.units import Dimension, parse_unit

EVIDENCE = ("operator_feed", "receipt_upload", "self_report")
CLAIM_FIELDS = ("activity", "operator", "means")
GASES = ("CO2", "CH4", "N2O", "HFCs", "PFCs", "SF6", "NF3")
_INT64 = 2**63 - 1

PARAMETER = Table(
    {
        "id": Text(IDENTIFIER),
        "value": Figure(),
        "unit": UnitText(),
        "name_zh": Text(),
        "name_en": Text(),
        "source_title": Text(),
        "source_url": Text(ADDRESS),
        "source_date": Day(unknown=True),
        "confidence": Text(among=("high", "medium", "low")),
    },
    {"notes_zh": Text(), "notes_en": Text()},
)
INPUT = Table(
    {"id": Text(IDENTIFIER), "type": Text(among=("uint", "int", "timestamp", "text"))},
    {
        "unit": UnitText(),
        "min": Whole(-_INT64, _INT64),
        "max": Whole(-_INT64, _INT64),
        "after": Text(IDENTIFIER),
        "name_zh": Text(),
        "name_en": Text(),
    },
)
ACTIVITY = Table(
    {
        "id": Text(PACK_ID),
        "name_zh": Text(),
        "name_en": Text(),
        "inputs": Items(INPUT, unique="id"),
        "formula": FormulaText(),
        "evidence": Items(Text(among=EVIDENCE), least=1),
        "claim_key": Items(Text(IDENTIFIER), least=1),
    },
    {"per": Text(among=("trip", "act", "piece", "step", "visit", "order", "page", "room", "day"))},
)
SHAPE = document(
    {
        "pack": header(required=JURISDICTION, optional=EXCLUDES),
        "review": REVIEW,
        "gas": Table(
            {
                "species": Items(Text(among=GASES), least=1),
                "gwp_set": Text(),
                "unit_out": Text(among=("gCO2e",)),
            }
        ),
        "edition": Items(
            Table(
                {
                    "id": Text(PACK_ID),
                    "valid_from": Day(unknown=True),
                    "parameter": Items(PARAMETER, unique="id"),
                },
                {"valid_until": Day(unknown=True), "source": Text(), "notes_zh": Text(), "notes_en": Text()},
            ),
            least=1,
            unique="id",
        ),
        "activity": Items(ACTIVITY, least=1, unique="id"),
        "evidence_policy": Keyed("|".join(EVIDENCE), Table({"creditable": Flag()})),
        "uniqueness": Table(
            {
                "one_mechanism_only": Flag(),
                "exclusive_with": Items(Text()),
                "consent_required": Flag(),
                "rights_holder": Text(among=("person-until-assigned",)),
            }
        ),
        "aggregation": Table(
            {
                "block_unit": Text(among=("tCO2e",)),
                "grams_per_tonne": Whole(1_000_000, 1_000_000),
                "rounding": Text(among=("floor-per-batch",)),
                "remainder": Text(among=("carry-to-next-batch",)),
            }
        ),
        "monitoring": Table({"retain_years": Whole(1, 100), "retain_basis": Text()}),
        "example": Items(
            Table(
                {
                    "why": Text(),
                    "activity": Text(PACK_ID),
                    "in": Keyed(IDENTIFIER, Anything()),
                    "out": Table({}, {"grams": Whole(), "error": Text()}),
                },
                {"edition": Text(PACK_ID)},
            ),
            least=1,
        ),
    },
    {},
)


def load_methodology(path: FilePath | str) -> Methodology:
    """Read a methodology from a file; `PackFaulty` with every fault when it is not sound."""
    return methodology_of(load(path))


def methodology_of(pack: Pack) -> Methodology:
    """The methodology in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(Methodology)


def check(data: Mapping[str, Any], faults: Faults) -> None:
    """Report what the shape cannot see: validity, inputs without bounds, names and units of formulas, references."""
    check_dated(data, faults)
    activities = data.get("activity")
    for place, activity in enumerate(activities if isinstance(activities, list) else []):
        at = ("activity", place)
        if isinstance(activity, dict) and not faults.touches((*at, "inputs")):
            _check_inputs(activity.get("inputs", []), (*at, "inputs"), faults)
            if not faults.touches((*at, "inputs")) and not faults.touches((*at, "claim_key")):
                _check_claim_key(activity, at, faults)
            if not faults.touches((*at, "formula")) and not faults.touches((*at, "inputs")):
                _check_formula(activity, at, data, faults)
    _check_examples(data, faults)


def _check_claim_key(activity: Mapping[str, Any], at: tuple[str | int, ...], faults: Faults) -> None:
    """What tells acts apart must be known of each act: an input, or what intake knows of every row."""
    known = {*CLAIM_FIELDS, *(item["id"] for item in activity["inputs"])}
    for place, name in enumerate(activity.get("claim_key", [])):
        if name not in known:
            faults.add((*at, "claim_key", place), "bad_reference", name=repr(name))


def _check_inputs(inputs: list[Any], at: tuple[str | int, ...], faults: Faults) -> None:
    earlier: dict[str, str] = {}
    for place, item in enumerate(inputs):
        here = (*at, place)
        if item["type"] in NUMBERS:
            for key in ("unit", "min", "max"):
                if key not in item:
                    faults.add((*here, key), "missing_key")
            if item.get("min", 0) > item.get("max", _INT64):
                faults.add((*here, "min"), "bad_order", why="min is above max", why_zh="min 大于 max")
            if item["type"] == "uint" and item.get("min", 0) < 0:
                faults.add((*here, "min"), "out_of_range", found=item["min"], low=0, high=_INT64)
        else:
            for key in ("unit", "min", "max"):
                if key in item:
                    faults.add((*here, key), "unknown_key", known="id, type, after, name_zh, name_en")
        if "after" in item and (item["type"] != "timestamp" or earlier.get(item["after"]) != "timestamp"):
            faults.add((*here, "after"), "bad_reference", name=repr(item["after"]))
        earlier[item["id"]] = item["type"]


def _check_formula(
    activity: Mapping[str, Any], at: tuple[str | int, ...], data: Mapping[str, Any], faults: Faults
) -> None:
    if "formula" not in activity:
        return
    formula = parse_formula(activity["formula"])
    inputs = {
        item["id"]: parse_unit(item["unit"]).dimension
        for item in activity["inputs"]
        if item["type"] in NUMBERS
    }
    per = activity.get("per") if not faults.touches((*at, "per")) else None
    for dimensions in _edition_dimensions(data, faults):
        unknown = sorted(formula.names - inputs.keys() - dimensions.keys())
        shadowed = sorted(inputs.keys() & dimensions.keys())
        for name in unknown:
            faults.add((*at, "formula"), "unknown_name", name=repr(name))
        for name in shadowed:
            faults.add((*at, "inputs"), "duplicate", name=repr(name))
        if unknown or shadowed:
            return
        try:
            check_units(formula, {**dimensions, **inputs}, per=per)
        except FormulaError as error:
            faults.add((*at, "formula"), "unit_mismatch", why=error, why_zh=error.zh)
            return


def _edition_dimensions(data: Mapping[str, Any], faults: Faults) -> list[dict[str, Dimension]]:
    """The dimensions of each edition's figures; editions with a faulty figure are left out, so are not reported twice."""
    editions = data.get("edition")
    found = []
    for place, edition in enumerate(editions if isinstance(editions, list) else []):
        if not faults.touches(("edition", place, "parameter")) and isinstance(edition, dict):
            found.append({item["id"]: parse_unit(item["unit"]).dimension for item in edition["parameter"]})
    return found


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


def prove(methodology: Methodology, data: Mapping[str, Any], faults: Faults) -> None:
    """Run the pack's examples; one that does not hold is a fault at its line."""
    for place, example in enumerate(data["example"]):
        expected = example["out"].get("grams", example["out"].get("error"))
        found = _example(methodology, example)
        if found != expected:
            faults.add(("example", place, "out"), "example_failed", expected=expected, found=found)


def _example(methodology: Methodology, example: Mapping[str, Any]) -> int | str:
    try:
        quantifier = prepare(
            methodology,
            activity=example["activity"],
            on=_day_of(methodology, example.get("edition")),
            region=methodology.jurisdiction,
        )
    except ParameterUnknown:
        return ParameterUnknown.code
    except DomainError as error:
        return error.code
    one = quantifier.row(example["in"])
    many = _as_columns(quantifier, example["in"])
    answer = one.code if isinstance(one, RowReason) else one
    return answer if many is None or many == answer else f"{answer} one by one, {many} as a column"


def _as_columns(quantifier: Quantifier, given: Mapping[str, Any]) -> int | str | None:
    """The same example as a column of one row; None when its values are no whole numbers."""
    numbers = {item.id: given.get(item.id) for item in quantifier.inputs}
    if not all(type(value) is int and abs(value) <= _INT64 for value in numbers.values()):
        return None
    times = [i.id for i in quantifier.activity.inputs.values() if i.type == "timestamp" and i.id in given]
    if times:
        return None
    outcome = quantifier.columns({name: np.array([value], np.int64) for name, value in numbers.items()}, 1)
    error = int(outcome.errors[0])
    return quantifier.reasons[error].code if error else int(outcome.grams[0])


def _day_of(methodology: Methodology, edition_id: str | None) -> dt.date:
    edition = next((e for e in methodology.editions if e.id == edition_id), methodology.editions[-1])
    return edition.valid_from if edition.valid_from != UNKNOWN else dt.date(2000, 1, 1)


def build(data: Mapping[str, Any], sha256: str) -> Methodology:
    """The methodology of a sound document."""
    return read_methodology(data, sha256=sha256)


register(PackKind("methodology", SHAPE, check, build, prove))
