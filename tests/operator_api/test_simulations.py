"""Staff try a changed pack over their programme's acts; nobody is named, and the pack's text is not repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.identity.organisations import Role
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from tests.intake.test_pipeline import City, ride
from tests.operator_api.conftest import Person, SignedIn
from tests.operator_api.test_programmes import operator

__all__ = ["operator"]

LIBRARY = load_all()
BIKE = LIBRARY.find("cn-shared-bike-km").text
PATH = "/programmes/gd-green-travel/simulations"
DAYS = {"first": "2024-03-01", "last": "2024-03-31"}
CHANGED = (
    BIKE.replace('"48.7"', '"97.4"')
    .replace("grams = 4870 }", "grams = 9740 }")
    .replace("grams = 487 }", "grams = 974 }")
    .replace("grams = 48 }", "grams = 97 }")
    .replace("in       = { distance_m = 21 }\nout      = { grams = 1 }", "in       = { distance_m = 21 }\nout      = { grams = 2 }")
    .replace("in       = { distance_m = 20 }\nout      = { grams = 0 }", "in       = { distance_m = 20 }\nout      = { grams = 1 }")
)  # fmt: skip


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path, operator: Person) -> City:
    del operator  # hired before the programme begins
    here = City(db, settings, LIBRARY, tmp_path)
    await here.open()
    return here


async def test_a_programmes_operator_sees_what_a_change_would_have_meant(
    city: City, operator: Person, signed_in: SignedIn
) -> None:
    riders = [await city.rider(f"sim-{n}") for n in range(5)]
    few = await operator.post(PATH, {"pack": CHANGED, **DAYS})
    assert (few.status_code, few.json()["people"]) == (200, 0)
    await city.ingest([ride(f"sim-{n}", n, day="2024-03-05") for n in range(5)])
    told = await operator.post(PATH, {"pack": CHANGED, **DAYS})
    assert told.status_code == 200, told.text
    answer = told.json()
    assert answer["total"] == {
        "acts": 5, "grams_before": 5 * 487, "grams_after": 5 * 974, "points_before": 5 * 48, "points_after": 5 * 97,
    }  # fmt: skip
    assert answer["by_points"] == [{"least": 10, "most": 99, "people": 5}]
    assert not any(str(rider) in told.text for rider in riders)
    authority = await signed_in(Role.AUTHORITY)
    assert (await authority.post(PATH, {"pack": CHANGED, **DAYS})).json() == answer
    assert (await operator.post(PATH, {"pack": CHANGED, "first": "2024-04-01", "last": "2024-04-30"})).json()[
        "people"
    ] == 0


async def test_few_people_another_programme_and_a_faulty_pack_are_refused_without_an_echo(
    city: City, operator: Person, signed_in: SignedIn
) -> None:
    await city.rider("lonely")
    await city.ingest([ride("lonely", 3, day="2024-07-05")])
    few = await operator.post(PATH, {"pack": CHANGED, "first": "2024-07-01", "last": "2024-07-31"})
    assert (few.status_code, few.json()["code"]) == (409, "simulating.too_small")
    for days in (
        {"first": "0001-01-01", "last": "0001-01-02"},
        {"first": "9999-12-30", "last": "9999-12-31"},
    ):
        assert (await operator.post(PATH, {"pack": CHANGED, **days})).json()["people"] == 0
    faulty = await operator.post(PATH, {"pack": BIKE.replace('"48.7"', '"forty"'), **DAYS})
    assert (faulty.status_code, faulty.json()["code"]) == (422, "simulations.pack_not_sound")
    assert "bad_figure" in faulty.text
    assert "forty" not in faulty.text
    market = await operator.post(PATH, {"pack": LIBRARY.find("guangdong").text, **DAYS})
    assert market.json()["code"] == "simulating.wrong_kind"
    stranger = await signed_in(Role.OPERATOR)
    assert (await stranger.post(PATH, {"pack": CHANGED, **DAYS})).status_code == 404
    other = LIBRARY.find("gd-green-travel").text.replace(
        'id           = "gd-green-travel"', 'id           = "other"', 1
    )
    assert (await operator.post(PATH, {"pack": other, **DAYS})).status_code == 404
