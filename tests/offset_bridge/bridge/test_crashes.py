"""A real process is killed at every gap of a crossing; whatever it left, another one ends it, and no tonne is lost or doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.kit.db import Database
from backend.kit.settings import Settings
from offset_bridge import bridge
from offset_bridge.origin import LIVE
from puhui import runtime
from tests.concurrency.conftest import Superuser
from tests.offset_bridge.bridge.conftest import MARKET, Owner, books_hold

ROOT = Path(__file__).parents[3]


def killed(settings: Settings, owner: Owner, step: str, moment: str, bridge_id: object = "") -> None:
    """Let a process of its own take a step and die at that moment."""
    environment = runtime.child_environment(settings) | {
        "PYTHONPATH": str(ROOT), "BOOK": LIVE, "MARKET": MARKET, "OWNER": owner.code, "BY": str(owner.by),
        "BRIDGE": str(bridge_id),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.offset_bridge.bridge.crossing_process", step, moment],
        env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


Repair = Callable[[Owner], Awaitable[None]]


async def by_promise(owner: Owner) -> None:
    """What the outbox still owes is delivered by another worker."""
    await owner.deliver_all()


async def by_sweep(owner: Owner) -> None:
    """Every promise is gone, whatever dropped it: the sweeping job finds what stands still."""
    async with owner.world.db.transaction() as session:
        await session.execute(text("DELETE FROM kit_outbox"))
    assert await bridge.sweep(owner.world.db, older_than=timedelta(0)) > 0
    assert await bridge.sweep(owner.world.db, older_than=timedelta(0)) == 0


async def repaired_once(owner: Owner, repair: Repair, bridge_id: UUID) -> None:
    """Whatever was left is brought to its end, and further workers change nothing."""
    await repair(owner)
    for _ in range(2):
        assert await owner.steps(bridge_id) == ["locked", "deposited", "confirmed"]
        assert (await owner.held(), await owner.arrived()) == (15, 5)
        found = (await books_hold(owner.world.db))[LIVE]
        assert found.locked == 0
        for verb in (bridge.deposit, bridge.confirm):
            async with owner.world.db.transaction() as session:
                await verb(session, bridge_id=bridge_id)


pytestmark = pytest.mark.timeout(180)
either = pytest.mark.parametrize("repair", [by_promise, by_sweep])


async def test_killed_while_it_locks_nothing_has_happened(
    owner: Owner, settings: Settings, db: Database
) -> None:
    killed(settings, owner, "lock", "inside")
    assert (await owner.transfers(), await owner.held(), await owner.world.owed()) == ([], 20, [])
    await books_hold(db)


@either
async def test_killed_between_lock_and_deposit(
    owner: Owner, settings: Settings, db: Database, repair: Repair
) -> None:
    killed(settings, owner, "lock", "after")
    [transfer] = await owner.transfers()
    assert (transfer.state, await owner.held(), await owner.arrived()) == ("locked", 15, 0)
    assert (await books_hold(db))[LIVE].locked == 5
    await repaired_once(owner, repair, transfer.id)


@either
async def test_killed_while_it_deposits(
    owner: Owner, settings: Settings, db: Database, repair: Repair
) -> None:
    transfer = await owner.lock()
    killed(settings, owner, "deposit", "inside", transfer.id)
    assert (await owner.steps(transfer.id), await owner.arrived()) == (["locked"], 0)
    assert (await books_hold(db))[LIVE].locked == 5
    await repaired_once(owner, repair, transfer.id)


@either
async def test_killed_between_deposit_and_confirmation_the_tonnes_count_once(
    owner: Owner, settings: Settings, db: Database, repair: Repair
) -> None:
    transfer = await owner.lock()
    before = (await books_hold(db))[LIVE]
    killed(settings, owner, "deposit", "after", transfer.id)
    assert (await owner.steps(transfer.id), await owner.arrived()) == (["locked", "deposited"], 5)
    between = (await books_hold(db))[LIVE]
    assert (between.locked, between.in_registry) == (0, before.in_registry + 5)
    await repaired_once(owner, repair, transfer.id)


@either
async def test_killed_while_it_confirms(
    owner: Owner, settings: Settings, db: Database, repair: Repair
) -> None:
    transfer = await owner.lock()
    async with db.transaction() as session:
        await bridge.deposit(session, bridge_id=transfer.id)
    killed(settings, owner, "confirm", "inside", transfer.id)
    assert await owner.steps(transfer.id) == ["locked", "deposited"]
    await books_hold(db)
    await repaired_once(owner, repair, transfer.id)


async def test_killed_after_the_confirmation_nothing_is_left_to_do(
    owner: Owner, settings: Settings, db: Database
) -> None:
    transfer = await owner.lock()
    async with db.transaction() as session:
        await bridge.deposit(session, bridge_id=transfer.id)
    killed(settings, owner, "confirm", "after", transfer.id)
    await repaired_once(owner, by_promise, transfer.id)  # the promises are still owed, and do nothing


@pytest.mark.parametrize("moment", ["inside", "after"])
async def test_killed_while_it_gives_back_what_the_registry_refuses(
    owner: Owner, settings: Settings, db: Database, superuser: Superuser, moment: str
) -> None:
    transfer = await owner.lock()
    await superuser.execute("ALTER TABLE registry_account RENAME TO away")  # the account is gone, for a while
    await superuser.execute("CREATE VIEW registry_account AS SELECT * FROM away WHERE false")
    await superuser.execute("GRANT SELECT ON registry_account TO puhui_app")
    try:
        killed(settings, owner, "deposit", moment, transfer.id)
        assert await owner.steps(transfer.id) == ["locked", "returned"][: 1 if moment == "inside" else 2]
        await books_hold(db)
        await owner.deliver_all()
    finally:
        await superuser.execute("DROP VIEW registry_account")
        await superuser.execute("ALTER TABLE away RENAME TO registry_account")
    await bridge.sweep(db, older_than=timedelta(0))
    assert await owner.steps(transfer.id) == ["locked", "returned"]
    assert (await owner.transfer(transfer.id)).steps[-1].reason == "bridge.account_missing"
    assert (await owner.held(), await owner.arrived()) == (20, 0)
    await books_hold(db)
