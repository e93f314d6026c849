"""Promised work: never lost, rung again when nobody did it, done once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from backend.kit import outbox
from backend.kit.db import Database
from backend.kit.outbox import Message

TERM = timedelta(minutes=5)


class Broker:
    """Remembers what was rung, and can be away."""

    def __init__(self, *, away_after: int | None = None) -> None:
        self.rung: list[int] = []
        self.away_after = away_after

    async def __call__(self, message: Message) -> None:
        if self.away_after is not None and len(self.rung) >= self.away_after:
            raise ConnectionError
        self.rung.append(message.outbox_id)


@pytest.fixture(autouse=True)
async def nothing_owed(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(text("DELETE FROM kit_outbox"))


async def owe(db: Database, count: int = 1) -> list[int]:
    async with db.transaction() as session:
        promises = [outbox.promise(session, "test.work", number=number) for number in range(count)]
        await session.flush()
        return [promise.id or 0 for promise in promises]


async def let_pass(db: Database, time: timedelta) -> None:
    async with db.transaction() as session:
        await session.execute(
            text("UPDATE kit_outbox SET due_at = due_at - CAST(:time AS interval)"), {"time": time}
        )


async def test_a_promise_is_owed_only_once_its_transaction_commits(db: Database) -> None:
    broker = Broker()

    async def change_ones_mind() -> None:
        async with db.transaction() as session:
            outbox.promise(session, "test.work", at=datetime(2026, 1, 1, tzinfo=UTC), who=UUID(int=7))
            await session.flush()
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_ones_mind()
    assert await outbox.relay_once(db, broker) == 0


async def test_an_earlier_id_that_commits_later_is_not_missed_and_delays_nobody(db: Database) -> None:
    broker = Broker()
    async with db.transaction() as slow:
        early = outbox.promise(slow, "test.work")
        await slow.flush()
        [late] = await owe(db)
        assert early.id is not None
        assert early.id < late
        await outbox.relay_once(db, broker)
        assert broker.rung == [late]
    await outbox.relay_once(db, broker)
    assert broker.rung == [late, early.id]


async def test_relays_at_once_share_the_work_and_ring_each_promise_once(db: Database) -> None:
    ids = await owe(db, 40)
    broker = Broker()
    while sum(await asyncio.gather(*(outbox.relay_once(db, broker, limit=7) for _ in range(4)))):
        pass
    assert sorted(broker.rung) == sorted(ids)


async def test_a_broker_that_goes_away_midway_loses_nothing(db: Database) -> None:
    ids = await owe(db, 5)
    broker = Broker(away_after=2)
    with pytest.raises(ConnectionError):
        await outbox.relay_once(db, broker)
    broker.away_after = None
    assert await outbox.relay_once(db, broker) == 3
    assert broker.rung == ids


async def test_what_is_not_done_within_its_term_is_rung_again_and_the_term_doubles(db: Database) -> None:
    [promised] = await owe(db)
    broker = Broker()
    await outbox.relay_once(db, broker, term=TERM)
    await let_pass(db, TERM - timedelta(seconds=2))
    assert await outbox.relay_once(db, broker, term=TERM) == 0
    await let_pass(db, timedelta(seconds=2))
    assert await outbox.relay_once(db, broker, term=TERM) == 1
    await let_pass(db, 2 * TERM - timedelta(seconds=2))
    assert await outbox.relay_once(db, broker, term=TERM) == 0
    await let_pass(db, timedelta(seconds=2))
    assert await outbox.relay_once(db, broker, term=TERM) == 1
    assert broker.rung == [promised] * 3


async def test_the_term_never_exceeds_an_hour(db: Database) -> None:
    await owe(db)
    broker = Broker()
    for _ in range(30):
        await outbox.relay_once(db, broker, term=TERM)
        await let_pass(db, outbox.LONGEST_TERM)
    assert len(broker.rung) == 30


async def test_what_is_done_is_not_rung_again(db: Database) -> None:
    [promised] = await owe(db)
    broker = Broker()
    await outbox.relay_once(db, broker)
    async with db.transaction() as session:
        assert await outbox.once(session, promised)
    await let_pass(db, timedelta(days=1))
    assert await outbox.relay_once(db, broker) == 0


async def test_only_one_of_many_deliveries_has_the_effect(db: Database) -> None:
    [promised] = await owe(db)

    async def deliver() -> bool:
        async with db.transaction() as session:
            first = await outbox.once(session, promised)
            await asyncio.sleep(0.01)
            return first

    assert sum(await asyncio.gather(*(deliver() for _ in range(12)))) == 1


async def test_a_delivery_that_fails_leaves_the_promise_to_the_next(db: Database) -> None:
    [promised] = await owe(db)

    async def fail_midway() -> None:
        async with db.transaction() as session:
            assert await outbox.once(session, promised)
            raise RuntimeError("failed midway")

    with pytest.raises(RuntimeError, match="failed midway"):
        await fail_midway()
    async with db.transaction() as session:
        assert await outbox.once(session, promised)


async def test_a_promise_on_the_hot_path_is_the_same_promise(db: Database) -> None:
    who = uuid4()
    async with db.hot_transaction() as connection:
        promised = await outbox.promise_on(connection, "test.work", who=who)
    async with db.transaction() as session:
        assert await outbox.take(session, promised) == ("test.work", {"who": str(who)})
        assert await outbox.take(session, promised) is None


async def test_done_work_is_forgotten_after_its_time_and_owed_work_never(db: Database) -> None:
    done, owed = await owe(db, 2)
    async with db.transaction() as session:
        await outbox.once(session, done)
        await session.execute(
            text(
                "UPDATE kit_outbox SET promised_at = now() - interval '1 year', done_at = done_at - CAST(:kept AS interval)"
            ),
            {"kept": outbox.KEPT_FOR},
        )
    async with db.transaction() as session:
        assert await outbox.forget_done(session) == 1
        left = (await session.execute(text("SELECT id FROM kit_outbox"))).scalars().all()
    assert left == [owed]
