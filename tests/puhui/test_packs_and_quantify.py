"""`puhui packs check` names every fault and exits 1; `puhui quantify` needs no database and answers every event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backend import packs
from puhui.cli import app

BIKE = packs.builtin_root() / "methodologies" / "cn-shared-bike-km.toml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_packs_of_the_project_are_sound() -> None:
    result = run("packs", "check")
    assert result.exit_code == 0, result.output
    assert "0 faults" in result.output


def test_each_fault_is_printed_with_file_line_key_and_reason_in_two_languages(tmp_path: Path) -> None:
    file = tmp_path / "bike.toml"
    file.write_text(
        BIKE.read_text("utf-8").replace('"48.7"', "48.7").replace("retain_years = 10", "retain_years = 0"),
        "utf-8",
    )
    result = run("packs", "check", file)
    assert result.exit_code == 1
    lines = file.read_text("utf-8").split("\n")
    value = next(number for number, line in enumerate(lines, 1) if "48.7" in line and "value" in line)
    years = next(number for number, line in enumerate(lines, 1) if "retain_years" in line)
    assert f"{file}:{value} edition[0].parameter[0].value: 不允许浮点数" in result.output
    assert "a float is not allowed" in result.output
    assert f"{file}:{years} monitoring.retain_years" in result.output
    as_json = json.loads(run("packs", "check", file, "--json").output)
    assert [fault["code"] for fault in as_json["faults"]] == ["float", "out_of_range"]


def test_a_folder_and_a_missing_file_can_be_checked(tmp_path: Path) -> None:
    assert run("packs", "check", BIKE.parent).exit_code == 0
    missing = run("packs", "check", tmp_path / "none.toml")
    assert missing.exit_code == 1
    assert "none.toml:1" in missing.output


def test_the_list_names_each_pack_with_its_fingerprint() -> None:
    listed = json.loads(run("packs", "list", "--json").output)
    assert {pack["id"] for pack in listed} >= {"cn-shared-bike-km", "guangdong", "gd-green-travel"}
    assert all(len(pack["sha256"]) == 64 for pack in listed)


EVENTS = [
    ({"activity": "cycling", "distance_m": 1000}, {"grams": 48}),
    ({"distance_m": 100_000}, {"grams": 4870}),
    ({"activity": "cycling", "distance_m": "20"}, {"grams": 0}),
    ({"activity": "cycling", "distance_m": 100_001}, "above_maximum"),
    ({"activity": "cycling", "distance_m": -1}, "below_minimum"),
    ({"activity": "cycling", "distance_m": 12.5}, "not_a_number"),
    ({"activity": "cycling", "distance_m": None}, "missing"),
    ({"activity": "cycling"}, "missing"),
    ({"activity": "flying", "distance_m": 5}, "methodologies.activity_unknown"),
    ({"distance_m": 5, "on": "someday"}, "quantify.day_unreadable"),
]


@pytest.mark.parametrize("form", ["ndjson", "json"])
@pytest.mark.parametrize("methodology", ["cn-shared-bike-km", str(BIKE)])
def test_every_event_has_one_result_and_the_total_adds_up(
    tmp_path: Path, form: str, methodology: str
) -> None:
    events = [event for event, _ in EVENTS]
    file = tmp_path / f"events.{form}"
    lines = "\n".join(json.dumps(event) for event in events) + "\n"
    file.write_text(lines if form == "ndjson" else json.dumps(events), "utf-8")
    result = run("quantify", file, "--methodology", methodology, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output)
    for (event, expected), found in zip(EVENTS, answer["results"], strict=True):
        assert (found if isinstance(expected, dict) else found["error"]["code"]) == expected, event
    assert answer["total"] == {"grams": 4918, "events": 10, "errors": 7}


def test_a_csv_is_read_whatever_its_faults(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    raw = '\ufeffactivity,distance_m,note\r\ncycling,1000,"two\r\nlines"\r\ncycling,1000\r\n'
    file.write_bytes(raw.encode() + "cycling,2000,中文\r\ncycling,3000,last".encode("gbk"))
    answer = json.loads(run("quantify", file, "-m", "cn-shared-bike-km", "--json").output)
    assert [result.get("grams", result.get("error", {}).get("code")) for result in answer["results"]] == [
        48, "quantify.row_not_event", 97, 146,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n", b"[]", b"null\n", b"\xff\xfe\n", b"{" * 5000, b"[1, 2]", b'{"a": ' + b"9" * 9000]
)
def test_what_is_no_event_is_an_error_of_that_row_and_never_a_traceback(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(raw)
    result = run("quantify", file, "-m", "cn-shared-bike-km", "--json")
    assert result.exit_code == 0, result.output
    assert all("error" in one for one in json.loads(result.output)["results"])


def test_outside_the_jurisdiction_the_command_refuses_unless_an_overlay_allows(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text('{"distance_m": 1000}\n')
    refused = run("quantify", file, "-m", "cn-shared-bike-km", "--region", "US-NJ")
    assert refused.exit_code != 0
    assert refused.exception is not None
    assert getattr(refused.exception, "code", "") == "packs.outside_jurisdiction"
    allowed = run(
        "quantify", file, "-m", "cn-shared-bike-km", "--region", "US-NJ", "--overlay", "sample-data", "--json"
    )
    assert json.loads(allowed.output)["total"]["grams"] == 48


def test_a_faulty_or_unknown_methodology_is_refused(tmp_path: Path) -> None:
    file, faulty = tmp_path / "events.ndjson", tmp_path / "bike.toml"
    file.write_text('{"distance_m": 1000}\n')
    faulty.write_text(BIKE.read_text("utf-8").replace('"48.7"', "48.7"), "utf-8")
    for methodology, code in (
        (str(faulty), "packs.faulty"),
        ("no-such-pack", "packs.not_found"),
        ("guangdong", "packs.faulty"),
        (str(tmp_path / "none.toml"), "packs.faulty"),
    ):
        refused = run("quantify", file, "-m", methodology)
        assert getattr(refused.exception, "code", "") == code, methodology
    assert getattr(run("quantify", tmp_path / "none", "-m", "cn-shared-bike-km").exception, "code", "") == (
        "quantify.file_not_events"
    )
