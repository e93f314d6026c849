"""A market whose registry is live, a holder with credits in it, and what must hold between any two steps."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.kit import tasks
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.kit.tasks import Worker
from backend.ledger import serial_checks
from offset_bridge import bridge, registry
from offset_bridge.bridge import checks
from offset_bridge.bridge import tasks as handlers
from offset_bridge.bridge.identity import CreditIdentity, identity
from offset_bridge.bridge.model import BridgeTransfer
from offset_bridge.credits import checks as credit_checks
from offset_bridge.origin import LIVE
from tests.identity.conftest import Hire, hire
from tests.offset_bridge.world import World, said

__all__ = ["handlers", "hire"]

MARKET = "guangdong"
THERE = "guangdong-phcer"


@pytest.fixture
def world(db: Database, hire: Hire) -> World:
    return World(db, hire)


@dataclass
class Owner:
    """A holder with an account in the market, and one member of its staff."""

    world: World
    settings: Settings
    code: str
    by: UUID

    async def lock(self, quantity_t: int = 5, *, book: str = LIVE) -> BridgeTransfer:
        async with self.world.db.transaction() as session:
            return await bridge.lock(
                session, book=book, market=MARKET, owner=self.code, quantity_t=quantity_t, asked_by=self.by
            )

    async def transfer(self, bridge_id: UUID) -> BridgeTransfer:
        async with self.world.db.transaction() as session:
            return await bridge.transfer_of(session, bridge_id=bridge_id)

    async def transfers(self) -> list[BridgeTransfer]:
        async with self.world.db.transaction() as session:
            return await bridge.transfers_of(session, owner=self.code)

    async def steps(self, bridge_id: UUID) -> list[str]:
        return [step.step.value for step in (await self.transfer(bridge_id)).steps]

    async def deliver(self, promised: int) -> str:
        """A worker does what is promised under an id."""
        return await tasks.deliver(Worker(settings=self.settings, db=self.world.db), promised)

    async def deliver_all(self) -> None:
        while owed := await self.world.owed():
            for promised, _, _ in owed:
                await self.deliver(promised)

    async def held(self) -> int:
        return await self._tonnes(f"holder:{LIVE}:{self.code}")

    async def arrived(self) -> int:
        return await self._tonnes(f"entity:{THERE}:{self.code}")

    async def _tonnes(self, account: str) -> int:
        return sum(high - low for low, high in await self.world.numbers(account))


@pytest.fixture
async def owner(world: World, settings: Settings, db: Database) -> Owner:
    """With 20 credits of its own; the market's registry is live, and nothing is owed from before."""
    async with db.transaction() as session:
        await session.execute(text("DELETE FROM kit_outbox"))
    await world.live(MARKET)
    code = await world.organisation()
    await world.open_account(MARKET, code)
    await world.issue(LIVE, code, 20)
    return Owner(world, settings, code, await world.clerk())


async def books_hold(db: Database) -> dict[str, CreditIdentity]:
    """Assert what must hold at every moment; the identity of each book."""
    async with db.transaction() as session:
        for check in (
            checks.steps,
            checks.across,
            credit_checks.passed_on_and_given_up,
            serial_checks.serials,
        ):
            assert said(await check(session)) == []
        found = {one.book: one for one in await identity(session)}
    assert all(one.holds for one in found.values()), found
    return found


Mode = registry.Mode
