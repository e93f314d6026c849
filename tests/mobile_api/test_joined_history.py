"""What an account did that was joined to another is told to whoever goes on with that one; every wallet once."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.conftest import hire
from tests.mobile_api.conftest import (
    Citizen,
    FakeApp,
    PhoneBox,
    sign_in_by_door,
    step_up,
    step_up_by_door,
)
from tests.mobile_api.test_acts_and_wallet import Feed, _ago, _holds, feed, filed, library, source

__all__ = ["feed", "filed", "hire", "library", "source"]

PROGRAMME = "gd-green-travel"


async def _spendable(citizen: Citizen) -> int:
    wallet = (await citizen.get(f"/wallets/{PROGRAMME}")).json()
    return int(wallet["spendable"] + wallet["pending"])


async def _one_by_one(citizen: Citizen) -> list[dict[str, Any]]:
    """All acts, a page each, so that those of two accounts come in turns."""
    acts: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 1}
    while True:
        page = (await citizen.get("/acts", params=asked)).json()
        acts += page["items"]
        if page["next_cursor"] is None:
            return acts
        asked["cursor"] = page["next_cursor"]


async def _archived(citizen: Citizen) -> set[str]:
    """The acts in the archive."""
    answer = await citizen.post("/me/archive")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        files = [json.loads(packed.read(name)) for name in packed.namelist() if name.endswith(".json")]
    return {act["claim_key"] for file in files for act in file.get("action", [])}


@pytest.mark.usefixtures("filed")
async def test_history_home_statement_and_archive_of_two_accounts_are_one_and_every_point_is_there_once(
    *,
    client: httpx.AsyncClient,
    wechat: FakeApp,
    phones: PhoneBox,
    alice: Citizen,
    bob: Citizen,
    feed: Feed,
    db: Database,
    settings: Settings,
) -> None:
    user = uuid4().hex
    zhang = await sign_in_by_door(client, wechat, user)
    hers, his = uuid4().hex[:12], uuid4().hex[:12]
    await _holds(db, settings, alice.id, hers, since=_ago(days=85), right=True)
    await _holds(db, settings, zhang.id, his, since=_ago(days=85), right=True)
    sent = await feed.send(
        (hers, _ago(days=3), 3_000),
        (his, _ago(days=2), 4_000),
        (hers, _ago(days=1), 3_500),
        (his, _ago(days=75), 2_500),
    )
    assert sent.accepted == 4
    both = [(await one.get("/acts")).json()["items"] for one in (alice, zhang)]
    assert [len(one) for one in both] == [2, 2]
    points = [await _spendable(one) for one in (alice, zhang)]
    before = [(await one.get("/home")).json()["total"] for one in (alice, zhang)]
    await step_up(alice, phones, "join")
    joined = await alice.post("/me/doors/wechat", {"code": wechat.code(user), "join": True})
    assert (joined.status_code, joined.json()["ended_id"]) == (200, str(zhang.id))

    acts = await _one_by_one(alice)
    expected = sorted(both[0] + both[1], key=lambda one: one["happened_at"], reverse=True)
    assert acts == expected  # to the last field: what was earned, until when
    total = (await alice.get("/home")).json()["total"]
    assert total == {name: before[0][name] + before[1][name] for name in total}
    assert (await alice.get("/home")).json()["total"] == total  # kept, and told again
    assert await _spendable(alice) == sum(points)
    statement = (await alice.get(f"/wallets/{PROGRAMME}/statement", params={"limit": 100})).json()["items"]
    assert sum(one["points"] for one in statement) == sum(points)
    earned = [one for one in statement if one["reason"] in {"points.earned", "points.ripening"}]
    assert sum(one["points"] for one in earned) == total["points_earned"]
    moved = [one["points"] for one in statement if one["reason"] == "points.joined"]
    assert (sum(moved), max(moved, default=0)) == (0, points[1])

    for act in both[1]:
        explained = await alice.get(f"/acts/{act['id']}")
        assert explained.status_code == 200, explained.text
        journey = await alice.get(f"/acts/{act['id']}/journey")
        assert (journey.status_code, journey.json()["act"]["id"]) == (200, act["id"])
        receipt = await alice.get(f"/acts/{act['id']}/receipt")
        assert receipt.json()["code"] == "certification.not_frozen_yet"  # it is known; no batch took it yet
        for path in ("", "/journey", "/receipt"):
            assert (await bob.get(f"/acts/{act['id']}{path}")).status_code == 404
    assert (await bob.get("/acts")).json()["items"] == []

    late = await feed.send((his, _ago(days=74), 2_000))  # done before, told now
    assert late.accepted == 1
    assert (await alice.get("/home")).json()["total"]["acts"] == 5
    await step_up_by_door(alice, wechat, user, "export")
    assert await _archived(alice) >= {one["id"] for one in acts}
