"""Points: exact, floored once per act; weights by evidence; expiry at a month's end."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import packs
from backend.packs import ParameterUnknown
from backend.programmes.earning import expires_on, points_for, points_of_one
from backend.programmes.rules import EarningRule
from backend.programmes.shape import programme_of

PROGRAMME = programme_of(packs.load(packs.builtin_root() / "programmes" / "gd-green-travel.toml"))


def rule(per: str, points: Fraction | str) -> EarningRule:
    return EarningRule("p", "r", "m", "a", per, points)  # type: ignore[arg-type]


@given(
    per=st.sampled_from(["act", "gram"]),
    points=st.fractions(0, 1000),
    weight=st.fractions(0, 2),
    grams=st.lists(st.integers(0, 2**40), min_size=1, max_size=5),
)
def test_by_column_and_one_by_one_the_same_points(per: Any, points: Any, weight: Any, grams: Any) -> None:
    found = points_for(rule(per, points), grams=np.array(grams, dtype=np.int64), weight=weight)
    assert found.tolist() == [points_of_one(rule(per, points), grams=g, weight=weight) for g in grams]


@pytest.mark.parametrize(("grams", "points"), [(0, 0), (9, 0), (10, 1), (19, 1), (487, 48)])
def test_points_are_floored_once_per_act(grams: Any, points: Any) -> None:
    cycling = PROGRAMME.earn_rule(methodology="cn-shared-bike-km", activity="cycling")
    assert cycling is not None
    assert points_of_one(cycling, grams=grams, weight=PROGRAMME.weight("operator_feed")) == points


def test_evidence_that_is_not_listed_earns_nothing() -> None:
    assert PROGRAMME.weight("hearsay") == 0


def test_an_unknown_figure_of_a_programme_refuses() -> None:
    with pytest.raises(ParameterUnknown):
        points_of_one(rule("act", "unknown"), grams=1)


def test_acts_before_the_first_day_do_not_count() -> None:
    assert not PROGRAMME.accepts_day(dt.date(2017, 12, 31))
    assert PROGRAMME.accepts_day(dt.date(2018, 1, 1))


@given(st.dates(dt.date(2018, 1, 1), dt.date(2100, 1, 1)))
def test_points_live_to_the_end_of_the_month_two_years_on(day: Any) -> None:
    last = expires_on(PROGRAMME, day)
    assert (last.year, last.month) == (day.year + 2, day.month)
    assert (last + dt.timedelta(days=1)).day == 1
