"""The dry run of an event: what it would earn and why, and that nothing of it stays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.identity.organisations import Role
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from tests.intake.test_pipeline import City
from tests.operator_api.conftest import Person, SignedIn
from tests.operator_api.test_programmes import operator

__all__ = ["operator"]

LIBRARY = load_all()
PATH = "/programmes/gd-green-travel/trial"
DAY = clock.today() - dt.timedelta(days=2)
RIDE = {
    "methodology": "cn-shared-bike-km",
    "activity": "cycling",
    "inputs": {"distance_m": 10_000},
    "evidence": "operator_feed",
    "happened_at": f"{DAY}T08:00:00+08:00",
    "ended_at": f"{DAY}T08:40:00+08:00",
}


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path, operator: Person) -> City:
    del operator  # hired before the programme begins
    here = City(db, settings, LIBRARY, tmp_path)
    await here.open()
    return here


@pytest.mark.usefixtures("city")
async def test_an_event_is_told_with_every_figure_on_the_way(operator: Person) -> None:
    told = await operator.post(PATH, RIDE)
    assert told.status_code == 200, told.text
    answer = told.json()
    assert (answer["fate"], answer["reduction_g"], answer["earned"], answer["ruled"]) == (
        "accepted",
        487,
        48,
        48,
    )
    assert answer["rule"] == {
        "id": "cycling", "per": "gram", "points": "1/10", "weight": "1", "input": None, "tier": None, "in_season": True,
    }  # fmt: skip
    assert answer["budget_room"] is None
    assert len(answer["why"]) == 3
    receipt = (await operator.post(PATH, RIDE | {"evidence": "receipt_upload"})).json()
    assert (receipt["earned"], receipt["rule"]["weight"]) == (24, "1/2")


async def test_with_a_participant_caps_and_screens_see_what_was_done_before(
    city: City, operator: Person
) -> None:
    rider = await city.rider("tried")
    await city.ingest([f"T{n},tried,{DAY} {7 + n:02d}:00:00,{DAY} {7 + n:02d}:50:00,30000" for n in range(6)])
    before = await _rows(city)
    full = (await operator.post(PATH, RIDE | {"participant_id": str(rider), "reason": "a question", "inputs": {"distance_m": 30_000},
        "happened_at": f"{DAY}T20:00:00+08:00", "ended_at": f"{DAY}T21:00:00+08:00"})).json()  # fmt: skip
    assert (full["ruled"], full["earned"]) == (146, 124)
    assert full["cap"]
    somebody = (
        await operator.post(PATH, RIDE | {"participant_id": str(ids.uuid7()), "reason": "a question"})
    ).json()
    assert (somebody["fate"], somebody["earned"]) == ("accepted", 48)
    assert await _rows(city) == before


@pytest.mark.usefixtures("city")
async def test_what_cannot_be_computed_and_what_is_not_theirs_is_refused(
    operator: Person, signed_in: SignedIn
) -> None:
    far = await operator.post(PATH, RIDE | {"inputs": {"distance_m": "far"}})
    assert (far.status_code, far.json()["code"]) == (422, "methodologies.input_refused")
    assert (await operator.post(PATH, RIDE | {"methodology": "no-such-pack"})).status_code == 404
    assert (await operator.post("/programmes/nowhere/trial", RIDE)).status_code == 404
    partner = await signed_in(Role.PARTNER)
    assert (await partner.post(PATH, RIDE)).status_code == 403


async def _rows(city: City) -> tuple[int, ...]:
    tables = ("action", "intake_chunk", "ledger_transfer", "ledger_account", "method_ref", "intake_job")
    async with city.db.transaction() as session:
        return tuple(
            [(await session.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one() for name in tables]
        )


async def test_figures_by_rule_leave_small_groups_out(city: City, operator: Person) -> None:
    first = DAY.replace(day=1) - dt.timedelta(days=400)
    path = f"/programmes/gd-green-travel/figures?first={first}&last={first + dt.timedelta(days=5)}"
    await city.ingest([f"T{n},few-{n},{first} 08:00:00,{first} 08:30:00,10000" for n in range(4)])
    for n in range(5):
        await city.rider(f"many-{n}")
    assert (await operator.get(path)).json()["rules"] == []
    await city.ingest([f"T{n},many-{n},{first} 08:00:00,{first} 08:30:00,10000" for n in range(5)])
    (rule,) = (await operator.get(path)).json()["rules"]
    assert (rule["rule"], rule["people"], rule["points"]) == ("cycling", 5, 5 * 48)
