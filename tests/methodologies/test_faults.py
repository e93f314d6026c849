"""What an author of a methodology gets wrong is named with file and line, everything in one run."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import packs
from backend.packs import Pack
from tests.methodologies.test_docs import EXAMPLE
from tests.puhui.test_packs_and_quantify import run

SECOND = """
[[edition]]
id          = "2025"
valid_from  = 2025-06-01
parameter   = []

"""


def broken(*changes: tuple[str, str]) -> Pack:
    text = EXAMPLE
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    return packs.parse(text.encode(), "pack.toml")


def test_five_faults_of_five_kinds_are_named_with_file_and_line_in_one_run(tmp_path: Path) -> None:
    cycle = """  [[edition.derived]]
  id      = "there"
  formula = "delivered"
  unit    = "1"
  name_zh = "彼"
  name_en = "there"

  [[edition.table]]"""
    text = EXAMPLE
    for before, after in (
        ('  unit         = "%"\n', ""),  # a unit is gone
        ('value        = "0.05"', "value        = 0.05"),  # a float
        ('formula = "1 / (1 - loss)"', 'formula = "there"'),  # a cycle
        ("  [[edition.table]]", cycle),
        ("[[activity]]", SECOND + "[[activity]]"),  # editions that overlap
        ("floor(grid_factor * delivered * saved)", "floor(grid_factor + delivered)"),  # not grams
    ):
        assert before in text, before
        text = text.replace(before, after, 1)
    file = tmp_path / "pack.toml"
    file.write_text(text, "utf-8")
    lines = text.split("\n")

    def line(piece: str) -> int:
        return next(number for number, line in enumerate(lines, 1) if piece in line)

    result = run("packs", "check", file)
    assert result.exit_code == 1
    for number, key, words in (
        (line("[[edition.parameter]]"), "edition[0].parameter[0].unit", "the key is missing"),
        (line("value        = 0.05"), "edition[0].deduction[0].value", "a float is not allowed"),
        (
            line('formula = "there"'),
            "edition[0].derived[0].formula",
            "in a cycle: delivered → there → delivered",
        ),
        (
            line('formula = "delivered"'),
            "edition[0].derived[1].formula",
            "in a cycle: there → delivered → there",
        ),
        (line('id          = "2025"') - 1, "edition[1]", "the editions 2024 and 2025 overlap"),
        (line("floor(grid_factor + delivered)"), "activity[0].formula", "the units do not reduce"),
    ):
        shown = result.output.split(f"{file}:{number} {key}: ")
        assert len(shown) == 2, (number, key, result.output)
        assert words in shown[1].split("\n")[1]


@pytest.mark.parametrize(
    ("before", "after", "code", "key"),
    [
        ('min = "0", max = "5000"', 'min = "0", max = "5000.123"', "bad_decimal", "activity[0].inputs[0].max"),
        ('min = "0", max = "5000"', 'min = 0, max = "5000"', "bad_decimal", "activity[0].inputs[0].min"),
        ('places = 2, unit = "kWh"', 'unit = "kWh"', "missing_key", "activity[0].inputs[0].places"),
        ('max = "5000" }', 'max = "5000", default = "5001" }', "out_of_range", "activity[0].inputs[0].default"),
        ('max = "5000"', 'max = "99999999999999999999"', "out_of_range", "activity[0].inputs[0].max"),
        ('type = "year" }', 'type = "year", unit = "d" }', "unknown_key", "activity[0].inputs[2].unit"),
        ('by           = ["region", "year"]', 'by           = ["saved", "year"]', "missing_key",
         "edition[0].table[0].cell[0].saved"),
        ('id = "region", type = "region"', 'id = "region", type = "text"', "unknown_key", "activity[0].inputs[1].choices"),
        ('{ id = "year", type = "year" }', '{ id = "year", type = "uint", unit = "1", min = 0, max = 9 }', "bad_pick",
         "edition[0].table[0].by[1]"),
        ('{ region = "CN-BJ", year = 2024', '{ region = "CN-SH", year = 2024', "bad_reference",
         "edition[0].table[0].cell[2].region"),
        ('{ region = "CN-GD", year = 2024', '{ region = "CN-GD", year = 2023', "duplicate", "edition[0].table[0].cell[1]"),
        ('value = "0.38" }', 'value = "0,38" }', "bad_figure", "edition[0].table[0].cell[1].value"),
        ('value = "0.38" }', 'value = "0.38", from = "x" }', "unknown_key", "edition[0].table[0].cell[1].from"),
        ('value        = "0.05"', 'value        = "1"', "out_of_range", "edition[0].deduction[0].value"),
        ('of      = "grams"', 'of      = "acts"', "bad_order", "edition[0].cap[0].of"),
        ('over    = "trim"', 'over    = "trim"\n  activities = ["walk"]', "bad_reference", "edition[0].cap[0].activities[0]"),
        ('formula = "1 / (1 - loss)"', 'formula = "1 / (1 - gone)"', "unknown_name", "edition[0].derived[0].formula"),
        ('formula = "1 / (1 - loss)"', 'formula = "1 / grid_factor"', "unknown_name", "edition[0].derived[0].formula"),
        ('id      = "delivered"', 'id      = "loss"', "duplicate", "edition[0].derived[0].id"),
        ("[baseline]", "[baselines]", "missing_key", "baseline"),
        ('rounding_per_act = "floor-once"\n', "", "missing_key", "aggregation.rounding_per_act"),
        ("floor(grid_factor * delivered * saved)", "floor(grid_factor * saved / floor(delivered + 1))",
         "not_conservative", "activity[0].formula"),
        ("floor(grid_factor * delivered * saved)", "floor(grid_factor * saved * year)", "unknown_name",
         "activity[0].formula"),
    ],
)  # fmt: skip
def test_each_fault_of_the_later_keys_is_found(before: Any, after: Any, code: Any, key: Any) -> None:
    pack = broken((before, after))
    assert (code, key) in {(fault.code, fault.key) for fault in pack.faults}, [str(f) for f in pack.faults]
    assert pack.body is None


FACTORS = """
kind = "factors"
format = 1
[pack]
id = "example-grid"
version = "1.0.0"
title_zh = "例"
title_en = "an example"
status = "draft"
jurisdiction = "CN"
[review]
unknowns = []
[[table]]
id = "grid"
unit = "gCO2/kWh"
by = ["year", "region"]
name_zh = "因子"
name_en = "factor"
source_title = "none"
source_url = "https://example.org/"
source_date = "unknown"
confidence = "low"
cell = [
  { region = "CN-GD", year = 2023, value = "400" },
  { region = "CN-GD", year = 2024, value = "380" },
  { region = "CN-BJ", year = 2024, value = "unknown" },
]
"""


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("", "", []),
        ('value = "380"', 'value = "381"', [("figure_differs", "edition[0].table[0].cell[1].value")]),
        ('value = "unknown"', 'value = "1"', [("figure_differs", "edition[0].table[0].cell[2].value")]),
        ('id = "grid"', 'id = "other"', [("bad_reference", "edition[0].table[0].same_as")]),
    ],
)
def test_a_copied_table_is_compared_with_its_factors(before: Any, after: Any, found: Any) -> None:
    same = ('by           = ["region"', 'same_as      = "example-grid/grid"\n  by           = ["region"')
    copy, factors = broken(same), packs.parse(FACTORS.replace(before, after, 1).encode())
    assert copy.faults == ()
    assert factors.faults == ()
    faults = packs.check_references(packs.gather([copy, factors]))
    assert [(fault.code, fault.key) for fault in faults] == found


def test_a_file_of_the_older_format_stays_as_it_was_and_the_newer_asks_for_more() -> None:
    older = packs.load(packs.builtin_root() / "methodologies" / "cn-shared-bike-km.toml")
    assert older.data["format"] == 1
    assert older.faults == ()
    newer = packs.parse(older.text.replace("format = 1", "format = 2").encode())
    assert {(fault.code, fault.key) for fault in newer.faults} == {
        ("missing_key", key)
        for key in (
            "baseline", "rights", "exclusion", "aggregation.rounding_per_act", "monitoring.measured_zh",
            "monitoring.measured_en", "monitoring.checked_zh", "monitoring.checked_en",
        )
    }  # fmt: skip
    assert (
        packs.parse(older.text.replace("format = 1", "format = 3").encode()).faults[0].code == "out_of_range"
    )


VALUES = [
    "9223372036854775808",
    "1",
    "-1",
    '""',
    "true",
    "1.5",
    "[]",
    "{}",
    "[[]]",
    "{ a = 1 }",
    '"unknown"',
    "2024-01-01",
    '"1/0"',
    '["a", "a"]',
]


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_file_that_is_mangled_is_faulty_or_sound_and_never_a_traceback(random: Random) -> None:
    lines = EXAMPLE.split("\n")
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(lines))
        key, equals, _ = lines[place].partition("=")
        if equals and random.random() < 0.7:
            lines[place] = f"{key}= {random.choice(VALUES)}"
        elif random.random() < 0.5:
            lines.insert(random.randrange(len(lines)), lines.pop(place))
        else:
            del lines[place]
    pack = packs.parse("\n".join(lines).encode())
    assert (pack.body is None) == bool(pack.faults)
