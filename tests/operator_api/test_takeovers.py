"""A person of the operator decides between a holder who objects and whoever showed the code; over HTTP, both sides."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from backend.identity import means, people, tokens
from backend.identity.means import takeovers
from backend.identity.tokens import Audience
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from mobile_api import build
from tests.mobile_api.conftest import WORDS, Citizen
from tests.operator_api.conftest import Person
from tests.operator_api.test_programmes import operator

__all__ = ["operator"]


@pytest.fixture
async def app_of_citizens(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = build(settings)
    wire(app, settings=settings, db=db)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


def _named(number: str) -> dict[str, str]:
    return {"kind": "bike_account", "operator": "gz-bikes", "number": number}


async def _objected(db: Database, settings: Settings) -> tuple[UUID, UUID, str, takeovers.Takeover]:
    keys, number = settings.keys, f"B-{uuid4().hex[:8]}"
    code = means.link_code(keys, **_named(number), day=clock.today())
    async with db.transaction() as session:
        holder, taker = [await people.citizen_without_phone(session, keys) for _ in range(2)]
        await means.link_with_code(session, keys, participant_id=holder, code=code, **_named(number))
        asked = await takeovers.ask(session, keys, participant_id=taker, code=code, **_named(number))
        await takeovers.object_to(
            session, participant_id=holder, holding_id=asked.holding_id, reason="on my desk"
        )
    return holder, taker, number, asked


async def _as(db: Database, settings: Settings, client: httpx.AsyncClient, who: UUID) -> Citizen:
    async with db.transaction() as session:
        pair = await tokens.start_session(session, settings, Audience.CITIZEN, subject=who)
    return Citizen(who, "", {"access_token": pair.access_token}, client)


async def test_what_was_granted_is_completed_and_what_was_refused_stays(
    db: Database, settings: Settings, operator: Person, app_of_citizens: httpx.AsyncClient
) -> None:
    three = [await _objected(db, settings) for _ in range(3)]
    wanted = [str(asked.id) for *_, asked in three]
    seen: list[str] = []
    page = (await operator.get("/takeovers", params={"limit": 2})).json()
    while True:
        seen += [one["takeover_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        page = (await operator.get("/takeovers", params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [one for one in seen if one in wanted] == wanted  # the oldest first, each once
    (shown,) = [
        one
        for one in (await operator.get("/takeovers", params={"limit": 100})).json()["items"]
        if one["takeover_id"] == wanted[0]
    ]
    assert (shown["objection"], shown["state"]) == ("on my desk", "objected")
    assert not {str(three[0][0]), str(three[0][1])} & {str(one) for one in shown.values()}
    for (holder, taker, number, asked), granted in zip(three[:2], (True, False), strict=True):
        path = f"/takeovers/{asked.id}/decision"
        decided = await operator.post(path, {"granted": granted, "reason": "a receipt"})
        assert decided.status_code == 200, decided.text
        state = "granted" if granted else "refused"
        assert decided.json()["state"] == state
        again = await operator.post(path, {"granted": not granted, "reason": "x"})
        assert (again.status_code, again.json()["code"]) == (409, "identity.takeover_ended")
        his = await _as(db, settings, app_of_citizens, taker)
        hers = await _as(db, settings, app_of_citizens, holder)
        for one in (his, hers):
            items = (await one.get("/inbox")).json()["items"]
            assert f"means.{state}" in {item["kind"] for item in items}
            assert "receipt" not in str(items)
        assert (await his.get("/means/takeovers")).json()["items"][0]["state"] == state
        body = _named(number) | {"consent_sha256": WORDS}
        done = await his.post(f"/means/takeovers/{asked.id}/completion", body)
        assert done.status_code == (201 if granted else 409), done.text
        held = [one["held_until"] is None for one in (await hers.get("/means")).json()["items"]]
        assert held == [not granted]
    holder, _, _, asked = three[2]
    async with db.transaction() as session:
        await means.close_holding(session, settings.keys, participant_id=holder, holding_id=asked.holding_id)
    left = (await operator.get("/takeovers", params={"limit": 100})).json()["items"]
    assert not {one["takeover_id"] for one in left} & set(wanted)
    late = await operator.post(f"/takeovers/{asked.id}/decision", {"granted": True, "reason": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "identity.takeover_ended")


async def test_a_grant_is_good_for_thirty_days_and_what_was_not_objected_to_is_not_decided(
    db: Database, settings: Settings, operator: Person
) -> None:
    _, taker, number, asked = await _objected(db, settings)
    path = f"/takeovers/{asked.id}/decision"
    assert (await operator.post(path, {"granted": True, "reason": "x"})).status_code == 200
    with clock.travel(clock.now() + dt.timedelta(days=30, minutes=1)):
        async with db.transaction() as session:
            with pytest.raises(means.TakeoverEnded):
                await takeovers.complete(
                    session,
                    settings.keys,
                    participant_id=taker,
                    takeover_id=asked.id,
                    **_named(number),  # type: ignore[arg-type]
                )
    missing = await operator.post(f"/takeovers/{uuid4()}/decision", {"granted": True, "reason": "x"})
    assert (missing.status_code, missing.json()["code"]) == (404, "identity.takeover_unknown")
    async with db.transaction() as session:
        keys, number = settings.keys, f"B-{uuid4().hex[:8]}"
        code = means.link_code(keys, **_named(number), day=clock.today())
        holder = await people.citizen_without_phone(session, keys)
        await means.link_with_code(session, keys, participant_id=holder, code=code, **_named(number))
        quiet = await takeovers.ask(session, keys, participant_id=taker, code=code, **_named(number))
    early = await operator.post(f"/takeovers/{quiet.id}/decision", {"granted": True, "reason": "x"})
    assert (early.status_code, early.json()["code"]) == (409, "identity.takeover_not_yet")
