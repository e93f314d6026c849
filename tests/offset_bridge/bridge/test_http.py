"""Credits over HTTP: what a holder sees, crosses with, passes on, gives up, sells and buys; nothing of anybody else's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from backend.identity import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from offset_bridge.origin import DEMO, LIVE
from tests.identity.conftest import Hire
from tests.offset_bridge.bridge.conftest import MARKET, THERE, Owner, books_hold
from tests.offset_bridge.world import World
from tests.operator_api.conftest import Person, sign_in

Join = Callable[..., Awaitable["Firm"]]


class Firm:
    """An organisation with one member of staff, signed in to the registry and, by the same token, to the market."""

    def __init__(self, code: str, person: Person, market: httpx.AsyncClient) -> None:
        self.code, self.registry, self.market = code, person, Person(person.hired, person.tokens, market)


@pytest.fixture
async def join(
    world: World, hire: Hire, at_registry: httpx.AsyncClient, at_market: httpx.AsyncClient, db: Database
) -> Join:
    """A firm with an account in the market and so many credits and fen."""
    async with db.transaction() as session:
        await session.execute(text("DELETE FROM kit_outbox"))
    await world.live(MARKET)

    async def one(tonnes: int = 0, fen: int = 0, role: Role = Role.ENTERPRISE, account: bool = True) -> Firm:
        code = await world.organisation(role)
        hired = await hire(role, organisation=code)
        answered = await sign_in(at_registry, hired)
        assert answered.status_code == 200, answered.text
        if account:
            await world.open_account(MARKET, code)
        if tonnes:
            await world.issue(LIVE, code, tonnes)
        if fen:
            await world.pay_in(MARKET, code, fen)
        return Firm(code, Person(hired, answered.json(), at_registry), at_market)

    return one


async def test_credits_cross_and_are_bought(
    join: Join, world: World, settings: Settings, db: Database
) -> None:
    seller, buyer, stranger = await join(12, role=Role.OPERATOR), await join(fen=50_000), await join()
    [held] = (await seller.registry.get("/credits")).json()["items"]
    first = held["serials"]["first"]
    assert (held["book"], held["serials"]["quantity_t"], held["demo"]) == (LIVE, 12, False)
    assert held["first_serial"].startswith("PHCER-")
    assert held["first_serial"].endswith(f"{first:012d}")

    key = str(uuid4())
    asked = {"book": LIVE, "market": MARKET, "quantity_t": 8}
    started = await seller.registry.post("/bridge-transfers", asked, key=key)
    again = await seller.registry.post("/bridge-transfers", asked, key=key)
    assert (started.status_code, again.json()) == (202, started.json())
    transfer = started.json()
    assert (transfer["state"], transfer["serials"]) == (
        "locked",
        [{"first": first, "last": first + 7, "quantity_t": 8}],
    )
    await Owner(world, settings, seller.code, seller.registry.id).deliver_all()
    seen = (await seller.registry.get(f"/bridge-transfers/{transfer['id']}")).json()
    assert [step["step"] for step in seen["steps"]] == ["locked", "deposited", "confirmed"]
    assert (await seller.registry.get("/bridge-transfers")).json()["items"] == [seen]
    for other in (buyer, stranger):
        refused = await other.registry.get(f"/bridge-transfers/{transfer['id']}")
        assert (refused.status_code, refused.json()["code"]) == (404, "bridge.unknown")
        assert (await other.registry.get("/bridge-transfers")).json()["items"] == []

    offer = {
        "book": THERE, "serials": [{"first": first + 1, "last": first + 3}], "buyer": buyer.code, "price_fen": 9000,
        "expires_at": (clock.now() + dt.timedelta(days=1)).isoformat(),
    }  # fmt: skip
    sale = (await seller.market.post("/sales", offer)).json()
    assert (sale["quantity_t"], sale["outcome"], sale["market"]) == (3, None, MARKET)
    for person in (seller, buyer):
        assert (await person.market.get("/sales", params={"only_open": True})).json()["items"] == [sale]
    assert (await stranger.market.get("/sales")).json()["items"] == []
    for path in (
        f"/sales/{sale['id']}",
        f"/sales/{sale['id']}/acceptance",
        f"/sales/{sale['id']}/withdrawal",
    ):
        ask = stranger.market.get if path.count("/") == 2 else stranger.market.post
        answer = await ask(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "market.sale_unknown")
    key = str(uuid4())
    accepted = await buyer.market.post(f"/sales/{sale['id']}/acceptance", key=key)
    assert accepted.json()["outcome"] == "settled"
    assert (await buyer.market.post(f"/sales/{sale['id']}/acceptance", key=key)).json() == accepted.json()
    once_more = await buyer.market.post(f"/sales/{sale['id']}/acceptance")
    assert (once_more.status_code, once_more.json()["code"]) == (409, "market.sale_ended")
    assert (await buyer.market.get("/cash")).json() == [{"market": MARKET, "balance_fen": 41_000}]
    assert (await seller.market.get("/cash")).json() == [{"market": MARKET, "balance_fen": 9000}]
    moved = (await buyer.market.get(f"/cash/{MARKET}/statement")).json()["items"]
    assert [(one["reason"], one["amount_fen"]) for one in moved] == [
        ("sale.paid", -9000),
        ("cash.deposited", 50_000),
    ]
    assert (await stranger.market.get(f"/cash/{MARKET}/statement")).json()["items"] == []
    assert await world.numbers(f"entity:{THERE}:{buyer.code}") == [(first + 1, first + 4)]
    await books_hold(db)


async def test_offers_are_declined_and_withdrawn(join: Join, world: World, settings: Settings) -> None:
    seller, buyer = await join(5), await join()
    await seller.registry.post("/bridge-transfers", {"book": LIVE, "market": MARKET, "quantity_t": 5})
    await Owner(world, settings, seller.code, seller.registry.id).deliver_all()
    soon = (clock.now() + dt.timedelta(hours=1)).isoformat()
    offer = {"book": THERE, "quantity_t": 5, "buyer": buyer.code, "price_fen": 100, "expires_at": soon}
    for ending, by, outcome in (("refusal", buyer, "declined"), ("withdrawal", seller, "withdrawn")):
        sale = (await seller.market.post("/sales", offer)).json()
        ended = await by.market.post(f"/sales/{sale['id']}/{ending}")
        assert ended.json()["outcome"] == outcome
    sale = (await seller.market.post("/sales", offer)).json()
    poor = await buyer.market.post(f"/sales/{sale['id']}/acceptance")
    assert (poor.status_code, poor.json()["code"]) == (409, "ledger.insufficient_balance")
    assert (await buyer.market.get(f"/sales/{sale['id']}")).json() == sale


async def test_credits_pass_on_and_are_given_up_where_they_were_issued(
    join: Join, world: World, db: Database
) -> None:
    giver, taker = await join(10, account=False), await join(account=False)
    [held] = (await giver.registry.get("/credits")).json()["items"]
    first = held["serials"]["first"]
    passed = await giver.registry.post(
        "/credits/transfers", {"book": LIVE, "quantity_t": 4, "to": taker.code, "price_fen": 12_000}
    )
    assert (passed.status_code, passed.json()["serials"]) == (
        201,
        [{"first": first, "last": first + 3, "quantity_t": 4}],
    )
    runs = [{"first": first + 1, "last": first + 2}]
    given_up = await taker.registry.post(
        "/credits/cancellations", {"book": LIVE, "serials": runs, "purpose": "a marathon without emissions"}
    )
    assert (given_up.status_code, given_up.json()["quantity_t"]) == (201, 2)
    left = [one["serials"] for one in (await taker.registry.get("/credits")).json()["items"]]
    assert [(one["first"], one["last"]) for one in left] == [(first, first), (first + 3, first + 3)]
    [said] = [one for one in await world.entries("credit.cancelled") if one["owner"] == taker.code]
    assert (said["serials"], said["purpose"]) == ([[first + 1, first + 3]], "a marathon without emissions")
    [said] = [one for one in await world.entries("credit.transferred") if one["from"] == giver.code]
    assert (said["to"], said["price_fen"], said["serials"]) == (taker.code, 12_000, [[first, first + 4]])
    again = await taker.registry.post(
        "/credits/cancellations", {"book": LIVE, "serials": runs, "purpose": "twice"}
    )
    assert (again.status_code, again.json()["code"]) == (409, "ledger.serials_not_held")
    await books_hold(db)


async def test_what_makes_no_sense_is_refused(join: Join, world: World) -> None:
    holder, shop = await join(5), await join(role=Role.MERCHANT, account=False)
    demo = await world.issue(DEMO, holder.code, 3)
    crossing: dict[str, Any] = {"book": LIVE, "market": MARKET, "quantity_t": 1}
    both = {"serials": [{"first": 1, "last": 1}]}
    for changed, status, code in (
        ({"quantity_t": 0}, 422, "kit.request_invalid"),
        ({"quantity_t": True}, 422, "kit.request_invalid"),
        ({"quantity_t": "1"}, 422, "kit.request_invalid"),
        ({"quantity_t": None}, 422, "units.numbers_unclear"),
        (both, 422, "units.numbers_unclear"),
        ({"quantity_t": None, "serials": [{"first": 3, "last": 2}]}, 422, "units.numbers_unclear"),
        ({"quantity_t": None, "serials": [{"first": 1, "last": 3}, {"first": 3, "last": 4}]}, 422, "units.numbers_unclear"),
        ({"quantity_t": 10**12}, 409, "ledger.insufficient_balance"),
        ({"book": THERE}, 422, "bridge.book_not_bridged"),
        ({"market": "beijing"}, 409, "registry.market_unopened"),
        ({"book": DEMO}, 409, "registry.demo_units_refused"),
    ):  # fmt: skip
        refused = await holder.registry.post("/bridge-transfers", crossing | changed)
        assert (refused.status_code, refused.json()["code"]) == (status, code), changed
    passing: dict[str, Any] = {"book": LIVE, "quantity_t": 1, "to": holder.code, "price_fen": 0}
    for changed, code in (
        ({}, "credits.transfer_to_oneself"),
        ({"to": shop.code}, "credits.taker_cannot_hold"),
        ({"to": "nobody-at-all"}, "identity.organisation_unknown"),
        ({"to": shop.code, "book": THERE}, "credits.book_unknown"),
    ):
        refused = await holder.registry.post("/credits/transfers", passing | changed)
        assert refused.json()["code"] == code
    assert await world.numbers(f"holder:{DEMO}:{holder.code}") == [(demo.low, demo.high)]
    for path in ("/credits", "/bridge-transfers"):
        assert (await shop.registry.get(path)).status_code == 403
        assert (await shop.registry.client.get(path)).status_code == 401
    assert (await shop.market.get("/sales")).status_code == 403


async def test_long_lists_come_in_pages(join: Join, world: World) -> None:
    holder = await join(6)
    await world.issue(DEMO, holder.code, 3)
    await world.issue(LIVE, holder.code, 2)
    whole = (await holder.registry.get("/credits")).json()["items"]
    assert [(one["book"], one["serials"]["quantity_t"]) for one in whole] == [(LIVE, 6), (LIVE, 2), (DEMO, 3)]
    assert await walked(holder.registry, "/credits", 1) == whole
    made = [
        (
            await holder.registry.post("/bridge-transfers", {"book": LIVE, "market": MARKET, "quantity_t": 1})
        ).json()
        for _ in range(5)
    ]
    seen = await walked(holder.registry, "/bridge-transfers", 2)
    assert [one["id"] for one in seen] == [one["id"] for one in reversed(made)]


async def walked(person: Person, path: str, limit: int) -> list[dict[str, Any]]:
    """Everything behind an address, page by page."""
    seen: list[dict[str, Any]] = []
    cursor = None
    while cursor is not None or not seen:
        asked = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = (await person.get(path, params=asked)).json()
        assert len(page["items"]) <= limit
        seen += page["items"]
        cursor = page["next_cursor"]
    return seen
