"""The platform's own worker on a real broker: emptied in the middle, it delays a crossing and neither loses nor doubles it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio

from backend.kit import outbox, tasks
from backend.kit.db import Database
from backend.kit.settings import Settings
from puhui import runtime
from tests.kit.test_outbox import let_pass
from tests.offset_bridge.bridge.conftest import Owner, books_hold

BROKER_DATABASE = 8  # of the test servers' Valkey, so that emptying it disturbs no other test


@pytest.fixture
def on_own_broker(settings: Settings) -> Settings:
    assert settings.redis_url is not None
    assert settings.database_url is not None
    assert settings.owner_database_url is not None
    url = settings.redis_url.get_secret_value().replace("&db=0", f"&db={BROKER_DATABASE}")
    return settings.with_servers(
        database_url=settings.database_url.get_secret_value(),
        owner_database_url=settings.owner_database_url.get_secret_value(),
        redis_url=url,
    )


@pytest.fixture
async def broker(on_own_broker: Settings) -> AsyncIterator[redis.asyncio.Redis]:
    assert on_own_broker.redis_url is not None
    client = redis.asyncio.Redis.from_url(tasks.client_url(on_own_broker.redis_url.get_secret_value()))
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


class Worker:
    """`puhui.worker` in processes of its own."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", "--app", "puhui.worker:app", "worker", "--concurrency", "2"],
                env=runtime.child_environment(settings), cwd=Path(__file__).parents[3], stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """Every process of it, at once, without a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(60) == 0, self.log.read_text("utf-8")


async def until(owner: Owner, steps: list[list[str]], of: list[object], worker: Worker) -> None:
    for _ in range(600):
        if sorted(await asyncio.gather(*(owner.steps(one) for one in of))) == sorted(steps):  # type: ignore[arg-type]
            return
        await asyncio.sleep(0.1)
    raise AssertionError(worker.log.read_text("utf-8"))


@pytest.mark.timeout(240)
async def test_a_broker_that_forgets_and_a_worker_that_is_killed_end_every_crossing_once(
    on_own_broker: Settings, broker: redis.asyncio.Redis, owner: Owner, db: Database, tmp_path: Path
) -> None:
    ring = tasks.bell(tasks.make_app(on_own_broker))
    made: list[object] = [(await owner.lock(2)).id for _ in range(6)]
    assert await outbox.relay_once(db, ring) == 6
    await broker.flushdb()  # the broker loses every ring
    worker = Worker(on_own_broker, tmp_path / "first.log")
    await let_pass(db, outbox.TERM)
    assert (
        await outbox.relay_once(db, ring) == 6
    )  # rung again: the deposits are done, the confirmations promised
    await until(owner, [["locked", "deposited"]] * 6, made, worker)
    await books_hold(db)
    assert await outbox.relay_once(db, ring, limit=3) == 3
    worker.kill()  # in the middle of whatever it does
    await books_hold(db)
    await broker.flushdb()
    worker = Worker(on_own_broker, tmp_path / "second.log")
    for _ in range(3):
        await let_pass(db, outbox.LONGEST_TERM)
        await outbox.relay_once(db, ring)
    await until(owner, [["locked", "deposited", "confirmed"]] * 6, made, worker)
    worker.stop()
    assert (await owner.held(), await owner.arrived()) == (8, 12)
    assert await owner.world.owed() == []
    await books_hold(db)
