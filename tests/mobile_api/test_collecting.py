"""Collecting in the app: one's own points, a friend's garden, and who took what."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from backend import packs, programmes
from backend.engagement import circle
from backend.identity import consent
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.programmes import Registered, purses
from tests.audit.collecting import CODE, pack
from tests.mobile_api.conftest import Citizen

HERE = f"/programmes/{CODE}"
TEXT = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of a programme whose points are ripe at once and wait to be collected."""
    path: Path = tmp_path_factory.mktemp("packs") / f"{CODE}.toml"
    path.write_text(pack(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
async def garden(db: Database, text: Path) -> Registered:
    async with db.transaction() as session:
        return await programmes.register(session, pack=packs.load(text))


@pytest.fixture
async def alices(db: Database, garden: Registered, alice: Citizen) -> int:
    """A hundred points of Alice's, earned today."""
    async with db.transaction() as session:
        await purses.put(
            session,
            participant_id=alice.id,
            programme=CODE,
            amount=100,
            purse=purses.purse_of(garden.pack, clock.today()),
            posting_id=ids.uuid7(),
            happened_at=clock.now(),
        )
    return 100


async def befriend(alice: Citizen, bob: Citizen) -> tuple[str, str]:
    """Both agree to be shown, and are friends; their handles."""
    handles = []
    for one, name in ((alice, "小爱"), (bob, "小波")):
        said = {"display_name": name, "text_sha256": TEXT.sha256.hex()}
        handles.append((await one.put(f"{HERE}/profile", said)).json()["handle"])
    invited = await alice.post(f"{HERE}/friends/invitations")
    accepted = await bob.post(f"{HERE}/friends", {"code": invited.json()["code"]})
    assert accepted.status_code < 300, accepted.text
    return handles[0], handles[1]


async def test_what_waits_is_told_with_its_days_collected_once_and_stands_in_the_statement(
    alice: Citizen, alices: int
) -> None:
    (lot,) = (await alice.get(f"{HERE}/pending")).json()
    assert (lot["points"], lot["ripe"]) == (alices, True)
    assert lot["ripe_on"] < lot["collect_until"]
    wallet = (await alice.get(f"/wallets/{CODE}")).json()
    assert (wallet["spendable"], wallet["pending"]) == (0, 100)

    key = str(uuid4())
    first = await alice.post(f"{HERE}/collect", {}, key=key)
    assert (first.status_code, first.json()["points"]) == (200, 100)
    assert (await alice.post(f"{HERE}/collect", {}, key=key)).json() == first.json()
    again = await alice.post(f"{HERE}/collect", {})
    assert (again.status_code, again.json()["code"]) == (409, "programmes.nothing_to_collect")

    wallet = (await alice.get(f"/wallets/{CODE}")).json()
    assert (wallet["spendable"], wallet["pending"]) == (100, 0)
    rows = (await alice.get(f"/wallets/{CODE}/statement")).json()["items"]
    assert sorted((row["part"], row["points"], row["reason"]) for row in rows) == [
        ("pending", -100, "points.collected"),
        ("pending", 100, "points.ripening"),
        ("wallet", 100, "points.collected"),
    ]


async def test_a_friend_sees_what_may_be_taken_takes_it_once_and_the_owner_is_told(
    alice: Citizen, bob: Citizen, alices: int
) -> None:
    handle, bobs = await befriend(alice, bob)
    seen = (await bob.get(f"{HERE}/friends/{handle}/pending")).json()
    assert (seen["protected"], [lot["may_take"] for lot in seen["lots"]]) == (False, [30])
    key = str(uuid4())
    first = await bob.post(f"{HERE}/friends/{handle}/collect", {}, key=key)
    assert (first.status_code, first.json()["points"]) == (200, 30)
    assert (await bob.post(f"{HERE}/friends/{handle}/collect", {}, key=key)).json() == first.json()
    refused = await bob.post(f"{HERE}/friends/{handle}/collect", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "collecting.share_taken")
    (told,) = (await alice.get(f"{HERE}/taken")).json()["items"]
    assert (told["points"], told["handle"], told["display_name"]) == (30, bobs, "小波")
    assert (await alice.get(f"{HERE}/pending")).json()[0]["points"] == alices - 30
    await bob.delete(f"{HERE}/profile")
    (told,) = (await alice.get(f"{HERE}/taken")).json()["items"]
    assert (told["points"], told["handle"], told["display_name"]) == (30, None, None)


async def test_the_garden_of_somebody_who_is_no_friend_is_not_there(
    alice: Citizen, bob: Citizen, alices: int
) -> None:
    said = {"display_name": "小爱", "text_sha256": TEXT.sha256.hex()}
    handle = (await alice.put(f"{HERE}/profile", said)).json()["handle"]
    assert (await bob.get(f"{HERE}/friends/{handle}/pending")).status_code == 404
    assert (await bob.post(f"{HERE}/friends/{handle}/collect", {})).status_code == 404
    assert (await bob.post(f"{HERE}/friends/{'0' * 16}/collect", {})).status_code == 404
    assert (await alice.get(f"{HERE}/pending")).json()[0]["points"] == alices


async def test_a_programme_without_a_claim_window_has_nothing_that_waits(
    db: Database, alice: Citizen
) -> None:
    async with db.transaction() as session:
        await programmes.register(session, pack=packs.load_all().find("gd-green-travel"))
    assert (await alice.get("/programmes/gd-green-travel/pending")).json() == []
    assert (await alice.post("/programmes/gd-green-travel/collect", {})).status_code == 409
    off = await alice.get(f"/programmes/gd-green-travel/friends/{'0' * 16}/pending")
    assert off.status_code == 404
    assert (await alice.get("/programmes/nowhere/pending")).status_code == 404
