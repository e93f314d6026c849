"""Acts whose grams hang on decimals, their region and their year: taken in, kept, explained and computed again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from backend import intake, methodologies, packs, programmes
from backend.intake import recomputed, simulating
from backend.intake.mapping import mapping_of
from backend.intake.simulating import Band
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import gather, load_all
from tests.intake.test_pipeline import City
from tests.methodologies.test_docs import EXAMPLE

MAPPING = """
kind = "mapping"
format = 1
[pack]
id = "example-bills"
version = "1.0.0"
title_zh = "账单"
title_en = "bills"
status = "draft"
[file]
type = "csv"
time_zone = "Asia/Shanghai"
[source]
partner = "gz-grid"
programme = "gd-green-travel"
region = "CN-GD-GZ"
evidence = "operator_feed"
[means]
kind = "bike_account"
operator = "gz-bikes"
columns = ["account"]
[[rule]]
methodology = "example-power-saving"
activity = "saving"
happened_at = "month_end"
[[rule.input]]
id = "month_end"
kind = "time"
column = "month_end"
[[rule.input]]
id = "saved"
kind = "quantity"
column = "wh"
unit = "Wh"
"""
ROWS = [  # an account, watt-hours saved, the day; and the grams by the table of its year and region
    ("a", "10500", "2024-07-31 00:00:00", 3948),
    ("b", "10509.99", "2025-01-01 00:00:00", None),  # no figure for 2025
    ("c", "10509.99", "2024-12-31 23:59:59", 3948),  # 10.50 kWh, floored to the input's steps
    ("d", "10510", "2024-01-01 00:00:00", 3952),
    ("e", "5000000", "2024-07-31 00:00:00", 100_000),  # the cap of one act
    ("f", "5000010", "2024-07-31 00:00:00", None),  # above the greatest bill
    ("g", "0", "2024-07-31 00:00:00", 0),
]


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> City:
    shipped = load_all()
    own = [packs.parse(EXAMPLE.encode()), packs.parse(MAPPING.encode())]
    made = City(db, settings, gather([*shipped.packs.values(), *own]), tmp_path)
    assert packs.check_references(gather(own), beside=shipped) == ()
    return made


async def test_acts_are_computed_by_the_figure_of_their_region_and_year_and_again_from_what_they_keep(
    city: City, db: Database, settings: Settings
) -> None:
    mapping = mapping_of(city.library.find("example-bills"))
    async with db.transaction() as session:
        running = await programmes.register(session, pack=city.library.find("gd-green-travel"))
        source = intake.source_by_mapping(city.source, mapping)
        await intake.register_source(session, source, programme_id=running.id)
    for account, *_ in ROWS:
        await city.rider(f"{account}-bill")
    file = city.folder / "bills.csv"
    rows = [f"{account}-bill,{wh},{day}\n" for account, wh, day, _ in ROWS]
    file.write_text("account,wh,month_end\n" + "".join(rows))
    summary = await intake.ingest(
        db, settings, path=file, source=city.source, mapping=mapping, library=city.library
    )
    assert (summary.accepted, summary.rejected) == (5, 2)
    assert summary.grams == sum(grams for *_, grams in ROWS if grams is not None)
    async with db.transaction() as session:
        query = text("""
            SELECT a.inputs::text, a.grams, a.method_id FROM action a JOIN intake_source s ON s.id = a.source_id
            WHERE s.code = :code ORDER BY a.grams
        """)
        kept = (await session.execute(query, {"code": city.source})).all()
        assert {key for row in kept for key in json.loads(row[0])} == {"saved", "region", "year"}
        quantifier = await methodologies.recover(session, method_id=kept[0][2])
        assert [quantifier.again(json.loads(inputs)) for inputs, _, _ in kept] == [row[1] for row in kept]
        told = quantifier.explain(json.loads(kept[1][0]), grams=kept[1][1])
        assert dict(told.inputs) == {"saved": "10.50 kWh", "region": "CN-GD", "year": "2024"}
        assert {factor.id: factor.value for factor in told.factors} == {
            "loss": "4", "delivered": "25/24", "rebound": "0.05", "grid_factor": "0.38",
        }  # fmt: skip
        assert (told.baseline_en, told.baseline_source) == (
            "Without the programme the household would have used as much as in the same month of the year before.",
            "an example, no source",
        )
        assert "delivered = 25/24 (source: 1 / (1 - loss)" in told.en
        assert "取整前扣减 rebound" in told.zh
        assert "每次至多 100000 gCO2e" in told.zh
        assert (await recomputed.grams_and_points(session)).violations == []

        dirtier = packs.parse(
            EXAMPLE.replace('value = "0.38"', 'value = "0.76"')
            .replace("grams = 3948", "grams = 7896")
            .encode()
        )
        tried = await simulating.simulate(session, tried=[dirtier], library=city.library)
        assert (tried.total.grams_before, tried.total.grams_after) == (
            3948 + 3948 + 3952 + 100_000, 7896 + 7896 + 7904 + 100_000,
        )  # fmt: skip
        assert tried.by_grams == (Band(0, 9_999, 5),)
