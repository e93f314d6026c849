"""One tonne, followed by anybody from the acts that it is made of to the year for which it was surrendered."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backend.kit.db import Database
from backend.transparency import following
from tests.transparency.conftest import Teller, run


@pytest.fixture(scope="module", autouse=True)
async def market(teller: Teller) -> None:
    """Two batches of one series, of which five tonnes went over the bridge and three were surrendered."""
    await teller.filed("cn-shared-bike-km")
    await teller.batch("batch-1", first_serial=1, runs=[run(2_400_000, 40), run(1_300_000, 12, day=3)])
    await teller.batch(
        "batch-2", first_serial=4, previous="batch-1", carry_in_g=700_000,
        runs=[{"carried_from": "batch-1", "grams": 700_000}, run(2_800_000, 30, day=10, region="CN-GD-FS")],
    )  # fmt: skip
    await teller.transferred([[1, 6]], to="steelworks")
    await teller.bridged([[1, 6]])
    await teller.sold([[1, 5]], seller="steelworks", buyer="power-plant")
    await teller.pledged([[1, 5]], entity="power-plant")
    await teller.pledged([[4, 5]], entity="power-plant", released=True)
    await teller.surrendered([[1, 4]], entity="power-plant")
    await teller.cancelled([[6, 7]])


async def told(client: httpx.AsyncClient, serial: str) -> dict[str, Any]:
    answer = await client.get(f"/serials/{serial}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_the_same_number_in_two_books_is_one_story(client: httpx.AsyncClient) -> None:
    here, there = await told(client, "PHCER-000000001"), await told(client, "guangdong-phcer-1")
    assert here["also"] == ["GUANGDONG-PHCER-000000001"]
    assert there["also"] == ["PHCER-000000001"]
    same = {"events", "batch", "tonne", "stands", "leave", "line", "unit", "demo", "as_of_entries"}
    assert {name: here[name] for name in same} == {name: there[name] for name in same}


async def test_every_event_of_exactly_this_serial_is_told_with_its_entry(client: httpx.AsyncClient) -> None:
    events = (await told(client, "phcer-2"))["events"]
    assert [event["kind"] for event in events] == [
        "credit.issued", "credit.transferred", "bridge.locked", "bridge.deposited", "bridge.confirmed",
        "sale.settled", "unit.pledged", "unit.surrendered",
    ]  # fmt: skip
    for event in events:
        entry = (await client.get(f"/log/entries/{event['entry_index']}")).json()
        assert entry["kind"] == event["kind"]
        assert all(entry["body"][name] == value for name, value in event["facts"].items())
    surrender = events[-1]["facts"]
    assert (surrender["market"], surrender["compliance_year"], surrender["edition"]) == (
        "guangdong",
        2026,
        "handbook",
    )


async def test_what_happened_to_a_neighbour_is_not_told(client: httpx.AsyncClient) -> None:
    fourth = [event["kind"] for event in (await told(client, "phcer-4"))["events"]]
    assert fourth[-2:] == ["unit.pledged", "unit.released"]
    fifth = [event["kind"] for event in (await told(client, "phcer-5"))["events"]]
    assert "sale.settled" not in fifth
    assert [event["kind"] for event in (await told(client, "phcer-6"))["events"]] == [
        "credit.issued",
        "credit.cancelled",
    ]


@pytest.mark.parametrize(
    ("number", "status", "book", "holder"),
    [
        (1, "surrendered", "guangdong-phcer", "power-plant"),
        (3, "surrendered", "guangdong-phcer", "power-plant"),
        (4, "bridged", "guangdong-phcer", "power-plant"),
        (5, "bridged", "guangdong-phcer", "steelworks"),
        (6, "cancelled", "phcer", "city-operator"),
    ],
)
async def test_a_serial_stands_where_its_last_event_left_it(
    client: httpx.AsyncClient, number: int, status: str, book: str, holder: str
) -> None:
    story = await told(client, f"phcer-{number}")
    stands = story["stands"]
    assert (stands["status"], stands["book"], stands["holder"]) == (status, book, holder)
    assert stands["compliance_year"] == (2026 if status == "surrendered" else None)
    assert stands["entry_index"] in [event["entry_index"] for event in story["events"]]


async def test_a_tonne_is_a_range_of_grams_made_of_runs_of_acts(client: httpx.AsyncClient) -> None:
    tonne = (await told(client, "phcer-3"))["tonne"]
    assert (tonne["tonne"], tonne["low_g"], tonne["high_g"]) == (3, 2_000_000, 3_000_000)
    assert [(part["low_g"], part["high_g"], part["acts"]) for part in tonne["parts"]] == [
        (2_000_000, 2_400_000, 40),
        (2_400_000, 3_000_000, 12),
    ]
    assert sum(part["grams"] for part in tonne["parts"]) == 1_000_000


async def test_what_was_carried_is_followed_into_the_earlier_batch(client: httpx.AsyncClient) -> None:
    story = await told(client, "phcer-4")
    carried, own = story["tonne"]["parts"]
    assert (carried["carried_from"], carried["grams"], own["grams"]) == ("batch-1", 700_000, 300_000)
    (there,) = carried["parts"]
    assert (there["batch"], there["low_g"], there["high_g"]) == ("batch-1", 3_000_000, 3_700_000)
    assert (there["acts"], there["from_day"]) == (12, "2026-11-03")
    assert (story["batch"]["previous"], story["batch"]["carry_in_g"]) == ("batch-1", 700_000)
    assert (await told(client, "phcer-1"))["batch"]["next"] == "batch-2"


async def test_the_filing_behind_a_serial_is_named_with_its_entry(client: httpx.AsyncClient) -> None:
    story = await told(client, "phcer-1")
    (leave,) = story["leave"]
    assert (leave["methodology"], leave["region"], leave["demo"]) == ("cn-shared-bike-km", "CN-GD", False)
    entry = (await client.get(f"/log/entries/{leave['entry_index']}")).json()
    assert entry["kind"] == "methodology.filed"
    assert story["demo"] is False


async def test_what_rests_on_an_override_is_plainly_a_demonstration(
    client: httpx.AsyncClient, teller: Teller
) -> None:
    await teller.overridden("gz-metro-trip")
    await teller.batch(
        "batch-demo", first_serial=1, book="phcer-demo", demo=True, methodology="gz-metro-trip",
        runs=[run(1_000_000, 50)],
    )  # fmt: skip
    story = await told(client, "phcer-demo-1")
    assert story["demo"] is True
    assert [leave["demo"] for leave in story["leave"]] == [True]
    assert story["serial"] == "PHCER-DEMO-000000001"


@pytest.mark.parametrize(
    "serial", ["phcer-7", "phcer-0", "nowhere-1", "phcer", "-", "phcer-" + "9" * 30, "guangdong-phcer-6"]
)
async def test_an_unknown_serial_is_404_and_is_not_repeated(client: httpx.AsyncClient, serial: str) -> None:
    answer = await client.get(f"/serials/{serial}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "transparency.serial_unknown"
    assert serial not in answer.text.replace('"transparency', "") or serial == "-"


async def test_reading_again_from_nothing_gives_the_same_answers(
    client: httpx.AsyncClient, db: Database
) -> None:
    before = [await told(client, f"phcer-{number}") for number in range(1, 7)]
    await following.rebuild(db)
    assert [await told(client, f"phcer-{number}") for number in range(1, 7)] == before


async def test_a_serial_is_found_as_its_certificate_prints_it(client: httpx.AsyncClient) -> None:
    story = await told(client, "phcer-2")
    assert story["credit"] == "PHCER-GD-2026-CN_SHARED_BIKE_KM-000000000002"
    assert (await told(client, story["credit"]))["serial"] == "PHCER-000000002"
    for wrong in (story["credit"].replace("2026", "2025"), story["credit"].replace("-GD-", "-SH-")):
        assert (await client.get(f"/serials/{wrong}")).status_code == 404
