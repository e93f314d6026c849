"""The job that carries on with what stands still."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from backend.kit import clock
from backend.kit.db import Database
from offset_bridge import bridge
from offset_bridge.bridge.sweeping import LEFT_STANDING_FOR
from tests.concurrency.conftest import Superuser
from tests.offset_bridge.bridge.conftest import Owner, books_hold

AT_ONCE = timedelta(0)


async def test_it_leaves_alone_what_has_just_happened(owner: Owner, db: Database) -> None:
    transfer = await owner.lock()
    assert await bridge.sweep(db) == 0
    assert await owner.steps(transfer.id) == ["locked"]
    with clock.travel(clock.now() + LEFT_STANDING_FOR):
        assert await bridge.sweep(db) == 2
    assert await owner.steps(transfer.id) == ["locked", "deposited", "confirmed"]
    await books_hold(db)


async def test_a_transfer_that_cannot_go_on_holds_up_no_other_and_goes_on_when_it_can(
    owner: Owner, db: Database, superuser: Superuser
) -> None:
    stuck, free = await owner.lock(2), await owner.lock(3)
    async with db.transaction() as session:
        await session.execute(text("DELETE FROM kit_outbox"))
    await superuser.execute("SET session_replication_role = replica")
    point_at = "UPDATE bridge_transfer SET to_book = $2 WHERE id = $1"
    await superuser.execute(point_at, stuck.id, "no-such-book")
    try:
        await bridge.sweep(db, older_than=AT_ONCE)
        assert await owner.steps(stuck.id) == ["locked"]
        assert await owner.steps(free.id) == ["locked", "deposited", "confirmed"]
    finally:
        await superuser.execute(point_at, stuck.id, stuck.to_book)
        await superuser.execute("SET session_replication_role = DEFAULT")
    await bridge.sweep(db, older_than=AT_ONCE)
    assert await owner.steps(stuck.id) == ["locked", "deposited", "confirmed"]
    assert (await owner.held(), await owner.arrived()) == (15, 5)
    await books_hold(db)
