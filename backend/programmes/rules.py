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
from backend.programmes.features import Features


@dataclass(frozen=True, slots=True)
class EarningRule:
    """Points for one activity of one methodology, per act or per gram; floored once per act."""

    programme: str
    id: str
    methodology: str
    activity: str
    per: Literal["act", "gram"]
    points: Known


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
    """A programme pack. `expires_after_months` counts from the day of earning to the end of that later month.

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
    expires_after_months: int
    weights: Mapping[str, Known]
    earns: tuple[EarningRule, ...]
    screens: str | None = None  # the screens pack that its acts go through
    caps: tuple[EarningCap, ...] = ()
    late_days: int | None = None  # an act of an earlier day is held when it comes
    early_minutes: int | None = None  # an act that lies further in the future is held
    features: Features = field(default_factory=Features)

    def earn_rule(self, *, methodology: str, activity: str) -> EarningRule | None:
        """The rule for an activity; None when the programme gives no points for it."""
        found = [rule for rule in self.earns if (rule.methodology, rule.activity) == (methodology, activity)]
        return found[0] if found else None

    def weight(self, evidence: str) -> Fraction:
        """What points are multiplied by for this evidence; an evidence that is not listed earns nothing."""
        weight = self.weights.get(evidence, Fraction(0))
        if weight == UNKNOWN:
            raise ParameterUnknown(pack=self.id, parameter=f"evidence.{evidence}")
        assert isinstance(weight, Fraction)
        return weight

    def accepts_day(self, day: dt.date) -> bool:
        """True when an act of this Shanghai day counts in the programme."""
        return self.acts_from <= day and (self.acts_until is None or day <= self.acts_until)

    def covers(self, region: str) -> bool:
        """True when the region lies in the programme's jurisdiction."""
        return covers(self.jurisdiction, region)
