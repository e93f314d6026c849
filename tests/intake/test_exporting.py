"""A closed month as Parquet, computed again from it; and places that are forgotten."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from backend import intake
from backend.intake import retention
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from puhui.cli import app
from tests.intake.test_pipeline import City


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> City:
    made = City(db, settings, load_all(), tmp_path)
    await made.open()
    return made


def rows_of(account: str, month: str, count: int) -> list[str]:
    return [
        f"T{n},{account},{month}-{1 + n % 28:02d} {6 + n // 28:02d}:00:00,{month}-{1 + n % 28:02d} {6 + n // 28:02d}:20:00,"
        f"{1_000 + 37 * n}"
        for n in range(count)
    ]


async def test_quantify_finds_the_grams_of_an_exported_month_again(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.rider("exported")
    march = await city.ingest(rows_of("exported", "2025-03", 60))
    await city.ingest(rows_of("exported", "2025-04", 5))
    folder = tmp_path / "march"
    (file,) = await intake.export_month(city.db, month=dt.date(2025, 3, 1), folder=folder)
    assert (file.acts, file.withdrawn, file.grams) == (60, 0, march.grams)
    assert hashlib.sha256((folder / file.name).read_bytes()).hexdigest() == file.sha256
    assert json.loads((folder / "manifest.json").read_text())["files"][0]["grams"] == march.grams
    table = pq.read_table(folder / file.name)
    assert table.column_names == ["activity", "on", "distance_m", "evidence", "grams", "withdrawn"]

    monkeypatch.chdir(folder)
    told = CliRunner().invoke(app, [*file.quantify.split()[1:], "--json"])
    assert told.exit_code == 0
    found = json.loads(told.stdout)
    assert [one["grams"] for one in found["results"]] == table["grams"].to_pylist()
    assert found["total"] == {"grams": march.grams, "events": 60, "errors": 0}


async def test_a_month_that_is_not_over_is_not_exported(city: City, tmp_path: Path) -> None:
    with pytest.raises(intake.MonthNotOver):
        await intake.export_month(city.db, month=clock.today(), folder=tmp_path / "now")


async def test_places_are_forgotten_and_facts_stay(db: Database) -> None:
    old, new = clock.today() - dt.timedelta(days=61), clock.today() - dt.timedelta(days=60)
    async with db.transaction() as session:
        for day in (old, new):
            await session.execute(
                text(
                    "INSERT INTO action_place (claim_key, from_lat_e7, from_lon_e7) VALUES (CAST(:key AS uuid), 1, 1)"
                ),
                {"key": f"{(day - dt.date(1970, 1, 1)).days:08x}{'5' * 24}"},
            )
    async with db.transaction() as session:
        assert await retention.forget_places(session) == 1
    async with db.transaction() as session:
        assert await retention.forget_places(session) == 0  # once a day is enough
        left = (await session.execute(text("SELECT count(*) FROM action_place"))).scalar_one()
        assert left == 1
        assert not (await retention.places(session)).violations
