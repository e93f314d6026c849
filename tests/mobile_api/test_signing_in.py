"""A citizen signs in, stays signed in, and signs out."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from backend.kit import clock
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in


async def test_a_phone_and_its_code_make_a_citizen_who_knows_only_their_own_number(alice: Citizen) -> None:
    me = (await alice.get("/me")).json()
    assert me["participant_id"] == str(alice.id)
    assert me["kind"] == "citizen"
    assert me["phone_masked"] == "*" * 10 + alice.phone[-4:]
    assert alice.phone not in str(me)


async def test_the_same_phone_is_the_same_citizen_on_another_day(alice: Citizen, phones: PhoneBox) -> None:
    with clock.travel(clock.now() + timedelta(days=2)):
        assert (await sign_in(alice.client, phones, alice.phone)).id == alice.id


async def test_wrong_codes_use_up_the_attempts_even_though_each_is_refused(
    client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    phone = "+8613700000001"
    asked = (await client.post("/sign-in/codes", json={"phone": phone})).json()
    right = phones.codes[phone]
    given = {"request_id": asked["request_id"], "phone": phone}
    for turn in range(3):
        wrong = f"{(int(right) + 1 + turn) % 10**6:06d}"
        refused = await client.post("/sign-in/tokens", json=given | {"code": wrong})
        assert (refused.status_code, refused.json()["code"]) == (401, "identity.sign_in_code_wrong")
    assert (await client.post("/sign-in/tokens", json=given | {"code": right})).status_code == 401


async def test_a_second_code_within_a_minute_is_refused_with_the_time_to_wait(
    client: httpx.AsyncClient,
) -> None:
    phone = {"phone": "13700000002"}
    assert (await client.post("/sign-in/codes", json=phone)).status_code == 202
    refused = await client.post("/sign-in/codes", json=phone)
    assert refused.status_code == 429
    assert 0 < refused.json()["retry_after_s"] <= 60


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": "1"},
        {"phone": 13800000000},
        {"phone": "13800000000", "more": 1},
        {"phone": "123456789012345678901234567890123"},
        {"phone": "1380000000x"},
        [],
        None,
    ],
)
async def test_what_is_no_phone_is_refused_without_echo(client: httpx.AsyncClient, body: object) -> None:
    refused = await client.post("/sign-in/codes", json=body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert "1380000000" not in refused.text


async def test_refreshing_gives_the_next_pair_and_a_stolen_token_ends_the_session(alice: Citizen) -> None:
    async def refresh(token: str) -> httpx.Response:
        return await alice.client.post("/sign-in/refresh", json={"refresh_token": token})

    second = (await refresh(alice.tokens["refresh_token"])).json()
    alice.tokens = second
    assert (await alice.get("/me")).status_code == 200
    reused = await refresh(alice.tokens["refresh_token"][:-2] + "zz")
    assert reused.status_code == 401
    third = (await refresh(second["refresh_token"])).json()
    assert (await refresh(second["refresh_token"])).status_code == 401  # somebody has a copy
    assert (await refresh(third["refresh_token"])).status_code == 401  # so nobody has a session
    alice.tokens = third
    assert (await alice.delete("/right")).status_code == 401


async def test_signing_out_ends_changes_at_once_and_everything_within_ten_minutes(alice: Citizen) -> None:
    assert (
        await alice.client.post("/sign-in/sign-out", headers={"Authorization": "Bearer x"})
    ).status_code == 401
    assert (await alice.post("/sign-in/sign-out")).status_code == 204
    assert (await alice.post("/sign-in/sign-out")).status_code == 401
    refused = await alice.client.post(
        "/sign-in/refresh", json={"refresh_token": alice.tokens["refresh_token"]}
    )
    assert refused.json()["code"] == "identity.token_refused"
    with clock.travel(clock.now() + timedelta(minutes=10, seconds=1)):
        assert (await alice.get("/me")).status_code == 401


async def test_refusals_speak_chinese_unless_english_is_asked_for(client: httpx.AsyncClient) -> None:
    zh = await client.get("/me")
    en = await client.get("/me", headers={"Accept-Language": "en"})
    assert zh.json()["title"].startswith("请先登录")
    assert en.json()["title"].startswith("Please sign in")
    assert zh.json()["code"] == en.json()["code"] == "kit.unauthenticated"
