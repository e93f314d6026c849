"""A citizen adds to a footprint, corrects it and looks at it beside the reductions; nobody else sees any of it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import footprint
from backend.footprint.service import PER_DAY
from backend.identity import leaving, people
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.mobile_api.conftest import Citizen

DAY = "2023-06-05"


def metro(quantity: str = "10", **changed: Any) -> dict[str, Any]:
    return {"category": "travel", "item": "metro-km", "quantity": quantity, "happened_on": DAY} | changed


def stated(kg: str = "3.5", category: str = "food", **changed: Any) -> dict[str, Any]:
    return {"category": category, "stated_kg": kg, "happened_on": DAY} | changed


async def test_an_entry_is_computed_by_a_figure_whose_source_can_be_read(alice: Citizen) -> None:
    answer = await alice.post("/footprint", metro("22"))
    assert answer.status_code == 201, answer.text
    entry = answer.json()
    assert (entry["basis"], entry["emissions_g"], entry["quantity"]) == ("computed", 1350, "22")
    items = {item["id"]: item for item in (await alice.get("/footprint/items")).json()["items"]}
    assert items["metro-km"]["source_title"].startswith("北京市交通委")
    assert items["petrol"]["analogue"] is True
    assert (items["meat-meal"]["known"], items["meat-meal"]["value"]) == (False, None)
    assert (await alice.get("/footprint")).json()["items"] == [entry]


@pytest.mark.parametrize("category", ["clothing", "food"])
async def test_what_no_source_knows_refuses_and_can_be_stated_by_oneself(
    alice: Citizen, category: str
) -> None:
    item = {"clothing": "garment", "food": "meat-meal"}[category]
    asked = {"category": category, "item": item, "quantity": "1", "happened_on": DAY}
    refused = await alice.post("/footprint", asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "footprint.factor_unknown")
    own = (await alice.post("/footprint", stated("0.001", category))).json()
    assert (own["basis"], own["emissions_g"], own["pack_sha256"]) == ("self_stated", 1, None)


async def test_electricity_takes_the_provinces_factor_and_says_when_it_is_of_an_earlier_year(
    alice: Citizen,
) -> None:
    asked = {"category": "housing", "item": "electricity", "quantity": "100", "happened_on": DAY}
    refused = await alice.post("/footprint", asked)
    assert refused.json()["code"] == "footprint.region_needed"
    of_2023 = (await alice.post("/footprint", asked | {"region": "CN-GD-SZ"})).json()
    assert (of_2023["emissions_g"], of_2023["factor_year"], of_2023["region"]) == (44_190, 2023, "CN-GD")
    assert of_2023["factor_is_earlier"] is False
    later = (await alice.post("/footprint", asked | {"region": "CN-GD", "happened_on": "2025-02-01"})).json()
    assert (later["emissions_g"], later["factor_year"], later["factor_is_earlier"]) == (44_190, 2023, True)
    before = await alice.post("/footprint", asked | {"region": "CN-BJ", "happened_on": "2022-02-01"})
    assert before.json()["code"] == "footprint.factor_unknown"  # a later year's figure is not used
    tibet = await alice.post("/footprint", asked | {"region": "CN-XZ"})
    assert tibet.json()["code"] == "footprint.factor_unknown"


async def test_the_bounds_of_a_quantity_and_of_a_day(alice: Citizen) -> None:
    today = clock.today()
    assert (await alice.post("/footprint", metro("0.001"))).json()[
        "emissions_g"
    ] == 1  # rounded up, never down
    assert (await alice.post("/footprint", metro("100000"))).status_code == 201
    for bad in ("0", "100000.001"):
        assert (await alice.post("/footprint", metro(bad))).json()["code"] == "footprint.quantity_outside"
    assert (await alice.post("/footprint", metro(happened_on=today.isoformat()))).status_code == 201
    tomorrow = today.fromordinal(today.toordinal() + 1).isoformat()
    for day in (tomorrow, "1999-12-31"):
        assert (await alice.post("/footprint", metro(happened_on=day))).json()[
            "code"
        ] == "footprint.outside_time"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"category": "travel", "happened_on": DAY},
        metro() | {"stated_kg": "1"},
        stated() | {"region": "CN-GD"},
        metro(quantity="1e3"),
        metro(quantity="-1"),
        metro(quantity="1.0001"),
        metro(quantity="１"),
        metro(category="pets"),
        metro(region="广东"),
        metro(happened_on="yesterday"),
        metro(note="words"),
        metro(replaces="mine"),
    ],
)
async def test_what_is_malformed_is_refused_without_an_echo(alice: Citizen, body: dict[str, Any]) -> None:
    answer = await alice.post("/footprint", body)
    assert answer.status_code == 422, answer.text
    assert "words" not in answer.text
    assert (await alice.get("/footprint")).json()["items"] == []


async def test_an_item_belongs_to_its_category(alice: Citizen) -> None:
    assert (await alice.post("/footprint", metro(category="food"))).json()["code"] == "footprint.item_unknown"
    assert (await alice.post("/footprint", metro(item="rocket"))).status_code == 404


async def test_a_correction_is_a_further_row_and_only_it_counts(alice: Citizen) -> None:
    first = (await alice.post("/footprint", metro("22"))).json()
    second = (await alice.post("/footprint", metro("11", replaces=first["id"]))).json()
    assert (await alice.get("/footprint")).json()["items"] == [second]
    again = await alice.post("/footprint", metro("5", replaces=first["id"]))
    assert (again.status_code, again.json()["code"]) == (409, "footprint.entry_ended")
    assert (await alice.delete(f"/footprint/{first['id']}")).json()["code"] == "footprint.entry_ended"
    gone = await alice.delete(f"/footprint/{second['id']}")
    assert gone.status_code == 200
    assert (await alice.delete(f"/footprint/{second['id']}")).json() == gone.json()
    assert (await alice.get("/footprint")).json()["items"] == []
    late = await alice.post("/footprint", metro("5", replaces=second["id"]))
    assert late.json()["code"] == "footprint.entry_ended"


async def test_five_corrections_at_once_leave_one(alice: Citizen) -> None:
    first = (await alice.post("/footprint", metro("22"))).json()
    answers = await asyncio.gather(
        *(alice.post("/footprint", metro(str(n + 1), replaces=first["id"])) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert len((await alice.get("/footprint")).json()["items"]) == 1


async def test_another_citizens_entries_can_neither_be_seen_nor_corrected_nor_taken_back(
    alice: Citizen, bob: Citizen
) -> None:
    hers = (await alice.post("/footprint", metro())).json()
    assert (await bob.get("/footprint")).json()["items"] == []
    assert (await bob.delete(f"/footprint/{hers['id']}")).status_code == 404
    assert (await bob.post("/footprint", metro(replaces=hers["id"]))).status_code == 404
    assert (await bob.delete(f"/footprint/{uuid4()}")).status_code == 404
    assert (await bob.get("/footprint/sums?year=2023")).json()["months"] == []
    assert (await alice.get("/footprint")).json()["items"] == [hers]


async def test_the_list_goes_on_by_cursor_without_losing_or_doubling(alice: Citizen) -> None:
    made = [
        (await alice.post("/footprint", stated("1", happened_on=f"2023-06-{day:02}"))).json()["id"]
        for day in (1, 2, 2, 2, 3)
    ]
    seen, path = [], "/footprint?limit=2"
    while path:
        page = (await alice.get(path)).json()
        seen += [entry["id"] for entry in page["items"]]
        path = f"/footprint?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert len(seen) == 5
    assert set(seen) == set(made)
    assert (seen[0], seen[-1]) == (made[-1], made[0])


async def test_sums_stand_beside_reductions_and_are_not_netted(alice: Citizen) -> None:
    await alice.post("/footprint", metro("22"))
    await alice.post("/footprint", stated("2", category="travel"))
    await alice.post("/footprint", stated("1", category="food", happened_on="2023-12-31"))
    await alice.post("/footprint", stated("9", happened_on="2024-01-01"))
    sums = (await alice.get("/footprint/sums?year=2023")).json()
    assert [month["month"] for month in sums["months"]] == [6, 12]
    year = {one["category"]: one for one in sums["whole_year"]["emissions"]}
    assert year["travel"] == {"category": "travel", "computed_g": 1350, "self_stated_g": 2000, "entries": 2}
    assert year["food"]["self_stated_g"] == 1000
    assert year["clothing"]["entries"] == 0
    assert sums["whole_year"]["reduction_g"] == 0
    assert "不与减排量相抵" in sums["note"]
    assert set(sums["whole_year"]) == {"emissions", "reduction_g"}  # and nothing that is one minus the other


async def test_the_wallet_and_the_home_page_know_nothing_of_a_footprint(alice: Citizen) -> None:
    before = [(await alice.get(path)).json() for path in ("/home", "/acts")]
    await alice.post("/footprint", stated("1000"))
    assert [(await alice.get(path)).json() for path in ("/home", "/acts")] == before


async def test_the_same_key_adds_once(alice: Citizen) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(alice.post("/footprint", metro(), key=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len((await alice.get("/footprint")).json()["items"]) == 1


async def test_a_day_brings_two_hundred_entries_and_no_more(alice: Citizen, db: Database) -> None:
    async with db.transaction() as session:
        for _ in range(PER_DAY - 1):
            await footprint.state(
                session, participant_id=alice.id, category="food", emissions_g=1, happened_on=clock.today()
            )
    assert (await alice.post("/footprint", stated())).status_code == 201
    refused = await alice.post("/footprint", stated())
    assert (refused.status_code, refused.json()["code"]) == (429, "footprint.too_many_entries")


async def test_who_left_cannot_be_told_from_the_amounts_that_stay(
    alice: Citizen, db: Database, settings: Settings
) -> None:
    entry = (await alice.post("/footprint", metro())).json()
    async with db.transaction() as session:
        await leaving.erase_person(session, participant_id=alice.id)
    again = await alice.client.post("/sign-in/refresh", json={"refresh_token": alice.tokens["refresh_token"]})
    assert again.status_code == 401
    async with db.transaction() as session:
        assert await people.phone_of(session, settings.keys, participant_id=alice.id) is None
        (kept,) = await footprint.entries_of(session, participant_id=alice.id, limit=5)
        assert kept.id == UUID(entry["id"])  # an amount under a pseudonym that leads nowhere any more
