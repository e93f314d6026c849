"""Points from grams and acts: exact, floored once per act, by row or by column."""

from __future__ import annotations

import calendar
import datetime as dt
import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from backend.packs import ParameterUnknown
from backend.packs.figures import UNKNOWN
from backend.programmes.rules import EarningRule, Programme

_MAX_INT64 = 2**63 - 1


def points_for(
    rule: EarningRule, *, grams: NDArray[np.int64], weight: Fraction = Fraction(1)
) -> NDArray[np.int64]:
    """The points of many acts at once: floor(weight × points × grams), or floor(weight × points) per act.

    `weight` is the programme's weight for the evidence of these acts. `ParameterUnknown` when the rule's figure is.
    """
    rate = _rate(rule, weight)
    if rule.per == "act":
        return np.full(grams.shape, math.floor(rate), dtype=np.int64)
    largest = max(int(grams.max(initial=0)), 1) * rate.numerator
    if max(largest, rate.denominator) <= _MAX_INT64:
        return grams * rate.numerator // rate.denominator
    exact = [int(value) * rate.numerator // rate.denominator for value in grams.tolist()]
    return np.array(exact, dtype=np.int64)


def points_of_one(rule: EarningRule, *, grams: int, weight: Fraction = Fraction(1)) -> int:
    """The points of one act."""
    rate = _rate(rule, weight)
    return math.floor(rate * grams if rule.per == "gram" else rate)


def expires_on(programme: Programme, earned_on: dt.date) -> dt.date:
    """The last day on which points earned on this Shanghai day may be spent: always the last day of a month."""
    months = earned_on.year * 12 + earned_on.month - 1 + programme.expires_after_months
    year, month = divmod(months, 12)
    return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def _rate(rule: EarningRule, weight: Fraction) -> Fraction:
    if rule.points == UNKNOWN:
        raise ParameterUnknown(pack=rule.programme, parameter=f"earn.{rule.id}.points")
    assert isinstance(rule.points, Fraction)
    return rule.points * weight
