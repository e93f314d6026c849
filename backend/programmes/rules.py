"""What a programme's pack says, as the rest of the project uses it.

What a programme decides is policy and no science: such figures carry `source = "programme policy"`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from backend.packs import ParameterUnknown
from backend.packs.figures import UNKNOWN, Known
from backend.packs.regions import covers
from backend.programmes.features import Features, Season


@dataclass(frozen=True, slots=True)
class Tier:
    """What an act earns that reaches `at_least`, which is in the unit of the rule's input."""

    at_least: Known
    points: Known


@dataclass(frozen=True, slots=True)
class EarningRule:
    """Points (fen where the programme gives money) for one activity of one methodology; floored once per act.

    Per act, per gram, or by the highest of `tiers` that the act's `input` reaches; tiers do not add up, and `points` is 0
    there. With `seasons` only acts of their days earn.
    """

    programme: str
    id: str
    methodology: str
    activity: str
    per: Literal["act", "gram", "tier"]
    points: Known
    input: str | None = None
    tiers: tuple[Tier, ...] = ()
    seasons: tuple[Season, ...] = ()


@dataclass(frozen=True, slots=True)
class YearEnd:
    """Points lapse with this day of the year that lies `years` after the year of earning."""

    month: int
    day: int
    years: int


@dataclass(frozen=True, slots=True)
class EarningCap:
    """What one person earns at most in a Shanghai day or month: points, or acts that earn; `activities` empty: all."""

    id: str
    per: Literal["day", "month"]
    of: Literal["acts", "points"]
    limit: int
    over: Literal["trim", "zero"]
    activities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Programme:
    """A programme pack. `expires_after_months` counts from the day of earning to the end of that later month; None where
    points lapse at a `year_end` instead, or never. `money`: what is earned is fen and no points.

    `correction_term_days`: for how long a withdrawn act that was certified may wait for a batch that makes it good.
    """

    id: str
    version: str
    sha256: str
    title_zh: str
    title_en: str
    jurisdiction: str
    operator: str
    sample: bool
    acts_from: dt.date
    acts_until: dt.date | None
    project: str
    correction_term_days: int | None
    point_zh: str
    point_en: str
    expires_after_months: int | None
    weights: Mapping[str, Known]
    earns: tuple[EarningRule, ...]
    screens: str | None = None  # the screens pack that its acts go through
    caps: tuple[EarningCap, ...] = ()
    late_days: int | None = None  # an act of an earlier day is held when it comes
    early_minutes: int | None = None  # an act that lies further in the future is held
    features: Features = field(default_factory=Features)
    year_end: YearEnd | None = None
    money: bool = False

    def earn_rule(self, *, methodology: str, activity: str) -> EarningRule | None:
        """The rule for an activity; None when the programme gives no points for it, or gives none at all yet."""
        if not self.features.on("earning"):
            return None
        found = [rule for rule in self.earns if (rule.methodology, rule.activity) == (methodology, activity)]
        return found[0] if found else None

    def weight(self, evidence: str) -> Fraction:
        """What points are multiplied by for this evidence; an evidence that is not listed earns nothing."""
        weight = self.weights.get(evidence, Fraction(0))
        if weight == UNKNOWN:
            raise ParameterUnknown(pack=self.id, parameter=f"evidence.{evidence}.weight")
        assert isinstance(weight, Fraction)
        return weight

    def accepts_day(self, day: dt.date) -> bool:
        """True when an act of this Shanghai day counts in the programme."""
        return self.acts_from <= day and (self.acts_until is None or day <= self.acts_until)

    def covers(self, region: str) -> bool:
        """True when the region lies in the programme's jurisdiction."""
        return covers(self.jurisdiction, region)
