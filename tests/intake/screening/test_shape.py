"""A screens pack names each of its faults with line and key; the shipped one reads as it says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backend import packs
from backend.intake.screening import rules_for, rules_of
from backend.programmes.shape import programme_of

LIBRARY = packs.load_all()
TRAVEL = (packs.builtin_root() / "screens" / "cn-travel.toml").read_text("utf-8")
PROGRAMME = (packs.builtin_root() / "programmes" / "gd-green-travel.toml").read_text("utf-8")
RIDE = 'id             = "cycling-too-fast"\nkind           = "speed"'
ROUND = 'kind           = "same_station"\nactivities     = ["metro"]\nabove_s        = 3600'


@pytest.mark.parametrize(
    ("before", "after", "faults"),
    [
        ("above_kmh      = 45", "above_kmh      = 45.5", [("float", "screen[0].above_kmh")]),
        ("above_kmh      = 45", "above_kmh      = 0", [("out_of_range", "screen[0].above_kmh")]),
        ("above_kmh      = 45", "above_m        = 45", [("missing_key", "screen[0].above_kmh"), ("unknown_key", "screen[0].above_m")]),
        ("above_kmh      = 45", "above_kmh      = 46", [("example_failed", "example[0].out")]),
        (RIDE, RIDE.replace('"speed"', '"haste"'), [("not_allowed", "screen[0].kind")]),
        (RIDE, RIDE.replace("cycling-too-fast", "in_the_future"), [("bad_pattern", "screen[0].id")]),
        (RIDE, RIDE.replace("cycling-too-fast", "late"), [("duplicate", "screen[0].id")]),
        (RIDE, RIDE.replace("cycling-too-fast", "transit-too-fast"), [("duplicate", "screen[1].id")]),
        (RIDE, RIDE.replace("cycling-too-fast", "cycling-too-quick"), [("no_example", "screen[0].id")]),
        ('consequence    = "hold"', 'consequence    = "frown"', [("not_allowed", "screen[0].consequence")]),
        ("above_m        = 60000", "above_m        = 60000\nbelow_m = 60001", [("out_of_range", "screen[2].below_m")]),
        ("above_m        = 60000\n", "", [("missing_key", "screen[2].above_m")]),
        ("within_s       = 86400", "within_s       = 86401", [("out_of_range", "screen[9].within_s")]),
        (ROUND, 'kind = "station_pair"\nbelow_s = 60\npairs = [["A", "A"], ["A", "B"], ["A", "B", "C"]]',
         [("wrong_type", "screen[5].pairs[0]"), ("wrong_type", "screen[5].pairs[2]")]),
        ('"two-at-once"\nkind           = "overlap"', '"two-at-once"\nkind           = "overlap"\nactivities = ["bus", "walking"]',
         [("not_allowed", "screen[6].activities[1]")]),
        ("slack_s    = 300", "slack_s    = 3601", [("out_of_range", "clock[0].slack_s")]),
        ("[[clock]]", '[[clock]]\nactivities = ["bus"]\nslack_s = 1\nsource = "x"\n[[clock]]', [("duplicate", "clock[1].activities[0]")]),
        ('out  = ["", "cycling-too-fast"]', 'out  = ["cycling-too-fast"]', [("example_failed", "example[0].out")]),
        ('from = ["22.5", "114"]', 'from = ["22.5", "114", "1"]', [("wrong_type", "example[6].acts[0].from")]),
    ],
)  # fmt: skip
def test_faults_are_named_by_line_and_key(before: str, after: str, faults: Sequence[tuple[str, str]]) -> None:
    assert before in TRAVEL
    pack = packs.parse(TRAVEL.replace(before, after, 1).encode(), "pack.toml")
    first = TRAVEL[: TRAVEL.index(before)].count("\n") + 1
    found = [(fault.code, fault.key) for fault in pack.faults]
    assert [fault for fault in faults if fault not in found] == []
    named = [
        fault for fault in pack.faults if fault.code != "missing_key"
    ]  # that one has the line of its block
    assert all(fault.line >= first for fault in named)
    assert all(fault.file == "pack.toml" for fault in pack.faults)


def test_an_activity_that_no_methodology_has_is_named() -> None:
    faulty = packs.parse(TRAVEL.replace('"carpool"', '"broomstick"', 1).encode(), "pack.toml")
    assert faulty.faults == ()
    library = packs.Library({**LIBRARY.packs, "cn-travel": faulty}, ())
    found = [(fault.code, fault.key) for fault in packs.check_references(library)]
    assert ("bad_reference", "travel.activities[5]") in found


def test_every_screen_explains_itself_in_both_languages() -> None:
    rules = rules_of(LIBRARY.find("cn-travel"))
    assert set(rules.names) - {""} <= set(rules.texts) | {"early", "late"}
    for zh, en in rules.texts.values():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh)
        assert en.isascii()


def test_a_programme_is_screened_by_what_it_states_and_otherwise_by_nothing() -> None:
    programme = programme_of(packs.parse(PROGRAMME.encode(), "programme.toml"))
    rules = rules_for(programme, LIBRARY)
    assert rules is not None
    assert [(cap.id, cap.limit) for cap in rules.caps] == [(cap.id, cap.limit) for cap in programme.caps]
    assert {"early", "late"} < set(rules.texts)
    bare, keep = [], True
    for line in PROGRAMME.splitlines(keepends=True):
        if line.startswith("["):
            keep = not line.startswith(("[screens]", "[[cap]]", "[windows]"))
        bare += [line] if keep else []
    assert rules_for(programme_of(packs.parse("".join(bare).encode(), "bare.toml")), LIBRARY) is None


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ("limit  = 1000", "limit  = 0", "cap[0].limit"),
        ('over   = "trim"', 'over   = "keep"', "cap[0].over"),
        ('per    = "day"', 'per    = "week"', "cap[0].per"),
        ("[screens] ", '[windows]\nlate_days = -1\nsource = "x"\n[screens] ', "windows.late_days"),
    ],
)  # fmt: skip
def test_faults_of_caps_and_windows_are_named(before: str, after: str, key: str) -> None:
    assert before in PROGRAMME
    pack = packs.parse(PROGRAMME.replace(before, after, 1).encode(), "programme.toml")
    assert key in [fault.key for fault in pack.faults]
