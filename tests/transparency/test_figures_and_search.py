"""Totals and searches, beside the plainest model: every number followed by hand."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from backend.kit.db import Database
from backend.transparency import checks, following
from tests.transparency.conftest import Teller, run

SEED = 20261122
TONNES = 60


class Model:
    """Where each number stands, one by one."""

    def __init__(self) -> None:
        self.status: dict[int, str] = dict.fromkeys(range(1, TONNES + 1), "held")

    def some(self, dice: random.Random, *statuses: str) -> list[int]:
        """Up to eight numbers that stand in one of these ways."""
        able = [number for number, status in self.status.items() if status in statuses]
        return sorted(dice.sample(able, min(len(able), dice.randint(1, 8))))

    def move(self, numbers: list[int], status: str) -> list[list[int]]:
        """Put them elsewhere; the runs that they make."""
        runs: list[list[int]] = []
        for number in numbers:
            self.status[number] = status
            if runs and runs[-1][1] == number:
                runs[-1][1] = number + 1
            else:
                runs.append([number, number + 1])
        return runs


WAYS = {  # from where, to where, and what is told of it
    "lock": (("held",), "locked"), "deposit": (("locked",), "bridged"), "return": (("locked",), "held"),
    "sell": (("bridged",), "bridged"), "pledge": (("bridged",), "pledged"), "release": (("pledged",), "bridged"),
    "surrender": (("pledged",), "surrendered"), "cancel": (("held",), "cancelled"),
    "cancel there": (("bridged",), "cancelled"),
}  # fmt: skip


async def play(teller: Teller, model: Model, dice: random.Random, turns: int) -> None:
    """Move numbers at random along every allowed way."""
    for _ in range(turns):
        way = dice.choice(sorted(WAYS))
        leaves, arrives = WAYS[way]
        chosen = model.some(dice, *leaves)
        if not chosen:
            continue
        serials = model.move(chosen, arrives)
        match way:
            case "lock" | "deposit" | "return":
                await teller.bridge(
                    {"lock": "locked", "deposit": "deposited", "return": "returned"}[way], serials
                )
                if way == "deposit":
                    await teller.bridge("confirmed", serials)
            case "sell":
                await teller.sold(serials, seller="steelworks", buyer="power-plant")
            case "pledge" | "release":
                await teller.pledged(serials, entity="power-plant", released=way == "release")
            case "surrender":
                await teller.surrendered(serials, entity="power-plant")
            case _:
                await teller.cancelled(serials, book="phcer" if way == "cancel" else "guangdong-phcer")


@pytest.fixture(scope="module")
async def model(teller: Teller) -> Model:
    await teller.batch("batch-1", first_serial=1, runs=[run(TONNES * 1_000_000, 5000)])
    return Model()


async def found(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get("/serials", params={**query, **cursor, "limit": 3})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


async def test_totals_searches_and_stories_agree_with_following_every_number_by_hand(
    client: httpx.AsyncClient, teller: Teller, model: Model, db: Database
) -> None:
    dice = random.Random(SEED)
    for _ in range(4):
        await play(teller, model, dice, 25)
        (totals,) = (await client.get("/figures")).json()["items"]
        counted = Counter(model.status.values())
        assert totals["issued_t"] == TONNES == sum(totals["standing"].values())
        beside = totals["co_benefits"]
        assert (beside["so2_kg"], beside["nox_kg"]) == (TONNES * 32 // 10, TONNES * 28 // 10)
        assert "no part of any credit" in beside["note_en"]
        assert totals["standing"] == {
            f"{status}_t": counted[status]
            for status in ("held", "locked", "bridged", "pledged", "surrendered", "cancelled")
        }
        told: dict[int, str] = {}
        for one in await found(client):
            first, last = (int(one[name].rsplit("-", 1)[1]) for name in ("first_serial", "last_serial"))
            assert last - first + 1 == one["quantity_t"]
            told |= dict.fromkeys(range(first, last + 1), one["status"])
        assert told == model.status, f"seed {SEED}"
        for status in ("surrendered", "bridged"):
            assert sum(one["quantity_t"] for one in await found(client, status=status)) == counted[status]
    for number, status in model.status.items():
        story = (await client.get(f"/serials/phcer-{number}")).json()
        assert story["stands"]["status"] == status, f"seed {SEED}"
    async with db.transaction() as session:
        assert (await checks.as_the_log_says(session)).violations == []


async def test_markets_are_counted_apart(client: httpx.AsyncClient, model: Model) -> None:
    (totals,) = (await client.get("/figures")).json()["items"]
    there = totals["markets"]["guangdong"]
    counted = Counter(model.status.values())
    assert (there["bridged_t"], there["pledged_t"], there["surrendered_t"]) == (
        counted["bridged"],
        counted["pledged"],
        counted["surrendered"],
    )


async def test_a_search_narrows_by_series_and_place(client: httpx.AsyncClient, teller: Teller) -> None:
    await teller.batch(
        "batch-old",
        first_serial=1001,
        vintage_year=2025,
        project="sz-low-carbon",
        runs=[run(2_000_000, 90)],
        owner="sz-operator",
    )
    for query in (
        {"vintage_year": 2025}, {"project": "sz-low-carbon"}, {"batch": "batch-old"}, {"holder": "sz-operator"},
    ):  # fmt: skip
        (one,) = await found(client, **query)
        assert (one["first_serial"], one["last_serial"]) == ("PHCER-000001001", "PHCER-000001002")
    assert await found(client, project="nobody's") == []
    assert {one["book"] for one in await found(client, market="guangdong", status="bridged")} <= {
        "guangdong-phcer"
    }
    assert len((await client.get("/figures")).json()["items"]) == 2
    (only,) = (await client.get("/figures", params={"vintage_year": 2025})).json()["items"]
    assert only["issued_t"] == 2


async def test_allowances_and_credits_of_other_registries_have_stories_too(
    client: httpx.AsyncClient, teller: Teller
) -> None:
    await teller.tell(
        "allowance.allocated", market="guangdong", compliance_year=2026, book="guangdong-gdea-2026", act="a",
        allotments=[{"organisation": "power-plant", "serials": [[1, 101]]}, {"organisation": "mill", "serials": [[101, 131]]}],
    )  # fmt: skip
    await teller.tell(
        "credit.registered", market="guangdong", organisation="mill", unit="CCER", book="guangdong-ccer", act="b",
        facts={"project_id": "forest-7", "vintage_start": "2025-01-01", "vintage_end": "2025-12-31"}, serials=[[1, 11]],
    )  # fmt: skip
    await teller.tell(
        "unit.pledged", market="guangdong", compliance_year=2026, entity="mill",
        lots=[{"book": "guangdong-ccer", "unit": "CCER", "serials": [[1, 3]]},
              {"book": "guangdong-gdea-2026", "unit": "GDEA", "serials": [[101, 131]]}],
    )  # fmt: skip
    await teller.tell(
        "unit.surrendered", market="guangdong", compliance_year=2026, entity="mill", edition="e",
        lots=[{"book": "guangdong-gdea-2026", "unit": "GDEA", "serials": [[101, 131]]}],
        returned=[{"book": "guangdong-ccer", "unit": "CCER", "serials": [[1, 3]]}],
    )  # fmt: skip
    allowance = (await client.get("/serials/guangdong-gdea-2026-105")).json()
    assert (allowance["unit"], allowance["batch"], allowance["tonne"]) == ("GDEA", None, None)
    assert (allowance["stands"]["status"], allowance["stands"]["holder"]) == ("surrendered", "mill")
    credit = (await client.get("/serials/guangdong-ccer-2")).json()
    assert [event["kind"] for event in credit["events"]] == [
        "credit.registered",
        "unit.pledged",
        "unit.surrendered",
    ]
    assert credit["stands"]["status"] == "held"
    by_unit = {one["unit"]: one for one in (await client.get("/figures")).json()["items"]}
    assert (by_unit["GDEA"]["issued_t"], by_unit["GDEA"]["standing"]["surrendered_t"]) == (130, 30)
    assert (by_unit["CCER"]["issued_t"], by_unit["CCER"]["vintage_year"]) == (10, 2025)


async def test_batches_are_listed_newest_first_and_told_one_by_one(client: httpx.AsyncClient) -> None:
    page = (await client.get("/batches", params={"limit": 1})).json()
    assert [batch["id"] for batch in page["items"]] == ["batch-old"]
    rest = (await client.get("/batches", params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert [batch["id"] for batch in rest["items"]] == ["batch-1"]
    assert rest["next_cursor"] is None
    batch = (await client.get("/batches/batch-1")).json()
    assert (batch["state"], batch["verification_body"], batch["quantity_t"]) == (
        "issued",
        "south-verifiers",
        TONNES,
    )
    assert batch["verified_g"] == batch["frozen_g"] - batch["rejected_g"] - batch["deducted_g"]
    assert [one["id"] for one in (await client.get("/batches?vintage_year=2025")).json()["items"]] == [
        "batch-old"
    ]
    missing = await client.get("/batches/nowhere-at-all")
    assert (missing.status_code, missing.json()["code"]) == (404, "transparency.batch_unknown")
    assert "nowhere" not in missing.text


async def test_a_batch_is_told_as_far_as_it_has_come(client: httpx.AsyncClient, teller: Teller) -> None:
    series = {
        "project": "gd-green-travel",
        "methodology": "cn-shared-bike-km",
        "vintage_year": 2024,
        "demo": False,
    }
    await teller.tell(
        "batch.frozen", batch="young", **series, pack_sha256s=["ab"], sequence=1, first_month="2024-01",
        last_month="2024-02", previous=None, carry_in_g=0, acts=3, frozen_g=3000, frozen_root="00" * 32,
    )  # fmt: skip
    batch = (await client.get("/batches/young")).json()
    assert (batch["state"], batch["verified_g"], batch["quantity_t"]) == ("frozen", None, None)
    assert batch["acts"] is None  # fewer than ten


async def test_two_who_ask_at_once_read_the_log_once(teller: Teller, db: Database) -> None:
    await teller.batch("batch-2", first_serial=2001, runs=[run(3_000_000, 50)])
    async with db.transaction() as first:
        assert await following.follow(first) is False
        second = asyncio.create_task(following.catch_up(db))
        for _ in range(100):
            waiting = await first.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
            if waiting.scalar_one():
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the second did not wait")
    await second
    async with db.transaction() as session:
        assert (await checks.as_the_log_says(session)).violations == []


async def test_a_crash_while_following_leaves_what_was_there(teller: Teller, db: Database) -> None:
    await teller.batch("batch-3", first_serial=3001, runs=[run(3_000_000, 50)])
    with contextlib.suppress(InterruptedError):
        async with db.transaction() as session:
            await following.follow(session)
            raise InterruptedError
    async with db.transaction() as session:
        assert (await checks.as_the_log_says(session)).violations == []
    await following.catch_up(db)
    async with db.transaction() as session:
        assert (await checks.as_the_log_says(session)).violations == []


async def test_whoever_asks_waits_only_so_long_and_is_told_how_far_the_answer_knows_the_log(
    client: httpx.AsyncClient, teller: Teller, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await following.catch_up(db)
    before = (await client.get("/figures")).json()["as_of_entries"]
    for _ in range(5):
        await teller.tell("test.noted")
    monkeypatch.setattr(following, "ENTRIES_AT_ONCE", 2)
    monkeypatch.setattr(following, "PATIENCE_S", 0.0)
    assert (await client.get("/figures")).json()["as_of_entries"] == before
    monkeypatch.setattr(following, "PATIENCE_S", 5.0)
    assert (await client.get("/figures")).json()["as_of_entries"] == before + 5
