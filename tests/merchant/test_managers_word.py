"""Who may give points back over HTTP: staff by a fresh code, tills and software with a manager's, and each shop its own."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from backend.identity import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.settings import Settings
from merchant.redemption import At, sandbox
from tests.identity.conftest import hire
from tests.merchant.test_endpoints import (
    Citizen,
    Offered,
    app,
    citizen,
    client,
    offered,
    phone,
    signed_in,
    word,
)
from tests.merchant.test_tills import PIN, a_device, a_shop
from tests.operator_api.conftest import Person, SignedIn

__all__ = ["app", "citizen", "client", "hire", "offered", "phone", "signed_in"]

CAPTURED, REFUNDED, HELD, TOO_OLD = (f"5a2db000-0000-4000-8000-00000000000{number}" for number in range(1, 5))
WHY = {"reason": "cold"}


class Software:
    """A shop's own software with a key."""

    def __init__(self, manager: Person, key: str) -> None:
        self.client, self.key = manager.client, key

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {self.key}"})

    async def post(self, path: str, body: object = None, **more: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": str(uuid4())} | more
        return await self.client.post(path, json=body, headers=headers)


async def a_key(manager: Person, shop_id: str, **about: object) -> Software:
    asked = {"label": "own", "scopes": ["capture", "refund", "read"], **about}
    made = await manager.post(f"/shops/{shop_id}/software-keys", asked)
    assert made.status_code == 201, made.text
    return Software(manager, made.json()["key"])


async def attempts(db: Database, person: Person) -> tuple[int, Any]:
    """Failures counted on a login, and the last time step of its one-time codes that was spent."""
    async with db.transaction() as session:
        found = await session.execute(
            text("SELECT failures, totp_last_step FROM staff WHERE id = :id"), {"id": person.id}
        )
        return tuple(found.one())


async def test_staff_give_points_back_by_a_fresh_code_and_a_session_alone_does_not(
    signed_in: SignedIn, citizen: Citizen, offered: Offered, db: Database
) -> None:
    manager, stranger = await signed_in(Role.MERCHANT), await signed_in(Role.MERCHANT)
    offer = await offered(manager)
    held = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()
    await manager.post("/scans", {"code": held["code"]})
    path = f"/redemptions/{held['redemption_id']}"
    part = {"part_id": "one", "points": 10, **WHY}
    void = {"redemption_ids": [held["redemption_id"]], **WHY}
    _, signed_in_at = await attempts(db, manager)
    spent = manager.hired.authenticator.generate_otp(signed_in_at)
    asked: list[tuple[str, dict[str, Any]]] = [
        (f"{path}/refund", WHY),
        (f"{path}/parts", part),
        ("/voids", {**void, "dry_run": False}),
    ]
    for address, body in asked:
        for brought in ({}, {"Manager-Code": "000000"}, {"Manager-Code": spent}):
            refused = await manager.post(address, body, **brought)
            assert (refused.status_code, refused.json()["code"]) == (403, "merchant.manager_needed"), address
        async with db.transaction() as session:  # the lock is another test's matter
            await session.execute(text("UPDATE staff SET failures = 0 WHERE id = :id"), {"id": manager.id})
    assert await citizen.buyer.purse() == (70, 0)

    before = await attempts(db, stranger)
    theirs = {"Manager-Login": stranger.hired.login, **word(stranger)}
    for brought in (theirs, theirs | {"Manager-Code": "000000"}, theirs | {"Manager-Login": "nobody-at-all"}):
        assert (await manager.post(f"{path}/refund", WHY, **brought)).status_code == 403
    assert await attempts(db, stranger) == before  # no code is spent, nobody locked out by another merchant

    dry = await manager.post("/voids", void)
    assert (dry.status_code, dry.json()["points"]) == (200, 30)
    key, agreed = str(uuid4()), word(manager)
    told = await manager.post(f"{path}/parts", part, key=key, **agreed)
    assert (told.status_code, told.json()["refunded_points"]) == (201, 10)
    again = await manager.post(f"{path}/refund", WHY, **agreed)
    assert again.status_code == 403  # the same code
    retried = await manager.post(f"{path}/parts", part, key=key, **agreed)  # as after a lost answer
    assert (retried.json(), retried.headers["idempotent-replayed"]) == (told.json(), "true")
    with clock.travel(clock.now() + dt.timedelta(minutes=1)):
        assert (await manager.post(f"{path}/refund", WHY, **word(manager))).status_code == 200
    assert await citizen.buyer.purse() == (100, 0)


async def test_five_wrong_codes_lock_the_managers_login(
    signed_in: SignedIn, citizen: Citizen, offered: Offered
) -> None:
    manager = await signed_in(Role.MERCHANT)
    held = (await citizen.post("/redemptions", {"offer_id": (await offered(manager))["id"]})).json()
    await manager.post("/scans", {"code": held["code"]})
    path = f"/redemptions/{held['redemption_id']}/refund"
    for _ in range(5):
        assert (await manager.post(path, WHY, **{"Manager-Code": "000000"})).status_code == 403
    assert (await manager.post(path, WHY, **word(manager))).status_code == 403
    assert await citizen.buyer.purse() == (70, 0)


async def test_a_key_and_a_till_see_and_refund_what_their_own_shop_captured(
    signed_in: SignedIn, citizen: Citizen, offered: Offered, settings: Settings
) -> None:
    manager = await signed_in(Role.MERCHANT)
    offer = await offered(manager, price_points=20)
    here, there = [await a_shop(manager) for _ in range(2)]
    own, other = [await a_key(manager, shop) for shop in (here, there)]
    clerk = (await manager.post(f"/shops/{there}/clerks", {"label": "01", "pin": PIN})).json()["clerk_id"]
    begun = (await (await a_device(manager, there, settings)).begin(clerk)).json()
    till = Software(manager, begun["access_token"])

    redeemed = []
    for scanner in (own, manager):
        held = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()
        told = (await scanner.post("/scans", {"code": held["code"]})).json()
        assert told["answer"] == "yes", told
        redeemed.append(held["redemption_id"])
    await own.post("/scans", {"code": "nonsense"})

    async def seen(who: Any) -> list[str]:
        return [one["redemption_id"] for one in (await who.get("/redemptions")).json()["items"]]

    assert (await seen(own), await seen(other), await seen(till)) == (redeemed[:1], [], [])
    assert sorted(await seen(manager)) == sorted(redeemed)
    misses = [(await one.get("/scans/failed")).json()["items"] for one in (own, other, manager)]
    assert [len(found) for found in misses] == [1, 0, 1]
    agreed = {"Manager-Login": manager.hired.login}
    for number, (who, redemption_id) in enumerate(
        [(other, redeemed[0]), (till, redeemed[0]), (own, redeemed[1])]
    ):
        assert (await who.get(f"/redemptions/{redemption_id}")).status_code == 404
        with clock.travel(clock.now() + dt.timedelta(minutes=number)):
            refused = await who.post(f"/redemptions/{redemption_id}/refund", WHY, **agreed, **word(manager))
        assert (refused.status_code, refused.json()["code"]) == (404, "merchant.redemption_unknown"), number
    since, before = clock.now() - dt.timedelta(hours=1), clock.now() + dt.timedelta(hours=1)
    span = {"captured": {"since": since.isoformat(), "before": before.isoformat()}, **WHY}
    dry = [(await one.post("/voids", span)).json()["points"] for one in (own, other, manager)]
    assert dry == [20, 0, 40]
    named = (await other.post("/voids", {"redemption_ids": redeemed, **WHY})).json()["items"]
    assert {one["result"] for one in named} == {"merchant.redemption_unknown"}
    with clock.travel(clock.now() + dt.timedelta(minutes=4)):
        back = await own.post(f"/redemptions/{redeemed[0]}/refund", WHY, **agreed, **word(manager))
    assert back.status_code == 200, back.text
    assert await citizen.buyer.purse() == (80, 0)


@pytest.mark.parametrize(
    ("redemption_id", "code"),
    [
        (REFUNDED, "merchant.already_refunded"),
        (HELD, "merchant.redemption_not_captured"),
        (TOO_OLD, "merchant.refund_too_late"),
        ("5a2db000-0000-4000-8000-000000000005", "merchant.redemption_unknown"),
    ],
)
def test_the_sandbox_refuses_by_its_ids(redemption_id: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        sandbox.refund(At(uuid4(), uuid4()), UUID(redemption_id), reason="cold")
    assert refused.value.code == code


async def test_a_sandbox_key_gives_back_by_fixed_ids_and_touches_nothing_real(
    signed_in: SignedIn, citizen: Citizen, offered: Offered, db: Database
) -> None:
    manager = await signed_in(Role.MERCHANT)
    held = (await citizen.post("/redemptions", {"offer_id": (await offered(manager))["id"]})).json()
    await manager.post("/scans", {"code": held["code"]})
    trying = await a_key(manager, await a_shop(manager), sandbox=True)
    assert (await trying.post("/scans", {"code": held["number"]})).json()["reason"] == "unknown"
    receipt = (await trying.post("/scans", {"code": "sandbox-yes"})).json()["receipt"]
    assert receipt["redemption_id"] == CAPTURED
    listed = (await trying.get("/redemptions?limit=2")).json()
    rest = (await trying.get(f"/redemptions?limit=2&cursor={listed['next_cursor']}")).json()
    ids = [one["redemption_id"] for one in listed["items"] + rest["items"]]
    assert ids == [TOO_OLD, REFUNDED, CAPTURED]
    assert (await trying.get(f"/redemptions/{CAPTURED}")).json() == receipt

    before = await attempts(db, manager)
    real = {"Manager-Login": manager.hired.login, **word(manager)}
    path, agreed = f"/redemptions/{CAPTURED}", {"Manager-Login": "sandbox-manager", "Manager-Code": "000000"}
    for brought in ({}, real, agreed | {"Manager-Code": "000001"}):
        refused = await trying.post(f"{path}/refund", WHY, **brought)
        assert (refused.status_code, refused.json()["code"]) == (403, "merchant.manager_needed")
    assert await attempts(db, manager) == before
    for _ in range(2):
        told = await trying.post(f"{path}/refund", WHY, **agreed)
        assert (told.status_code, told.json()["refunded_points"]) == (200, 30)
    part = {"part_id": "line-2", "points": 30, **WHY}
    told = await trying.post(f"{path}/parts", part, **agreed)
    assert (told.status_code, told.json()["refunds"][0]["part_id"]) == (201, "line-2")
    for other, code in (
        ({"points": 31}, "merchant.part_too_large"), ({"part_id": "reused"}, "merchant.part_reused"),
    ):  # fmt: skip
        refused = await trying.post(f"{path}/parts", part | other, **agreed)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    void = {"redemption_ids": [CAPTURED, HELD, held["redemption_id"]], "dry_run": False, **WHY}
    voided = (await trying.post("/voids", void, **agreed)).json()
    assert [one["result"] for one in voided["items"]] == [
        "refunded", "merchant.redemption_not_captured", "merchant.redemption_unknown",
    ]  # fmt: skip
    real_one = await trying.post(f"/redemptions/{held['redemption_id']}/refund", WHY, **agreed)
    assert real_one.status_code == 404
    assert await citizen.buyer.purse() == (70, 0)
    assert (
        await manager.post(f"{path}/refund", WHY, **word(manager))
    ).status_code == 404  # only in the sandbox
