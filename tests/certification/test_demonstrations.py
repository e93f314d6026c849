"""What rests on a demo override has demo serials, for good; and what a filing does not cover is not issued."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from backend import certification, intake, ledger, programmes
from backend.certification import parse_serial
from backend.identity import means
from backend.intake import mapping_of, source_by_mapping
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.certification.conftest import BIKE, LIBRARY, PROJECT, SINCE, Town, rides_of


@pytest.fixture(scope="module")
async def town(db: Database, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town whose methodology nobody filed; an override lets it be used for demonstrations."""
    made = Town(db, settings, tmp_path_factory.mktemp("rides"))
    await made.found(filed=False)
    return made


async def test_a_demonstration_gets_demo_serials_in_a_demo_book(town: Town) -> None:
    await town.ride("2026-01", rides_of(1_000_500))
    with pytest.raises(certification.NothingToFreeze):
        await town.close("2026-01")
    batch = await town.close("2026-01", demo=True)
    assert batch.series.demo
    await town.verify(batch)
    issued = await town.issue(batch)
    assert (issued.book, issued.first_serial, issued.quantity_t) == ("phcer-demo", 1, 1)
    async with town.db.transaction() as session:
        assert (await ledger.books(session))["phcer-demo"].demo
        assert "phcer" not in await ledger.books(session)
    assert await town.balance(f"carry:{PROJECT}:{BIKE}:2026:demo") == 500
    (entry,) = await town.entries("credit.issued")
    assert entry["demo"] is True
    assert len(entry["demo_overrides"]) == 1  # type: ignore[arg-type]


async def test_once_filed_the_live_series_begins_beside_it_without_its_carry(town: Town) -> None:
    await town.file(since=dt.date(2026, 2, 2))
    await town.ride("2026-02", rides_of(404_000))  # 101 rides: the last one on the second
    live = await town.close("2026-02")
    assert (live.sequence, live.carry_in_g, live.series.demo) == (1, 0, False)
    with pytest.raises(certification.NothingToFreeze):
        await town.close("2026-02", demo=True)
    await town.verify(live)
    with pytest.raises(certification.MethodologyNotFiled) as refused:
        await town.propose(live)
    assert refused.value.day == "2026-02-01"
    for position in range(100):  # what the filing does not cover keeps nothing
        await town.find(live, position, 0)
    await town.state(live)
    issued = await town.issue(live)
    assert (issued.book, issued.quantity_t, issued.carry_out_g) == ("phcer", 0, 4_000)


async def test_two_methodologies_never_share_a_batch(town: Town, tmp_path: Path) -> None:
    await town.override("gz-metro-trip")
    mapping = mapping_of(LIBRARY.find("shenzhen-cards-2018"))
    async with town.db.transaction() as session:
        registered = await programmes.programme_of(session, code=PROJECT)
        await intake.register_source(
            session, source_by_mapping("sz-cards", mapping), programme_id=registered.id
        )
        await means.link(
            session, town.settings.keys, participant_id=town.rider, kind="card", operator="shenzhen-tong",
            number="C1", held_from=SINCE, proof_reference="list",
        )  # fmt: skip
    head = "deal_date,close_date,card_no,deal_value,deal_type,company_name,car_no,station,conn_mark,deal_money,equ_no"
    row = '"2026-01-03 08:10:00","2026-01-03 00:00:00",C1,0,地铁出站,x,y,z,0,0,1'
    path = tmp_path / "cards.csv"
    path.write_text(f"{head}\n{row}\n", encoding="utf-8")
    await intake.ingest(
        town.db, town.settings, path=path, source="sz-cards", mapping=mapping, library=LIBRARY
    )
    async with town.db.transaction() as session:
        pools = await certification.open_pools(session, project=PROJECT)
    (metro,) = [pool for pool in pools if pool.series.methodology == "gz-metro-trip"]
    assert metro.series.demo
    batch = await town.close("2026-01", demo=True, methodology="gz-metro-trip")
    assert (batch.acts, batch.frozen_g, batch.sequence) == (1, metro.grams, 1)
    with pytest.raises(certification.NothingToFreeze):
        await town.close("2026-01", demo=True)


async def test_the_audit_agrees(town: Town) -> None:
    found = await town.violations()
    assert not found, "\n".join(found)


def test_a_printed_serial_reads_back_and_nothing_else_does() -> None:
    made = certification.Printed("phcer", 123, "CN-GD", 2026, BIKE)
    assert certification.print_serial(made) == "PHCER-GD-2026-CN_SHARED_BIKE_KM-000000000123"
    assert parse_serial("PHCER-GD-2026-CN_SHARED_BIKE_KM-000000000123") == made
    demo = certification.Printed("phcer-demo", 10**12, "CN-GD-SZ", 2026, BIKE)
    assert certification.print_serial(demo) == "DEMO-PHCER-GD_SZ-2026-CN_SHARED_BIKE_KM-1000000000000"
    assert parse_serial(certification.print_serial(demo)) == demo
    for text in (
        "",
        "PHCER-GD-2026-CN_SHARED_BIKE_KM-123",
        "PHCER-GD-2026-CN_SHARED_BIKE_KM-000000000000",
        "PHCER-GD-2026-CN_SHARED_BIKE_KM-0000000000123",
        "GZCER-GD-2026-CN_SHARED_BIKE_KM-000000000123",
        "phcer-gd-2026-cn_shared_bike_km-000000000123",
        "DEMO-DEMO-PHCER-GD-2026-X-000000000123",
    ):
        with pytest.raises(certification.SerialMisprinted):
            parse_serial(text)
