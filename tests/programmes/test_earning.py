"""Points: exact, floored once per act; weights by evidence; expiry at a month's end."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import packs
from backend.methodologies import MISSING
from backend.packs import ParameterUnknown
from backend.programmes.earning import expires_on, points_for, points_of_one
from backend.programmes.features import Name, Season
from backend.programmes.rules import EarningRule, Tier, YearEnd
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
    assert last is not None
    assert (last.year, last.month) == (day.year + 2, day.month)
    assert (last + dt.timedelta(days=1)).day == 1


def tiers(*known: tuple[int | str, int | str], seasons: tuple[Season, ...] = ()) -> EarningRule:
    made = tuple(Tier(*(Fraction(x) if x != "unknown" else x for x in one)) for one in known)  # type: ignore[arg-type]
    return EarningRule("p", "r", "m", "a", "tier", Fraction(0), "steps", made, seasons)


@given(
    bounds=st.lists(st.integers(0, 40), min_size=1, max_size=4, unique=True),
    points=st.lists(st.integers(0, 9), min_size=4, max_size=4),
    weight=st.fractions(0, 2),
    steps=st.lists(st.one_of(st.none(), st.integers(-5, 50)), min_size=1, max_size=6),
)
def test_tiers_by_column_and_one_by_one_are_the_highest_reached(
    bounds: Any, points: Any, weight: Any, steps: Any
) -> None:
    own = tiers(*zip(bounds, points, strict=False))
    column = np.array([MISSING if one is None else one for one in steps], dtype=np.int64)
    grams = np.zeros(len(steps), dtype=np.int64)
    found = points_for(own, grams=grams, weight=weight, inputs={"steps": column}).tolist()
    assert found == [
        points_of_one(own, grams=0, weight=weight, inputs={} if one is None else {"steps": one})
        for one in steps
    ]
    for one, given_points in zip(steps, found, strict=True):
        reached = [
            (bound, p) for bound, p in zip(bounds, points, strict=False) if one is not None and bound <= one
        ]
        assert given_points == (int(max(reached)[1] * weight // 1) if reached else 0)


def test_a_decimal_input_is_compared_in_its_own_unit() -> None:
    own = tiers((Fraction("2.5"), 1))  # type: ignore[arg-type]
    assert [points_of_one(own, grams=0, inputs={"steps": held}, places=2) for held in (249, 250)] == [0, 1]


@pytest.mark.parametrize(
    ("known", "named"),
    [((("unknown", 1),), "tiers.0.at_least"), (((1, 1), (2, "unknown")), "tiers.1.points")],
)
def test_an_unknown_tier_refuses_whoever_comes(known: Any, named: str) -> None:
    with pytest.raises(ParameterUnknown) as refused:
        points_of_one(tiers(*known), grams=0)
    assert refused.value.parameter == f"earn.r.{named}"


def test_outside_its_seasons_a_rule_gives_nothing() -> None:
    may = Season("may", Name("五月", "May"), dt.date(2026, 5, 1), dt.date(2026, 5, 31))
    own = tiers((1, 3), seasons=(may,))
    days = [dt.date(2026, 4, 30), may.first, may.last, dt.date(2026, 6, 1)]
    assert [points_of_one(own, grams=0, inputs={"steps": 9}, day=day) for day in days] == [0, 3, 3, 0]


@pytest.mark.parametrize(
    ("end", "day", "last"),
    [
        (YearEnd(12, 31, 1), dt.date(2026, 1, 1), dt.date(2027, 12, 31)),
        (YearEnd(12, 31, 0), dt.date(2026, 12, 31), dt.date(2026, 12, 31)),
        (YearEnd(3, 31, 0), dt.date(2026, 4, 1), dt.date(2027, 3, 31)),
        (YearEnd(2, 29, 1), dt.date(2026, 5, 1), dt.date(2027, 2, 28)),
    ],
)
def test_points_lapse_with_a_day_of_the_year(end: YearEnd, day: dt.date, last: dt.date) -> None:
    assert expires_on(replace(PROGRAMME, expires_after_months=None, year_end=end), day) == last
    assert expires_on(replace(PROGRAMME, expires_after_months=None), day) is None
