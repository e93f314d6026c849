"""The formula language: what it reads, what it refuses, and that columns give exactly what single rows give."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.packs.columns import Column, NotColumnar, evaluate_columns
from backend.packs.evaluate import evaluate
from backend.packs.formula import (
    Binary,
    Extreme,
    Floor,
    FormulaError,
    Name,
    Negative,
    Node,
    Number,
    When,
    check_units,
    parse_formula,
)
from backend.packs.units import CO2E, NUMBER, Dimension, UnitError, parse_unit


def value(text: str, **names: Fraction | int) -> Fraction:
    return evaluate(parse_formula(text).tree, {name: Fraction(number) for name, number in names.items()})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4),
        ("8 / 4 / 2", 1),
        ("-2 * -3", 6),
        ("1 / 3 * 3", 1),
        ("floor(7 / 2)", 3),
        ("floor(-7 / 2)", -4),
        ("min(3, 1, 2)", 1),
        ("max(1, 2) + 1", 3),
        ("when(2 >= 2, 10, 20)", 10),
        ("when(2 > 2, 10, 20)", 20),
        ("when(1 == 1, when(1 < 0, 1, 2), 3)", 2),
        ("when(1 < 2, 5, 1 / 0)", 5),
    ],
)
def test_a_formula_has_its_exact_value(text: Any, expected: Any) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1.5",
        "1e3",
        "a ** b",
        "a // b",
        "a % b",
        "ceil(a)",
        "abs(a)",
        "__import__(a)",
        "A",
        "a.b",
        "a[0]",
        "a < b",
        "a if b else c",
        "when(a, b, c)",
        "when(a < b < c, 1, 2)",
        "when(a = b, 1, 2)",
        "min(a)",
        "floor(a, b)",
        "floor()",
        "floor a",
        "(a",
        "a)",
        "a b",
        "1 2",
        "a,",
        "'a'",
        "a;b",
        "变量",
        "١",
        "9999999999999999",
        "(" * 40 + "1" + ")" * 40,
        "-" * 40 + "1",
        "+".join(["1"] * 300),
        "1" * 2000,
    ],
)
def test_anything_else_is_refused(text: Any) -> None:
    with pytest.raises(FormulaError):
        parse_formula(text)


def dims(**units: str) -> dict[str, Dimension]:
    return {name: parse_unit(unit).dimension for name, unit in units.items()}


def test_units_convert_without_a_number_in_the_formula() -> None:
    check_units(parse_formula("floor(f * d)"), dims(f="gCO2e/km", d="m"))
    check_units(parse_formula("floor(f * d)"), dims(f="kgCO2/pkm", d="km"))
    check_units(
        parse_formula("floor(ef * p * h)"),
        dims(ef="kgCO2e/kWh", p="kW*h", h="1")
        | {"ef": parse_unit("kgCO2e/kW").dimension, "p": parse_unit("kW").dimension, "h": NUMBER},
    )
    check_units(parse_formula("floor(max(0, b - p) * d)"), dims(b="gCO2e/km", p="kgCO2e/km", d="m"))
    check_units(
        parse_formula("floor(when(d >= far, f, n) * d)"), dims(d="m", far="km", f="gCO2/km", n="gCO2e/m")
    )
    check_units(
        parse_formula("floor(per * floor(steps / block))"), dims(per="gCO2e", steps="step", block="step")
    )


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("f * d", {"f": "gCO2e/km", "d": "m"}),  # not floored
        ("floor(f * d) + floor(f * d)", {"f": "gCO2e/km", "d": "m"}),  # floored twice
        ("floor(floor(f * d))", {"f": "gCO2e/km", "d": "m"}),  # an inner floor of grams
        ("floor(f * d)", {"f": "gCO2e/km", "d": "s"}),
        ("floor(f * d)", {"f": "g/km", "d": "km"}),  # a gram of what?
        ("floor(f * d)", {"f": "gCH4/km", "d": "km"}),  # methane is not CO2e
        ("floor(f + d)", {"f": "gCO2e", "d": "m"}),
        ("floor(f * d)", {"f": "gCO2e/trip", "d": "step"}),
        ("floor(f + 1)", {"f": "gCO2e"}),
        ("floor(min(f, d))", {"f": "gCO2e", "d": "1"}),
        ("floor(when(f < d, f, f))", {"f": "gCO2e", "d": "1"}),
        ("floor(f / 0)", {"f": "gCO2e"}),
        ("floor(f / d)", {"f": "gCO2e", "d": "km"}),
    ],
)
def test_units_that_do_not_reduce_are_refused(text: Any, units: Any) -> None:
    with pytest.raises(FormulaError):
        check_units(parse_formula(text), dims(**units))


def test_one_action_may_stand_for_one_of_what_is_counted_and_for_nothing_else() -> None:
    formula = parse_formula("floor(f)")
    check_units(formula, dims(f="gCO2/trip"), per="trip")
    for per in (None, "act"):
        with pytest.raises(FormulaError):
            check_units(formula, dims(f="gCO2/trip"), per=per)


@pytest.mark.parametrize(
    "text", ["", "kilometre", "g//km", "gCO2e/", "g^2", "m m", "gCO2e per km", "g" * 100, "公里"]
)
def test_a_word_that_is_no_unit_is_refused(text: Any) -> None:
    with pytest.raises(UnitError):
        parse_unit(text)


def test_scales_are_exact() -> None:
    assert parse_unit("kWh").scale == 3_600_000
    assert parse_unit("gCO2e/km").scale == Fraction(1, 1000)
    assert parse_unit("tCO2e").scale == 10**6
    assert parse_unit("tCO2e").dimension == CO2E
    assert parse_unit("mu").scale == Fraction(2000, 3)
    assert parse_unit("CNY/t").scale == Fraction(100, 10**6)
    assert parse_unit("m/s/s").dimension == (("m", 1), ("s", -2))


NAMES = {"x": (0, 10**6, Fraction(1)), "y": (-500, 70_000, Fraction(1000)), "z": (1, 50, Fraction(1, 3))}
CONSTANTS = {"k": Fraction(487, 10_000), "w": Fraction(-7, 3), "o": Fraction(0)}
leaves = st.one_of(
    st.integers(0, 50).map(Number),
    st.sampled_from(sorted(NAMES)).map(Name),
    st.sampled_from(sorted(CONSTANTS)).map(Name),
)


def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(Binary, st.sampled_from("+-*/"), inner, inner),
        st.builds(Negative, inner),
        st.builds(Floor, inner),
        st.builds(Extreme, st.sampled_from(["min", "max"]), st.tuples(inner, inner)),
        st.builds(When, st.sampled_from(["<", "<=", ">", ">=", "=="]), inner, inner, inner, inner),
    )


trees = st.recursive(leaves, larger, max_leaves=12)
rows = st.lists(
    st.tuples(*(st.integers(low, high) for low, high, _ in NAMES.values())), min_size=1, max_size=8
)


@settings(max_examples=400, deadline=None)
@given(tree=trees, data=rows)
def test_columns_give_exactly_what_single_rows_give(tree: Node, data: list[tuple[int, ...]]) -> None:
    columns = {name: Column.constant(number) for name, number in CONSTANTS.items()}
    table = np.array(data, dtype=np.int64)
    for place, (name, (low, high, scale)) in enumerate(NAMES.items()):
        columns[name] = Column.given(table[:, place], low=low, high=high, scale=scale)
    try:
        found = evaluate_columns(tree, columns)
    except NotColumnar:
        return
    numerators = np.broadcast_to(np.asarray(found.numerator), len(data)).tolist()
    for row, numerator in zip(data, numerators, strict=True):
        names = {n: v * NAMES[n][2] for n, v in zip(NAMES, row, strict=True)}
        assert Fraction(numerator, found.denominator) == evaluate(tree, {**names, **CONSTANTS})
        assert found.low <= numerator <= found.high


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="abfloorminwhen()+-*/<>=, 0123456789", max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse_formula(text)
    except FormulaError as error:
        assert str(error)  # noqa: PT017 - a refusal says why
