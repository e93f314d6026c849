"""A faulty pack names every fault with its file, its line and its key, and is never used."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import methodologies, packs
from backend.intake import mapping
from backend.packs import Pack, PackFaulty
from backend.programmes import rules

KINDS = (rules, mapping)  # their kinds of pack are registered when they are imported
PACKS = sorted(packs.builtin_root().rglob("*.toml"))
BIKE = (packs.builtin_root() / "methodologies" / "cn-shared-bike-km.toml").read_text("utf-8")
MARKET = (packs.builtin_root() / "markets" / "guangdong.toml").read_text("utf-8")
PROGRAMME = (packs.builtin_root() / "programmes" / "gd-green-travel.toml").read_text("utf-8")


def broken(text: str, before: str, after: str) -> tuple[Pack, int]:
    """The pack with one passage changed, and the line where the change begins."""
    assert text.count(before) >= 1, before
    line = text[: text.index(before)].count("\n") + 1
    return packs.parse(text.replace(before, after, 1).encode(), "pack.toml"), line


def test_the_shipped_packs_are_sound_and_refer_to_what_exists() -> None:
    library = packs.load_all()
    assert [str(fault) for fault in (*library.faults, *packs.check_references(library))] == []
    assert {
        "cn-shared-bike-km",
        "gz-metro-trip",
        "bj-bus-act",
        "sz-metro-km",
        "gd-green-travel",
        "guangdong",
    } <= set(library.packs)


@pytest.mark.parametrize(
    ("before", "after", "code", "key"),
    [
        ('value        = "48.7"', "value        = 48.7", "float", "edition[0].parameter[0].value"),
        ('value        = "48.7"', 'value        = "48,7"', "bad_figure", "edition[0].parameter[0].value"),
        ('value        = "48.7"', 'value        = "4.87e1"', "bad_figure", "edition[0].parameter[0].value"),
        ('value        = "48.7"', "value        = 48", "bad_figure", "edition[0].parameter[0].value"),
        (
            'unit         = "gCO2e/km"',
            'unit         = "gCO2e/furlong"',
            "bad_unit",
            "edition[0].parameter[0].unit",
        ),
        (
            'confidence   = "medium"',
            'confidence   = "sure"',
            "not_allowed",
            "edition[0].parameter[0].confidence",
        ),
        (
            "source_date  = 2024-06-13",
            'source_date  = "2024-06-13"',
            "bad_date",
            "edition[0].parameter[0].source_date",
        ),
        (
            "source_date  = 2024-06-13",
            "source_date  = 2024-06-13T00:00:00",
            "bad_date",
            "edition[0].parameter[0].source_date",
        ),
        ('source_url   = "https', 'source_url   = "ftp', "bad_pattern", "edition[0].parameter[0].source_url"),
        ("official     = false", 'official     = "no"', "wrong_type", "pack.official"),
        ('jurisdiction = "CN"', 'jurisdiction = "China"', "bad_pattern", "pack.jurisdiction"),
        ('title_zh     = "共享单车骑行减排量(按距离)"', 'title_zh     = " "', "empty", "pack.title_zh"),
        ("retain_years = 10", "retain_years = 0", "out_of_range", "monitoring.retain_years"),
        ("retain_years = 10", "retain_years = 10\nretain_for = 1", "unknown_key", "monitoring.retain_for"),
        (
            "floor(net_factor * distance_m)",
            "floor(net_factor ^ distance_m)",
            "bad_formula",
            "activity[0].formula",
        ),
        (
            "floor(net_factor * distance_m)",
            "floor(net_factor * speed)",
            "unknown_name",
            "activity[0].formula",
        ),
        (
            "floor(net_factor * distance_m)",
            "floor(net_factor + distance_m)",
            "unit_mismatch",
            "activity[0].formula",
        ),
        ("floor(net_factor * distance_m)", "net_factor * distance_m", "unit_mismatch", "activity[0].formula"),
        ('"means", "started_at"]', '"means", "hour"]', "bad_reference", "activity[0].claim_key[3]"),
        ('after = "started_at"', 'after = "begun_at"', "bad_reference", "activity[0].inputs[2].after"),
        ("min = 0, max = 100000", "min = 5, max = 4", "bad_order", "activity[0].inputs[0].min"),
        ("min = 0, max = 100000", "min = 0", "missing_key", "activity[0].inputs[0].max"),
        ("min = 0, max = 100000", "min = -1, max = 5", "out_of_range", "activity[0].inputs[0].min"),
        ('id = "started_at", type', 'id = "distance_m", type', "duplicate", "activity[0].inputs[1].id"),
        ("official     = false", "official     = true", "validity_unknown", "edition[0].valid_from"),
        ("out      = { grams = 48 }", "out      = { grams = 49 }", "example_failed", "example[0].out"),
        ('activity = "cycling"\nin', 'activity = "walking"\nin', "bad_reference", "example[0].activity"),
    ],
)
def test_each_kind_of_fault_is_found_at_its_line(before: Any, after: Any, code: Any, key: Any) -> None:
    pack, line = broken(BIKE, before, after)
    assert pack.body is None
    found = {(fault.code, fault.key): fault for fault in pack.faults}
    assert (code, key) in found, [str(fault) for fault in pack.faults]
    fault = found[code, key]
    elsewhere = {
        "unknown_key": line + 1,
        "validity_unknown": BIKE[: BIKE.index("valid_from")].count("\n") + 1,
    }
    assert fault.line == elsewhere.get(code, line)
    assert fault.file == "pack.toml"
    assert fault.message_zh
    assert fault.message_en
    with pytest.raises(PackFaulty):
        methodologies.methodology_of(pack)


@pytest.mark.parametrize(
    ("text", "before", "after", "code", "key"),
    [
        (MARKET, 'rate   = "0.10"', 'rate   = "1.10"', "out_of_range", "edition[0].cap.rate"),
        (MARKET, "[2021, 2021]", "[2018, 2021]", "edition_overlap", "edition[1]"),
        (MARKET, "[2016, 2018]", "[2018, 2016]", "bad_order", "edition[0].compliance_years"),
        (MARKET, "[2016, 2018]", "[2016, 2017, 2018]", "out_of_range", "edition[0].compliance_years"),
        (
            MARKET,
            'base   = "confirmed_emissions_t"',
            'base   = "issued_t"',
            "example_failed",
            "example[0].out",
        ),
        (MARKET, '  at_least   = "0.70"\n', "", "missing_key", "edition[0].constraint[0].at_least"),
        (
            MARKET,
            'project_types = ["hydro"]',
            'project_types = ["nuclear"]',
            "not_allowed",
            "edition[0].exclusion[0].project_types[0]",
        ),
        (
            MARKET,
            "compliance_year = 2021\ntonnes",
            "compliance_year = 2017\ntonnes",
            "duplicate",
            "pool[1].compliance_year",
        ),
        (PROGRAMME, 'points      = "1/10"', 'points      = "-1"', "out_of_range", "earn[0].points"),
        (PROGRAMME, 'tier   = "receipt_upload"', 'tier   = "operator_feed"', "duplicate", "evidence[1].tier"),
        (PROGRAMME, "out = { points = 48 }", "out = { points = 49 }", "example_failed", "example[0].out"),
        (PROGRAMME, "expires_on = 2020-08-31", "expires_on = 2020-08-30", "example_failed", "example[6].out"),
    ],
)
def test_other_kinds_of_pack_are_held_to_their_own_rules(
    text: Any, before: Any, after: Any, code: Any, key: Any
) -> None:
    pack, line = broken(text, before, after)
    found = {(fault.code, fault.key): fault.line for fault in pack.faults}
    assert (code, key) in found, [str(fault) for fault in pack.faults]
    if code not in {"missing_key", "example_failed", "edition_overlap"}:
        assert found[code, key] in {line, line + 1}


def test_all_faults_of_a_file_come_at_once_in_the_order_of_their_lines() -> None:
    text = BIKE.replace('"48.7"', "48.7").replace('jurisdiction = "CN"', 'jurisdiction = "c"')
    text = text.replace("retain_years = 10", "retain_yeers = 10").replace(
        "floor(net_factor", "round(net_factor"
    )
    pack = packs.parse(text.encode(), "pack.toml")
    assert [fault.code for fault in pack.faults] == [
        "bad_pattern",
        "float",
        "bad_formula",
        "missing_key",
        "unknown_key",
    ]
    assert [fault.line for fault in pack.faults] == sorted(fault.line for fault in pack.faults)


@pytest.mark.parametrize(
    ("raw", "code", "line"),
    [
        (b"", "empty", 1),
        (b"\n\nkind = ", "syntax", 3),
        (b"kind = 'a'\nkind = 'b'\n", "syntax", 2),
        (b"kind = 'methodology'\ntitle = '\xd6\xd0'\n", "not_utf8", 2),
        (b"a = 1\n", "missing_key", 1),
        (b"a = 1\nkind = 'law'\n", "unknown_kind", 2),
        (b"kind = 3\n", "unknown_kind", 1),
        (b"x = " + b"[" * 5000, "syntax", 1),
        (b"x = " + b"9" * 6000, "syntax", 1),
        (b"#" * 1_000_001, "too_large", 1),
        (b"kind = 'methodology'\nactivity = [{ id = ['x'] }]\nedition = [{ id = {} }]\n", "wrong_type", 2),
        (b"kind = 'overlay'\npack = 3\nallow = {}\nset = [1]\n", "wrong_type", 2),
    ],
)
def test_bytes_that_are_no_pack_are_a_fault_and_never_an_exception(raw: Any, code: Any, line: Any) -> None:
    pack = packs.parse(raw)
    assert pack.body is None
    assert (code, line) in {(fault.code, fault.line) for fault in pack.faults}


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    assert [fault.code for fault in packs.load(tmp_path / "none.toml").faults] == ["unreadable"]
    assert [fault.code for fault in packs.load(tmp_path).faults] == ["unreadable"]


def test_two_packs_of_one_id_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(BIKE, "utf-8")
    (tmp_path / "b.toml").write_text(BIKE, "utf-8")
    library = packs.load_all(tmp_path)
    assert [(Path(f.file).name, f.code, f.line) for f in library.faults] == [("b.toml", "duplicate_pack", 7)]


def test_a_pack_that_names_what_is_not_there_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PROGRAMME.replace('"sz-metro-km"', '"sz-tram"'), "utf-8")
    library = packs.load_all(tmp_path)
    assert library.faults == ()
    found = packs.check_references(library, beside=packs.load_all())
    assert [(fault.code, fault.key) for fault in found] == [("bad_reference", "earn[3].methodology")]


def test_the_fingerprint_is_of_the_bytes() -> None:
    one, two = packs.parse(BIKE.encode()), packs.parse(BIKE.encode() + b"\n")
    assert one.sha256 != two.sha256
    assert packs.parse(BIKE.replace("\n", "\r\n").encode()).faults == ()


MUTATIONS = [
    "",
    '"',
    "'",
    "=",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "\n",
    "1.5",
    "nan",
    "unknown",
    '"unknown"',
    "0",
    "-1",
    "true",
]
MUTATIONS += [
    "2020-01-01",
    "2020-01-01T00:00:00",
    "[2020-01-01]",
    '["x"]',
    '{ a = "x" }',
    "99999999999999999999",
    "\\",
    "#",
    ",",
    ".",
    '"""',
    "\x00",
    "é",
    "[]",
    "{}",
    "inf",
]


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), file=st.sampled_from(PACKS))
def test_no_mutation_of_a_pack_breaks_the_loader(seed: int, file: Path) -> None:
    dice = random.Random(seed)
    text = file.read_text("utf-8")
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(text))
        kind = dice.random()
        if kind < 0.3:
            text = text[:at] + dice.choice(MUTATIONS) + text[at:]
        elif kind < 0.6:
            text = text[:at] + dice.choice(MUTATIONS) + text[at + dice.randint(1, 12) :]
        elif kind < 0.8:
            lines = text.split("\n")
            place = dice.randrange(len(lines))
            lines[place] = lines[place].split("=")[0] + "= " + dice.choice(MUTATIONS)
            text = "\n".join(lines)
        else:
            lines = text.split("\n")
            del lines[dice.randrange(len(lines))]
            text = "\n".join(lines)
    pack = packs.parse(text.encode("utf-8", "surrogatepass"))
    assert (pack.body is None) == bool(pack.faults)
    for fault in pack.faults:
        assert 1 <= fault.line <= text.count("\n") + 2
