"""Market packs: what a compliance market accepts as offsets, edition by edition.

This room reads them and proves their examples with the plainest exact test of a use: is the cap kept, are the shares
kept. Eligibility of single holdings, pools and the greatest usable amount belong to the compliance side.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backend.packs import editions
from backend.packs.errors import ParameterUnknown
from backend.packs.figures import UNKNOWN, Known
from backend.packs.pack import Pack
from backend.packs.regions import covers


@dataclass(frozen=True, slots=True)
class Use:
    """Tonnes of one unit from one region, as used in one entity's compliance year."""

    unit: str
    project_region: str
    tonnes: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The uses of a unit, perhaps only those from a region without some of its parts."""

    unit: str
    project_region: str | None
    except_regions: tuple[str, ...]
    unsettled: str | None = None  # the unknown setting that would put the excepted regions back in

    def hangs_on_setting(self, used: Sequence[Use]) -> bool:
        """True when an unknown setting says whether one of the uses is meant."""
        return self.unsettled is not None and any(
            use.unit == self.unit and covers(region, use.project_region)
            for use in used
            for region in self.except_regions
        )

    def tonnes(self, used: Sequence[Use]) -> int:
        """How many of these tonnes are meant."""
        return sum(use.tonnes for use in used if self._means(use))

    def _means(self, use: Use) -> bool:
        if use.unit != self.unit:
            return False
        return self.project_region is None or covers(
            self.project_region, use.project_region, excludes=self.except_regions
        )


@dataclass(frozen=True, slots=True)
class Share:
    """`of` must be at least this part of `over`; with nothing in `over` the rule holds."""

    id: str
    of: Selection
    over: Selection
    at_least: Known
    message_zh: str
    message_en: str


@dataclass(frozen=True)
class MarketEdition:
    """The offset rule of a span of compliance years. `rate` and `base` are `"unknown"` where no source says."""

    id: str
    compliance_years: tuple[int, int]
    source: str
    confidence: str
    units: tuple[str, ...]
    rate: Known
    base: str
    counts: tuple[str, ...]
    shares: tuple[Share, ...]
    calendar: Mapping[str, dt.date]
    data: Mapping[str, Any]  # also what only the compliance side reads: exclusions, project rules


@dataclass(frozen=True)
class Market:
    """A market pack."""

    id: str
    version: str
    sha256: str
    market: str
    jurisdiction: str
    excludes_jurisdictions: tuple[str, ...]
    allowance: str
    editions: tuple[MarketEdition, ...]
    pools: Mapping[int, int]  # compliance year to tonnes, where a province-wide pool was published
    data: Mapping[str, Any]

    def edition_for(self, year: int) -> MarketEdition:
        """The one edition for a compliance year, which is the year of the emissions."""
        return editions.for_year(self.id, self.editions, year)


@dataclass(frozen=True, slots=True)
class UseVerdict:
    """Whether a use keeps the rule; `reasons` are the ids of what it breaks, `cap` first."""

    ok: bool
    cap_t: int
    reasons: tuple[str, ...]


def check_use(
    pack: str, edition: MarketEdition, *, entity: Mapping[str, int], used: Sequence[Use]
) -> UseVerdict:
    """Test a use against the cap and the shares of an edition, in exact whole numbers.

    The cap is floor(rate × base) in tonnes. `ParameterUnknown` when the edition does not know its rate or base, the
    entity's figure for the base is not given, or an unknown setting says on which side of a share a use stands.
    """
    cap = cap_tonnes(pack, edition, entity=entity)
    reasons = []
    if sum(use.tonnes for use in used if use.unit in edition.counts) > cap:
        reasons.append("cap")
    reasons += [f"unit-{use.unit.lower()}" for use in used if use.unit not in edition.units]
    for share in edition.shares:
        if share.at_least == UNKNOWN:
            raise ParameterUnknown(pack=pack, parameter=f"{edition.id}.{share.id}.at_least")
        for side in (share.of, share.over):
            if side.hangs_on_setting(used):
                raise ParameterUnknown(pack=pack, parameter=side.unsettled or "")
        if share.of.tonnes(used) < Fraction(share.at_least) * share.over.tonnes(used):
            reasons.append(share.id)
    return UseVerdict(ok=not reasons, cap_t=cap, reasons=tuple(reasons))


def cap_tonnes(pack: str, edition: MarketEdition, *, entity: Mapping[str, int]) -> int:
    """The most tonnes that the edition lets an entity use, floored."""
    if edition.rate == UNKNOWN:
        raise ParameterUnknown(pack=pack, parameter=f"{edition.id}.cap.rate")
    if edition.base == UNKNOWN:
        raise ParameterUnknown(pack=pack, parameter=f"{edition.id}.cap.base")
    if edition.base not in entity:
        raise ParameterUnknown(pack=pack, parameter=f"entity.{edition.base}")
    return math.floor(Fraction(edition.rate) * entity[edition.base])


def market_of(pack: Pack) -> Market:
    """The market in a pack; `PackFaulty` when it has faults or is of another kind."""
    return pack.body_as(Market)
