"""Means are linked by their last trips, lost, and replaced."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

from backend.identity import means
from backend.kit import clock
from backend.kit.settings import Settings
from tests.identity.conftest import hire
from tests.mobile_api.conftest import Citizen
from tests.mobile_api.test_acts_and_wallet import Feed, feed, library, source

__all__ = ["feed", "hire", "library", "source"]


def _by_code(settings: Settings, number: str) -> dict[str, str]:
    which = {"kind": "bike_account", "operator": "gz-bikes", "number": number}
    return which | {"code": means.link_code(settings.keys, **which, day=clock.today())}


def _by_trips(number: str, *began: dt.datetime) -> dict[str, object]:
    which = {"kind": "bike_account", "operator": "gz-bikes", "number": number}
    return which | {"began_at": [one.isoformat() for one in began]}


async def test_who_tells_when_the_last_three_trips_began_holds_the_account_and_gets_their_points(
    alice: Citizen, feed: Feed
) -> None:
    account, now = f"B-{uuid4().hex[:8]}", clock.now().replace(microsecond=0)
    trips = [now - dt.timedelta(days=day, hours=1) for day in (1, 2, 3, 4)]
    await feed.send(*((account, began, 2000 + 100 * n) for n, began in enumerate(trips)))
    near = dt.timedelta(minutes=2)
    off = dt.timedelta(minutes=4)
    wrong = await alice.post("/means/by-trips", _by_trips(account, trips[0], trips[1], trips[2] + off))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "identity.trips_wrong")
    earlier = await alice.post("/means/by-trips", _by_trips(account, *trips[1:]))
    assert earlier.status_code == 422
    linked = await alice.post(
        "/means/by-trips", _by_trips(account, trips[2] - near, trips[0], trips[1] + near)
    )
    assert linked.status_code == 201, linked.text
    assert linked.json()["proof"] == "last_trips"
    assert len((await alice.get("/acts")).json()["items"]) == 4
    assert (await alice.post("/means/by-trips", _by_trips(account, *trips[:3]))).status_code == 429


async def test_fewer_than_three_trips_or_those_of_somebody_elses_account_prove_nothing(
    alice: Citizen, bob: Citizen, feed: Feed, settings: Settings
) -> None:
    now = clock.now().replace(microsecond=0)
    trips = [now - dt.timedelta(days=day, hours=2) for day in (1, 2, 3)]
    held, few = f"B-{uuid4().hex[:8]}", f"B-{uuid4().hex[:8]}"
    assert (await bob.post("/means", _by_code(settings, held))).status_code == 201
    await feed.send(*((held, began, 2000) for began in trips), *((few, began, 2500) for began in trips[:2]))
    for account in (held, few):
        assert (await alice.post("/means/by-trips", _by_trips(account, *trips))).status_code == 422


async def test_what_is_lost_is_nobodys_until_its_operator_says_whose_it_is(
    alice: Citizen, bob: Citizen, feed: Feed, settings: Settings
) -> None:
    account, now = f"B-{uuid4().hex[:8]}", clock.now().replace(microsecond=0)
    linked = (await alice.post("/means", _by_code(settings, account))).json()
    assert (await bob.post(f"/means/{linked['id']}/lost")).status_code == 404
    lost = await alice.post(f"/means/{linked['id']}/lost")
    assert (lost.status_code, lost.json()["held_until"] is None) == (200, False)
    assert (await alice.post(f"/means/{linked['id']}/lost")).json() == lost.json()
    later = [now + dt.timedelta(hours=hour) for hour in (2, 4, 6)]
    with clock.travel(now + dt.timedelta(hours=8)):
        await feed.send(*((account, began, 2000) for began in later))  # whoever found it rides
        token = {"refresh_token": alice.tokens["refresh_token"]}
        alice.tokens = (await alice.client.post("/sign-in/refresh", json=token)).json()
        refused = await alice.post("/means/by-trips", _by_trips(account, *later))
        assert (refused.status_code, refused.json()["code"]) == (422, "identity.trips_wrong")
        again = await alice.post("/means", _by_code(settings, account))
        assert again.status_code == 201  # found again
        assert dt.datetime.fromisoformat(again.json()["held_from"]) > later[-1]
        assert (await alice.get("/acts")).json()["items"] == []  # what the finder did is nobody's


async def test_a_new_account_takes_the_place_of_the_old_one(
    alice: Citizen, bob: Citizen, settings: Settings
) -> None:
    old = (await alice.post("/means", _by_code(settings, f"B-{uuid4().hex[:8]}"))).json()
    new = _by_code(settings, f"B-{uuid4().hex[:8]}")
    assert (await bob.post(f"/means/{old['id']}/replaced", new)).status_code == 404
    wrong = new | {"code": f"{(int(str(new['code'])) + 1) % 10**8:08d}"}
    assert (await alice.post(f"/means/{old['id']}/replaced", wrong)).status_code == 422
    replaced = await alice.post(f"/means/{old['id']}/replaced", new)
    assert replaced.status_code == 200, replaced.text
    held = {one["id"]: one["held_until"] for one in (await alice.get("/means")).json()["items"]}
    assert held[old["id"]] is not None
    assert held[replaced.json()["id"]] is None
    itself = await alice.post(f"/means/{replaced.json()['id']}/replaced", new)
    assert itself.status_code == 404


async def test_one_account_takes_the_place_of_two(alice: Citizen, settings: Settings) -> None:
    new = _by_code(settings, f"B-{uuid4().hex[:8]}")
    for _ in range(2):
        old = (await alice.post("/means", _by_code(settings, f"B-{uuid4().hex[:8]}"))).json()
        assert (await alice.post(f"/means/{old['id']}/replaced", new)).status_code == 200


async def test_what_was_let_go_before_cannot_be_lost(alice: Citizen, settings: Settings) -> None:
    linked = (await alice.post("/means", _by_code(settings, f"B-{uuid4().hex[:8]}"))).json()
    await alice.delete(f"/means/{linked['id']}")
    refused = await alice.post(f"/means/{linked['id']}/lost")
    assert (refused.status_code, refused.json()["code"]) == (404, "identity.holding_unknown")
