"""A market in which a seller has units and a buyer has money."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from backend import ledger
from backend.kit import clock
from backend.kit.db import Database
from backend.ledger import serial_checks
from offset_bridge import bridge, cash, market
from offset_bridge.bridge import checks as bridge_checks
from offset_bridge.market import Sale, checks
from offset_bridge.origin import LIVE
from tests.identity.conftest import Hire, hire
from tests.offset_bridge.world import World, said

__all__ = ["hire"]

MARKET = "guangdong"
BOOK = "guangdong-phcer"
PRICE = 30_000


@pytest.fixture
def world(db: Database, hire: Hire) -> World:
    return World(db, hire)


@dataclass
class Trade:
    """A seller with 10 units, a buyer with 1,000 yuan, a stranger with neither; each verb in its own transaction."""

    world: World
    seller: str
    buyer: str
    stranger: str
    staff: dict[str, UUID]

    async def offer(self, quantity_t: int = 4, **changed: Any) -> Sale:
        async with self.world.db.transaction() as session:
            return await market.offer(session, **self.asked(quantity_t, **changed))

    def asked(self, quantity_t: int = 4, **changed: Any) -> dict[str, Any]:
        return {
            "book": BOOK, "seller": self.seller, "buyer": self.buyer, "quantity_t": quantity_t, "price_fen": PRICE,
            "expires_at": clock.now() + dt.timedelta(hours=1), "offered_by": self.staff[self.seller],
        } | changed  # fmt: skip

    async def accept(self, sale: Sale, *, by: str | None = None) -> Sale:
        buyer = by or self.buyer
        async with self.world.db.transaction() as session:
            return await market.accept(session, sale_id=sale.id, buyer=buyer, accepted_by=self.staff[buyer])

    async def withdraw(self, sale: Sale, *, by: str | None = None) -> Sale:
        seller = by or self.seller
        async with self.world.db.transaction() as session:
            return await market.withdraw(
                session, sale_id=sale.id, seller=seller, withdrawn_by=self.staff[seller]
            )

    async def units(self, owner: str, kind: str = "entity") -> int:
        return sum(high - low for low, high in await self.world.numbers(f"{kind}:{BOOK}:{owner}"))

    async def money(self, owner: str) -> int:
        async with self.world.db.transaction() as session:
            return await cash.balance(session, market=MARKET, organisation=owner)

    async def stand(self) -> tuple[int, int, int, int, int]:
        """Units of the seller, set aside, of the buyer; money of the seller, of the buyer."""
        return (
            await self.units(self.seller),
            await self.units(self.seller, "offered"),
            await self.units(self.buyer),
            await self.money(self.seller),
            await self.money(self.buyer),
        )

    async def books_hold(self) -> None:
        async with self.world.db.transaction() as session:
            for check in (checks.sales, bridge_checks.across, bridge_checks.steps, serial_checks.serials):
                assert said(await check(session)) == []


@pytest.fixture
async def trade(world: World) -> Trade:
    await world.live(MARKET)
    people = {}
    names = [await world.organisation() for _ in range(3)]
    for name in names:
        await world.open_account(MARKET, name)
        people[name] = await world.clerk()
    seller, buyer, stranger = names
    await world.issue(LIVE, seller, 10)
    async with world.db.transaction() as session:
        made = await bridge.lock(
            session, book=LIVE, market=MARKET, owner=seller, quantity_t=10, asked_by=people[seller]
        )
    for verb in (bridge.deposit, bridge.confirm):
        async with world.db.transaction() as session:
            await verb(session, bridge_id=made.id)
    await world.pay_in(MARKET, buyer, 100_000)
    return Trade(world, seller, buyer, stranger, people)


async def numbers_of(db: Database, account: str) -> list[int]:
    async with db.transaction() as session:
        held = await ledger.serials_of(session, account=account)
    return [number for one in held for number in range(one.low, one.high)]
