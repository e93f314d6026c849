"""A case is read strictly: the first fault is named by its path in two languages, and nothing of the input comes back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from offset_bridge import rules
from tests.offset_bridge.support import case, evaluate, lot

SECRET = "Zhang-San-13800000000"


def changed(path: str, value: object) -> dict[str, Any]:
    asked = copy.deepcopy(case(lot("a"), lot("b"), used=[lot("u")]))
    place: Any = asked
    *steps, last = path.replace("[", ".[").split(".")
    for step in steps:
        place = place[int(step[1:-1])] if step.startswith("[") else place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return asked


WRONG: list[tuple[str, object]] = [
    ("compliance_year", "2018"),
    ("compliance_year", ...),
    ("compliance_year", 2018.0),
    ("entity", ...),
    ("entity", [SECRET]),
    ("entity.obligation_t", ...),
    ("entity.obligation_t", -1),
    ("entity.confirmed_emissions_t", True),
    ("entity.confirmed_emissions_t", ...),
    ("entity.region", SECRET),
    ("entity.region", "CN-GD-SZ"),
    ("market", 5),
    ("on", "2019-02-30"),
    ("holdings", ...),
    ("holdings", {SECRET: 1}),
    ("holdings[1].id", "a"),
    ("holdings[0].id", 7),
    ("holdings[0].id", "\ud800"),
    ("holdings[0].unit", SECRET),
    ("holdings[0].unit", ...),
    ("holdings[0].tonnes", "5"),
    ("holdings[0].tonnes", 5.0),
    ("holdings[0].tonnes", -5),
    ("holdings[0].tonnes", True),
    ("holdings[0].tonnes", 10**30),
    ("holdings[0].tonnes", float("nan")),
    ("holdings[1].project_type", "Forestry"),
    ("holdings[1].filed", "yes"),
    ("holdings[1].own_boundary", 0),
    ("holdings[1].gases", {"CO2": "0.6", "CH4": "0.6"}),
    ("holdings[1].gases", {}),
    ("holdings[1].gases.CO2", 1.0),
    ("holdings[1].gases.CO2", "-0.1"),
    ("holdings[1].gases.CO2", "unknown"),
    ("holdings[1].gases.CO2", "1e0"),
    ("holdings[1].vintage_start", "20140101"),
    ("holdings[1].vintage_end", "2013-12-31"),
    ("holdings[1].ccer_category", "pre-cdm"),
    ("holdings[1].year", 1),
    ("used[0].project_region", ...),
    ("used[0].unit", "GZCER"),
    ("used", {"GZCER": 3}),
    ("pools", {"x": {"remaining_t": "5"}}),
    ("parameters", {"gd_local_includes_sz": "perhaps"}),
    ("parameters", {"ccer-local-share.at_least": "0.5"}),
    ("parameters", {SECRET: "0.5"}),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_wrong_field_is_named_and_its_value_is_not_repeated(path: str, value: object) -> None:
    error = evaluate(changed(path, value))["error"]
    assert error["code"] == "invalid_input", error
    assert error["field"].startswith(path)
    assert error["field"] in error["message_zh"]
    assert error["field"] in error["message_en"]
    assert SECRET not in json.dumps(error, ensure_ascii=False)


@pytest.mark.parametrize("path", ["", "entity", "holdings[0]", "used[0]", "holdings[0].gases"])
def test_an_unknown_field_is_refused_at_its_place(path: str) -> None:
    error = evaluate(changed(f"{path}.{SECRET}".removeprefix("."), 1))["error"]
    assert (error["code"], error["field"]) == ("invalid_input", path or "$")
    assert SECRET not in json.dumps(error, ensure_ascii=False)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"market":',
        b"[" * 100_000,
        b'{"compliance_year":' + b"9" * 5000 + b"}",
        b'{"market":"guangdong","market":"hubei"}',
    ],
)
def test_what_is_not_a_case_is_refused_without_a_traceback(raw: bytes) -> None:
    with pytest.raises(rules.CaseInvalid):
        rules.read_case(raw)


def test_a_fault_of_json_names_its_line() -> None:
    with pytest.raises(rules.CaseInvalid) as raised:
        rules.read_case(b'{\n "market": "guangdong",\n oops\n}')
    assert raised.value.field.startswith("line 3")
