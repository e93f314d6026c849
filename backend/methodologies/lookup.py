"""Figures picked from a table by what an act says: its region, its year, a choice. One by one or for whole columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from backend.methodologies.model import Activity, Edition, FigureTable, Input, Parameter
from backend.packs.columns import MAX_INT64, MIN_INT64, Column, NotColumnar

Int64s = NDArray[np.int64]


@dataclass(frozen=True)
class Lookup:
    """A table ready for one activity: its cells by the held numbers of the inputs in `by`.

    `axes` are, for each of them, the held numbers that occur, in order; `places` is a dense array over them with the
    place of each figure in `figures`, or -1 where there is none: a cell that is absent or unknown.
    """

    by: tuple[str, ...]
    cells: Mapping[tuple[int, ...], Parameter]
    axes: tuple[Int64s, ...]
    places: Int64s
    figures: tuple[Fraction, ...]  # in base units

    def cell(self, held: Mapping[str, int]) -> Parameter | None:
        """The cell that these held inputs pick; None when there is none."""
        return self.cells.get(tuple(held.get(name, MIN_INT64) for name in self.by))

    def at(self, held: Mapping[str, int]) -> Fraction | None:
        """The figure that these held inputs pick, in base units; None when it is unknown."""
        cell = self.cell(held)
        if cell is None or not isinstance(cell.value, Fraction):
            return None
        return cell.value * cell.unit.scale

    def lacks(self, held: Mapping[str, Int64s]) -> NDArray[np.bool_]:
        """True for each row whose figure is unknown."""
        return np.less(self._places(held), 0)

    def column(self, held: Mapping[str, Int64s]) -> Column:
        """The figure of each row over one denominator; any figure where it is unknown. `NotColumnar` when too large."""
        denominator = math.lcm(*(figure.denominator for figure in self.figures))
        numerators = [int(figure * denominator) for figure in self.figures] or [0]
        low, high = min(numerators), max(numerators)
        if low < MIN_INT64 or high > MAX_INT64 or denominator > MAX_INT64:
            raise NotColumnar
        values = np.array(numerators, dtype=np.int64)
        return Column(values[np.maximum(self._places(held), 0)], denominator, low, high)

    def _places(self, held: Mapping[str, Int64s]) -> Int64s:
        flat: Int64s = np.zeros(len(held[self.by[0]]), dtype=np.int64)
        known = np.ones(len(flat), dtype=np.bool_)
        for name, axis in zip(self.by, self.axes, strict=True):
            near = np.minimum(np.searchsorted(axis, held[name]), len(axis) - 1)
            known &= axis[near] == held[name]
            flat = flat * len(axis) + near
        return np.where(known, self.places[flat], -1)


def lookups(activity: Activity, edition: Edition) -> dict[str, Lookup]:
    """The tables that an activity's formula uses, ready for its inputs."""
    names = sorted(activity.formula.names & edition.tables.keys())
    return {name: _lookup(edition.tables[name], activity.inputs) for name in names}


def _lookup(table: FigureTable, inputs: Mapping[str, Input]) -> Lookup:
    cells = {
        tuple(_held(inputs[name], value) for name, value in zip(table.by, cell.at, strict=True)): cell.figure
        for cell in table.cells
    }
    axes = tuple(np.array(sorted({key[place] for key in cells}), np.int64) for place in range(len(table.by)))
    dense = np.full([len(axis) for axis in axes], -1, dtype=np.int64)
    figures: list[Fraction] = []
    for key, figure in cells.items():
        if isinstance(figure.value, Fraction):
            where = tuple(int(np.searchsorted(axis, value)) for axis, value in zip(axes, key, strict=True))
            dense[where] = len(figures)
            figures.append(figure.value * figure.unit.scale)
    return Lookup(table.by, cells, axes, dense.reshape(-1), tuple(figures))


def _held(item: Input, value: str | int) -> int:
    return [choice.id for choice in item.choices].index(str(value)) if item.choices else int(value)
