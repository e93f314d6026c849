"""The report over the real intake: every act of every file is judged once, and the same seed gives the same report."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from backend.kit.settings import Settings
from benchmarks import screens
from puhui import embedded
from simulation import found
from tests.puhui.test_ingest_command import STAND_INS

CITIZENS, DAYS = 160, 3


async def test_every_act_of_a_city_is_judged_once_and_again_the_same(
    servers: embedded.Servers, settings: Settings
) -> None:
    (report,) = await screens.run(servers, settings, seeds=[5], citizens=CITIZENS, days=DAYS)
    city = found(5, people=CITIZENS, days=DAYS)
    assert report.skipped == ()
    assert report.score.all_honest.lines == sum(trip.label == "honest" for trip in city.trips)
    assert report.score.all_fraud.lines == sum(trip.label != "honest" for trip in city.trips)
    again = screens.as_dict(await screens.run(servers, settings, seeds=[5], citizens=CITIZENS, days=DAYS), [])
    assert again == json.loads(json.dumps(screens.as_dict([report], [])))


async def test_a_real_file_is_all_honest_and_its_faulty_rows_are_nobodys(
    servers: embedded.Servers, settings: Settings, tmp_path: Path
) -> None:
    begin = dt.datetime(2026, 11, 9, 8)  # noqa: DTZ001 - the file holds local times
    rows = ["trip_id,account_no,started_at,ended_at,distance_m"]
    rows += [
        f"T{n},A{n % 7},{begin + dt.timedelta(hours=n)},{begin + dt.timedelta(hours=n, minutes=12)},2100"
        for n in range(30)
    ]
    rows += ["T30,A1,2026-11-12 08:00:00,2026-11-12 08:10:00,", rows[-1]]  # no distance; one sent twice
    path = tmp_path / "real.csv"
    path.write_text("\n".join(rows) + "\n")
    (report,) = await screens.run_files(servers, settings, paths=[path])
    assert report.mapping == "bike-share-distance"
    assert (report.score.all_honest.lines, report.score.all_honest.hit) == (30, 0)
    assert (report.faulty, report.left_out) == (1, 1)


@pytest.mark.parametrize("name", ["citibike-jc-202102.csv", "shenzhen-cards-20180831.csv"])
async def test_files_of_real_trips_are_judged_or_small_ones_of_their_form(
    servers: embedded.Servers, settings: Settings, sample_data: Path | None, tmp_path: Path, name: str
) -> None:
    path = (sample_data or tmp_path) / name
    if sample_data is None:
        STAND_INS[name](path)
    (report,) = await screens.run_files(servers, settings, paths=[path])
    assert report.score.all_honest.lines > 100
    assert "late" not in report.score.all_honest.by
    lines = sum(1 for _ in path.open("rb")) - 1
    assert report.score.all_honest.lines + report.left_out + report.faulty == lines
