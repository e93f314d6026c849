"""A citizen signs in with an account of WeChat or Alipay."""

from __future__ import annotations

from uuid import uuid4

import httpx
from fastapi import FastAPI

from backend.identity.doors import Provider, WeChat
from tests.identity.simulators import SESSION_KEY, WeChatSimulator, served
from tests.mobile_api.conftest import FakeApp, PhoneBox, sign_in_by_door, step_up_by_door


async def test_an_account_opens_the_same_participant_each_time_and_knows_no_phone(
    client: httpx.AsyncClient, wechat: FakeApp
) -> None:
    user = uuid4().hex
    first, again = [await sign_in_by_door(client, wechat, user) for _ in range(2)]
    assert first.id == again.id
    assert (await first.get("/me")).json()["phone_masked"] is None


async def test_a_code_is_good_once_and_an_unknown_or_closed_door_is_refused(
    client: httpx.AsyncClient, wechat: FakeApp
) -> None:
    code = {"code": wechat.code(uuid4().hex)}
    assert (await client.post("/sign-in/doors/wechat", json=code)).status_code == 200
    refused = await client.post("/sign-in/doors/wechat", json=code)
    assert (refused.status_code, refused.json()["code"]) == (401, "identity.door_code_refused")
    closed = await client.post("/sign-in/doors/alipay", json=code)
    assert (closed.status_code, closed.json()["code"]) == (404, "identity.door_not_configured")
    assert (await client.post("/sign-in/doors/other", json=code)).status_code == 422


async def test_only_ones_own_door_steps_up(client: httpx.AsyncClient, wechat: FakeApp) -> None:
    mine, yours = uuid4().hex, uuid4().hex
    zhang = await sign_in_by_door(client, wechat, mine)
    await sign_in_by_door(client, wechat, yours)
    await step_up_by_door(zhang, wechat, mine, "export")
    for user in (yours, uuid4().hex):
        given = {"purpose": "export", "code": wechat.code(user)}
        refused = await zhang.post("/step-up/doors/wechat", given)
        assert (refused.status_code, refused.json()["code"]) == (409, "identity.door_missing")
    asked = await zhang.post("/step-up/codes", {"purpose": "export"})
    assert (asked.status_code, asked.json()["code"]) == (409, "identity.door_missing")


async def test_the_whole_way_through_wechat_shows_no_session_key(
    client: httpx.AsyncClient, app: FastAPI, phones: PhoneBox
) -> None:
    del phones
    simulator = WeChatSimulator()
    async with served(simulator):
        before = app.state.exchanges
        app.state.exchanges = {
            Provider.WECHAT: WeChat(
                app_id=simulator.app_id, secret=simulator.secret, address=simulator.address
            )
        }
        try:
            given = {"code": simulator.code_for("o-whole-way")}
            answer = await client.post("/sign-in/doors/wechat", json=given)
            assert answer.status_code == 200
            assert SESSION_KEY not in answer.text
            assert "o-whole-way" not in answer.text
            simulator.say(b'{"errcode": 40226}')
            blocked = await client.post("/sign-in/doors/wechat", json={"code": "any"})
            assert (blocked.status_code, blocked.json()["code"]) == (403, "identity.door_blocked")
            simulator.say(b'{"errcode": 45011}')
            busy = await client.post("/sign-in/doors/wechat", json={"code": "any"})
            assert (busy.status_code, busy.headers["retry-after"]) == (429, "60")
        finally:
            app.state.exchanges = before
