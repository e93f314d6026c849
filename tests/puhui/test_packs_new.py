"""`puhui packs new` writes files whose every open place is listed by `check`, and which pass once these are filled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend import packs
from puhui.commands.packs_new import kinds
from tests.puhui.test_packs_and_quantify import run

FILLED = {
    "methodology": {
        "edition[0].parameter[0].value": '"48.7"',
        "edition[0].parameter[0].unit": '"gCO2e/km"',
        "edition[0].parameter[0].source_url": '"https://example.org/"',
        "activity[0].id": '"cycling"',
        "example[0].activity": '"cycling"',
        "example[0].out.grams": "48",
    },
    "programme": {
        "pack.jurisdiction": '"CN-GD"',
        "pack.operator": '"an-operator"',
        "acts.from": "2024-01-01",
        "earn[0].id": '"cycling"',
        "earn[0].methodology": '"cn-shared-bike-km"',
        "earn[0].activity": '"cycling"',
        "earn[0].points": '"1/10"',
        "example[0].in.earn": '"cycling"',
        "example[0].out.points": "48",
    },
    "screens": {
        "travel.activities[0]": '"cycling"',
        "screen[0].activities[0]": '"cycling"',
        "screen[0].above_kmh": "45",
        "example[0].acts[0].activity": '"cycling"',
    },
    "mapping": {
        "source.partner": '"a-partner"',
        "source.programme": '"gd-green-travel"',
        "source.region": '"CN-GD"',
        "means.operator": '"an-issuer"',
        "rule[0].methodology": '"cn-shared-bike-km"',
        "rule[0].activity": '"cycling"',
    },
}


def begin(kind: str, folder: Path) -> Path:
    result = run("packs", "new", kind, f"my-{kind}", "--folder", folder)
    assert result.exit_code == 0, result.output
    return folder / f"my-{kind}.toml"


@pytest.mark.parametrize("kind", kinds())
def test_each_place_to_be_filled_is_listed_with_its_line_and_nothing_else_is_wrong(
    kind: str, tmp_path: Path
) -> None:
    file = begin(kind, tmp_path)
    lines = file.read_text("utf-8").split("\n")
    marked = [n for n, line in enumerate(lines, 1) if '"fill:' in line and not line.startswith("#")]
    faults = packs.load(file).faults
    assert {fault.code for fault in faults} == {"to_fill"}
    assert sorted({fault.line for fault in faults}) == marked
    checked = run("packs", "check", file)
    assert checked.exit_code == 1
    assert f"{file}:{marked[0]} " in checked.output


@pytest.mark.parametrize("kind", kinds())
def test_a_scaffold_passes_once_it_is_filled(kind: str, tmp_path: Path) -> None:
    file = begin(kind, tmp_path)
    lines = file.read_text("utf-8").split("\n")
    for fault in packs.load(file).faults:
        value = FILLED[kind].get(fault.key, '"words"')
        line = lines[fault.line - 1]
        lines[fault.line - 1] = re.sub(r'"fill:(?:\\.|[^"\\])*"', lambda _: value, line, count=1)  # noqa: B023
    file.write_text("\n".join(lines), "utf-8")
    checked = run("packs", "check", file)
    assert checked.exit_code == 0, checked.output


def test_nothing_is_overwritten_and_a_wrong_kind_or_id_is_refused(tmp_path: Path) -> None:
    file = begin("methodology", tmp_path)
    file.write_text("mine", "utf-8")
    again = run("packs", "new", "methodology", "my-methodology", "--folder", tmp_path)
    assert again.exit_code != 0
    assert file.read_text("utf-8") == "mine"
    for kind, pack_id in (
        ("market", "some-market"),
        ("methodology", "Not An Id"),
        ("methodology", "bj-bus-act"),
    ):
        assert run("packs", "new", kind, pack_id, "--folder", tmp_path).exit_code != 0
        assert not (tmp_path / f"{pack_id}.toml").exists()
