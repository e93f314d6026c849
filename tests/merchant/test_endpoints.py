"""The merchants' app and the citizens' side of it, over HTTP: every role as itself."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from backend.identity import organisations, staff, tokens
from backend.identity.organisations import Role
from backend.identity.tokens import Audience
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from merchant import catalogue
from merchant.app import build
from mobile_api import build as build_mobile
from tests import contracts
from tests.identity.conftest import Hire, hire
from tests.merchant.conftest import PROGRAMME, Arrive, Buyer
from tests.mobile_api.conftest import PhoneBox
from tests.operator_api.conftest import Person, SignedIn, sign_in

__all__ = ["hire"]

OPEN_TO_ALL = {"sign_in", "refresh_tokens", "enrol_till", "begin_shift", "go_on"} | {
    "begin_application", "get_application", "change_application", "add_application_document",
    "remove_application_document", "submit_application", "make_first_manager",
}  # fmt: skip
EVERY_STAFF = {"sign_out", "get_me", "change_password"}


@pytest.fixture(scope="module")
def app(settings: Settings, db: Database) -> FastAPI:
    app = build(settings)
    wire(app, settings=settings, db=db)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


@pytest.fixture
async def phone(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the citizens' app."""
    app = build_mobile(settings, sender=PhoneBox())
    wire(app, settings=settings, db=db)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


@pytest.fixture
def signed_in(client: httpx.AsyncClient, hire: Hire, db: Database, settings: Settings) -> SignedIn:
    """Hire somebody and sign them in; a merchant has a contract with the programme."""

    async def one(*roles: Role, organisation: str | None = None) -> Person:
        hired = await hire(*roles, organisation=organisation)
        if Role.MERCHANT in roles:
            async with db.transaction() as session:
                merchant_id = (await staff.staff_member(session, staff_id=hired.id)).organisation_id
            await contracts.agree_once(db, settings.keys, merchant_id=merchant_id, programme=PROGRAMME)
        answered = await sign_in(client, hired)
        assert answered.status_code == 200, answered.text
        return Person(hired, answered.json(), client)

    return one


class Citizen:
    """A citizen with points and a phone."""

    def __init__(self, buyer: Buyer, phone: httpx.AsyncClient, token: str) -> None:
        self.buyer, self.phone = buyer, phone
        self.headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **headers: str) -> Any:
        answer = await self.phone.get(path, headers=self.headers | headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object = None, *, key: str | None = None) -> httpx.Response:
        headers = self.headers | {"Idempotency-Key": key or str(uuid4())}
        return await self.phone.post(path, json=body, headers=headers)


@pytest.fixture
async def citizen(arrive: Arrive, phone: httpx.AsyncClient, settings: Settings, db: Database) -> Citizen:
    buyer = await arrive(100)
    async with db.transaction() as session:
        pair = await tokens.start_session(session, settings, Audience.CITIZEN, subject=buyer.id)
    return Citizen(buyer, phone, pair.access_token)


def word(manager: Person, *, ahead: int = 1) -> dict[str, str]:
    """A manager's fresh one-time code as a header: the next one, since signing in took the present one."""
    return {"Manager-Code": manager.hired.authenticator.at(clock.now(), counter_offset=ahead)}


def tea(**other: object) -> dict[str, object]:
    return {
        "programme": PROGRAMME,
        "title_zh": "一杯茶",
        "title_en": "A cup of tea",
        "price_points": 30,
        "items": 5,
    } | other


async def _offered(db: Database, settings: Settings, person: Person, **other: object) -> dict[str, Any]:
    """Drafted and submitted over HTTP, and published."""
    answer = await person.post("/offers", tea(**other))
    assert answer.status_code == 201, answer.text
    assert (answer.json()["stand"], answer.json()["step"]) == ("draft", "drafted")
    at = f"/offers/{answer.json()['id']}"
    assert (await person.post(f"{at}/submission")).json()["step"] == "submitted"
    reviewer, _ = await contracts.operators(db, settings.keys)
    async with db.transaction() as session:
        await catalogue.review(
            session, programme=PROGRAMME, offer_id=UUID(answer.json()["id"]), publish=True, by=reviewer, reason=None
        )  # fmt: skip
    made: dict[str, Any] = (await person.get(at)).json()
    return made


Offered = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def offered(db: Database, settings: Settings) -> Offered:
    return partial(_offered, db, settings)


async def test_from_the_offer_to_the_receipt_and_back(
    signed_in: SignedIn, citizen: Citizen, offered: Offered
) -> None:
    till = await signed_in(Role.MERCHANT)
    offer = await offered(till)
    assert (offer["stand"], offer["items_left"]) == ("open", 5)

    listed = (await citizen.get(f"/offers?programme={PROGRAMME}"))["items"]
    seen = next(one for one in listed if one["id"] == offer["id"])
    assert (seen["title"], seen["price_points"], seen["items_left"]) == ("一杯茶", 30, 5)
    for asked_for, found in {
        "title=CUP OF": True,
        "title=杯茶": True,
        "title=%25": False,
        "up_to_points=30": True,
        "up_to_points=29": False,
    }.items():
        listed = (await citizen.get(f"/offers?limit=100&{asked_for}"))["items"]
        assert (offer["id"] in [one["id"] for one in listed]) is found, asked_for
    english = await citizen.get(f"/offers/{offer['id']}", **{"accept-language": "en"})
    assert english["title"] == "A cup of tea"

    key = str(uuid4())
    asked = await citizen.post("/redemptions", {"offer_id": offer["id"]}, key=key)
    assert asked.status_code == 201, asked.text
    told = asked.json()
    assert told["qr_svg"].startswith("<svg")
    again = await citizen.post("/redemptions", {"offer_id": offer["id"]}, key=key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (told, "true")
    assert await citizen.buyer.purse() == (70, 30)

    renewed = await citizen.post(f"/redemptions/{told['redemption_id']}/codes")
    assert renewed.status_code == 201
    assert renewed.json()["code"] != told["code"]

    receipts = [
        await till.post("/scans", {"code": code}) for code in (told["code"], renewed.json()["number"])
    ]
    assert [answer.json()["answer"] for answer in receipts] == ["yes", "yes"]
    assert [answer.json()["repeated"] for answer in receipts] == [False, True]
    assert receipts[0].json()["receipt"] == receipts[1].json()["receipt"]
    receipt = receipts[0].json()["receipt"]
    assert receipt["redemption_id"] == told["redemption_id"]
    assert str(citizen.buyer.id) not in receipts[0].text

    assert (await till.get("/payable")).json() == [{"programme": PROGRAMME, "payable_points": 30}]
    assert (await till.get("/redemptions")).json()["items"] == [receipt]
    mine = (await citizen.get("/redemptions"))["items"][0]
    assert (mine["state"], mine["points"], mine["title"]) == ("captured", 30, "一杯茶")

    path = f"/redemptions/{told['redemption_id']}/refund"
    back = await till.post(path, {"reason": "cold"}, **word(till))
    assert back.status_code == 200, back.text
    assert back.json()["refund_reason"] == "cold"
    with clock.travel(clock.now() + dt.timedelta(minutes=1)):
        twice = await till.post(path, {"reason": "cold"}, **word(till))
    assert (twice.status_code, twice.json()["code"]) == (409, "merchant.already_refunded")
    gone = (await till.post("/scans", {"code": told["code"]})).json()
    assert (gone["answer"], gone["reason"], gone["receipt"]) == ("no", "refunded", None)
    assert gone["last_use"]["at"] == receipt["captured_at"]
    assert (await citizen.get(f"/redemptions/{told['redemption_id']}"))["state"] == "refunded"
    assert await citizen.buyer.purse() == (100, 0)
    assert (await till.get(f"/offers/{offer['id']}")).json()["items_left"] == 5
    assert (await till.get("/payable")).json()[0]["payable_points"] == 0


async def test_a_citizen_gives_a_redemption_up(
    signed_in: SignedIn, citizen: Citizen, offered: Offered
) -> None:
    till = await signed_in(Role.MERCHANT)
    offer = await offered(till, items=1)
    told = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()
    sold_out = await citizen.post("/redemptions", {"offer_id": offer["id"]})
    assert (sold_out.status_code, sold_out.json()["code"]) == (409, "merchant.sold_out")
    ended = await citizen.post(f"/redemptions/{told['redemption_id']}/cancellation")
    assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert await citizen.buyer.purse() == (100, 0)
    gone = (await till.post("/scans", {"code": told["code"]})).json()
    assert (gone["answer"], gone["reason"], gone["message"]) == ("no", "cancelled", "顾客已取消这笔兑换。")
    other = await citizen.post("/redemptions", {"offer_id": offer["id"]})
    assert other.status_code == 201


async def test_what_lapsed_is_there_again_for_the_next_redemption(
    signed_in: SignedIn,
    citizen: Citizen,
    offered: Offered,
) -> None:
    till = await signed_in(Role.MERCHANT)
    offer = await offered(till, price_points=100, items=1)
    first = await citizen.post("/redemptions", {"offer_id": offer["id"]})
    with clock.travel(clock.now() + dt.timedelta(seconds=61)):
        gone = (await till.post("/scans", {"code": first.json()["code"]})).json()
        assert (gone["answer"], gone["reason"]) == ("no", "expired")
        second = await citizen.post("/redemptions", {"offer_id": offer["id"]})
        assert second.status_code == 201, second.text
        states = [one["state"] for one in (await citizen.get("/redemptions"))["items"]]
        assert states == ["held", "lapsed"]
        gone = (await till.post("/scans", {"code": first.json()["code"]})).json()
        assert (gone["answer"], gone["reason"]) == ("no", "lapsed")
        late = await citizen.post(f"/redemptions/{first.json()['redemption_id']}/codes")
        assert (late.status_code, late.json()["code"]) == (410, "merchant.redemption_ended")


async def test_offers_are_restocked_and_withdrawn_by_their_own_merchant(
    signed_in: SignedIn,
    citizen: Citizen,
    offered: Offered,
) -> None:
    till, other = await signed_in(Role.MERCHANT), await signed_in(Role.MERCHANT)
    offer = await offered(till)
    at = f"/offers/{offer['id']}"
    assert (await till.post(f"{at}/restocks", {"items": 3})).json()["items_left"] == 8
    for answer in (
        await other.get(at),
        await other.post(f"{at}/restocks", {"items": 3}),
        await other.post(f"{at}/withdrawal"),
        await other.get(f"/redemptions/{uuid4()}"),
    ):
        assert answer.status_code == 404
    assert (await other.get("/offers")).json()["items"] == []
    for _ in range(2):
        assert (await till.post(f"{at}/withdrawal")).json()["stand"] == "withdrawn"
    assert (await till.post(f"{at}/restocks", {"items": 3})).json()["code"] == "merchant.offer_withdrawn"
    refused = await citizen.post("/redemptions", {"offer_id": offer["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "merchant.offer_closed")
    free = await offered(till, items=None)
    assert free["items_left"] is None
    answer = await till.post(f"/offers/{free['id']}/restocks", {"items": 3})
    assert answer.json()["code"] == "merchant.offer_unlimited"


async def test_what_is_asked_of_the_wrong_merchant_is_404(
    signed_in: SignedIn, citizen: Citizen, offered: Offered
) -> None:
    till, other = await signed_in(Role.MERCHANT), await signed_in(Role.MERCHANT)
    offer = await offered(till)
    told = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()
    for code, reason in ((told["code"], "unknown"), ("https://example.test/?x=茶", "unreadable")):
        answer = await other.post("/scans", {"code": code})
        assert (answer.status_code, answer.json()["reason"]) == (200, reason)
        assert (answer.json()["answer"], answer.json()["points"]) == ("no", None)
        assert code not in answer.text
    failed = (await other.get("/scans/failed")).json()["items"]
    assert [one["reason"] for one in failed] == ["unreadable", "unknown"]
    assert (await till.get("/scans/failed")).json()["items"] == []
    for answer in (
        await other.get(f"/redemptions/{told['redemption_id']}"),
        await other.post(f"/redemptions/{told['redemption_id']}/refund", {"reason": "mine"}, **word(other)),
    ):
        assert answer.status_code == 404, answer.text
        assert answer.json()["code"] == "merchant.redemption_unknown"
        assert told["code"] not in answer.text


async def test_a_redemption_of_somebody_else_is_404(  # noqa: PLR0917 - fixtures
    signed_in: SignedIn, citizen: Citizen, arrive: Arrive, settings: Settings, db: Database, offered: Offered
) -> None:
    till = await signed_in(Role.MERCHANT)
    offer = await offered(till)
    told = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()
    buyer = await arrive()
    async with db.transaction() as session:
        pair = await tokens.start_session(session, settings, Audience.CITIZEN, subject=buyer.id)
    stranger = Citizen(buyer, citizen.phone, pair.access_token)
    at = f"/redemptions/{told['redemption_id']}"
    for answer in (
        await stranger.phone.get(at, headers=stranger.headers),
        await stranger.post(f"{at}/codes"),
        await stranger.post(f"{at}/cancellation"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "merchant.redemption_unknown")
    assert (await stranger.get("/redemptions"))["items"] == []


async def test_lists_are_paged(signed_in: SignedIn, citizen: Citizen, offered: Offered) -> None:
    till = await signed_in(Role.MERCHANT)
    made = [(await offered(till, price_points=1))["id"] for _ in range(5)]
    for offer_id in made:
        told = (await citizen.post("/redemptions", {"offer_id": offer_id})).json()
        assert (await till.post("/scans", {"code": told["code"]})).json()["answer"] == "yes"

    async def walk(path: str, get: Any, name: str) -> list[str]:
        seen, cursor = [], ""
        while True:
            page = await get(f"{path}?limit=2{cursor}")
            page = page.json() if isinstance(page, httpx.Response) else page
            seen += [item[name] for item in page["items"]]
            if page["next_cursor"] is None:
                return seen
            cursor = f"&cursor={page['next_cursor']}"

    assert await walk("/offers", till.get, "id") == made[::-1]
    assert await walk("/redemptions", till.get, "offer_id") == made[::-1]
    assert await walk("/redemptions", citizen.get, "offer_id") == made[::-1]
    assert [one for one in await walk("/offers", citizen.get, "id") if one in made] == made[::-1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_points": 0}, {"price_points": "30"}, {"price_points": True}, {"items": 0}, {"items": -1},
        {"per_citizen": 0}, {"title_zh": " "}, {"last_day": "2020-01-01"}, {"programme": "no-such-programme"},
        {"price_fen": 300}, {"items": 10**9}, {"first_day": "2027-02-30"},
    ],
)  # fmt: skip
async def test_an_offer_that_makes_no_sense_is_refused(
    signed_in: SignedIn, programme: str, wrong: dict[str, object]
) -> None:
    del programme
    till = await signed_in(Role.MERCHANT)
    answer = await till.post("/offers", tea(**wrong))
    assert answer.status_code in {404, 422}, answer.text


def operations(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (method.upper(), re.sub(r"\{[a-z_]*\}", str(uuid4()), path), operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_only_staff_of_merchants_reach_anything(
    app: FastAPI, client: httpx.AsyncClient, signed_in: SignedIn, citizen: Citizen
) -> None:
    listed = operations(app.openapi())
    names = [name for _, _, name in listed]
    assert len(names) == len(set(names))
    for role in Role:
        person = await signed_in(role)
        for method, path, name in listed:
            if name in OPEN_TO_ALL | {"sign_out"}:
                continue
            answer = await client.request(method, path, headers=person.headers())
            forbidden = answer.status_code == 403 and answer.json()["code"] == "kit.forbidden"
            assert forbidden is (role is not Role.MERCHANT and name not in EVERY_STAFF), (role, name)
            assert answer.status_code < 500
    for headers in ({}, citizen.headers, {"Authorization": "Bearer x"}):
        for method, path, name in listed:
            if name not in OPEN_TO_ALL:
                answer = await client.request(method, path, headers=headers)
                assert answer.status_code == 401, name


async def test_two_clerks_of_one_merchant_share_everything(
    signed_in: SignedIn,
    citizen: Citizen,
    db: Database,
    offered: Offered,
) -> None:
    code = f"org-{uuid4().hex[:8]}"
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code=code, name_zh="茶馆", name_en="Teahouse", roles=[Role.MERCHANT]
        )
    first, second = [await signed_in(Role.MERCHANT, organisation=code) for _ in range(2)]
    offer = await offered(first)
    told = (await citizen.post("/redemptions", {"offer_id": offer["id"]})).json()
    one = (await second.post("/scans", {"code": told["code"]})).json()
    assert UUID(one["receipt"]["captured_by"]) == second.id
    again = (await first.post("/scans", {"code": told["code"]})).json()
    assert (again["answer"], again["reason"]) == ("no", "used")
    assert (again["receipt"], UUID(again["last_use"]["by"])) == (one["receipt"], second.id)
