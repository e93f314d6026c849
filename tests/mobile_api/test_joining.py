"""A citizen changes the phone, adds a door, and makes one account out of two of theirs."""

from __future__ import annotations

from uuid import uuid4

import httpx

from tests.mobile_api.conftest import (
    Citizen,
    FakeApp,
    PhoneBox,
    sign_in,
    sign_in_by_door,
    step_up,
    step_up_by_door,
)


def _phone() -> str:
    return f"+86134{uuid4().int % 10**8:08d}"


async def _code_for(citizen: Citizen, phones: PhoneBox, phone: str) -> dict[str, object]:
    asked = await citizen.post("/me/phone/codes", {"phone": phone})
    assert asked.status_code == 202, asked.text
    return {"request_id": asked.json()["request_id"], "phone": phone, "code": phones.codes[phone]}


async def told_kinds(citizen: Citizen) -> list[str]:
    return [one["kind"] for one in (await citizen.get("/inbox")).json()["items"]]


async def test_a_new_phone_needs_the_old_one_first_and_then_opens_the_account_alone(
    alice: Citizen, phones: PhoneBox
) -> None:
    phone = _phone()
    given = await _code_for(alice, phones, phone)
    refused = await alice.put("/me/phone", given)
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.step_up_needed")
    assert refused.json()["purpose"] == "change_phone"
    await step_up(alice, phones, "change_phone")
    wrong = f"{(int(str(given['code'])) + 1) % 10**6:06d}"
    assert (await alice.put("/me/phone", given | {"code": wrong})).status_code == 401
    answer = await alice.put("/me/phone", given)
    assert (answer.status_code, answer.json()["ended_id"]) == (200, None)
    assert (await alice.get("/me")).json()["phone_masked"].endswith(phone[-4:])
    assert (await alice.put("/me/phone", given)).status_code == 401  # the code is used, and so is the step-up
    assert await told_kinds(alice) == ["account.phone_changed"]
    assert (await sign_in(alice.client, phones, phone)).id == alice.id


async def test_a_code_for_a_new_phone_is_worthless_in_another_session_and_does_not_sign_in(
    alice: Citizen, bob: Citizen, phones: PhoneBox
) -> None:
    given = await _code_for(alice, phones, _phone())
    await step_up(bob, phones, "change_phone")
    assert (await bob.put("/me/phone", given)).status_code == 401
    assert (await alice.client.post("/sign-in/tokens", json=given)).status_code == 401


async def test_someone_from_wechat_binds_a_phone_and_can_then_use_either(
    client: httpx.AsyncClient, wechat: FakeApp, phones: PhoneBox
) -> None:
    user, phone = uuid4().hex, _phone()
    zhang = await sign_in_by_door(client, wechat, user)
    given = await _code_for(zhang, phones, phone)
    await step_up_by_door(zhang, wechat, user, "change_phone")
    assert (await zhang.put("/me/phone", given)).status_code == 200
    ways = (await zhang.get("/me/doors")).json()
    assert (ways["phone_masked"][-4:], [one["provider"] for one in ways["doors"]]) == (phone[-4:], ["wechat"])
    assert (await sign_in(client, phones, phone)).id == zhang.id
    assert (await sign_in_by_door(client, wechat, user)).id == zhang.id


async def test_a_phone_of_another_account_joins_the_two_only_when_asked_to(
    client: httpx.AsyncClient, wechat: FakeApp, phones: PhoneBox, alice: Citizen
) -> None:
    user = uuid4().hex
    zhang = await sign_in_by_door(client, wechat, user)
    given = await _code_for(zhang, phones, alice.phone)
    await step_up_by_door(zhang, wechat, user, "change_phone")
    taken = await zhang.put("/me/phone", given)
    assert (taken.status_code, taken.json()["code"]) == (409, "identity.phone_taken")
    needed = await zhang.put("/me/phone", given | {"join": True})
    assert (needed.status_code, needed.json()["purpose"]) == (403, "join")
    await step_up_by_door(zhang, wechat, user, "join")
    joined = await zhang.put("/me/phone", given | {"join": True})
    assert joined.status_code == 200, joined.text
    assert (joined.json()["participant_id"], joined.json()["ended_id"]) == (str(alice.id), str(zhang.id))
    assert (await zhang.delete("/me/doors/" + str(uuid4()))).status_code == 401  # its session ended
    now = Citizen(alice.id, alice.phone, joined.json()["tokens"], client)
    assert (await now.get("/me")).json()["participant_id"] == str(alice.id)
    assert (await told_kinds(now))[0] == "account.joined"
    assert (await sign_in_by_door(client, wechat, user)).id == alice.id


async def test_an_account_of_wechat_that_has_its_own_participant_is_joined_into_mine(
    client: httpx.AsyncClient, wechat: FakeApp, phones: PhoneBox, alice: Citizen
) -> None:
    user = uuid4().hex
    zhang = await sign_in_by_door(client, wechat, user)
    await step_up(alice, phones, "join")
    refused = await alice.post("/me/doors/wechat", {"code": wechat.code(user)})
    assert (refused.status_code, refused.json()["code"]) == (409, "identity.door_taken")
    joined = await alice.post("/me/doors/wechat", {"code": wechat.code(user), "join": True})
    assert (joined.status_code, joined.json()["ended_id"]) == (200, str(zhang.id))
    assert (await sign_in_by_door(client, wechat, user)).id == alice.id
    again = await alice.post("/me/doors/wechat", {"code": wechat.code(user), "join": True})
    assert again.status_code == 403  # the step-up is used


async def test_a_new_door_needs_a_step_up_and_the_last_way_in_stays(
    client: httpx.AsyncClient, wechat: FakeApp
) -> None:
    first, second = uuid4().hex, uuid4().hex
    zhang = await sign_in_by_door(client, wechat, first)
    assert (await zhang.post("/me/doors/wechat", {"code": wechat.code(second)})).status_code == 403
    await step_up_by_door(zhang, wechat, first, "join")
    assert (await zhang.post("/me/doors/wechat", {"code": wechat.code(second)})).status_code == 200
    assert await told_kinds(zhang) == ["account.door_opened"]
    old, new = [one["id"] for one in (await zhang.get("/me/doors")).json()["doors"]]
    assert (await zhang.delete(f"/me/doors/{old}")).status_code == 204
    assert (await zhang.delete(f"/me/doors/{old}")).status_code == 404
    refused = await zhang.delete(f"/me/doors/{new}")
    assert (refused.status_code, refused.json()["code"]) == (409, "identity.last_door")
