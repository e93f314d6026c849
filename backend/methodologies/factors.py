"""The factors kind of pack: dated tables of figures that several methodologies use, such as emission factors of grids.

A methodology keeps its own copy, because what is filed and recorded is one file under one fingerprint. Where the copy
says `same_as`, `puhui packs check` compares every cell with the table that it was taken from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backend.methodologies.checking import check_cells
from backend.methodologies.keys import TABLE
from backend.methodologies.model import FigureTable, read_table
from backend.packs.faults import Faults
from backend.packs.figures import UNKNOWN, parse_figure
from backend.packs.pack import REVIEW, Pack, PackKind, document, header, register
from backend.packs.schema import REGION, Items, Text
from backend.packs.units import parse_unit


@dataclass(frozen=True)
class Factors:
    """Tables by their id."""

    id: str
    sha256: str
    tables: Mapping[str, FigureTable]


SHAPE = document(
    {
        "pack": header(required={"jurisdiction": Text(REGION)}),
        "review": REVIEW,
        "table": Items(TABLE, least=1, unique="id"),
    },
    {},
)


def factors_of(pack: Pack) -> Factors:
    """The factors in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(Factors)


def _check(data: Mapping[str, Any], faults: Faults) -> None:
    tables = data.get("table")
    for place, table in enumerate(tables if isinstance(tables, list) else []):
        if isinstance(table, dict) and not faults.touches(("table", place)):
            check_cells(table, ("table", place), faults)


def _build(data: Mapping[str, Any], sha256: str) -> Factors:
    return Factors(data["pack"]["id"], sha256, {table["id"]: read_table(table) for table in data["table"]})


def _prove(_body: object, _data: Mapping[str, Any], _faults: Faults) -> None:
    """Figures are not computed with here, so there is nothing to run."""


def refers(data: Mapping[str, Any], known: Mapping[str, Pack], faults: Faults) -> None:
    """Compare the tables of a methodology that say `same_as` with the tables that they were taken from."""
    for number, edition in enumerate(data["edition"]):
        for place, table in enumerate(edition.get("table", [])):
            if "same_as" in table:
                compare(table, ("edition", number, "table", place), known, faults)


def compare(
    table: Mapping[str, Any], at: tuple[str | int, ...], known: Mapping[str, Pack], faults: Faults
) -> None:
    """Report each cell of a table, found at `at`, that is not as in the table that it says it is the same as."""
    pack_id, _, table_id = table["same_as"].partition("/")
    pack = known.get(pack_id)
    found = pack.data.get("table", []) if pack is not None and pack.kind == "factors" else []
    other = next((one for one in found if one.get("id") == table_id), None)
    if other is None or set(other["by"]) != set(table["by"]):
        faults.add((*at, "same_as"), "bad_reference", name=repr(table["same_as"]))
        return
    by = sorted(table["by"])
    theirs = {tuple(cell[name] for name in by): _worth(cell, other) for cell in other["cell"]}
    for place, cell in enumerate(table["cell"]):
        picked = tuple(cell[name] for name in by)
        if theirs.get(picked) != _worth(cell, table):
            shown = " ".join(map(str, picked))
            faults.add((*at, "cell", place, "value"), "figure_differs", name=shown, other=table["same_as"])


def _worth(cell: Mapping[str, Any], table: Mapping[str, Any]) -> object:
    """A figure in base units with its dimension, so that 0.4 kg/kWh is 400 g/kWh."""
    value, unit = parse_figure(cell["value"]), parse_unit(table["unit"])
    return UNKNOWN if value == UNKNOWN else (Fraction(value) * unit.scale, unit.dimension)


register(PackKind("factors", SHAPE, _check, _build, _prove))
