"""The footprint kind of pack: items of daily life with an emission factor each, by category."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from backend.methodologies.checking import check_cells
from backend.methodologies.factors import compare
from backend.methodologies.keys import NAMES, NOTES, SOURCE, TABLE
from backend.methodologies.model import FigureTable, Parameter, read_table
from backend.packs import Pack, builtin_root, load
from backend.packs.faults import Faults
from backend.packs.figures import Known, parse_figure
from backend.packs.pack import JURISDICTION, REVIEW, PackKind, document, header, register
from backend.packs.schema import IDENTIFIER, PACK_ID, Figure, Flag, Items, Table, Text, UnitText, Whole
from backend.packs.units import CO2E, Unit, UnitError, parse_unit, show, times

CATEGORIES: Final = ("clothing", "food", "housing", "travel")
_BY: Final = {"region", "year"}


@dataclass(frozen=True, slots=True)
class Item:
    """Something that emits, counted in `unit`, at most `most` of it per entry.

    Its figure is `figure`, or stands in `table` by region and year. `analogue`: the figure is another country's.
    """

    id: str
    category: str
    name_zh: str
    name_en: str
    unit: Unit
    most: int
    analogue: bool
    figure: Parameter | None
    table: FigureTable | None

    @property
    def known(self) -> bool:
        """Whether there is any figure to compute with."""
        return self.figure is None or isinstance(self.figure.value, Fraction)


@dataclass(frozen=True)
class Footprint:
    """A footprint pack: its items by id."""

    id: str
    version: str
    sha256: str
    items: Mapping[str, Item]


_ITEM = Table(
    {
        "id": Text(PACK_ID),
        "category": Text(among=CATEGORIES),
        "quantity_unit": UnitText(),
        "most": Whole(1, 1_000_000),
        **NAMES,
    },
    {
        "value": Figure(),
        "unit": UnitText(),
        **SOURCE,
        "table": Text(IDENTIFIER),
        "analogue": Flag(),
        **NOTES,
    },
)
SHAPE = document(
    {
        "pack": header(required=JURISDICTION),
        "review": REVIEW,
        "item": Items(_ITEM, least=1, unique="id"),
    },
    {"table": Items(TABLE, unique="id")},
)


def footprint_of(pack: Pack) -> Footprint:
    """The footprint in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(Footprint)


@functools.cache
def current() -> Pack:
    """The pack by which entries are computed now: the one that comes with the project."""
    return load(builtin_root() / "footprint" / "personal-footprint.toml")


def _check(data: Mapping[str, Any], faults: Faults) -> None:
    tables = {}
    for place, table in enumerate(_tables(data.get("table"))):
        at = ("table", place)
        if not faults.touches(at):
            check_cells(table, at, faults)
            tables[table["id"]] = table
            for order, name in enumerate(table["by"]):
                if name not in _BY:
                    faults.add((*at, "by", order), "bad_pick", name=repr(name))
    for place, item in enumerate(_tables(data.get("item"))):
        if not faults.touches(("item", place)):
            _check_item(item, ("item", place), tables, faults)


def _check_item(
    item: Mapping[str, Any],
    at: tuple[str | int, ...],
    tables: Mapping[str, Mapping[str, Any]],
    faults: Faults,
) -> None:
    if "table" not in item:
        for key in ("value", "unit", *SOURCE):
            if key not in item:
                faults.add((*at, key), "missing_key")
        if not faults.touches(at):
            _check_unit(item["quantity_unit"], item["unit"], (*at, "unit"), faults)
        return
    for key in ("value", "unit", *SOURCE):
        if key in item:
            faults.add((*at, key), "unknown_key", known="table")
    if item["table"] not in tables:
        faults.add((*at, "table"), "bad_reference", name=repr(item["table"]))
    else:
        _check_unit(item["quantity_unit"], tables[item["table"]]["unit"], (*at, "table"), faults)


def _check_unit(quantity: str, figure: str, at: tuple[str | int, ...], faults: Faults) -> None:
    try:
        found = times(parse_unit(quantity).dimension, parse_unit(figure).dimension)
    except UnitError:
        return  # told by the shape
    if found != CO2E:
        why = f"{quantity} times {figure} is {show(found)}, not grams of CO2e"
        faults.add(
            at, "unit_mismatch", why=why, why_zh=f"{quantity} 乘 {figure} 得 {show(found)}，不是克 CO2e"
        )


def _build(data: Mapping[str, Any], sha256: str) -> Footprint:
    tables = {table["id"]: read_table(table) for table in data.get("table", ())}
    return Footprint(
        id=data["pack"]["id"],
        version=data["pack"]["version"],
        sha256=sha256,
        items={item["id"]: _item(item, tables) for item in data["item"]},
    )


def _item(item: Mapping[str, Any], tables: Mapping[str, FigureTable]) -> Item:
    return Item(
        id=item["id"],
        category=item["category"],
        name_zh=item["name_zh"],
        name_en=item["name_en"],
        unit=parse_unit(item["quantity_unit"]),
        most=item["most"],
        analogue=item.get("analogue", False),
        figure=None if "table" in item else _figure(item),
        table=tables[item["table"]] if "table" in item else None,
    )


def _figure(item: Mapping[str, Any]) -> Parameter:
    value: Known = parse_figure(item["value"])
    day: dt.date = item["source_date"]
    return Parameter(
        id=item["id"],
        value=value,
        written=item["value"],
        unit=parse_unit(item["unit"]),
        name_zh=item["name_zh"],
        name_en=item["name_en"],
        source_title=item["source_title"],
        source_url=item["source_url"],
        source_date=day,
        confidence=item["confidence"],
    )


def _prove(_body: object, _data: Mapping[str, Any], _faults: Faults) -> None:
    """Nothing is run: an item has one figure, and its unit was checked."""


def _refers(data: Mapping[str, Any], known: Mapping[str, Pack], faults: Faults) -> None:
    for place, table in enumerate(data.get("table", ())):
        if "same_as" in table:
            compare(table, ("table", place), known, faults)


def _tables(value: object) -> list[dict[str, Any]]:
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []


register(PackKind("footprint", SHAPE, _check, _build, _prove, _refers))
