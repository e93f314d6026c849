"""Workers that meet on one crossing: the second waits, finds the step taken, and moves nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from backend.kit import outbox
from backend.kit.db import Database
from offset_bridge import bridge, registry
from offset_bridge.bridge import service
from tests.concurrency.conftest import Superuser, done_or_waiting, no_deadlock, transaction
from tests.offset_bridge.bridge.conftest import Owner, books_hold

__all__ = ["no_deadlock"]

pytestmark = pytest.mark.usefixtures("no_deadlock")


@pytest.mark.parametrize("step", ["deposit", "confirm"])
async def test_a_second_worker_waits_for_the_first_and_moves_nothing(
    owner: Owner, db: Database, superuser: Superuser, step: str
) -> None:
    transfer = await owner.lock()
    if step == "confirm":
        async with db.transaction() as session:
            await bridge.deposit(session, bridge_id=transfer.id)
    verb = {"deposit": bridge.deposit, "confirm": bridge.confirm}[step]

    async def second() -> None:
        async with db.transaction() as session:
            await verb(session, bridge_id=transfer.id)

    async with transaction(db) as session:
        await verb(session, bridge_id=transfer.id)
        other = asyncio.create_task(second())
        assert await done_or_waiting(other, superuser)
    await other
    await owner.deliver_all()
    assert await owner.steps(transfer.id) == ["locked", "deposited", "confirmed"]
    assert (await owner.held(), await owner.arrived()) == (15, 5)
    await books_hold(db)


@pytest.mark.parametrize("step", ["deposit", "confirm"])
async def test_a_second_worker_takes_the_step_when_the_first_one_gives_up(
    owner: Owner, db: Database, superuser: Superuser, step: str
) -> None:
    transfer = await owner.lock()
    if step == "confirm":
        async with db.transaction() as session:
            await bridge.deposit(session, bridge_id=transfer.id)
    verb = {"deposit": bridge.deposit, "confirm": bridge.confirm}[step]

    async def second() -> None:
        async with db.transaction() as session:
            await verb(session, bridge_id=transfer.id)

    async with transaction(db) as session:
        await verb(session, bridge_id=transfer.id)
        other = asyncio.create_task(second())
        assert await done_or_waiting(other, superuser)
        await session.rollback()
    await other
    await owner.deliver_all()
    assert (await owner.held(), await owner.arrived()) == (15, 5)
    await books_hold(db)


@pytest.mark.parametrize("returns_first", [True, False])
async def test_what_is_deposited_is_not_returned_and_what_is_returned_not_deposited(
    owner: Owner, db: Database, superuser: Superuser, returns_first: bool
) -> None:
    transfer = await owner.lock()

    async def give_back() -> None:
        async with db.transaction() as session:
            await service.give_back(session, transfer, registry.DemoUnitsRefused())

    async def deposit() -> None:
        async with db.transaction() as session:
            await bridge.deposit(session, bridge_id=transfer.id)

    async with transaction(db) as session:
        if returns_first:
            await service.give_back(session, transfer, registry.DemoUnitsRefused())
            other = asyncio.create_task(deposit())
        else:
            await bridge.deposit(session, bridge_id=transfer.id)
            other = asyncio.create_task(give_back())
        assert await done_or_waiting(other, superuser)
    await other
    await owner.deliver_all()
    if returns_first:
        assert await owner.steps(transfer.id) == ["locked", "returned"]
        assert (await owner.held(), await owner.arrived()) == (20, 0)
    else:
        assert await owner.steps(transfer.id) == ["locked", "deposited", "confirmed"]
        assert (await owner.held(), await owner.arrived()) == (15, 5)
    await books_hold(db)


async def test_each_promise_delivered_twice_and_promised_twice_has_its_effect_once(
    owner: Owner, db: Database
) -> None:
    transfer = await owner.lock()
    for task in (service.DEPOSIT, service.CONFIRM):
        async with db.transaction() as session:
            outbox.promise(session, task, bridge_id=transfer.id)
        owed = [promised for promised, name, _ in await owner.world.owed() if name == task]
        assert len(owed) == 2
        done = await asyncio.gather(*(owner.deliver(promised) for promised in owed * 3))
        assert sorted(done) == ["done"] * 2 + ["nothing"] * 4
        await books_hold(db)
    assert (await owner.held(), await owner.arrived()) == (15, 5)


async def test_a_confirmation_before_the_deposit_does_nothing(owner: Owner, db: Database) -> None:
    transfer = await owner.lock()
    async with db.transaction() as session:
        await bridge.confirm(session, bridge_id=transfer.id)
    assert await owner.steps(transfer.id) == ["locked"]
    await owner.deliver_all()
    assert await owner.arrived() == 5


async def test_workers_and_sweeps_at_once_end_every_crossing_once(owner: Owner, db: Database) -> None:
    made = [await owner.lock(2) for _ in range(8)]
    owed = [promised for promised, _, _ in await owner.world.owed()]
    await asyncio.gather(
        *(owner.deliver(promised) for promised in owed),
        *(bridge.sweep(db, older_than=timedelta(0)) for _ in range(3)),
    )
    await owner.deliver_all()
    for transfer in made:
        assert await owner.steps(transfer.id) == ["locked", "deposited", "confirmed"]
    assert (await owner.held(), await owner.arrived()) == (4, 16)
    await books_hold(db)


async def test_two_locks_at_once_never_take_the_same_numbers(
    owner: Owner, db: Database, superuser: Superuser
) -> None:
    async with transaction(db) as session:
        first = await bridge.lock(
            session, book="phcer", market="guangdong", owner=owner.code, quantity_t=12, asked_by=owner.by
        )
        other = asyncio.create_task(owner.lock(8))
        assert await done_or_waiting(other, superuser)
    second = await other
    numbers = [
        number for one in (first, second) for run in one.serials for number in range(run.low, run.high)
    ]
    assert len(set(numbers)) == 20
    await owner.deliver_all()
    assert (await owner.held(), await owner.arrived()) == (0, 20)
    await books_hold(db)
