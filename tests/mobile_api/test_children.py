"""A child's account: the guardian acts in it and sees what is in it, allows things one by one, and hands it over at fourteen."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import lotteries
from backend.identity import consent, guardians, proving
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import spending, wallets
from tests.mobile_api.conftest import SHOWN, Citizen, PhoneBox, sign_in, step_up
from tests.mobile_api.test_social import opened

GUARDIAN = consent.agreement(guardians.GUARDIAN, purpose="guardian").sha256.hex()
PROGRAMME = "gd-green-travel"
SCOPES: tuple[guardians.Scope, ...] = ("social", "lottery")


async def child_of(guardian: Citizen, years: int = 5) -> tuple[str, Citizen]:
    """A child's account, and the guardian acting in it."""
    ends_on = f"{clock.today().year + years}-03-01"
    made = await guardian.post("/children", {"ends_on": ends_on, "text_sha256": GUARDIAN})
    assert made.status_code == 201, made.text
    path = f"/children/{made.json()['child_id']}"
    return path, await acting(guardian, path)


async def acting(guardian: Citizen, path: str) -> Citizen:
    pair = await guardian.post(f"{path}/acting")
    assert pair.status_code == 200, pair.text
    return Citizen(UUID(pair.json()["participant_id"]), guardian.phone, pair.json(), guardian.client)


async def test_a_guardian_sees_a_childs_first_page_history_and_wallet_and_nobody_elses(
    alice: Citizen, bob: Citizen, db: Database, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    place = await opened(db, client, phones)
    path, child = await child_of(alice)
    async with db.transaction() as session:
        await wallets.earn(
            session, participant_id=child.id, programme=place.running.code, points=40, expires_on=None,
            posting_id=ids.uuid7(), happened_at=clock.now(),
        )  # fmt: skip
    wallet = await child.get(f"/wallets/{place.running.code}")
    assert (wallet.status_code, wallet.json()["spendable"]) == (200, 40), wallet.text
    for where in ("/home", "/acts", "/consents/history", "/looks", "/me/closure"):
        assert (await child.get(where)).status_code == 200, where
    assert (await child.get("/me/proofs")).json()["because"] == "guardian"
    word = {"text_sha256": GUARDIAN}
    for answer in (
        await bob.post(f"{path}/acting"),
        await bob.put(f"{path}/allowances/redeem", word | {"allowed": True}),
        await bob.put(f"{path}/consents/bus", word | {"given": True}),
        await bob.put(f"{path}/right", word),
        await bob.delete(f"{path}/right"),
        await bob.post(f"{path}/phone/codes", {"phone": bob.phone}),
        await bob.put(f"{path}/phone", {"request_id": str(uuid4()), "phone": bob.phone, "code": "123456"}),
        await bob.post(f"{path}/closure"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "identity.child_unknown")
    own = await alice.get(f"/wallets/{place.running.code}")
    assert own.json()["spendable"] == 0
    assert [one["child_id"] for one in (await child.get("/children")).json()] == [str(child.id)]


async def spend(session: AsyncSession, who: UUID) -> None:
    await spending.spend(
        session,
        participant_id=who,
        programme=PROGRAMME,
        points=10,
        posting_id=ids.uuid7(),
        happened_at=clock.now(),
    )


async def test_what_a_guardian_has_not_allowed_is_refused_and_said_how_to_allow(
    alice: Citizen, db: Database
) -> None:
    path, child = await child_of(alice)
    async with db.transaction() as session:
        await wallets.earn(
            session, participant_id=child.id, programme=PROGRAMME, points=40, expires_on=None,
            posting_id=ids.uuid7(), happened_at=clock.now(),
        )  # fmt: skip
    with pytest.raises(proving.NotRedeemable):
        async with db.transaction() as session:
            await spend(session, child.id)
    assert (await alice.put(f"{path}/allowances/redeem", allow(True))).status_code == 200
    async with db.transaction() as session:
        await spend(session, child.id)
    for scope in SCOPES:
        with pytest.raises(guardians.NotAllowedByGuardian):
            async with db.transaction() as session:
                await guardians.require(session, participant_id=child.id, scope=scope)


def allow(allowed: bool) -> dict[str, object]:
    return {"allowed": allowed, "text_sha256": GUARDIAN}


async def test_a_childs_account_is_handed_over_at_fourteen_to_a_number_shown_to_be_theirs(
    alice: Citizen, phones: PhoneBox
) -> None:
    path, child = await child_of(alice, years=1)
    phone = f"+86135{uuid4().int % 10**8:08d}"
    early = await alice.post(f"{path}/phone/codes", {"phone": phone})
    assert (early.status_code, early.json()["code"]) == (409, "identity.not_fourteen_yet")
    with clock.travel(dt.datetime(clock.today().year + 1, 3, 1, 8, tzinfo=clock.SHANGHAI)):
        guardian = await sign_in(alice.client, phones, alice.phone)
        there = await acting(guardian, path)
        asked = await guardian.post(f"{path}/phone/codes", {"phone": phone})
        assert asked.status_code == 202, asked.text
        given = {"request_id": asked.json()["request_id"], "phone": phone, "code": phones.codes[phone]}
        refused = await guardian.put(f"{path}/phone", given)
        assert (refused.status_code, refused.json()["code"]) == (403, "identity.step_up_needed")
        await step_up(guardian, phones, "change_phone")
        assert (await guardian.put(f"{path}/phone", given)).status_code == 204
        assert (await guardian.get("/children")).json() == []
        assert (await guardian.post(f"{path}/acting")).status_code == 404
        assert (await there.put("/consents/bus", {"given": True, "text_sha256": GUARDIAN})).status_code == 401
        grown = await sign_in(alice.client, phones, phone)
        assert grown.id == child.id
        assert (await grown.get("/me/proofs")).json()["redeemable"] is True


async def test_only_people_of_age_are_guardians_and_of_a_few_children(
    alice: Citizen, db: Database, settings: Settings
) -> None:
    _, child = await child_of(alice)

    async def add(session: AsyncSession, guardian_id: UUID) -> None:
        await guardians.add_child(
            session, settings.keys, guardian_id=guardian_id, ends_on=dt.date(clock.today().year + 3, 3, 1),
            text_sha256=bytes.fromhex(GUARDIAN),
        )  # fmt: skip

    async with db.transaction() as session:
        with pytest.raises(guardians.NoGuardian):
            await add(session, child.id)
    group = await alice.post("/members/groups", {"kind": "household", "name": "home"})
    async with db.transaction() as session:
        with pytest.raises(guardians.NoGuardian):
            await add(session, UUID(group.json()["id"]))
    for _ in range(7):
        await child_of(alice)
    more = await alice.post(
        "/children", {"ends_on": f"{clock.today().year + 3}-03-01", "text_sha256": GUARDIAN}
    )
    assert (more.status_code, more.json()["code"], more.json()["most"]) == (
        409,
        "identity.too_many_children",
        8,
    )


async def test_a_child_is_closed_from_within_its_session_by_the_guardian_alone(
    alice: Citizen, phones: PhoneBox
) -> None:
    _, child = await child_of(alice)
    assert (await child.post("/me/closure")).status_code == 403
    await step_up(child, phones, "close_account")
    assert (await child.post("/me/closure")).status_code == 200
    assert (await alice.get("/children")).json() == []
    assert (await child.put("/consents/bus", {"given": True, "text_sha256": GUARDIAN})).status_code == 401


async def test_a_child_is_shown_to_others_while_the_guardian_allows_it_and_no_longer(
    alice: Citizen, db: Database, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    place = await opened(db, client, phones)
    path, child = await child_of(alice)
    profile = f"{place.here}/profile"
    named = {"display_name": "小小骑手", "text_sha256": SHOWN}
    refused = await child.put(profile, named)
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.not_allowed_by_guardian")
    await alice.put(f"{path}/allowances/social", allow(True))
    assert (await child.put(profile, named)).status_code == 200
    assert (await child.post(f"{place.here}/friends/invitations")).status_code == 201
    await alice.put(f"{path}/allowances/social", allow(False))
    assert (await child.get(profile)).json()["shown"] is False
    assert (await child.post(f"{place.here}/friends/invitations")).status_code == 409  # no profile


async def test_a_child_enters_a_lottery_only_where_the_guardian_allows_it(
    alice: Citizen, db: Database, client: httpx.AsyncClient, phones: PhoneBox
) -> None:
    place = await opened(db, client, phones)
    path, child = await child_of(alice)

    async def enter(who: UUID) -> None:
        async with db.transaction() as session:
            await lotteries.enter(session, programme=place.running, lottery_id=uuid4(), participant_id=who)

    with pytest.raises(guardians.NotAllowedByGuardian):
        await enter(child.id)
    await alice.put(f"{path}/allowances/lottery", allow(True))
    with pytest.raises(lotteries.LotteryUnknown):  # no longer the guardian
        await enter(child.id)
    await alice.put(f"{path}/allowances/lottery", allow(False))
    with pytest.raises(guardians.NotAllowedByGuardian):
        await enter(child.id)
    with pytest.raises(lotteries.LotteryUnknown):
        await enter(alice.id)
