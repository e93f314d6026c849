"""Random packs and inputs: one by one and as columns, the grams are those of the plainest way to compute them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from backend import methodologies, packs
from backend.methodologies import MISSING, Quantifier, RowReason
from backend.methodologies.rows import read_columns
from tests.methodologies import plain

DAY = dt.date(2024, 7, 1)
YEARS = (2021, 2022, 2023)
REGIONS = ("CN-GD", "CN-BJ")
MODES = ("slow", "fast")

HEAD = """
kind = "methodology"
format = 1
exclusion = []
[pack]
id = "random"
version = "1.0.0"
title_zh = "随机"
title_en = "random"
jurisdiction = "CN"
status = "draft"
official = false
[review]
unknowns = ["everything"]
[gas]
species = ["CO2"]
gwp_set = "none"
unit_out = "gCO2e"
[evidence_policy]
operator_feed = { creditable = true }
[uniqueness]
one_mechanism_only = true
exclusive_with = []
consent_required = true
rights_holder = "person-until-assigned"
[aggregation]
block_unit = "tCO2e"
grams_per_tonne = 1000000
rounding = "floor-per-batch"
remainder = "carry-to-next-batch"
[monitoring]
retain_years = 10
retain_basis = "none"
[[example]]
why = "a row without anything"
activity = "act"
in = {}
out = { error = "missing" }
"""
SOURCE = """name_zh = "名"
name_en = "name"
source_title = "none"
source_url = "https://example.org/"
source_date = "unknown"
confidence = "low"
"""

# Figures from plain ones to those that leave 64 bits, so that both ways of computing columns are taken.
FIGURES = st.one_of(
    st.decimals("0", "999", places=3).map(str),
    st.tuples(st.integers(0, 999), st.integers(1, 97)).map(lambda two: f"{two[0]}/{two[1]}"),
    st.sampled_from(["0", "1", "0.000000000001", "999999999999999", "9223372036854775807"]),
)
GRAMS = ["per_km * distance", "per_kwh * energy", "per_mj * energy", "tabled * energy", "mode_g", "derived_g"]
NUMBERS = ["1", "3", "7", "distance / one_km", "energy / one_kwh", "share", "derived_n"]


def numbers() -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(NUMBERS),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            st.tuples(inner, st.sampled_from(["2", "3", "share", "distance / one_km"])).map(
                lambda t: f"({t[0]} / ({t[1]}))"
            ),
            inner.map(lambda one: f"floor({one})"),
            inner.map(lambda one: f"(-{one})"),
        ),
        max_leaves=4,
    )


def formulas() -> st.SearchStrategy[str]:
    compare = st.sampled_from(["<", "<=", ">", ">=", "=="])
    return st.recursive(
        st.sampled_from(GRAMS),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
            st.tuples(inner, st.sampled_from("*/"), numbers()).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            st.tuples(numbers(), compare, numbers(), inner, inner).map(
                lambda t: f"when({t[0]} {t[1]} {t[2]}, {t[3]}, {t[4]})"
            ),
            inner.map(lambda one: f"max(0, {one})"),
        ),
        max_leaves=6,
    )


@st.composite
def pack_texts(draw: st.DrawFn) -> str:
    def parameter(name: str, unit: str) -> str:
        return f'[[edition.parameter]]\nid = "{name}"\nunit = "{unit}"\nvalue = "{draw(FIGURES)}"\n{SOURCE}'

    def cells(*axes: tuple[str, tuple[Any, ...]]) -> str:
        picked: list[dict[str, Any]] = [{}]
        for name, values in axes:
            picked = [{**one, name: value} for one in picked for value in values]
        told = []
        for one in picked:
            value = draw(st.one_of(FIGURES, FIGURES, st.sampled_from(["unknown", "absent"])))
            if value != "absent":
                keys = ", ".join(
                    f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v}" for k, v in one.items()
                )
                told.append(f'{{ {keys}, value = "{value}" }}')
        first = ", ".join(f'{k} = "{v[0]}"' if isinstance(v[0], str) else f"{k} = 1990" for k, v in axes)
        return ", ".join(told) or f'{{ {first}, value = "1" }}'

    text = HEAD + '[[edition]]\nid = "one"\nvalid_from = 2020-01-01\n'
    text += (
        parameter("per_km", "gCO2e/km") + parameter("per_kwh", "kgCO2/kWh") + parameter("per_mj", "gCO2e/MJ")
    )
    text += parameter("share", "%") + parameter("base", "gCO2e")
    for name, unit in (("one_km", "km"), ("one_kwh", "kWh")):
        text += f'[[edition.parameter]]\nid = "{name}"\nunit = "{unit}"\nvalue = "1"\n{SOURCE}'
    names = 'name_zh = "名"\nname_en = "name"\n'
    text += f'[[edition.derived]]\nid = "derived_g"\nunit = "gCO2e"\nformula = "base * derived_n"\n{names}'
    text += f'[[edition.derived]]\nid = "derived_n"\nunit = "1"\nformula = "2 - share"\n{names}'
    text += f'[[edition.table]]\nid = "tabled"\nunit = "gCO2/kWh"\nby = ["region", "year"]\n{SOURCE}'
    text += f"cell = [{cells(('region', REGIONS), ('year', YEARS))}]\n"
    text += f'[[edition.table]]\nid = "mode_g"\nunit = "gCO2e"\nby = ["mode"]\n{SOURCE}'
    text += f"cell = [{cells(('mode', MODES))}]\n"
    for number in range(draw(st.integers(0, 2))):
        share = draw(st.sampled_from(["0", "0.05", "1/3", "0.999999"]))
        text += f'[[edition.deduction]]\nid = "d{number}"\nkind = "leakage"\nvalue = "{share}"\n{SOURCE}'
    if draw(st.booleans()):
        limit = draw(st.sampled_from([1, 500, 10**12]))
        text += f'[[edition.cap]]\nid = "most"\nper = "act"\nof = "grams"\nover = "trim"\nlimit = {limit}\n'
        text += 'source = "none"\n' + names
    places = draw(st.integers(1, 9))
    high = draw(st.sampled_from(["5", "100000", "9000000000"]))
    longest = draw(st.sampled_from([10, 100_000, 2**62]))
    default = draw(st.sampled_from(["", ', default = "1.5"']))
    text += f"""
[[activity]]
id = "act"
name_zh = "行"
name_en = "act"
inputs = [
  {{ id = "distance", type = "int", unit = "m", min = -5, max = {longest} }},
  {{ id = "energy", type = "decimal", places = {places}, unit = "kWh", min = "0", max = "{high}"{default} }},
  {{ id = "region", type = "region", choices = [{{ id = "CN-GD" }}, {{ id = "CN-BJ" }}] }},
  {{ id = "year", type = "year" }},
  {{ id = "mode", type = "choice", choices = [{{ id = "slow" }}, {{ id = "fast" }}], default = "slow" }},
]
formula = "floor({draw(formulas())})"
evidence = ["operator_feed"]
claim_key = ["activity", "means"]
"""
    return text


DISTANCES = st.one_of(st.integers(0, 3000), st.sampled_from([-6, -5, 10, 11, 100_000, 2**62, 2**63 - 1]))
ENERGIES = st.one_of(
    st.decimals("0", "5", places=1).map(str),
    st.sampled_from(["5", "100000", "9000000000", "9000000001", "-1"]),
)
VALUES = {
    "distance": DISTANCES,
    "energy": ENERGIES,
    "region": st.sampled_from(REGIONS),
    "year": st.sampled_from((*YEARS, YEARS[0], YEARS[1], 2030)),
    "mode": st.sampled_from(MODES),
}


def rows() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Mostly whole acts; some lack an input."""
    whole = st.fixed_dictionaries(VALUES)
    part = st.fixed_dictionaries({}, optional=VALUES)
    return st.lists(st.one_of(whole, whole, whole, part), min_size=8, max_size=25)


def in_columns(quantifier: Quantifier, acts: list[dict[str, Any]]) -> list[int | str]:
    held = [read_columns(quantifier.activity, act) for act in acts]
    columns = {
        item.id: np.array([(one or {}).get(item.id, MISSING) for one in held], np.int64)
        for item in quantifier.activity.inputs.values()
    }
    outcome = quantifier.columns(columns, len(acts))
    pairs = zip(outcome.grams.tolist(), outcome.errors.tolist(), strict=True)
    return [quantifier.reasons[error].code if error else grams for grams, error in pairs]


@given(text=pack_texts(), acts=rows())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_columns_and_single_acts_give_the_grams_of_the_plain_reference(
    text: str, acts: list[dict[str, Any]]
) -> None:
    nothing = plain.grams(text, {})
    shown = f'error = "{nothing}"' if isinstance(nothing, str) else f"grams = {nothing}"
    pack = packs.parse(text.replace('error = "missing"', shown).encode())
    assert [str(fault) for fault in pack.faults] == []
    quantifier = methodologies.prepare(
        methodologies.methodology_of(pack), activity="act", on=DAY, region="CN"
    )
    event(f"columnar: {quantifier.columnar}")
    expected = [plain.grams(text, act) for act in acts]
    event(
        "some have grams" if any(isinstance(one, int) and one > 0 for one in expected) else "none has grams"
    )
    singly = [quantifier.row(act, implied=False) for act in acts]
    assert [one.code if isinstance(one, RowReason) else one for one in singly] == expected
    assert in_columns(quantifier, acts) == expected
