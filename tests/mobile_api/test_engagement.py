"""Tasks, levels, badges, referrals and awards in the app."""

from __future__ import annotations

import pytest

from backend import packs, programmes
from backend.engagement import followers
from backend.kit.db import Database
from backend.programmes import Registered
from tests.audit import followed
from tests.mobile_api.conftest import Citizen

HERE = f"/programmes/{followed.CODE}"
MORE = """
[[level]]
id = "leaf"
title_zh = "叶"
title_en = "leaf"
of = "points"
count = "10"
source = "programme policy"

[[achievement]]
id = "rider"
title_zh = "骑手"
title_en = "rider"
measure = "acts"
count = "5"
source = "programme policy"
"""


@pytest.fixture(scope="module")
async def programme(db: Database) -> Registered:
    switched = followed.PACK.replace(
        "referral  = true", "referral  = true\nlevels = true\nachievements = true"
    )
    text = switched.replace("[[example]]", MORE + "\n[[example]]", 1)
    async with db.transaction() as session:
        return await programmes.register(session, pack=packs.parse(text.encode()))


@pytest.mark.usefixtures("programme")
async def test_tasks_are_listed_and_taken_on_once(alice: Citizen, db: Database) -> None:
    two, taken = (await alice.get(f"{HERE}/tasks")).json()
    assert (two["needed"], two["done"], two["reward_points"], two["accept"]) == (2, 0, 10, False)
    assert (taken["id"], taken["accepted_on"]) == ("taken-on", None)
    first = await alice.post(f"{HERE}/tasks/taken-on/accept", key="5f0c7b9e-6f0e-4c57-9f0a-3c1b52a0d001")
    again = await alice.post(f"{HERE}/tasks/taken-on/accept", key="5f0c7b9e-6f0e-4c57-9f0a-3c1b52a0d001")
    assert first.json()["accepted_on"] is not None
    assert first.json() == again.json()
    assert (await alice.post(f"{HERE}/tasks/moon/accept")).json()["code"] == "tasks.not_found"
    await followers.follow(db)
    assert (await alice.get(f"{HERE}/awards")).json() == []


@pytest.mark.usefixtures("programme")
async def test_levels_and_badges_begin_at_nothing(alice: Citizen) -> None:
    assert (await alice.get(f"{HERE}/levels")).json() == {
        "points": 0,
        "grams": 0,
        "highest": None,
        "levels": [{"id": "leaf", "title": "叶", "of": "points", "count": 0}],
    }
    (badge,) = (await alice.get(f"{HERE}/achievements")).json()
    assert (badge["needed"], badge["done"], badge["reached_on"]) == (5, 0, None)


@pytest.mark.usefixtures("programme")
async def test_a_code_is_told_and_redeemed_once_by_somebody_else(alice: Citizen, bob: Citizen) -> None:
    code = (await alice.get(f"{HERE}/referral")).json()["code"]
    assert (await alice.get(f"{HERE}/referral")).json()["code"] == code
    own = await alice.post(f"{HERE}/referral/redeem", {"code": code})
    assert (own.status_code, own.json()["code"]) == (409, "referrals.refused")
    assert (await bob.post(f"{HERE}/referral/redeem", {"code": code})).json()["came_with_a_code"]
    again = await bob.post(f"{HERE}/referral/redeem", {"code": code})
    assert again.json()["code"] == "referrals.already"
    unknown = await bob.post(f"{HERE}/referral/redeem", {"code": "NOSUCH22"})
    assert unknown.status_code == 404
    (invited,) = (await alice.get(f"{HERE}/referral")).json()["invited"]
    assert set(invited) == {"redeemed_at", "rewarded_at", "points"}, "who came is told to nobody"


async def test_what_a_programme_does_not_offer_is_not_found(alice: Citizen, db: Database) -> None:
    async with db.transaction() as session:
        await programmes.register(session, pack=packs.load_all().find("gd-green-travel"))
    for path in ("tasks", "levels", "achievements", "referral"):
        answer = await alice.get(f"/programmes/gd-green-travel/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "programmes.feature_off")
