"""Points from grams and acts: exact, floored once per act, by row or by column."""

from __future__ import annotations

import calendar
import datetime as dt
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.packs import ParameterUnknown
from backend.packs.figures import UNKNOWN, Known
from backend.programmes.rules import EarningRule, Programme

_MAX_INT64 = 2**63 - 1
_MISSING = -(2**63)  # as methodologies.MISSING
_EPOCH = dt.date(1970, 1, 1)
_NO_INPUTS: Mapping[str, Any] = {}


def points_for(
    rule: EarningRule,
    *,
    grams: NDArray[np.int64],
    weight: Fraction = Fraction(1),
    inputs: Mapping[str, NDArray[np.int64]] = _NO_INPUTS,
    places: int = 0,
    days: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The points of many acts at once: floor(weight × points × grams), or floor(weight × points) per act or tier.

    `weight` is the programme's weight for the evidence of these acts. Of `inputs` a rule with tiers needs its own, held in
    steps of 10^-`places` of its unit; an act without it reaches no tier. A rule with seasons needs `days` (Shanghai, since
    1970). `ParameterUnknown` when a figure of the rule is.
    """
    if rule.per == "tier":
        found = _by_tier(rule, inputs.get(rule.input or ""), grams.shape, weight=weight, places=places)
    else:
        found = _by_rate(rule, grams, _known(rule, rule.points, "points") * weight)
    if rule.seasons:
        assert days is not None
        found = np.where(_in_season(rule, days), found, 0)
    return found


def points_of_one(
    rule: EarningRule,
    *,
    grams: int,
    weight: Fraction = Fraction(1),
    inputs: Mapping[str, object] = _NO_INPUTS,
    places: int = 0,
    day: dt.date | None = None,
) -> int:
    """The points of one act; an input that is no whole number is none."""
    given = {
        name: np.array([_held(value)], dtype=np.int64) for name, value in inputs.items() if name == rule.input
    }
    days = None if day is None else np.array([(day - _EPOCH).days], dtype=np.int64)
    if rule.per == "gram" and not rule.seasons:
        return math.floor(_known(rule, rule.points, "points") * weight * grams)
    column = np.array([grams], dtype=np.int64)
    return int(points_for(rule, grams=column, weight=weight, inputs=given, places=places, days=days)[0])


def require_known(rule: EarningRule) -> None:
    """Raise ParameterUnknown, with the figure's path in the pack, unless all that the rule needs is known."""
    if rule.per != "tier":
        _known(rule, rule.points, "points")
    for number, tier in enumerate(rule.tiers):
        _known(rule, tier.at_least, f"tiers.{number}.at_least")
        _known(rule, tier.points, f"tiers.{number}.points")


def tier_of(rule: EarningRule, value: int | None, *, places: int = 0) -> int | None:
    """The place (from 0) of the highest tier that a value reaches, held in steps of 10^-`places`; None: none of them."""
    if value is None or value == _MISSING:
        return None
    reached = [
        (_known(rule, tier.at_least, f"tiers.{number}.at_least"), number)
        for number, tier in enumerate(rule.tiers)
        if _known(rule, tier.at_least, f"tiers.{number}.at_least") * 10**places <= value
    ]
    return max(reached)[1] if reached else None


def expires_on(programme: Programme, earned_on: dt.date) -> dt.date | None:
    """The last day on which points earned on this Shanghai day may be spent; None: they never lapse.

    Rolling: the last day of a later month. At a year's end: that day of the year so many years later, and of the year
    after that where it lies before the day of earning.
    """
    if programme.year_end is not None:
        end = programme.year_end
        last = _day_of(earned_on.year + end.years, end.month, end.day)
        return last if last >= earned_on else _day_of(last.year + 1, end.month, end.day)
    if programme.expires_after_months is None:
        return None
    months = earned_on.year * 12 + earned_on.month - 1 + programme.expires_after_months
    year, month = divmod(months, 12)
    return _day_of(year, month + 1, 31)


def _day_of(year: int, month: int, day: int) -> dt.date:
    """This day of a month, or the month's last one where it is shorter."""
    return dt.date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _by_rate(rule: EarningRule, grams: NDArray[np.int64], rate: Fraction) -> NDArray[np.int64]:
    if rule.per == "act":
        return np.full(grams.shape, math.floor(rate), dtype=np.int64)
    largest = max(int(grams.max(initial=0)), 1) * rate.numerator
    if max(largest, rate.denominator) <= _MAX_INT64:
        return grams * rate.numerator // rate.denominator
    exact = [int(value) * rate.numerator // rate.denominator for value in grams.tolist()]
    return np.array(exact, dtype=np.int64)


def _by_tier(
    rule: EarningRule,
    values: NDArray[np.int64] | None,
    shape: tuple[int, ...],
    *,
    weight: Fraction,
    places: int,
) -> NDArray[np.int64]:
    """Every figure is asked for, also of a tier that nobody reaches: what a rule gives never depends on who comes first."""
    require_known(rule)
    found = np.zeros(shape, dtype=np.int64)
    if values is None:
        return found
    there = values != _MISSING
    for least, points in sorted((Fraction(tier.at_least), Fraction(tier.points)) for tier in rule.tiers):
        reached = math.ceil(least * 10**places)
        if reached <= _MAX_INT64:
            found[there & (values >= max(reached, -_MAX_INT64))] = math.floor(points * weight)
    return found


def _in_season(rule: EarningRule, days: NDArray[np.int64]) -> NDArray[np.bool_]:
    inside = np.zeros(days.shape, dtype=np.bool_)
    for season in rule.seasons:
        inside |= (days >= (season.first - _EPOCH).days) & (days <= (season.last - _EPOCH).days)
    return inside


def _held(value: object) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_INT64
    return value if whole else _MISSING  # type: ignore[return-value]


def _known(rule: EarningRule, figure: Known, name: str) -> Fraction:
    if figure == UNKNOWN:
        raise ParameterUnknown(pack=rule.programme, parameter=f"earn.{rule.id}.{name}")
    assert isinstance(figure, Fraction)
    return figure
