"""The rules of the Guangdong market, each at its threshold, with its reason and its source."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offset_bridge import rules
from tests.offset_bridge.support import case, codes, constraint, evaluate, lot, usable, warned

YN = "CN-YN"


def test_the_example_of_the_contract_is_answered_as_written() -> None:
    asked = case(lot("a", tonnes=5000), emissions=120_000, used={"CCER": 0, "PHCER": 0})
    answer = evaluate(asked)
    assert (answer["edition"], answer["cap_t"], answer["usable_t"]) == ("handbook", 12_000, 5000)
    assert answer["lines"] == [{"id": "a", "usable_t": 5000, "reasons": []}]
    assert answer["constraints"][0] == {"id": "cap", "limit_t": 12_000, "used_t": 5000, "binding": False}


def threshold(local: int) -> dict[str, Any]:
    return evaluate(
        case(
            lot("p", "PHCER", 20_000),
            lot("local", tonnes=local, project_region="CN-GD-GZ"),
            lot("other", tonnes=30_000 - local, project_region=YN),
        )
    )


def test_exactly_70_percent_local_at_exactly_the_cap_passes() -> None:
    answer = threshold(21_000)
    assert answer["usable_t"] == answer["cap_t"] == 50_000
    assert usable(answer) == {"p": 20_000, "local": 21_000, "other": 9_000}
    assert constraint(answer, "cap")["binding"]
    assert constraint(answer, "ccer-local-share") == {
        "id": "ccer-local-share",
        "limit_t": 9_000,
        "used_t": 9_000,
        "binding": True,
    }


def test_one_local_tonne_less_carries_one_other_tonne_less() -> None:
    answer = threshold(20_999)
    assert usable(answer) == {"p": 20_000, "local": 20_999, "other": 8_999}
    assert codes(answer, "other") == ["ccer-local-share"]
    assert not constraint(answer, "cap")["binding"]


@pytest.mark.parametrize(
    ("local", "other"), [(6, 2), (7, 3), (8, 3), (9, 3), (10, 4), (0, 0), (1, 0), (2, 0), (3, 1)]
)
def test_the_share_is_tested_in_whole_tonnes(local: int, other: int) -> None:
    answer = evaluate(case(lot("local", tonnes=local), lot("other", tonnes=100, project_region=YN)))
    assert usable(answer) == {"local": local, "other": other}


@pytest.mark.parametrize(
    ("emissions", "cap"), [(0, 0), (9, 0), (10, 1), (19_999, 1999), (20_000, 2000), (123_456, 12_345)]
)
def test_the_cap_is_a_tenth_of_the_confirmed_emissions_floored(emissions: int, cap: int) -> None:
    answer = evaluate(case(lot("p", "PHCER", 10**6), emissions=emissions, obligation=10**9))
    assert (answer["cap_t"], answer["usable_t"]) == (cap, cap)
    assert codes(answer, "p") == ["cap"]


def test_phcer_needs_no_ccer_beside_it() -> None:
    answer = evaluate(case(lot("p", "PHCER", 50_000)))
    assert answer["usable_t"] == 50_000
    assert not constraint(answer, "ccer-local-share")["binding"]


def test_tonnes_used_before_count_against_cap_share_and_obligation() -> None:
    used = [lot("u", tonnes=700), lot("v", tonnes=100, project_region=YN)]
    answer = evaluate(case(lot("other", tonnes=5000, project_region=YN), used=used))
    assert answer["usable_t"] == 200  # 700 carry 300, of which 100 are used
    assert constraint(answer, "cap") == {"id": "cap", "limit_t": 50_000, "used_t": 1000, "binding": False}
    answer = evaluate(case(lot("p", "PHCER", 5000), emissions=10_000, used={"PHCER": 999}))
    assert answer["usable_t"] == 1
    answer = evaluate(case(lot("p", "PHCER", 5000), emissions=10_000, used={"PHCER": 1001}))
    assert answer["usable_t"] == 0


def test_a_broken_share_is_repaired_in_full_or_nothing_is_used() -> None:
    used = [lot("u", tonnes=3, project_region=YN)]
    assert evaluate(case(lot("a", tonnes=7), lot("p", "PHCER", 5), used=used))["usable_t"] == 12
    answer = evaluate(case(lot("a", tonnes=6), lot("p", "PHCER", 5), used=used))
    assert usable(answer) == {"a": 0, "p": 0}
    assert codes(answer, "p") == codes(answer, "a") == ["ccer-local-share"]


def test_a_bare_total_is_refused_where_the_share_needs_its_parts() -> None:
    error = evaluate(case(lot("a"), used={"CCER": 1}))["error"]
    assert (error["code"], error["field"]) == ("used_needs_lots", "used.CCER")
    assert error["source"]
    assert evaluate(case(lot("a"), used={"PHCER": 1}))["usable_t"] == 10


def test_nothing_is_used_beyond_the_open_obligation() -> None:
    answer = evaluate(case(lot("p", "PHCER", 500), obligation=1000, used={"GDEA": 800, "PHCER": 100}))
    assert answer["usable_t"] == 100
    assert codes(answer, "p") == ["obligation"]
    assert constraint(answer, "obligation") == {
        "id": "obligation",
        "limit_t": 1000,
        "used_t": 1000,
        "binding": True,
    }
    assert evaluate(case(lot("p", "PHCER", 500), obligation=1000, used={"GDEA": 2000}))["usable_t"] == 0


REFUSED = [
    ({"project_type": "hydro"}, "hydro"),
    ({"project_type": "hydro-small"}, "hydro"),
    ({"project_type": "hydro-medium"}, "hydro"),
    ({"project_type": "hydro-large"}, "hydro"),
    ({"project_type": "coal-power"}, "fossil-power-heat"),
    ({"project_type": "oil-power"}, "fossil-power-heat"),
    ({"project_type": "gas-power"}, "fossil-power-heat"),
    ({"project_type": "coal-heat"}, "fossil-power-heat"),
    ({"project_type": "oil-heat"}, "fossil-power-heat"),
    ({"project_type": "gas-heat"}, "fossil-power-heat"),
    ({"project_type": "waste-heat"}, "waste-energy"),
    ({"project_type": "waste-pressure"}, "waste-energy"),
    ({"project_type": "waste-gas"}, "waste-energy"),
    ({"project_type": ...}, "fact-missing"),
    ({"ccer_category": "pre-CDM"}, "pre-cdm"),
    ({"gases": {"N2O": "1"}}, "co2-ch4-share"),
    ({"gases": {"CO2": "0.3", "CH4": "0.1999999999", "N2O": "0.5000000001"}}, "co2-ch4-share"),
    ({"gases": ...}, "fact-missing"),
    ({"filed": False}, "unfiled"),
    ({"filed": ...}, "fact-missing"),
    ({"project_region": ...}, "fact-missing"),
    ({"own_boundary": True}, "own-boundary"),
    ({"covered_boundary": True}, "covered-boundary"),
]


@pytest.mark.parametrize(("facts", "code"), REFUSED)
def test_a_ccer_lot_is_refused_with_the_reason_and_its_source(facts: dict[str, object], code: str) -> None:
    answer = evaluate(case(lot("a", **facts), lot("b")))
    assert usable(answer) == {"a": 0, "b": 10}
    assert codes(answer, "a") == [code]
    reason = answer["lines"][0]["reasons"][0]
    assert all(reason[key] for key in ("message_zh", "message_en", "source"))


@pytest.mark.parametrize(
    "facts",
    [
        {"project_type": "coal-bed-methane"},
        {"project_type": "biogas", "gases": {"CH4": "1"}},
        {"gases": {"CO2": "0.3", "CH4": "0.2", "N2O": "0.5"}},
        {"gases": {"CO2": "1/3", "CH4": "1/6", "SF6": "1/2"}},
        {"vintage_start": "1999-01-01", "vintage_end": "1999-12-31"},
        {"commissioned_on": ...},
        {"vintage_start": ..., "vintage_end": ...},
    ],
)
def test_what_no_rule_of_the_edition_refuses_is_used(facts: dict[str, object]) -> None:
    assert evaluate(case(lot("a", **facts)))["usable_t"] == 10


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        ("GDEA", "allowance-is-no-offset"),
        ("BEA", "allowance-of-another-market"),
        ("CEA", "allowance-of-another-market"),
        ("SZEA", "allowance-of-another-market"),
        ("GZCER", "unit-not-accepted"),
        ("SZ-PHCER", "unit-not-accepted"),
        ("FFCER", "unit-not-accepted"),
        ("BJ-FCS", "unit-not-accepted"),
        ("HB-CER", "unit-not-accepted"),
    ],
)
def test_units_that_the_market_does_not_take_are_refused(unit: str, code: str) -> None:
    answer = evaluate(case(lot("a", unit), {"id": "b", "unit": unit, "tonnes": 5, "year": 2018}))
    assert answer["usable_t"] == 0
    assert codes(answer, "a") == codes(answer, "b") == [code]


def test_phcer_is_provincial_and_filed_and_outside_every_covered_boundary() -> None:
    answer = evaluate(
        case(
            lot("away", "PHCER", project_region=YN),
            lot("unfiled", "PHCER", filed=False),
            lot("inside", "PHCER", own_boundary=True, covered_boundary=True),
            lot("hydro", "PHCER", project_type="hydro", gases=...),  # exclusions speak of CCER only
        )
    )
    assert usable(answer) == {"away": 0, "unfiled": 0, "inside": 0, "hydro": 10}
    assert codes(answer, "away") == ["not-local"]
    assert codes(answer, "unfiled") == ["unfiled"]
    assert codes(answer, "inside") == ["own-boundary", "covered-boundary"]


def test_every_reason_against_a_lot_is_given() -> None:
    answer = evaluate(
        case(lot("a", project_type="hydro", ccer_category="pre-CDM", filed=False, gases={"SF6": "1"}))
    )
    assert codes(answer, "a") == ["unfiled", "hydro", "pre-cdm", "co2-ch4-share"]


def test_the_oldest_vintage_goes_first_then_the_id() -> None:
    answer = evaluate(
        case(
            lot("b", "PHCER", 6, vintage_start="2013-01-01", vintage_end="2013-12-31"),
            lot("a", "PHCER", 6, vintage_start="2013-01-01", vintage_end="2013-12-31"),
            lot("c", "PHCER", 6, vintage_start="2012-01-01", vintage_end="2012-12-31"),
            lot("d", "PHCER", 6, vintage_start=..., vintage_end=...),
            emissions=140,
        )
    )
    assert usable(answer) == {"b": 2, "a": 6, "c": 6, "d": 0}


def test_an_older_foreign_lot_goes_first_as_far_as_the_share_still_reaches_the_most() -> None:
    answer = evaluate(
        case(
            lot("local", tonnes=100, vintage_start="2015-01-01", vintage_end="2015-12-31"),
            lot("old", tonnes=100, project_region=YN, vintage_start="2010-01-01", vintage_end="2010-12-31"),
            emissions=1000,
        )
    )
    assert usable(answer) == {"local": 70, "old": 30}


def test_a_project_in_shenzhen_is_an_error_only_when_tonnes_depend_on_it() -> None:
    shenzhen = lot("sz", tonnes=70, project_region="CN-GD-SZ")
    answer = evaluate(case(shenzhen, lot("other", tonnes=30, project_region=YN)))
    error = answer["error"]
    assert (error["code"], error["parameter"], error["edition"]) == (
        "unknown_parameter",
        "gd_local_includes_sz",
        "handbook",
    )
    assert all(error[key] for key in ("message_zh", "message_en", "source"))
    enough = evaluate(case(shenzhen, lot("local", tonnes=700)))
    assert enough["usable_t"] == 770
    assert "setting-unknown" in warned(enough)
    refused = evaluate(case({**shenzhen, "filed": False}, lot("local", tonnes=700)))
    assert refused["usable_t"] == 700
    assert "setting-unknown" not in warned(refused)
    assert evaluate(case(lot("p", "PHCER", 70, project_region="CN-GD-SZ")))["usable_t"] == 70


@pytest.mark.parametrize(("inside", "total"), [(True, 100), ("true", 100), (False, 0), ("false", 0)])
def test_the_setting_on_shenzhen_can_be_given(inside: object, total: int) -> None:
    answer = evaluate(
        case(
            lot("sz", tonnes=70, project_region="CN-GD-SZ"),
            lot("other", tonnes=30, project_region=YN),
            parameters={"gd_local_includes_sz": inside},
        )
    )
    assert answer["usable_t"] == total


def test_used_tonnes_from_shenzhen_matter_too() -> None:
    used = [lot("u", tonnes=70, project_region="CN-GD-SZ")]
    assert (
        evaluate(case(lot("other", tonnes=1, project_region=YN), used=used))["error"]["code"]
        == "unknown_parameter"
    )


def test_the_cap_of_2021_is_unknown_and_refuses_with_its_source() -> None:
    asked = case(lot("a"), compliance_year=2021)
    error = evaluate(asked)["error"]
    assert (error["code"], error["parameter"], error["edition"]) == (
        "unknown_parameter",
        "cap.rate",
        "annual-2021",
    )
    assert error["source"].startswith("http")
    asked["parameters"] = {"cap.rate": "0.10"}
    assert evaluate(asked)["error"]["parameter"] == "cap.base"
    asked["parameters"]["cap.base"] = "confirmed_emissions_t"
    answer = evaluate(asked)
    assert (answer["cap_t"], answer["usable_t"]) == (50_000, 10)
    assert constraint(answer, "pool-2021")["limit_t"] == 1_000_000


def test_an_unknown_cap_on_which_no_lot_depends_is_a_warning() -> None:
    answer = evaluate(case(lot("a", "GZCER"), compliance_year=2021))
    assert (answer["cap_t"], answer["usable_t"]) == (None, 0)
    assert "cap-unknown" in warned(answer)


@pytest.mark.parametrize("year", [2015, 2019, 2020, 2022])
def test_a_year_without_an_edition_refuses(year: int) -> None:
    error = evaluate(case(lot("a"), compliance_year=year))["error"]
    assert (error["code"], error["edition"]) == ("no_edition", str(year))


def test_a_market_that_does_not_exist_refuses() -> None:
    assert evaluate(case(lot("a"), market="jiangxi"))["error"]["code"] == "unknown_market"


def test_a_province_wide_pool_limits_and_its_absence_warns() -> None:
    phcer = lot("p", "PHCER", 5_000_000)
    whole = evaluate(case(phcer, emissions=10**8, compliance_year=2017))
    assert (whole["usable_t"], codes(whole, "p")) == (1_500_000, ["pool-2017"])
    assert "pool-remainder-not-given" in warned(whole)
    left = evaluate(
        case(
            phcer,
            emissions=10**8,
            compliance_year=2017,
            used={"PHCER": 7},
            pools={"pool-2017": {"remaining_t": 40}},
        )
    )
    assert left["usable_t"] == 40
    assert constraint(left, "pool-2017") == {"id": "pool-2017", "limit_t": 40, "used_t": 40, "binding": True}
    none = evaluate(case(phcer, emissions=10**8))
    assert none["usable_t"] == 5_000_000
    assert "no-pool-listed" in warned(none)
    unlisted = evaluate(case(phcer, emissions=10**8, pools={"mine": {"remaining_t": 3}}))
    assert unlisted["usable_t"] == 3
    assert "pool-not-in-pack" in warned(unlisted)


def test_a_rule_that_is_not_in_force_only_warns() -> None:
    answer = evaluate(case(lot("a", tonnes=7), lot("b", tonnes=3, project_region="CN-BJ")))
    assert answer["usable_t"] == 10
    assert "other-pilot-regions" in warned(answer)


def test_of_vintages_that_begin_alike_the_one_that_ends_first_is_older_and_ids_compare_as_text() -> None:
    long = {"vintage_start": "2013-01-01", "vintage_end": "2014-12-31"}
    short = {"vintage_start": "2013-01-01", "vintage_end": "2013-12-31"}
    answer = evaluate(
        case(
            lot("a1", "PHCER", 5, **long),
            lot("b1", "PHCER", 5, **short),
            lot("a2", "PHCER", 5, **short),
            lot("a10", "PHCER", 5, **short),
            emissions=120,
        )
    )
    assert usable(answer) == {"a1": 0, "b1": 2, "a2": 5, "a10": 5}


def test_an_edition_may_be_named_for_a_year_that_is_not_among_its_own() -> None:
    asked = case(lot("a", "CCER", 5_000), compliance_year=2025, emissions=20_000)
    assert evaluate(asked)["error"]["code"] == "no_edition"
    market = rules.find_market("guangdong", year=2025)
    read = rules.read_case(json.dumps(asked).encode())
    named = rules.evaluate(read, market, edition="handbook")
    assert (named.edition, named.cap_t, named.usable_t) == ("handbook", 2_000, 2_000)
    with pytest.raises(rules.EditionUnknown):
        rules.evaluate(read, market, edition="handbook-2")
    with pytest.raises(rules.ParameterUnset):  # its rate is unknown, whatever year it is named for
        rules.evaluate(read, market, edition="annual-2021")
