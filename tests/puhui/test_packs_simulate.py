"""`puhui packs simulate` shows groups, bands and the cost, and says what it refuses."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from backend.intake.simulating import SimulationTooSmall
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import PackUnknown, load_all
from puhui.commands.packs_simulate import compute, find, tell
from tests.intake.test_pipeline import City, ride
from tests.puhui.test_packs_and_quantify import BIKE


async def test_the_answer_shows_what_changes_for_how_many_and_what_it_costs(
    db: Database, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city = City(db, settings, load_all(), tmp_path)
    await city.open()
    for rider in range(5):
        await city.rider(f"shown-{rider}")
    rows = [ride(f"shown-{n}", n, day=day) for n in range(5) for day in ("2026-03-05", "2026-04-06")]
    await city.ingest(rows)
    shorter = tmp_path / "shorter.toml"
    text = BIKE.read_text("utf-8").replace("max = 100000", "max = 9999")
    for refused in ("out      = { grams = 487 }", "out      = { grams = 4870 }"):
        text = text.replace(refused, 'out      = { error = "above_maximum" }')
    shorter.write_text(text, "utf-8")
    tried = [find(str(shorter)), find("gd-green-travel")]
    found = await compute(settings, tried, day("2026-03-01"), day("2026-04-30"))
    tell(found)
    shown = capsys.readouterr().out
    for piece in (
        "cycling",
        "2026-03",
        "4,870",
        "480",
        "cost: -480",
        "liability -480",
        "5 人",
        "above_maximum 10",
    ):
        assert piece in shown, (piece, shown)
    assert json.loads(json.dumps(found.as_dict()))["refused"] == {
        "above_maximum": 10,
    }
    await city.ingest([ride("shown-0", 9, day="2026-06-01")])
    with pytest.raises(SimulationTooSmall):
        await compute(settings, tried, day("2026-06-01"), day("2026-06-02"))


def day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - as typer reads it


def test_a_pack_is_found_by_file_or_id() -> None:
    assert find(str(BIKE)).sha256 == find("cn-shared-bike-km").sha256
    with pytest.raises(PackUnknown):
        find("no-such-pack")
