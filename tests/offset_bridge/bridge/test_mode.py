"""A registry that becomes live while demonstration credits are on their way."""

from __future__ import annotations

import asyncio

import pytest

from backend.kit.db import Database
from backend.kit.settings import Settings
from offset_bridge import bridge, registry
from offset_bridge.origin import DEMO
from tests.concurrency.conftest import Superuser, done_or_waiting
from tests.offset_bridge.bridge.conftest import MARKET, Mode, Owner, books_hold
from tests.offset_bridge.world import World


@pytest.fixture
async def demo_owner(world: World, settings: Settings) -> Owner:
    code = await world.organisation()
    await world.open_account(MARKET, code)
    await world.issue(DEMO, code, 10)
    return Owner(world, settings, code, await world.clerk())


async def test_what_was_locked_for_a_demonstration_comes_back_when_the_registry_has_become_live(
    demo_owner: Owner, world: World, db: Database
) -> None:
    owner = demo_owner
    await world.set_mode(MARKET, Mode.DEMO)
    transfer = await owner.lock(4, book=DEMO)
    await world.set_mode(MARKET, Mode.LIVE)
    await owner.deliver_all()
    assert await owner.steps(transfer.id) == ["locked", "returned"]
    [said] = await world.entries("bridge.returned")
    assert said["reason"] == "registry.demo_units_refused"
    assert [high - low for low, high in await world.numbers(f"holder:{DEMO}:{owner.code}")] == [10]
    assert await world.numbers(f"entity:{MARKET}-{DEMO}:{owner.code}") == []
    await books_hold(db)


async def test_a_registry_stays_what_it_is_while_a_deposit_is_under_way(
    demo_owner: Owner, world: World, db: Database, superuser: Superuser
) -> None:
    owner = demo_owner
    await world.set_mode(MARKET, Mode.DEMO)
    transfer = await owner.lock(4, book=DEMO)
    async with db.transaction() as session:
        await bridge.deposit(session, bridge_id=transfer.id)
        becoming_live = asyncio.create_task(world.set_mode(MARKET, Mode.LIVE))
        assert await done_or_waiting(becoming_live, superuser)
    with pytest.raises(registry.ModeFixed):
        await becoming_live
    assert await world.numbers(f"entity:{MARKET}-{DEMO}:{owner.code}") != []
    await books_hold(db)
