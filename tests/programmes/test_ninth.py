"""A ninth programme, written by following `docs/programmes.md`: checked, registered and run without a line of code."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

import mobile_api
import operator_api
from backend import intake, packs, programmes
from backend.engagement import followers
from backend.identity import Role, means, organisations
from backend.kit import clock
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from backend.packs import ParameterUnknown
from backend.programmes import checks
from puhui.pack_kinds import register_kinds
from tests.identity.conftest import Hire, hire
from tests.mobile_api.conftest import Citizen, PhoneBox
from tests.mobile_api.conftest import sign_in as sign_in_citizen
from tests.operator_api.conftest import Person
from tests.operator_api.conftest import sign_in as sign_in_staff

__all__ = ["hire"]

register_kinds()
HERE = Path(__file__).parent
NINTH, DEMO = HERE / "ninth.toml", HERE / "ninth-demo.toml"
LIBRARY = packs.load_all()
RIDES = """account_no,started_at,ended_at,distance_m
{card},2026-09-22 08:00:00,2026-09-22 08:20:00,3000
{card},2026-10-14 08:00:00,2026-10-14 08:20:00,3000
{card},{today} 07:00:00,{today} 07:20:00,999
{card},{today} 08:00:00,{today} 08:20:00,1000
{card},{today} 09:00:00,{today} 09:20:00,2999
"""


async def _client(app: FastAPI, settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    wire(app, settings=settings, db=db)
    address = f"2001:db8::{uuid4().int % 0xFFFF:x}"
    transport = httpx.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


@pytest.fixture
async def operator(db: Database, settings: Settings, hire: Hire) -> AsyncIterator[Person]:
    """Staff of the organisation that the ninth programme names."""
    async with db.transaction() as session:
        for code, role in (("zs-operator", Role.OPERATOR), ("zs-bikes", Role.PARTNER)):
            await organisations.create_organisation(
                session, code=code, name_zh="机构", name_en="Organisation", roles=[role]
            )
    hired = await hire(Role.OPERATOR, organisation="zs-operator")
    async for client in _client(operator_api.build(settings), settings, db):
        yield Person(hired, (await sign_in_staff(client, hired)).json(), client)


@pytest.fixture
async def citizen(db: Database, settings: Settings) -> AsyncIterator[Citizen]:
    phones = PhoneBox()
    async for client in _client(mobile_api.build(settings, sender=phones), settings, db):
        yield await sign_in_citizen(client, phones)


def test_the_ninth_programme_and_its_overlay_are_sound() -> None:
    ninth = packs.gather([packs.load(NINTH), packs.load(DEMO)])
    assert [str(fault) for fault in (*ninth.faults, *packs.check_references(ninth, beside=LIBRARY))] == []


async def test_the_ninth_programme_runs_from_its_text_alone(
    db: Database, settings: Settings, operator: Person, citizen: Citizen, tmp_path: Path
) -> None:
    began = await operator.post("/programmes", {"text": NINTH.read_text("utf-8")})
    assert began.status_code == 201, began.text
    assert began.json()["unknown"] == ["earn.ride.tiers.1.points", "level.bush.count"]
    source = {
        "code": "zs-rides", "programme": "zs-green-way", "partner": "zs-bikes", "region": "CN-GD",
        "evidence": "operator_feed", "mapping": "bike-share-distance",
    }  # fmt: skip
    assert (await operator.post("/sources", source)).status_code == 201
    card = f"ZS{uuid4().hex[:8]}"
    await _holds(db, settings, citizen, card)
    path = tmp_path / "rides.csv"
    path.write_text(RIDES.format(card=card, today=clock.today()), "utf-8")

    with pytest.raises(ParameterUnknown) as refused:  # the bare pack does not guess
        await _take_in(db, settings, path)
    assert (refused.value.pack, refused.value.parameter) == ("zs-green-way", "earn.ride.tiers.1.points")

    settled = await operator.post(
        "/programmes", {"text": NINTH.read_text("utf-8"), "overlay_texts": [DEMO.read_text("utf-8")]}
    )
    assert settled.status_code == 201, settled.text
    told = settled.json()
    assert told["unknown"] == []
    assert told["set_by_overlay"]["level.bush.count"] == {
        "value": "2",
        "overlay": "zs-green-way-demo",
        "demo": True,
    }
    assert told["figures"]["earn.ride.tiers.1.points"] == "3"

    summary = await _take_in(db, settings, path)
    assert (summary.accepted, summary.points) == (5, 3 + 3 + 0 + 1 + 1)
    wallet = (await citizen.get("/wallets/zs-green-way")).json()
    assert (wallet["spendable"], wallet["lots"][0]["expires_on"]) == (8, "2027-12-31")

    await followers.follow(db)
    # 8 by acts, 3 more for the car-free day, 5 for rides in this week
    assert (await citizen.get("/wallets/zs-green-way")).json()["spendable"] == 8 + 3 + 5
    levels = (await citizen.get("/programmes/zs-green-way/levels")).json()
    assert (levels["points"], levels["highest"]) == (16, "bush")
    assert [one["count"] for one in levels["levels"]] == [16 // 2, 16 // 2 // 2]
    off = await citizen.get("/programmes/zs-green-way/lotteries")
    assert (off.status_code, off.json()["code"]) == (404, "programmes.feature_off")
    async with db.transaction() as session:
        assert not (await checks.packs_used(session)).found


async def test_citizens_are_told_what_the_ninth_programme_offers(
    db: Database, citizen: Citizen, settings: Settings
) -> None:
    del settings
    async with db.transaction() as session:
        await programmes.register(session, pack=packs.load(NINTH), overlays=[packs.load(DEMO)])
    listed = (await citizen.get("/programmes")).json()
    mine = next(one for one in listed if one["code"] == "zs-green-way")
    assert (mine["title"], mine["point"], mine["demo_figures"]) == ("中山绿道(例子)", "叶", True)
    assert mine["offers"] == ["campaigns", "earning", "leaderboards", "levels", "news", "tasks"]
    whole = (await citizen.get("/programmes/zs-green-way")).json()
    assert mine.items() <= whole.items()
    assert whole["earnings"][0]["tiers"] == [
        {"at_least": "1000", "points": "1"},
        {"at_least": "3000", "points": "3"},
    ]
    assert whole["rewards"] == [
        {"id": "roll", "kind": "goods", "title": "一个面包", "price_points": 10, "merchant": "bakery"}
    ]
    assert (whole["news"], whole["levels"], whole["unknown"]) == (["begun"], ["sprout", "bush"], [])
    assert {one["overlay"] for one in whole["set_by_overlay"]} == {"zs-green-way-demo"}
    assert "lotteries" in whole["off"]
    assert (await citizen.get("/programmes/no-such")).status_code == 404


FAULTY = (
    ('kind     = "goods"', 'kind     = "good"'),
    ('at_least = "3000"', 'at_least = "300"'),
    ('of       = "sprout"', 'of       = "sprouts"'),
    ("last       = 2026-09-22", "last       = 2029-09-22"),
    ('activities = ["cycling"]\npoints', 'activities = ["swimming"]\npoints'),
    ("floor  = 100\n", "floor  = 200000\n"),
    ('seasons     = ["autumn"]', 'seasons     = ["winter"]'),
    ('expires_on = "12-31"', 'expires_on = "12-32"'),
    ("news         = true", "newspaper    = true"),
    ('multiplier = "2"', "multiplier = 2.0"),
    ('points     = "5"', 'points     = "5.5"'),
    ("leaderboards = true", 'leaderboards = "yes"'),
)


def test_each_of_many_faults_is_named_with_file_and_line(tmp_path: Path) -> None:
    text = NINTH.read_text("utf-8")
    for old, new in FAULTY:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = tmp_path / "ninth.toml"
    file.write_text(text, "utf-8")
    named = packs.load(file).faults
    lines = text.splitlines()
    for _, new in FAULTY:
        where = 1 + next(n for n, line in enumerate(lines) if new.splitlines()[0] in line)
        found = [fault for fault in named if fault.line == where]
        assert found, new
        assert str(found[0]).startswith(f"{file}:{where} ")
        assert found[0].message_zh != found[0].message_en
    assert len(named) == len(FAULTY)


async def test_a_faulty_text_is_refused_with_its_lines_and_not_repeated(operator_of_any: Person) -> None:
    text = NINTH.read_text("utf-8").replace('of       = "sprout"', 'of       = "secret-word"')
    refused = await operator_of_any.post("/programmes", {"text": text})
    line = 1 + text[: text.index("secret-word")].count("\n")
    assert (refused.status_code, refused.json()["faults"]) == (422, [f"{line} bad_reference"])
    assert "secret-word" not in refused.text
    both = {"text": NINTH.read_text("utf-8"), "pack": "gd-green-travel"}
    assert (await operator_of_any.post("/programmes", both)).status_code == 422
    another = NINTH.read_text("utf-8").replace("zs-green-way", "zs-blue-way")
    assert (await operator_of_any.post("/programmes", {"text": another})).status_code == 403
    steps = DEMO.read_text("utf-8").replace("level.bush.count", "level.tree.count")
    oversteps = {"text": NINTH.read_text("utf-8"), "overlay_texts": [steps]}
    told = await operator_of_any.post("/programmes", oversteps)
    assert (told.status_code, told.json()["code"]) == (422, "programmes.overlay_misses")


@pytest.fixture
async def operator_of_any(db: Database, settings: Settings, hire: Hire) -> AsyncIterator[Person]:
    hired = await hire(Role.OPERATOR)
    async for client in _client(operator_api.build(settings), settings, db):
        yield Person(hired, (await sign_in_staff(client, hired)).json(), client)


async def _holds(db: Database, settings: Settings, citizen: Citizen, card: str) -> None:
    async with db.transaction() as session:
        await means.link_list(
            session,
            settings.keys,
            kind="bike_account",
            operator="gz-bikes",
            lines=[
                means.Listed(
                    number=card,
                    participant_id=citizen.id,
                    held_from=dt.datetime(2026, 1, 1, tzinfo=SHANGHAI),
                )
            ],
            proof_reference="test",
        )


async def _take_in(db: Database, settings: Settings, path: Path) -> intake.Summary:
    """Take in what `RIDES` tells, at noon at the earliest: what has not ended yet would be refused."""
    mapping = intake.mapping_of(LIBRARY.find("bike-share-distance"))
    noon = dt.datetime.combine(clock.today(), dt.time(12), SHANGHAI)
    with clock.travel(max(noon, clock.now())):
        return await intake.ingest(
            db, settings, path=path, source="zs-rides", mapping=mapping, library=LIBRARY
        )
