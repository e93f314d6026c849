"""Grams: exact, floored once, the same by row and by column; refusals where a pack does not hold."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import packs
from backend.methodologies import (
    MISSING,
    ActivityUnknown,
    InputRefused,
    Methodology,
    Quantifier,
    RowReason,
    methodology_of,
    prepare,
)
from backend.packs import (
    AmbiguousEdition,
    NoEdition,
    OutsideJurisdiction,
    Overlay,
    OverlayOversteps,
    ParameterUnknown,
    overlay_of,
)
from tests.methodologies.test_docs import EXAMPLE

DAY = dt.date(2024, 7, 1)
LIBRARY = packs.load_all()
BIKE = LIBRARY.find("cn-shared-bike-km").text


def method(text: str = BIKE, *changes: tuple[str, str]) -> Methodology:
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return methodology_of(packs.parse(text.encode()))


def ready(*changes: tuple[str, str]) -> Quantifier:
    return prepare(method(BIKE, *changes), activity="cycling", on=DAY, region="CN-SH")


def overlay(body: str) -> Overlay:
    head = """
kind = "overlay"
format = 1
[pack]
id = "trial"
version = "1.0.0"
title_zh = "试"
title_en = "trial"
status = "demo"
demo = true
reason_zh = "试用"
reason_en = "trial"
"""
    return overlay_of(packs.parse((head + body).encode()))


UNKNOWN = (
    ('value        = "48.7"', 'value        = "unknown"'),
    ("grams = 48 }", 'error = "packs.unknown_parameter" }'),
    ("grams = 487 }", 'error = "packs.unknown_parameter" }'),
    ("grams = 4870 }", 'error = "packs.unknown_parameter" }'),
    ("grams = 1 }", 'error = "packs.unknown_parameter" }'),
    ("grams = 0 }", 'error = "packs.unknown_parameter" }'),
    ('error = "above_maximum" }', 'error = "packs.unknown_parameter" }'),
    ('error = "missing" }', 'error = "packs.unknown_parameter" }'),
)
SET = '[[set]]\npack = "cn-shared-bike-km"\nparameter = "net_factor"\nvalue = "{}"\nunit = "{}"\nreason_zh = "演示"\nreason_en = "demo"\n'


@pytest.mark.parametrize(
    ("metres", "grams"),
    [(0, 0), (20, 0), (21, 1), (1000, 48), (10_000, 487), (99_999, 4869), (100_000, 4870)],
)
def test_grams_are_floored_once_per_action(metres: Any, grams: Any) -> None:
    assert ready().quantify({"distance_m": metres}).grams == grams


def test_an_unknown_figure_loads_and_refuses_at_use() -> None:
    methodology = method(BIKE, *UNKNOWN)
    with pytest.raises(ParameterUnknown) as refused:
        prepare(methodology, activity="cycling", on=DAY, region="CN")
    assert refused.value.facts() == {"pack": "cn-shared-bike-km", "parameter": "net_factor"}
    assert refused.value.code == "packs.unknown_parameter"


def test_an_overlay_gives_an_unknown_figure_a_visible_value_in_any_unit_that_converts() -> None:
    quantifier = prepare(
        method(BIKE, *UNKNOWN),
        activity="cycling",
        on=DAY,
        region="CN",
        overlays=[overlay(SET.format("0.05", "kgCO2e/km"))],
    )
    found = quantifier.quantify({"distance_m": 1000})
    assert found.grams == 50
    assert quantifier.demo
    assert found.explanation.overlays == ("trial",)
    assert "trial" in found.explanation.en
    assert "演示" in found.explanation.zh or "试用" in found.explanation.zh


def test_an_overlay_may_not_change_a_known_figure_or_its_kind_of_unit() -> None:
    for text, given_overlay in (
        (BIKE, SET.format("60", "gCO2e/km")),
        (method_text(*UNKNOWN), SET.format("60", "gCO2e/h")),
    ):
        with pytest.raises(OverlayOversteps):
            prepare(method(text), activity="cycling", on=DAY, region="CN", overlays=[overlay(given_overlay)])


def method_text(*changes: tuple[str, str]) -> str:
    text = BIKE
    for before, after in changes:
        text = text.replace(before, after)
    return text


@pytest.mark.parametrize("region", ["CN-GD-SZ", "CN-GD-SZ-NS"])
def test_a_pack_holds_in_its_jurisdiction_and_below_it(region: Any) -> None:
    metro = methodology_of(LIBRARY.find("sz-metro-km"))
    assert prepare(metro, activity="metro", on=DAY, region=region).overlays == ()


@pytest.mark.parametrize("region", ["CN", "CN-GD", "CN-GD-GZ", "CN-GD-S", "CN-GD-SZX", "US-NJ"])
def test_outside_its_jurisdiction_a_pack_refuses(region: Any) -> None:
    metro = methodology_of(LIBRARY.find("sz-metro-km"))
    with pytest.raises(OutsideJurisdiction):
        prepare(metro, activity="metro", on=DAY, region=region)


def test_an_excluded_part_of_a_jurisdiction_is_outside() -> None:
    bike = method(BIKE, ('jurisdiction = "CN"', 'jurisdiction = "CN"\nexcludes_jurisdictions = ["CN-GD-SZ"]'))
    assert prepare(bike, activity="cycling", on=DAY, region="CN-GD-GZ")
    with pytest.raises(OutsideJurisdiction):
        prepare(bike, activity="cycling", on=DAY, region="CN-GD-SZ")


def test_a_visible_overlay_allows_another_region_and_is_named_in_the_result() -> None:
    sample = overlay_of(LIBRARY.find("sample-data"))
    bike = methodology_of(LIBRARY.find("cn-shared-bike-km"))
    abroad = prepare(bike, activity="cycling", on=DAY, region="US-NJ", overlays=[sample])
    assert [used.id for used in abroad.overlays] == ["sample-data"]
    assert abroad.demo
    at_home = prepare(bike, activity="cycling", on=DAY, region="CN-GD", overlays=[sample])
    assert at_home.overlays == ()
    with pytest.raises(OutsideJurisdiction):
        prepare(bike, activity="cycling", on=DAY, region="US-NY", overlays=[sample])


EDITIONS = (
    ('valid_from  = "unknown"', "valid_from  = 2020-01-01"),
    ('valid_until = "unknown"', "valid_until = 2020-12-31"),
)
SECOND = """
[[edition]]
id = "next"
valid_from = {}
[[edition.parameter]]
id = "net_factor"
value = "50"
unit = "gCO2e/km"
name_zh = "x"
name_en = "x"
source_title = "x"
source_url = "https://example.org/x"
source_date = "unknown"
confidence = "low"

[[activity]]"""


def two_editions(start: str) -> str:
    text = method_text(*EDITIONS).replace("\n[[activity]]", SECOND.format(start), 1)
    return text.replace('activity = "cycling"\n', 'activity = "cycling"\nedition = "report-2024"\n')


def test_exactly_one_edition_answers_for_a_day_both_ends_included() -> None:
    bike = method(two_editions("2021-02-01"))
    for day, edition in (
        ((2020, 1, 1), "report-2024"),
        ((2020, 12, 31), "report-2024"),
        ((2021, 2, 1), "next"),
    ):
        assert bike.edition_on(dt.date(*day)).id == edition
    for day in ((2019, 12, 31), (2021, 1, 1), (2021, 1, 31)):
        with pytest.raises(NoEdition):
            bike.edition_on(dt.date(*day))
    assert (
        prepare(bike, activity="cycling", on=dt.date(2030, 1, 1), region="CN").row({"distance_m": 1000}) == 50
    )


def test_overlapping_editions_are_a_fault_of_the_pack() -> None:
    pack = packs.parse(two_editions("2020-12-31").encode())
    assert [fault.code for fault in pack.faults] == ["edition_overlap"]


def test_two_editions_for_a_day_are_ambiguous_at_use() -> None:
    from backend.packs import editions

    bike = method(two_editions("2021-02-01"))
    with pytest.raises(AmbiguousEdition):
        editions.for_day("p", (*bike.editions, *bike.editions), dt.date(2020, 5, 1))


def test_an_edition_of_unknown_validity_stands_alone_and_is_shown_as_such() -> None:
    assert not ready().quantify({"distance_m": 1}).explanation.validity_known
    text = method_text().replace("\n[[activity]]", SECOND.format("2030-01-01"), 1)
    assert {fault.code for fault in packs.parse(text.encode()).faults} == {"validity_unknown"}


def test_an_unknown_activity_is_refused() -> None:
    with pytest.raises(ActivityUnknown):
        prepare(method(), activity="walking", on=DAY, region="CN")


def test_the_explanation_names_figures_with_source_and_confidence_and_nothing_personal() -> None:
    explanation = (
        ready().quantify({"distance_m": 1000, "means": "card 123", "started_at": "2024-01-01"}).explanation
    )
    factor = explanation.factors[0]
    assert (factor.value, factor.unit, factor.confidence) == ("48.7", "gCO2e/km", "medium")
    assert factor.source_url == "https://cjzhinan.com/tech/13626.html"
    assert explanation.inputs == {"distance_m": "1000 m"}
    assert "card 123" not in str(explanation.as_dict())
    assert not explanation.official


@pytest.mark.parametrize(
    ("inputs", "field", "reason"),
    [
        ({}, "distance_m", "missing"),
        ({"distance_m": None}, "distance_m", "missing"),
        ({"distance_m": ""}, "distance_m", "missing"),
        ({"distance_m": -1}, "distance_m", "below_minimum"),
        ({"distance_m": 100_001}, "distance_m", "above_maximum"),
        ({"distance_m": 10**30}, "distance_m", "above_maximum"),
        ({"distance_m": "1e3"}, "distance_m", "not_a_number"),
        ({"distance_m": "١٢"}, "distance_m", "not_a_number"),
        ({"distance_m": True}, "distance_m", "not_a_number"),
        ({"distance_m": 1.0}, "distance_m", "not_a_number"),
        ({"distance_m": [1]}, "distance_m", "not_a_number"),
        ({"distance_m": 5, "started_at": "yesterday"}, "started_at", "not_a_time"),
        (
            {"distance_m": 5, "started_at": "2024-01-01T00:00:01", "ended_at": "2024-01-01T00:00:01"},
            "ended_at",
            "not_after",
        ),
        (
            {"distance_m": 5, "started_at": "2024-01-01T00:00:01Z", "ended_at": "2024-01-02"},
            "ended_at",
            "not_a_time",
        ),
    ],
)
def test_an_unusable_input_names_its_field_and_reason(inputs: Any, field: Any, reason: Any) -> None:
    with pytest.raises(InputRefused) as refused:
        ready().quantify(inputs)
    assert (refused.value.field, refused.value.reason) == (field, reason)


def test_rows_with_faults_have_a_reason_and_the_others_their_grams() -> None:
    quantifier = ready()
    start = np.array(["2024-01-01T08:00"] * 6, dtype="datetime64[s]")
    end = np.array(["2024-01-01T08:10"] * 4 + ["2024-01-01T08:00", "NaT"], dtype="datetime64[s]")
    metres = np.array([1000, -1, 100_001, MISSING, 1000, 2000], dtype=np.int64)
    outcome = quantifier.columns({"distance_m": metres, "started_at": start, "ended_at": end}, 6)
    assert outcome.grams.tolist() == [48, 0, 0, 0, 0, 97]
    reasons = [quantifier.reasons[error].code if error else "" for error in outcome.errors]
    assert reasons == ["", "below_minimum", "above_maximum", "missing", "not_after", ""]
    nothing = quantifier.columns({}, 2)
    assert [quantifier.reasons[error] for error in nothing.errors] == [RowReason("distance_m", "missing")] * 2
    assert quantifier.columns({"distance_m": metres[:0]}, 0).grams.shape == (0,)


def test_columns_of_floats_or_of_another_length_are_refused() -> None:
    with pytest.raises(TypeError):
        ready().columns({"distance_m": np.array([1.0])}, 1)
    with pytest.raises(ValueError, match="rows"):
        ready().columns({"distance_m": np.array([1])}, 2)


def test_a_million_rows_take_well_under_a_fifth_of_a_second() -> None:
    quantifier = ready()
    assert quantifier.columnar
    metres = np.random.default_rng(1).integers(0, 100_001, 1_000_000)
    best = min(timed(quantifier, metres) for _ in range(3))
    assert best < 0.2
    assert int(quantifier.columns({"distance_m": metres}, len(metres)).grams.sum()) == int(
        (metres * 487 // 10_000).sum()
    )


def timed(quantifier: Quantifier, metres: np.ndarray) -> float:
    begun = time.perf_counter()
    quantifier.columns({"distance_m": metres}, len(metres))
    return time.perf_counter() - begun


def with_formula(formula: str, highest: int) -> Quantifier:
    """The bike with another formula and a second input; only the examples that still hold are left."""
    text = BIKE[: BIKE.index("[[example]]")]
    text = text.replace("floor(net_factor * distance_m)", formula).replace("max = 100000", f"max = {highest}")
    text = text.replace(
        "inputs    = [", 'inputs    = [\n  { id = "riders", type = "int", unit = "p", min = -5, max = 9 },', 1
    )
    text += '[[example]]\nwhy = "none"\nactivity = "cycling"\nin = {}\nout = { error = "missing" }\n'
    return prepare(methodology_of(packs.parse(text.encode())), activity="cycling", on=DAY, region="CN")


FORMULAS = [
    ("floor(net_factor * distance_m)", 2**62),  # too large for int64: row by row
    ("floor(net_factor * distance_m / riders)", 10**6),  # divides by a column, perhaps by zero
    ("floor(net_factor * distance_m * riders)", 10**6),  # may be negative
    ("floor(max(0, net_factor * distance_m * min(riders, 3)) / 7)", 10**6),
    ("floor(when(riders > 0, net_factor * distance_m / riders, 0))", 10**6),
    ("floor(net_factor * distance_m * floor(riders / 2))", 10**6),
    ("floor(net_factor * distance_m * riders * riders * riders)", 2**60),  # beyond int64 even for one row
]
LADEN = [with_formula(formula, highest) for formula, highest in FORMULAS]


@settings(max_examples=200, deadline=None)
@given(
    place=st.integers(0, len(LADEN) - 1),
    data=st.lists(st.tuples(st.integers(-10, 2**62), st.integers(-7, 11)), min_size=1, max_size=12),
)
def test_by_row_and_by_column_the_same_grams_and_the_same_reasons(place: Any, data: Any) -> None:
    quantifier = LADEN[place]
    table = np.array(data, dtype=np.int64)
    outcome = quantifier.columns({"distance_m": table[:, 0], "riders": table[:, 1]}, len(data))
    for (metres, riders), grams, error in zip(data, outcome.grams, outcome.errors, strict=True):
        one = quantifier.row({"distance_m": metres, "riders": riders})
        assert (quantifier.reasons[error] if error else int(grams)) == one


def test_what_int64_cannot_hold_goes_row_by_row() -> None:
    assert [quantifier.columnar for quantifier in LADEN] == [False, False, True, True, False, True, False]


def test_an_activity_with_a_cap_over_time_is_never_pooled() -> None:
    capped = methodology_of(packs.parse(EXAMPLE.encode()))
    per_act = prepare(capped, activity="saving", on=DAY, region="CN-GD")
    assert per_act.creditable("operator_feed")
    assert not per_act.creditable("self_report")
    text = EXAMPLE.replace('per     = "act"', 'per     = "day"').replace("grams = 100000", "grams = 1880208")
    per_day = prepare(methodology_of(packs.parse(text.encode())), activity="saving", on=DAY, region="CN-GD")
    assert not per_day.creditable("operator_feed")
    assert [(cap.per, cap.limit) for cap in per_day.edition.caps] == [("day", 100_000)]
