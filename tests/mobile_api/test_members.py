"""Citizens act for a household: let in, acting, and let go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import closing, members, people
from backend.identity.members import checks
from backend.identity.people import ParticipantKind
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in, step_up
from tests.mobile_api.test_permissions import _with_values, operations
from tests.waiting import second_meets


async def _household(manager: Citizen) -> str:
    made = await manager.post("/members/groups", {"kind": "household", "name": "中山路 12 号"})
    assert made.status_code == 201, made.text
    assert (made.json()["role"], made.json()["name"]) == ("manager", "中山路 12 号")
    return str(made.json()["id"])


async def _let_in(manager: Citizen, other: Citizen, group: str, role: str = "member") -> str:
    invited = (await manager.post(f"/members/groups/{group}/invitations", {"role": role})).json()
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


async def test_an_observer_reads_everything_and_changes_nothing(alice: Citizen, bob: Citizen) -> None:
    group = await _household(alice)
    await _let_in(alice, bob, group, "observer")
    home = await _acting(bob, group)
    assert (await home.get("/home")).status_code == 200
    assert (await home.get("/redemptions")).status_code == 200
    refreshed = await bob.client.post(
        "/sign-in/refresh", json={"refresh_token": home.tokens["refresh_token"]}
    )
    home.tokens = refreshed.json()
    walked = 0
    for method, path, name in operations((await home.client.get("/openapi.json")).json()):
        if method.upper() == "GET" or "/sign-in" in path or name in {"sign_out", "end_other_sessions"}:
            continue
        headers = {
            "authorization": f"Bearer {home.tokens['access_token']}",
            "idempotency-key": str(uuid4()),
            "content-type": "application/json",
        }
        answer = await home.client.request(method, _with_values(path), headers=headers, content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (403, "kit.see_only"), (name, answer.text)
        walked += 1
    assert walked > 60
    offer = {"offer_id": str(uuid4())}  # a whole body, past the endpoints' machinery
    assert (await home.post("/redemptions", offer)).json()["code"] == "kit.see_only"
    assert (await home.delete("/sessions")).status_code == 204
    assert (await home.post("/sign-in/sign-out")).status_code == 204
    assert (await bob.delete("/right")).status_code == 404  # their own session moves what is theirs


async def test_an_observer_who_is_made_a_manager_acts_in_a_new_session(alice: Citizen, bob: Citizen) -> None:
    group = await _household(alice)
    membership = await _let_in(alice, bob, group, "observer")
    assert (await bob.post(f"/members/groups/{group}/invitations")).status_code == 403
    seeing = await _acting(bob, group)
    assert (await alice.put(f"/members/groups/{group}/members/{membership}/manager", {})).status_code == 204
    assert (await seeing.delete("/right")).status_code == 401
    assert (await (await _acting(bob, group)).delete("/right")).status_code == 404


async def test_who_leaves_everything_waits_for_whoever_lets_them_go_meanwhile(
    db: Database, settings: Settings
) -> None:
    keys = settings.keys
    async with db.transaction() as session:
        first, second = [await people.citizen_without_phone(session, keys) for _ in range(2)]
        home = await members.create(session, keys, kind=ParticipantKind.HOUSEHOLD, name="家", by=first)
        code, _ = await members.invite(session, group_id=home.id, by=first)
        came = await members.accept(session, keys, code=code, member_id=second)

    async def leave() -> None:
        async with db.transaction() as session:
            await members.end_all(session, member_id=second)

    async with db.transaction() as session:
        await members.end(session, group_id=home.id, membership_id=came.membership_id, by=first)
        leaving = asyncio.create_task(leave())
        await asyncio.sleep(0.3)
        assert not leaving.done()
    await leaving


async def test_of_two_accounts_in_one_household_the_role_that_may_do_more_stays(
    db: Database, settings: Settings
) -> None:
    keys = settings.keys
    async with db.transaction() as session:
        manager, seeing = [await people.citizen_without_phone(session, keys) for _ in range(2)]
        home = await members.create(session, keys, kind=ParticipantKind.HOUSEHOLD, name="家", by=manager)
        code, _ = await members.invite(session, group_id=home.id, by=manager, role="observer")
        await members.accept(session, keys, code=code, member_id=seeing)
    async with db.transaction() as session:
        await members.move_all(session, of=manager, to=seeing)
        left = await members.members_of(session, keys, group_id=home.id, asked_by=seeing)
    assert [(one.member_id, one.role) for one in left] == [(seeing, "manager")]


async def _group_of(
    db: Database, settings: Settings, *roles: members.GivenRole
) -> tuple[UUID, list[UUID], list[UUID]]:
    """A household: its manager and others; their accounts and memberships, in that order."""
    keys = settings.keys
    async with db.transaction() as session:
        people_of_it = [await people.citizen_without_phone(session, keys) for _ in range(1 + len(roles))]
        home = await members.create(
            session, keys, kind=ParticipantKind.HOUSEHOLD, name="家", by=people_of_it[0]
        )
        ids = [home.membership_id]
        for who, role in zip(people_of_it[1:], roles, strict=True):
            code, _ = await members.invite(session, group_id=home.id, by=people_of_it[0], role=role)
            ids.append((await members.accept(session, keys, code=code, member_id=who)).membership_id)
    return home.id, people_of_it, ids


async def test_two_managers_who_remove_each_other_or_leave_at_once_leave_one_manager(
    db: Database, settings: Settings
) -> None:
    for leaving in (False, True):
        group, (first, second), (_, came) = await _group_of(db, settings, "member")
        async with db.transaction() as session:
            await members.end(session, group_id=group, membership_id=came, by=first, promote=True)
            both = {
                one.member_id: one.membership_id
                for one in await members.members_of(session, settings.keys, group_id=group, asked_by=first)
            }

        def ends(by: UUID, whose: UUID) -> Callable[[AsyncSession], Awaitable[object]]:
            return lambda session: members.end(session, group_id=group, membership_id=both[whose], by=by)  # noqa: B023

        one, other = (
            (ends(first, first), ends(second, second))
            if leaving
            else (ends(first, second), ends(second, first))
        )
        expected = "identity.last_manager" if leaving else "identity.group_unknown"
        assert await second_meets(db, one, other) == expected
        left = second if leaving else first
        async with db.transaction() as session:
            (stays,) = await members.members_of(session, settings.keys, group_id=group, asked_by=left)
        assert (stays.member_id, stays.role) == (left, "manager")


async def test_a_code_lets_one_person_in_though_two_show_it_at_once(db: Database, settings: Settings) -> None:
    keys = settings.keys
    group, (manager,), _ = await _group_of(db, settings)
    async with db.transaction() as session:
        both = [await people.citizen_without_phone(session, keys) for _ in range(2)]
        code, _ = await members.invite(session, group_id=group, by=manager)

    def accepts(who: UUID) -> Callable[[AsyncSession], Awaitable[object]]:
        return lambda session: members.accept(session, keys, code=code, member_id=who)

    assert await second_meets(db, accepts(both[0]), accepts(both[1])) == "identity.invitation_refused"
    async with db.transaction() as session:
        listed = await members.members_of(session, keys, group_id=group, asked_by=manager)
    assert [one.member_id for one in listed] == [manager, both[0]]


async def test_a_manager_who_lets_somebody_in_and_one_who_removes_that_manager_pass_one_after_the_other(
    db: Database, settings: Settings
) -> None:
    keys = settings.keys
    group, (first, second), (_, came) = await _group_of(db, settings, "member")
    async with db.transaction() as session:
        await members.end(session, group_id=group, membership_id=came, by=first, promote=True)
        listed = await members.members_of(session, keys, group_id=group, asked_by=first)
        other = await people.citizen_without_phone(session, keys)
        code, _ = await members.invite(session, group_id=group, by=second)
    theirs = next(one.membership_id for one in listed if one.member_id == second)

    async def removes(session: AsyncSession) -> None:
        await members.end(session, group_id=group, membership_id=theirs, by=first)

    async def accepts(session: AsyncSession) -> None:
        await members.accept(session, keys, code=code, member_id=other)

    assert await second_meets(db, removes, accepts) == "identity.invitation_refused"


async def test_when_the_only_manager_closes_their_account_the_first_member_manages_on(
    client: httpx.AsyncClient, phones: PhoneBox, alice: Citizen, bob: Citizen
) -> None:
    zhang = await sign_in(client, phones)
    group = await _household(zhang)
    await _let_in(zhang, alice, group, "observer")
    await _let_in(zhang, bob, group)
    acting = await _acting(bob, group)
    told = {"group_id": group, "kind": "household", "becomes": "passes"}
    assert (await zhang.get("/me/closure")).json()["groups"] == [told]
    await step_up(zhang, phones, "close_account")
    assert (await zhang.post("/me/closure")).json()["groups"] == [told]
    assert [one["role"] for one in (await bob.get("/members/groups")).json()] == ["manager"]
    assert [one["role"] for one in (await alice.get("/members/groups")).json()] == ["observer"]
    assert (await acting.delete("/right")).status_code == 401  # acts in a new session
    assert (await (await _acting(bob, group)).delete("/right")).status_code == 404


async def test_a_group_without_a_member_to_manage_it_closes_with_its_only_managers_account(
    client: httpx.AsyncClient, phones: PhoneBox, alice: Citizen, db: Database
) -> None:
    zhang = await sign_in(client, phones)
    group = await _household(zhang)
    await _let_in(zhang, alice, group, "observer")
    seeing, mine = await _acting(alice, group), await _acting(zhang, group)
    await step_up(zhang, phones, "close_account")
    closed = (await zhang.post("/me/closure")).json()["groups"]
    assert closed == [{"group_id": group, "kind": "household", "becomes": "closes"}]
    assert (await alice.get("/members/groups")).json() == []
    assert (await alice.post("/members/acting", {"group_id": group})).status_code == 404
    for session_of in (seeing, mine):
        assert (await session_of.delete("/sessions")).status_code == 401
    async with db.transaction() as session:
        assert [str(one) for one in (await checks.membership(session)).violations if group in str(one)] == []


async def test_closing_the_only_managers_account_waits_for_whoever_is_just_let_in(
    db: Database, settings: Settings
) -> None:
    keys = settings.keys
    group, (manager,), _ = await _group_of(db, settings)
    async with db.transaction() as session:
        other = await people.citizen_without_phone(session, keys)
        code, _ = await members.invite(session, group_id=group, by=manager)

    async def accepts(session: AsyncSession) -> None:
        await members.accept(session, keys, code=code, member_id=other)

    async def closes(session: AsyncSession) -> None:
        await closing.close(session, participant_id=manager)

    assert await second_meets(db, accepts, closes) == "done"
    async with db.transaction() as session:
        (left,) = await members.members_of(session, keys, group_id=group, asked_by=other)
    assert (left.member_id, left.role) == (other, "manager")
