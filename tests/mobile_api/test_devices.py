"""Where a citizen is signed in, and how they end it."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import httpx

from backend.kit import clock
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in, step_up


def _secret() -> str:
    return uuid4().hex


async def test_a_session_that_began_on_a_device_is_refreshed_there_only(
    client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    mine = {"Puhui-Device": _secret()}
    zhang = await sign_in(client, phones, headers=mine, device_name="张的手机")
    listed = (await zhang.get("/devices")).json()
    assert [one["name"] for one in listed] == ["张的手机"]
    sessions = (await zhang.get("/sessions")).json()
    assert [(one["device_id"], one["current"]) for one in sessions] == [(listed[0]["id"], True)]

    async def refresh(headers: dict[str, str]) -> httpx.Response:
        given = {"refresh_token": zhang.tokens["refresh_token"]}
        return await client.post("/sign-in/refresh", json=given, headers=headers)

    zhang.tokens = (await refresh(mine)).json()
    assert (await refresh({"Puhui-Device": _secret()})).status_code == 401
    assert (await refresh(mine)).status_code == 401
    assert (await zhang.delete("/right")).status_code == 401


async def test_a_revoked_device_is_signed_out_and_another_citizens_device_is_unknown(
    client: httpx.AsyncClient, phones: PhoneBox, alice: Citizen
) -> None:
    zhang = await sign_in(client, phones, headers={"Puhui-Device": _secret()})
    device = (await zhang.get("/devices")).json()[0]["id"]
    refused = await alice.delete(f"/devices/{device}")
    assert (refused.status_code, refused.json()["code"]) == (404, "identity.device_unknown")
    assert (await zhang.delete(f"/devices/{device}")).status_code == 204
    assert (await zhang.delete(f"/devices/{device}")).status_code == 401
    assert (await zhang.get("/devices")).json()[0][
        "revoked_at"
    ] is not None  # reading, for ten minutes at most


async def test_a_second_device_is_told_and_neither_the_first_nor_a_known_one(
    client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    first, second = {"Puhui-Device": _secret()}, {"Puhui-Device": _secret()}
    zhang = await sign_in(client, phones, headers=first)
    assert (await zhang.get("/inbox")).json()["items"] == []
    for turn, device in enumerate((second, first, second), 1):
        with clock.travel(clock.now() + dt.timedelta(minutes=2 * turn)):
            await sign_in(client, phones, zhang.phone, headers=device)
    (told,) = (await zhang.get("/inbox")).json()["items"]
    assert (told["kind"], told["topic"]) == ("account.new_device", "account")


async def test_ending_all_other_sessions_leaves_this_one(alice: Citizen) -> None:
    assert (await alice.delete("/sessions")).status_code == 204
    sessions = (await alice.get("/sessions")).json()
    assert [(one["device_id"], one["current"]) for one in sessions] == [(None, True)]


async def test_what_is_no_device_secret_is_refused_without_echo(client: httpx.AsyncClient) -> None:
    refused = await client.post(
        "/sign-in/codes", json={"phone": "13700000009"}, headers={"Puhui-Device": "short"}
    )
    assert refused.status_code == 422
    assert "short" not in refused.text.replace("too_short", "")


async def test_a_citizen_shows_once_more_who_they_are(alice: Citizen, phones: PhoneBox) -> None:
    await step_up(alice, phones, "export")
    asked = await alice.post("/step-up/codes", {"purpose": "export"})
    assert asked.status_code == 429
    wrong = {"request_id": str(uuid4()), "code": "000000"}
    assert (await alice.post("/step-up/grants", wrong)).status_code == 401
    assert (await alice.post("/step-up/codes", {"purpose": "anything"})).status_code == 422
