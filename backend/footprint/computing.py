"""Grams of a footprint: a quantity times a figure, rounded up once, so that emissions are never understated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from backend.footprint.errors import FactorUnknown, QuantityOutside, RegionNeeded
from backend.footprint.shape import Item
from backend.methodologies.model import FigureTable, Parameter
from backend.packs.regions import covers

MILLI = 1000


@dataclass(frozen=True, slots=True)
class Emission:
    """Grams of CO2e, with the figure behind them. `region` and `year` are those of the figure, where it has them."""

    grams: int
    figure: Parameter
    region: str | None
    year: int | None


def emission_of(item: Item, *, quantity_milli: int, region: str | None, year: int) -> Emission:
    """What a quantity of an item emits, by the figure of the year or, until that is published, of the latest before it.

    `quantity_milli` counts thousandths of the item's unit. Refuses with `QuantityOutside`, `RegionNeeded`, or
    `FactorUnknown`.
    """
    if not 0 < quantity_milli <= item.most * MILLI:
        raise QuantityOutside(most=f"{item.most} {item.unit.text}")
    figure, found_region, found_year = _figure(item, region, year)
    if not isinstance(figure.value, Fraction):
        raise FactorUnknown(item=item.id)
    exact = Fraction(quantity_milli, MILLI) * item.unit.scale * figure.value * figure.unit.scale
    return Emission(math.ceil(exact), figure, found_region, found_year)


def _figure(item: Item, region: str | None, year: int) -> tuple[Parameter, str | None, int | None]:
    if item.table is None:
        assert item.figure is not None
        return item.figure, None, None
    if "region" in item.table.by and region is None:
        raise RegionNeeded(item=item.id)
    found = _cell(item.table, region, year)
    if found is None:
        raise FactorUnknown(item=item.id)
    return found


def _cell(
    table: FigureTable, region: str | None, year: int
) -> tuple[Parameter, str | None, int | None] | None:
    """The known cell of the smallest region that holds this one and of the latest year not after this one."""
    fits = []
    for cell in table.cells:
        at = dict(zip(table.by, cell.at, strict=True))
        theirs, then = at.get("region"), at.get("year")
        if isinstance(theirs, str) and not (region is not None and covers(theirs, region)):
            continue
        if isinstance(then, int) and then > year:
            continue
        if isinstance(cell.figure.value, Fraction):
            place = theirs if isinstance(theirs, str) else None
            when = then if isinstance(then, int) else None
            fits.append((len(place or ""), when or 0, cell.figure, place, when))
    if not fits:
        return None
    _, _, figure, place, when = max(fits, key=lambda fit: fit[:2])
    return figure, place, when
