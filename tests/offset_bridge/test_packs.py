"""The engine follows the pack: another rule in the pack is another answer, and a pack it could not solve is faulty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend import packs
from offset_bridge import rules
from tests.offset_bridge.support import case, codes, lot, usable

GUANGDONG = (packs.builtin_root() / "markets" / "guangdong.toml").read_text("utf-8")
HEAD, EXAMPLES = GUANGDONG.split("[[example]]", maxsplit=1)
ANY_EXAMPLE = """
[[example]]
why = "no rule but the cap"
compliance_year = 2018
in  = { entity = { confirmed_emissions_t = 100 }, used = [] }
out = { cap_t = 10 }
"""
EXCLUSION = '  [[edition.exclusion]]\n  id            = "hydro"'


def answer(folder: Path, text: str, asked: dict[str, Any]) -> dict[str, Any]:
    file = folder / "market.toml"
    file.write_text(text + ANY_EXAMPLE, "utf-8")
    read = rules.read_case(json.dumps(asked).encode())
    return rules.evaluate(read, rules.find_market(str(file), year=read.compliance_year)).json()


def with_rule(rule: str) -> str:
    assert EXCLUSION in HEAD
    return HEAD.replace(EXCLUSION, rule + EXCLUSION, 1)


VINTAGE = """
  [[edition.not_before]]
  id         = "vintage-2013"
  applies_to = ["CCER"]
  field      = "vintage_start"
  day        = 2013-01-01
  message_zh = "减排量产生于2013年1月1日之前"
  message_en = "the reductions arose before 1 January 2013"
  source     = "an example"

  [[edition.not_before]]
  id         = "commissioned-2011"
  applies_to = ["CCER"]
  field      = "commissioned_on"
  day        = 2011-01-01
  except     = ["forestry"]
  message_zh = "2010年12月31日前投入运行"
  message_en = "commissioned before 2011"
  source     = "an example"

"""


def test_a_day_in_the_pack_is_the_first_that_passes_and_a_straddling_vintage_is_out(tmp_path: Path) -> None:
    found = answer(
        tmp_path,
        with_rule(VINTAGE),
        case(
            lot("on", vintage_start="2013-01-01"),
            lot("straddling", vintage_start="2012-12-31"),
            lot("unsaid", vintage_start=..., vintage_end=...),
            lot("old-sink", commissioned_on="2000-01-01"),
            lot("old-wind", project_type="wind", commissioned_on="2010-12-31"),
            lot("new-wind", project_type="wind", commissioned_on="2011-01-01"),
            lot("p", "PHCER", vintage_start="2001-01-01"),
        ),
    )
    assert [name for name, tonnes in usable(found).items() if tonnes] == ["on", "old-sink", "new-wind", "p"]
    assert codes(found, "straddling") == ["vintage-2013"]
    assert codes(found, "unsaid") == ["fact-missing"]
    assert codes(found, "old-wind") == ["commissioned-2011"]
    assert "no-vintage-rule" not in {warning["code"] for warning in found["warnings"]}


def test_where_only_large_hydropower_is_out_plain_hydropower_is_refused_as_unknown(tmp_path: Path) -> None:
    text = HEAD.replace('project_types = ["hydro"]', 'project_types = ["hydro-medium", "hydro-large"]')
    kinds = ("hydro", "hydro-small", "hydro-medium", "hydro-large")
    found = answer(tmp_path, text, case(*(lot(kind, project_type=kind) for kind in kinds)))
    assert usable(found) == {"hydro": 0, "hydro-small": 10, "hydro-medium": 0, "hydro-large": 0}
    assert codes(found, "hydro") == ["hydro-size-unknown"]


def test_a_rule_that_is_put_in_force_refuses(tmp_path: Path) -> None:
    text = HEAD.replace("enabled         = false", "enabled         = true")
    found = answer(
        tmp_path,
        text,
        case(lot("a"), lot("bj", project_region="CN-BJ"), lot("sz", project_region="CN-GD-SZ")),
    )
    assert usable(found) == {"a": 10, "bj": 0, "sz": 0}
    assert codes(found, "sz") == ["other-pilot-regions"]


def test_an_unknown_part_of_the_gases_matters_only_to_a_lot_that_depends_on_it(tmp_path: Path) -> None:
    text = HEAD.replace('at_least   = "1/2"', 'at_least   = "unknown"')
    assert answer(tmp_path, text, case(lot("a", filed=False), lot("p", "PHCER")))["usable_t"] == 10
    with pytest.raises(rules.ParameterUnset) as raised:
        answer(tmp_path, text, case(lot("a")))
    assert raised.value.parameter == "co2-ch4-share.at_least"
    asked = case(lot("a"), lot("b", gases={"CO2": "0.3", "SF6": "0.7"}))
    asked["parameters"] = {"co2-ch4-share.at_least": "0.31"}
    assert usable(answer(tmp_path, text, asked)) == {"a": 10, "b": 0}


def test_an_unknown_share_matters_only_when_its_unit_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEAD.replace('at_least   = "0.70"', 'at_least   = "unknown"')
    refusing = ANY_EXAMPLE.replace("cap_t = 10", 'error = "packs.unknown_parameter"')
    monkeypatch.setitem(globals(), "ANY_EXAMPLE", refusing)
    assert answer(tmp_path, text, case(lot("p", "PHCER")))["usable_t"] == 10
    with pytest.raises(rules.ParameterUnset) as raised:
        answer(tmp_path, text, case(lot("a")))
    assert raised.value.parameter == "ccer-local-share.at_least"


SECOND_SHARE = """
  [[edition.constraint]]
  id         = "another"
  kind       = "share"
  of         = { unit = "CCER", project_region = "CN" }
  over       = { unit = "CCER" }
  at_least   = "0.1"
  message_zh = "例"
  message_en = "an example"
  source     = "an example"

"""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (with_rule(SECOND_SHARE), "bad_order"),
        (HEAD.replace('over       = { unit = "CCER" }', 'over       = { unit = "PHCER" }'), "bad_order"),
        (HEAD.replace('except_unless = "gd_local', 'except_unless = "no_such'), "bad_reference"),
    ],
)
def test_a_pack_that_could_not_be_solved_exactly_is_faulty(text: str, fault: str) -> None:
    assert fault in [found.code for found in packs.parse((text + ANY_EXAMPLE).encode()).faults]


def test_limits_that_cross_are_refused_and_not_guessed(tmp_path: Path) -> None:
    text = HEAD.replace('counts = ["CCER", "PHCER"]', 'counts = ["CCER"]', 1).replace(
        'compliance_year = 2017\ntonnes          = 1500000\ncounts          = ["CCER", "PHCER"]',
        'compliance_year = 2017\ntonnes          = 1500000\ncounts          = ["PHCER"]',
    )
    asked = case(lot("a", tonnes=100), lot("p", "PHCER", 2_000_000), emissions=500, obligation=10**7)
    found = answer(tmp_path, text, {**asked, "compliance_year": 2017})
    assert usable(found) == {"a": 50, "p": 1_500_000}  # disjoint sets are fine
    offers = [
        rules.Offer("a", 1, frozenset({"x"})),
        rules.Offer("b", 1, frozenset({"x", "y"})),
        rules.Offer("c", 1, frozenset({"y"})),
    ]
    with pytest.raises(rules.RulesUnsupported):
        rules.choose(offers, limits=[rules.Limit("x", 1), rules.Limit("y", 1)])


def test_many_lots_are_answered_quickly_and_exactly() -> None:
    held = [
        lot(f"{n:05}", tonnes=1 + n % 97, project_region="CN-GD" if n % 3 else "CN-YN") for n in range(3000)
    ]
    read = rules.read_case(json.dumps(case(*held, emissions=1_000_000)).encode())
    found = rules.evaluate(read, rules.find_market("guangdong", year=2018))
    assert found.usable_t == 100_000
    assert found.json() == rules.evaluate(read, rules.find_market("guangdong", year=2018)).json()
