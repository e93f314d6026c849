"""A case: an entity's year, what it holds and what it has used already."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

Parameter = bool | str


@dataclass(frozen=True, slots=True)
class Entity:
    """A regulated enterprise's frozen figures of a compliance year, in tonnes. `figures` has the bases of caps."""

    region: str | None
    obligation_t: int
    figures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Lot:
    """Tonnes of one unit from one project and vintage. None: the fact is not given, and no rule may assume it."""

    id: str
    unit: str
    tonnes: int
    project_region: str | None = None
    project_type: str | None = None
    gases: Mapping[str, Fraction] | None = None  # parts of the reductions in CO2e, together at most 1
    vintage_start: dt.date | None = None
    vintage_end: dt.date | None = None
    commissioned_on: dt.date | None = None
    filed: bool | None = None  # whether the reductions, not the project, are filed
    own_boundary: bool = False
    covered_boundary: bool = False
    ccer_category: str | None = None
    project_id: str | None = None
    project_window_reductions_t: int | None = None
    year: int | None = None  # of an allowance

    @property
    def age(self) -> tuple[dt.date, dt.date, str]:
        """Sorts the oldest vintage first, then by id; a lot without a vintage comes last."""
        start = self.vintage_start or dt.date.max
        return (start, self.vintage_end or start, self.id)


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked. `used_totals` are bare totals by unit, `used_lots` the same lot by lot; one of them is empty."""

    market: str | None
    compliance_year: int
    on: dt.date | None
    entity: Entity
    used_totals: Mapping[str, int]
    used_lots: tuple[Lot, ...]
    holdings: tuple[Lot, ...]
    pools: Mapping[str, int]  # pool id to what is left of it, in tonnes
    parameters: Mapping[str, Parameter]

    def used(self) -> int:
        """All tonnes used already, of every unit."""
        return sum(self.used_totals.values()) + sum(lot.tonnes for lot in self.used_lots)
