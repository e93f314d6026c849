"""The arithmetic of the report: counts, shares, twins, and tables that fit a narrow screen."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence

import pytest

from benchmarks import screens
from benchmarks.scores import Outcome, Score, judged, score, tables, together
from simulation import HONEST, NO_ACT, Label


def lines(label: str, kind: str, *, by: Sequence[tuple[str, int]]) -> list[Outcome]:
    return [Outcome(label, kind, what) for what, number in by for _ in range(number)]


@pytest.fixture
def found() -> Score:
    return score([
        *lines("spoof_fast", "by_car", by=[("speed", 6), ("", 2)]),
        *lines("spoof_zero", "standing", by=[("", 5)]),
        *lines("farm_burst", "burst", by=[("burst", 3), ("speed", 1)]),
        *lines(HONEST, "commute", by=[("", 95), ("speed", 2), ("cap daily", 3)]),
        *lines(HONEST, "courier", by=[("burst", 1), ("", 9)]),
    ])  # fmt: skip


def test_recall_is_the_share_of_a_patterns_lines_that_was_hit(found: Score) -> None:
    assert found.patterns["spoof_fast"].share == 6 / 8
    assert found.patterns["spoof_zero"].share == 0
    assert found.all_fraud.share == 10 / 17


def test_precision_counts_honest_lines_hit_by_what_found_the_pattern_and_no_others(found: Score) -> None:
    assert found.precision("spoof_fast") == 6 / (6 + 2)
    assert found.precision("farm_burst") == 4 / (4 + 1 + 2)
    assert found.precision("spoof_zero") is None


def test_the_honest_share_is_over_all_honest_lines_whatever_hit_them(found: Score) -> None:
    assert (found.all_honest.lines, found.all_honest.hit) == (110, 6)
    assert found.honest["courier"].share == 1 / 10


def test_screens_are_told_with_whom_they_hit_the_busiest_first(found: Score) -> None:
    assert found.screens() == {"speed": (7, 2), "burst": (3, 1), "cap daily": (0, 3)}


def test_cities_together_are_the_sum_of_their_counts(found: Score) -> None:
    twice = together([found, found])
    assert (twice.all_fraud.lines, twice.all_fraud.hit) == (34, 20)
    assert (twice.all_honest.lines, twice.all_honest.hit) == (220, 12)
    assert twice.patterns["spoof_fast"].share == found.patterns["spoof_fast"].share
    assert twice.precision("farm_burst") == found.precision("farm_burst")
    assert together([]).all_honest.share is None


def label(line: int, trip: int, what: str, *, twin: int | None = None, file: str = "a.csv") -> Label:
    return Label(file, line, what, "commute" if what == HONEST else "copy", trip, twin, "p")


def test_a_false_line_is_found_by_its_own_hit_or_by_its_twins() -> None:
    labels = [
        label(2, 0, HONEST), label(3, 1, "overlap", twin=0),
        label(4, 2, HONEST), label(5, 3, "overlap", twin=2),
        label(6, 4, HONEST), label(7, 5, "overlap", twin=4),
    ]  # fmt: skip
    hits = {("a.csv", n): "" for n in range(2, 8)} | {("a.csv", 3): "overlap", ("a.csv", 4): "overlap"}
    outcomes = judged(labels, hits)
    assert [one.by for one in outcomes] == ["", "overlap", "overlap", "overlap", "", ""]
    assert [one.kind for one in outcomes if one.label == HONEST] == ["commute", "swapped", "commute"]


def test_an_honest_twin_hit_beside_the_false_line_is_an_ordinary_honest_hit() -> None:
    labels = [label(2, 0, HONEST), label(3, 1, "overlap", twin=0)]
    outcomes = judged(labels, {("a.csv", 2): "speed", ("a.csv", 3): "overlap"})
    assert [(one.kind, one.by) for one in outcomes] == [("commute", "speed"), ("copy", "overlap")]


def test_a_line_that_intake_kept_nothing_of_was_a_duplicate_and_a_line_without_an_act_is_nobodys() -> None:
    labels = [label(2, 0, "replay_shifted"), label(3, 1, NO_ACT)]
    assert judged(labels, {}) == [Outcome("replay_shifted", "copy", "duplicate")]


@pytest.mark.parametrize("width", [46, 80, 120])
def test_no_line_of_the_tables_is_wider_than_asked(found: Score, width: int) -> None:
    found.patterns["replay_second_partner"] = found.patterns["spoof_fast"]
    for line in tables(found, width=width):
        columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)
        assert columns <= width, line


def test_seeds_and_files_are_told_on_narrow_lines_too(found: Score) -> None:
    cities = [screens.CityReport(seed, found, ()) for seed in (1, 10**6)]
    honest = score(lines(HONEST, "trip", by=[("", 97), ("speed", 2), ("cap daily", 1)]))
    real = screens.FileReport("a-file-with-a-name-that-is-long.csv", "m", honest, 5, 2)
    told = [*screens.by_seed(cities), *screens.by_file([real])]
    assert max(map(len, told)) <= 46
    assert "3.00%" in "\n".join(told)
    assert screens.by_seed(cities[:1]) == screens.by_file([]) == []
    answer = json.loads(json.dumps(screens.as_dict(cities, [real])))
    assert answer["by_seed"]["1"]["recall"]["spoof_fast"] == 0.75
    assert answer["files"][real.file] == {
        "mapping": "m", "acts": 100, "hit": 3, "share": 0.03, "by": {"speed": 2, "cap daily": 1}, "left_out": 5,
        "faulty": 2,
    }  # fmt: skip


def test_the_tables_tell_every_pattern_kind_and_screen(found: Score) -> None:
    told = "\n".join(tables(found, width=46))
    for name in ("spoof_fast", "spoof_zero", "farm_burst", "commute", "courier", "speed", "cap daily"):
        assert name in told
    assert "speed 6" in "\n".join(tables(found, width=100))


def test_json_tells_the_same_counts(found: Score) -> None:
    told = json.loads(json.dumps(found.as_dict()))
    assert told["patterns"]["spoof_fast"] == {
        "acts": 8, "hit": 6, "recall": 0.75, "precision": 0.75, "by": {"speed": 6},
    }  # fmt: skip
    assert told["honest"]["acts"] == sum(kind["acts"] for kind in told["honest"]["kinds"].values())
    assert sum(told["honest"]["by"].values()) == told["honest"]["hit"]
    assert told["screens"]["cap daily"] == {"fraud": 0, "honest": 3, "precision": 0.0}
    assert list(told["patterns"]) == ["spoof_fast", "spoof_zero", "farm_burst"]
