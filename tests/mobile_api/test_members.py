"""Citizens act for a household: let in, acting, and let go."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx

from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in, step_up


async def _household(manager: Citizen) -> str:
    made = await manager.post("/members/groups", {"kind": "household", "name": "中山路 12 号"})
    assert made.status_code == 201, made.text
    assert (made.json()["role"], made.json()["name"]) == ("manager", "中山路 12 号")
    return str(made.json()["id"])


async def _let_in(manager: Citizen, other: Citizen, group: str) -> str:
    invited = (await manager.post(f"/members/groups/{group}/invitations")).json()
    accepted = await other.post("/members/accept", {"code": invited["code"]})
    assert accepted.status_code == 200, accepted.text
    again = await other.post("/members/accept", {"code": invited["code"]})
    assert (again.status_code, again.json()["code"]) == (409, "identity.invitation_refused")
    return str(accepted.json()["membership_id"])


async def _acting(citizen: Citizen, group: str) -> Citizen:
    answer = await citizen.post("/members/acting", {"group_id": group})
    assert answer.status_code == 200, answer.text
    return Citizen(UUID(answer.json()["participant_id"]), citizen.phone, answer.json(), citizen.client)


async def test_members_act_for_a_household_until_they_are_let_go(alice: Citizen, bob: Citizen) -> None:
    group = await _household(alice)
    membership = await _let_in(alice, bob, group)
    home = await _acting(bob, group)
    me = (await home.get("/me")).json()
    assert (me["participant_id"], me["kind"]) == (group, "household")
    listed = (await home.get(f"/members/groups/{group}/members")).json()
    assert [(one["role"], one["me"]) for one in listed] == [("manager", False), ("member", True)]
    assert [one["phone_masked"][-4:] for one in listed] == [alice.phone[-4:], bob.phone[-4:]]
    assert (await home.post(f"/members/groups/{group}/invitations")).status_code == 403
    assert (await alice.delete(f"/members/groups/{group}/members/{membership}")).status_code == 204
    assert (await home.delete("/right")).status_code == 401  # at once
    refreshed = await bob.client.post(
        "/sign-in/refresh", json={"refresh_token": home.tokens["refresh_token"]}
    )
    assert refreshed.status_code == 401
    assert (await bob.post("/members/acting", {"group_id": group})).status_code == 404
    assert (await bob.delete("/right")).status_code == 404  # their own session stands


async def test_a_stranger_sees_no_group_and_the_last_manager_stays(alice: Citizen, bob: Citizen) -> None:
    group = await _household(alice)
    mine = (await alice.get("/members/groups")).json()[0]["membership_id"]
    for answer in (
        await bob.get(f"/members/groups/{group}/members"),
        await bob.post(f"/members/groups/{group}/invitations"),
        await bob.delete(f"/members/groups/{group}/members/{mine}"),
        await bob.post("/members/acting", {"group_id": group}),
        await bob.post("/members/acting", {"group_id": str(alice.id)}),
        await bob.post("/members/acting", {"group_id": str(uuid4())}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "identity.group_unknown")
    last = await alice.delete(f"/members/groups/{group}/members/{mine}")
    assert (last.status_code, last.json()["code"]) == (409, "identity.last_manager")
    membership = await _let_in(alice, bob, group)
    assert (await bob.put(f"/members/groups/{group}/members/{membership}/manager", {})).status_code == 403
    assert (await alice.put(f"/members/groups/{group}/members/{membership}/manager", {})).status_code == 204
    assert (await alice.delete(f"/members/groups/{group}/members/{mine}")).status_code == 204
    assert [one["role"] for one in (await bob.get("/members/groups")).json()] == ["manager"]


async def test_stepping_up_for_a_household_goes_to_the_phone_of_whoever_acts(
    alice: Citizen, phones: PhoneBox
) -> None:
    home = await _acting(alice, await _household(alice))
    await step_up(home, phones, "export")


async def test_leaving_ends_the_sessions_in_which_somebody_acts(
    client: httpx.AsyncClient, phones: PhoneBox, alice: Citizen
) -> None:
    zhang = await sign_in(client, phones)
    group = await _household(alice)
    await _let_in(alice, zhang, group)
    home = await _acting(zhang, group)
    assert (await zhang.delete("/sessions")).status_code == 204  # all other sessions, those of acting too
    assert (await home.delete("/right")).status_code == 401


async def test_only_a_manager_closes_a_household_and_nobody_acts_for_a_closed_one(
    client: httpx.AsyncClient, phones: PhoneBox, alice: Citizen
) -> None:
    zhang = await sign_in(client, phones)
    group = await _household(alice)
    await _let_in(alice, zhang, group)
    his, hers = await _acting(zhang, group), await _acting(alice, group)
    await step_up(his, phones, "close_account")
    refused = await his.post("/me/closure")
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.only_managers")
    await step_up(hers, phones, "close_account")
    assert (await hers.post("/me/closure")).status_code == 200
    for one in (alice, zhang):
        assert (await one.post("/members/acting", {"group_id": group})).status_code == 404
        assert (await one.get("/members/groups")).json() == []
    assert (await his.delete("/right")).status_code == 401


async def test_a_member_who_ends_their_other_sessions_leaves_those_of_the_others(
    alice: Citizen, bob: Citizen
) -> None:
    group = await _household(alice)
    await _let_in(alice, bob, group)
    hers, his, other = await _acting(alice, group), await _acting(bob, group), await _acting(bob, group)
    assert (await his.delete("/sessions")).status_code == 204
    assert (await other.delete("/right")).status_code == 401
    assert [(await one.delete("/right")).status_code for one in (his, hers)] == [404, 404]
