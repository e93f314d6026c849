"""Each screen at its threshold, and the same verdicts however acts are cut into chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.intake.screening import Cap, Screen, ScreenRules, screen
from tests.intake.screening.lines import DAY, HOUR, MINUTE, MORNING, SECOND, Act, lines
from tests.intake.screening.oracle import verdicts

TRAVEL = frozenset({"cycling", "metro"})
NOW = MORNING + 30 * DAY


def judge(
    acts: Sequence[Act],
    *screens: Screen,
    past: Sequence[Act] = (),
    caps: tuple[Cap, ...] = (),
    **windows: int,
) -> list[str]:
    rules = ScreenRules(screens=screens, travel=TRAVEL, caps=caps, **windows)  # type: ignore[arg-type]
    found = screen(lines(acts), lines(past, past=True), rules, NOW)
    return [found.screens[number] for number in found.screen]


def earned(acts: Sequence[Act], *caps: Cap, past: Sequence[Act] = ()) -> list[int]:
    found = screen(lines(acts), lines(past, past=True), ScreenRules(caps=caps), NOW)
    points: list[int] = found.points.tolist()
    return points


def test_speed_is_judged_at_its_threshold_by_the_reported_way_and_by_the_ends() -> None:
    fast = Screen("fast", "speed", holds=False, above=36)
    assert judge([Act(metres=6_000), Act(metres=6_001)], fast) == [
        "",
        "fast",
    ]  # 36 km/h is 6 km in ten minutes
    here, there = (225_000_000, 1_140_000_000), (226_000_000, 1_140_000_000)  # 11.1 km apart
    assert judge([Act(begins=here, ends=there, metres=100)], fast) == ["fast"]
    assert judge([Act(begins=here, ends=there, took=None), Act(took=0, metres=1)], fast) == ["", "fast"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [("distance", [Act(metres=n) for n in (99, 100, 500, 501)]),
     ("duration", [Act(took=n * SECOND) for n in (99, 100, 500, 501)])],
)  # fmt: skip
def test_distance_and_duration_have_two_ends(kind: str, values: list[Act]) -> None:
    one = Screen("size", kind, holds=False, below=100, above=500)  # type: ignore[arg-type]
    assert judge(values, one) == ["size", "", "", "size"]


def test_a_screen_looks_at_its_own_activities_only() -> None:
    one = Screen("size", "distance", holds=False, above=500, activities=frozenset({"metro"}))
    assert judge([Act(metres=900), Act(metres=900, activity="metro")], one) == ["", "size"]


def test_travel_of_two_sources_at_once_holds_the_later_arrival() -> None:
    one = Screen("at-once", "overlap", holds=True, slack=60)
    metro = Act(activity="metro", source=2, at=MORNING + 9 * MINUTE)
    assert judge([Act(), metro], one) == ["", ""]  # a minute together is the tolerance
    late = replace(metro, at=MORNING + 9 * MINUTE - SECOND)
    assert judge([Act(), late], one) == ["", "overlap"]
    assert judge([late, Act()], one) == ["", "overlap"]
    assert judge([Act()], one, past=[late]) == ["overlap"]
    assert judge([Act(), replace(late, person=1)], one) == ["", ""]
    assert judge([Act(), replace(late, activity="walking")], one) == ["", ""]
    assert judge([Act(), replace(late, source=1)], one) == ["", ""]


def test_clocks_of_a_mode_may_be_off_by_so_much() -> None:
    rules = ScreenRules(
        (Screen("at-once", "overlap", holds=True, slack=60),), TRAVEL, {"metro": 120}, early_s=10
    )
    metro = [Act(activity="metro", source=2, at=MORNING + 10 * MINUTE - n * SECOND) for n in (120, 121)]
    ahead = [Act(person=n, activity=name, at=NOW + s * SECOND) for n, (name, s) in
             enumerate([("metro", 120), ("metro", 121), ("cycling", 10), ("cycling", 11)], start=5)]  # fmt: skip
    for acts, said in (
        ([Act(), metro[0]], ["", ""]),
        ([Act(), metro[1]], ["", "overlap"]),
        (ahead, ["", "early", "", "early"]),
    ):
        found = screen(lines(acts), lines([], past=True), rules, NOW)
        assert [found.screens[number] for number in found.screen] == said


def test_an_act_without_an_end_is_a_point() -> None:
    one = Screen("at-once", "overlap", holds=True, slack=60)
    points = [Act(source=2, took=None, at=MORNING + n) for n in (MINUTE, MINUTE + SECOND)]
    assert judge([Act(), points[0]], one) == ["", ""]
    assert judge([Act(), points[1]], one) == ["", "overlap"]


def test_what_is_held_stands_in_nobodys_way() -> None:
    one = Screen("at-once", "overlap", holds=True)
    acts = [Act(took=HOUR), Act(source=2, at=MORNING + 50 * MINUTE, took=HOUR),
            Act(at=MORNING + 100 * MINUTE, source=3)]  # fmt: skip
    assert judge(acts, one) == ["", "overlap", ""]


def test_nobody_is_far_away_too_soon() -> None:
    one = Screen("far", "teleport", holds=True, above=360, slack=1_000)
    here, there = (225_000_000, 1_140_000_000), (226_000_000, 1_140_000_000)  # 11,120 m: 111 s at 360 km/h
    first = Act(begins=here, ends=here)
    for gap, said in ((102, ""), (100, "far")):  # the first kilometre is free: 101.2 s
        second = Act(begins=there, ends=there, at=MORNING + 10 * MINUTE + gap * SECOND)
        assert judge([first, second], one) == ["", said]
        assert judge([second, first], one) == ["", said]


def test_bursts_count_within_a_sliding_time() -> None:
    person = Screen("burst", "person_burst", holds=True, above=3, within=600)
    acts = [Act(at=MORNING + n * 150 * SECOND) for n in range(5)]
    assert judge(acts[:4], person) == ["", "", "", "burst"]
    assert judge([Act(at=MORNING + n * 200 * SECOND) for n in range(9)], person) == [""] * 9
    people = Screen("shared", "device_people", holds=True, above=2, within=600)
    assert judge([Act(person=n, device=7) for n in range(4)], people) == ["", "", "shared", "shared"]
    assert judge([Act(person=n, device=n) for n in range(4)], people) == [""] * 4


def test_stations_that_cannot_be() -> None:
    same = Screen("round", "same_station", holds=True, above=1_800)
    pair = Screen("pair", "station_pair", holds=False, below=600, pairs=frozenset({frozenset({"a", "b"})}))
    loop = [Act(stations=("a", "a"), took=n * SECOND, activity="metro") for n in (1_800, 1_801)]
    assert judge(loop, same) == ["", "round"]
    ride = [Act(stations=("b", "a"), took=n * SECOND) for n in (599, 600)]
    assert judge([*ride, Act(stations=("a", "c"), took=SECOND)], pair) == ["pair", "", ""]


def test_windows_of_the_programme() -> None:
    acts = [Act(at=NOW + n * SECOND) for n in (60, 61)] + [Act(at=NOW - n * DAY) for n in (3, 4)]
    assert judge(acts, early_s=60, late_days=3) == ["", "early", "", "late"]


def test_caps_of_points_trim_or_zero_in_the_order_of_arrival() -> None:
    acts = [Act(points=n) for n in (40, 40, 40, 15)]
    assert earned(acts, Cap("day", "day", "points", 100, "trim")) == [40, 40, 20, 0]
    assert earned(acts, Cap("day", "day", "points", 100, "zero")) == [40, 40, 0, 15]
    assert earned(acts, Cap("day", "day", "points", 100, "trim"), past=[Act(points=70)]) == [30, 0, 0, 0]
    assert earned(acts, Cap("two", "day", "acts", 2, "zero")) == [40, 40, 0, 0]
    other = [Act(points=90, own=False), Act(points=90, person=3)]
    assert earned(acts[:1], Cap("day", "day", "points", 100, "trim"), past=other) == [40]


def test_days_and_months_of_caps_are_those_of_shanghai() -> None:
    midnight = MORNING + 16 * HOUR
    day = Cap("day", "day", "acts", 1, "zero")
    assert earned([Act(at=midnight - 1), Act(at=midnight)], day) == [10, 10]
    month = Cap("month", "month", "acts", 1, "zero")
    assert earned([Act(at=midnight - 1), Act(at=midnight), Act(at=midnight + 30 * DAY)], month) == [10, 0, 10]


_NEAR, _BY, _FAR = (225_000_000, 1_140_000_000), (225_100_000, 1_140_000_000), (226_000_000, 1_140_000_000)
_AWAY = (229_000_000, 1_140_000_000)  # 44 km from there
_ACTS = st.builds(
    Act,
    person=st.integers(-1, 2),
    at=st.one_of(
        st.integers(0, 40).map(lambda n: MORNING + n * 7 * MINUTE),
        st.integers(-60, 60).map(lambda n: MORNING + n * HOUR),
    ),
    took=st.one_of(st.none(), st.integers(0, 40).map(lambda n: n * MINUTE), st.just(30 * HOUR)),
    activity=st.sampled_from(["cycling", "metro", "walking"]),
    source=st.integers(1, 3),
    metres=st.integers(0, 9_000),
    begins=st.sampled_from([_NEAR, _BY, _FAR, None]),
    ends=st.sampled_from([_NEAR, _BY, _FAR, None]),
    device=st.integers(-1, 2),
    points=st.integers(0, 50),
    own=st.sampled_from([True, True, True, False]),
)
_SCREENS = (
    Screen("fast", "speed", holds=False, above=45),
    Screen("long", "duration", holds=True, above=90_000, activities=frozenset({"walking"})),
    Screen("overlap", "overlap", holds=True, slack=120),
    Screen("within", "overlap_within_source", holds=True, slack=600),
    Screen("far", "teleport", holds=True, above=120, slack=500),
    Screen("burst", "person_burst", holds=True, above=4, within=3_600),
    Screen("many", "device_burst", holds=True, above=4, within=7_200, activities=frozenset({"cycling"})),
    Screen("shared", "device_people", holds=True, above=2, within=3_600),
)
_CAPS = (
    Cap("two", "day", "acts", 2, "zero"),
    Cap("metro", "day", "points", 40, "zero", frozenset({"metro"})),
    Cap("day", "day", "points", 90, "trim"),
    Cap("month", "month", "points", 200, "trim"),
)
_RULES = st.builds(
    ScreenRules,
    screens=st.lists(st.sampled_from(_SCREENS), unique=True).map(tuple),
    travel=st.just(TRAVEL),
    clocks=st.sampled_from([{}, {"metro": 400, "cycling": 90}]),
    caps=st.lists(st.sampled_from(_CAPS), unique=True).map(tuple),
    late_days=st.sampled_from([None, 31]),
    early_s=st.sampled_from([None, 60]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_ACTS, max_size=30), _RULES, st.data())
def test_verdicts_are_those_of_the_plainest_reading_however_acts_are_cut_into_chunks(
    acts: list[Act], rules: ScreenRules, data: st.DataObject
) -> None:
    acts = [replace(act, order=number + 1) for number, act in enumerate(acts)]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(acts)), max_size=4)))
    said: dict[int, tuple[str, int]] = {}
    past: list[Act] = []
    for low, high in zip([0, *cuts], [*cuts, len(acts)], strict=True):
        some = data.draw(st.permutations(acts[low:high]))  # a chunk stands in the order of its claim keys
        low_us, high_us = rules.span(
            min((act.at for act in some), default=0),
            max((act.at + (act.took or 0) for act in some), default=0),
        )
        near = data.draw(st.permutations([act for act in past if low_us <= act.at < high_us]))
        found = screen(lines(some), lines(near, past=True), rules, NOW)
        for place, act in enumerate(some):
            said[act.order] = found.screens[found.screen[place]], int(found.points[place])
            other = int(found.against[place])
            if said[act.order][0] in {"overlap", "within", "far"}:
                met = [*near, *some][other]
                assert met.person == act.person
                assert other < len(near) or met.order < act.order
            else:
                assert other == -1
        past += [
            replace(act, points=said[act.order][1], order=0) for act in some if not said[act.order][0]
        ]  # what it earned
    assert [said[act.order] for act in acts] == verdicts(acts, rules, NOW)


def test_who_waits_stands_in_nobodys_way_even_where_a_later_screen_stopped_it() -> None:
    overlap = Screen("overlap", "overlap", holds=True)
    burst = Screen("burst", "person_burst", holds=True, above=2, within=3_600)
    acts = [
        Act(took=MINUTE),
        Act(at=MORNING + 5 * MINUTE, took=MINUTE),
        Act(at=MORNING + 10 * MINUTE, took=2 * HOUR),
        Act(at=MORNING + 100 * MINUTE, source=2),
    ]
    assert judge(acts, overlap, burst) == ["", "", "burst", ""]


def test_a_cap_counts_what_an_act_earned_in_the_end() -> None:
    acts = [Act(activity="metro", points=30), Act(activity="metro", points=30), Act(points=5)]
    caps = (
        Cap("two", "day", "acts", 2, "zero"),
        Cap("metro", "day", "points", 30, "zero", frozenset({"metro"})),
    )
    assert earned(acts, *caps) == [30, 0, 5]


def test_acts_that_begin_more_than_a_day_apart_say_nothing_of_each_other() -> None:
    overlap = Screen("at-once", "overlap", holds=True)
    long = Act(took=60 * HOUR)
    for hours, said in ((24, "overlap"), (25, "")):
        other = Act(at=MORNING + hours * HOUR, source=2)
        assert judge([long, other], overlap) == ["", said]
        assert judge([other, long], overlap) == ["", said]
    crawl = Screen("far", "teleport", holds=True, above=1, slack=0)
    for hours, said in ((24, "far"), (25, "")):
        assert judge(
            [Act(begins=_NEAR, ends=_NEAR), Act(at=MORNING + hours * HOUR, begins=_AWAY)], crawl
        ) == ["", said]


def test_a_short_act_in_between_hides_no_long_one() -> None:
    overlap = Screen("at-once", "overlap", holds=True)
    acts = [Act(took=3 * HOUR), Act(at=MORNING + 10 * MINUTE, took=MINUTE), Act(at=MORNING + HOUR, source=2)]
    assert judge(acts, overlap) == ["", "", "overlap"]


def test_an_act_that_is_itself_too_fast_brings_nobody_there() -> None:
    far = Screen("far", "teleport", holds=True, above=120)
    first = Act(took=MINUTE, begins=_NEAR, ends=_NEAR)
    leap = Act(at=MORNING + 2 * MINUTE, took=MINUTE, begins=_NEAR, ends=_FAR)
    there = Act(at=MORNING + 4 * MINUTE, took=MINUTE, begins=_FAR, ends=_FAR)
    assert judge([first, there, leap], far) == ["", "far", ""]
    assert judge([first, leap, there], far) == ["", "", ""]


def test_all_acts_that_begin_at_once_are_neighbours() -> None:
    far = Screen("far", "teleport", holds=True, above=120, slack=20_000)
    two = [Act(took=MINUTE, begins=_NEAR, ends=place) for place in (_NEAR, _AWAY, _NEAR)]
    after = Act(at=MORNING + 2 * MINUTE, begins=_NEAR, ends=_NEAR)
    far_too = Screen("far", "teleport", holds=True, above=120)
    assert judge([*two[:1], after], far_too) == ["", ""]
    assert judge([after, *two[1:2]], far) == ["", "far"]
    past = [replace(two[1], begins=_AWAY), two[0]]
    for order in (past, past[::-1]):
        assert judge([after], far_too, past=order) == ["far"]


def test_a_crowd_is_seen_across_spans() -> None:
    burst = Screen("burst", "person_burst", holds=True, above=3, within=600)
    acts = [Act(at=MORNING + n * SECOND) for n in (0, 500, 550, 650, 690)]
    assert judge(acts, burst) == ["", "", "", "", "burst"]


def test_caps_take_turns_by_arrival_wherever_an_act_stands_in_its_chunk() -> None:
    acts = [Act(points=40, order=3), Act(points=50, order=1), Act(points=60, order=2)]
    assert earned(acts, Cap("day", "day", "points", 100, "trim")) == [0, 50, 50]
    assert earned([Act()], Cap("two", "day", "acts", 1, "zero"), past=[Act(points=0)]) == [10]


def test_history_reaches_a_day_either_way_and_over_whole_periods_of_caps() -> None:
    midnight = MORNING - 8 * HOUR  # 6 May, Shanghai
    assert ScreenRules().span(MORNING, MORNING + HOUR) == (MORNING - DAY, MORNING + HOUR + DAY + 1)
    days = ScreenRules(caps=(Cap("day", "day", "acts", 1, "zero"),))
    assert days.span(MORNING, MORNING + 40 * HOUR) == (MORNING - DAY, MORNING + 64 * HOUR + 1)
    month = ScreenRules(caps=(Cap("month", "month", "acts", 1, "zero"),))
    assert month.span(MORNING, MORNING) == (midnight - 5 * DAY, midnight + 26 * DAY)


def test_half_a_million_sound_acts_are_found_sound() -> None:
    n = 500_000
    chance = np.random.default_rng(7)
    some = lines([Act(points=1)])
    many: dict[str, Any] = {
        name: np.repeat(getattr(some, name), n)
        for name in some.__slots__
        if name not in {"activities", "places"}
    }
    many["person"] = np.arange(n) % 5_000
    many["started_us"] = MORNING + (np.arange(n) // 5_000) * HOUR + chance.integers(0, 20, n) * MINUTE
    many["ended_us"] = many["started_us"] + 5 * MINUTE
    many["distance_m"] = np.full(n, 1_000)
    rules = ScreenRules(screens=_SCREENS, travel=TRAVEL, caps=(Cap("day", "day", "points", 1_000, "trim"),))
    found = screen(replace(some, **many), lines([], past=True), rules, NOW + 3_650 * DAY)
    assert not found.screen.any()
