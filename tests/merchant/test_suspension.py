"""An operator stops a merchant, a shop or a till at once, over HTTP; another person lets it go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from backend.identity import Role, staff
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from merchant import catalogue, redemption, shops, suspension
from operator_api import build as build_operator
from tests.identity.conftest import Hire, hire
from tests.merchant.conftest import Buyer
from tests.merchant.conftest import Shop as Merchant
from tests.merchant.test_endpoints import (
    Citizen,
    Offered,
    app,
    citizen,
    client,
    offered,
    phone,
    signed_in,
)
from tests.merchant.test_tills import PIN, a_device, a_shop
from tests.operator_api.conftest import Person, SignedIn, sign_in

__all__ = ["app", "citizen", "client", "hire", "offered", "phone", "signed_in"]


@pytest.fixture
async def operators(db: Database, settings: Settings, hire: Hire) -> AsyncIterator[tuple[Person, Person]]:
    """Two people of one operator."""
    surface = build_operator(settings)
    wire(surface, settings=settings, db=db)
    transport = httpx.ASGITransport(app=surface, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as office:
        first = await hire(Role.OPERATOR)
        async with db.transaction() as session:
            mine = (await staff.staff_member(session, staff_id=first.id)).organisation_id
            code = (
                await session.execute(text("SELECT code FROM organisation WHERE id = :id"), {"id": mine})
            ).scalar_one()
        second = await hire(Role.OPERATOR, organisation=code)
        one, two = [Person(who, (await sign_in(office, who)).json(), office) for who in (first, second)]
        yield one, two


async def merchant_of(db: Database, person: Person) -> UUID:
    async with db.transaction() as session:
        return (await staff.staff_member(session, staff_id=person.id)).organisation_id


async def stop(by: Person, kind: str, subject: object) -> None:
    asked = {"kind": kind, "subject_id": str(subject), "reason": "suspected false captures"}
    made = await by.post("/suspensions", asked)
    assert made.status_code == 201, made.text
    assert made.json()["step"] == "suspended"


async def go_on(by: Person, subject: object) -> httpx.Response:
    return await by.post(f"/suspensions/{subject}/resumption", {"reason": "nothing found"})


async def test_a_suspended_merchant_captures_nothing_whoever_scans_and_settlement_goes_on(  # noqa: PLR0917
    signed_in: SignedIn,
    citizen: Citizen,
    offered: Offered,
    operators: tuple[Person, Person],
    settings: Settings,
    db: Database,
) -> None:
    manager = await signed_in(Role.MERCHANT)
    offer = await offered(manager)
    shop_id = await a_shop(manager)
    clerk = (await manager.post(f"/shops/{shop_id}/clerks", {"label": "01", "pin": PIN})).json()["clerk_id"]
    device = await a_device(manager, shop_id, settings)
    begun = await device.begin(clerk)
    asked = {"label": "own", "scopes": ["capture"]}
    key = (await manager.post(f"/shops/{shop_id}/software-keys", asked)).json()["key"]
    scanners = [
        manager.headers(),
        {"Authorization": f"Bearer {begun.json()['access_token']}"},
        {"Authorization": f"Bearer {key}"},
    ]
    captured = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()
    assert (await manager.post("/scans", {"code": captured["code"]})).json()["answer"] == "yes"
    held = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()

    merchant_id = await merchant_of(db, manager)
    await stop(operators[0], "merchant", merchant_id)
    for headers in scanners:
        for code in (held["code"], held["number"]):
            told = await manager.client.post("/scans", json={"code": code}, headers=headers)
            assert (told.json()["answer"], told.json()["reason"]) == ("no", "merchant_suspended"), told.text
    refused = await citizen.post("/redemptions", {"offer_id": offer["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "merchant.merchant_suspended")
    shown = await citizen.phone.get(f"/offers/{offer['id']}", headers=citizen.headers)
    assert shown.status_code == 404  # nobody is shown what cannot be redeemed
    dropped = await citizen.post(f"/redemptions/{held['redemption_id']}/cancellation")
    assert dropped.status_code == 200, dropped.text
    assert await citizen.buyer.purse() == (70, 0)
    told = (await manager.get("/suspensions")).json()["items"]
    assert [(one["kind"], one["reason"]) for one in told] == [("merchant", "suspected false captures")]
    assert (await manager.get("/payable")).json()[0]["payable_points"] == 30
    assert (await manager.get("/statements")).status_code == 200

    alone = await go_on(operators[0], merchant_id)
    assert (alone.status_code, alone.json()["code"]) == (403, "merchant.resumed_by_the_same")
    assert (await go_on(operators[1], merchant_id)).status_code == 200
    assert (await citizen.get(f"/offers/{offer['id']}"))["id"] == offer["id"]
    again = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()
    assert (await manager.post("/scans", {"code": again["code"]})).json()["answer"] == "yes"
    steps = (await operators[1].get(f"/suspensions/{merchant_id}")).json()
    assert [(one["number"], one["step"], one["stepped_by"]) for one in steps] == [
        (1, "suspended", str(operators[0].id)),
        (2, "resumed", str(operators[1].id)),
    ]


async def test_a_suspended_shop_or_till_stops_and_its_neighbour_does_not(
    signed_in: SignedIn,
    citizen: Citizen,
    offered: Offered,
    operators: tuple[Person, Person],
    settings: Settings,
) -> None:
    manager = await signed_in(Role.MERCHANT)
    offer = await offered(manager)
    shop_id = await a_shop(manager)
    clerk = (await manager.post(f"/shops/{shop_id}/clerks", {"label": "01", "pin": PIN})).json()["clerk_id"]
    first, second = [await a_device(manager, shop_id, settings) for _ in range(2)]
    at = [
        {"Authorization": f"Bearer {(await device.begin(clerk)).json()['access_token']}"}
        for device in (first, second)
    ]
    held = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()

    async def scan(headers: dict[str, str]) -> tuple[str, str | None]:
        told = (await manager.client.post("/scans", json={"code": held["code"]}, headers=headers)).json()
        return told["answer"], told["reason"]

    await stop(operators[0], "till", first.till_id)
    assert await scan(at[0]) == ("no", "till_suspended")
    listed = [one["id"] for one in (await citizen.get(f"/offers?limit=100&shop_id={shop_id}"))["items"]]
    assert offer["id"] in listed
    await stop(operators[0], "shop", shop_id)
    assert (await citizen.get(f"/offers?limit=100&shop_id={shop_id}"))["items"] == []
    assert await scan(at[1]) == ("no", "shop_suspended")
    assert (await go_on(operators[1], shop_id)).status_code == 200
    assert await scan(at[0]) == ("no", "till_suspended")
    assert await scan(at[1]) == ("yes", None)
    standing = (await operators[0].get("/suspensions?limit=1")).json()["items"]
    assert standing[0]["subject_id"] == first.till_id


@pytest.mark.usefixtures("confirming")
async def test_what_was_confirmed_on_the_phone_after_the_suspension_is_not_captured(
    shop: Merchant, buyer: Buyer, db: Database, hire: Hire
) -> None:
    held = await buyer.redeem(await shop.offer())
    asked = await shop.ask(held.code)
    assert asked.scan_id is not None
    operator = await hire(Role.OPERATOR)
    stopped = {"kind": suspension.Kind.MERCHANT, "subject_id": shop.id, "reason": "checked"}
    async with db.transaction() as session:
        await suspension.suspend(session, **stopped, by=operator.id)  # type: ignore[arg-type]
    with pytest.raises(suspension.MerchantSuspended):
        await buyer.answer(held, asked.scan_id, yes=True)
    assert await buyer.state(held) == "held"
    await buyer.cancel(held)
    assert await buyer.purse() == (100, 0)


async def test_an_offer_is_redeemed_while_one_of_its_shops_is_not_suspended(
    shop: Merchant, buyer: Buyer, db: Database, hire: Hire
) -> None:
    about = shops.About("一店", "One", "", "天河区", None, {}, {})
    async with db.transaction() as session:
        both = [
            await shops.open_shop(session, merchant_id=shop.id, about=about, made_by=shop.clerk)
            for _ in range(2)
        ]
    offer = await shop.offer(terms=catalogue.Terms(shops=[one.id for one in both]))
    operator = await hire(Role.OPERATOR)
    for number, one in enumerate(both):
        assert await buyer.cancel(await buyer.redeem(offer)), number
        async with db.transaction() as session:
            await suspension.suspend(
                session, kind=suspension.Kind.SHOP, subject_id=one.id, reason="checked", by=operator.id
            )
    with pytest.raises(suspension.ShopSuspended):
        await buyer.redeem(offer)
    assert await buyer.purse() == (100, 0)


async def test_a_capture_that_was_open_when_the_suspension_was_written_counts_as_before_it(
    shop: Merchant, buyer: Buyer, db: Database, hire: Hire
) -> None:
    offer, operator = await shop.offer(), await hire(Role.OPERATOR)
    held, late = await buyer.redeem(offer), await buyer.redeem(offer)
    async with db.transaction() as open_one:
        receipt = await redemption.capture(open_one, shop.keys, at=shop.till(), code=held.code)
        async with db.transaction() as session:
            await suspension.suspend(
                session, kind=suspension.Kind.MERCHANT, subject_id=shop.id, reason="checked", by=operator.id
            )
        with pytest.raises(suspension.MerchantSuspended):
            async with db.transaction() as session:
                await redemption.capture(session, shop.keys, at=shop.till(), code=late.code)
    assert await buyer.state(held) == "captured"
    assert await buyer.state(late) == "held"
    again = await shop.ask(held.code)
    assert (again.says, again.receipt) == (redemption.Says.YES, receipt)
    await shop.refund(receipt.redemption_id)  # giving points back is never stopped
    assert await buyer.purse() == (70, 30)


async def test_two_suspensions_at_once_are_one_and_what_is_not_there_is_404(
    operators: tuple[Person, Person], signed_in: SignedIn, db: Database
) -> None:
    first, second = operators
    merchant_id = await merchant_of(db, await signed_in(Role.MERCHANT))
    asked = {"kind": "merchant", "subject_id": str(merchant_id), "reason": "suspected"}
    both = await asyncio.gather(*(by.post("/suspensions", asked) for by in operators))
    assert sorted(one.status_code for one in both) == [201, 409]
    by = first if both[0].status_code == 409 else second
    resumed = await asyncio.gather(*(go_on(by, merchant_id) for _ in range(2)))
    assert sorted(one.status_code for one in resumed) == [200, 409]
    for kind in ("merchant", "shop", "till"):
        missing = await first.post("/suspensions", asked | {"kind": kind, "subject_id": str(uuid4())})
        assert (missing.status_code, missing.json()["code"]) == (404, "merchant.suspension_subject_unknown")
    wrong = await first.post("/suspensions", asked | {"kind": "shop"})
    assert wrong.status_code == 404
    assert (await go_on(first, uuid4())).status_code == 404
    assert (await first.get(f"/suspensions/{uuid4()}")).status_code == 404
    nameless = await first.post("/suspensions", asked | {"reason": " "})
    assert nameless.status_code == 422


async def test_nobody_suspends_their_own_organisation(shop: Merchant, db: Database) -> None:
    async with db.transaction() as session:
        with pytest.raises(suspension.SuspensionOfOneself):
            await suspension.suspend(
                session, kind=suspension.Kind.MERCHANT, subject_id=shop.id, reason="mine", by=shop.clerk
            )
