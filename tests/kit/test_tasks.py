"""Tasks on a real worker process and a real broker; what the broker forgets, the outbox does not."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis.asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import outbox, tasks
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.kit.tasks import Worker
from puhui import runtime
from tests.kit.test_outbox import let_pass

BROKER_DATABASE = 7  # of the test servers' Valkey, so that emptying it disturbs no other test

WORKER = """
    import asyncio
    import os
    import pathlib
    import signal

    from backend.kit import logging, metrics, tasks
    from puhui import runtime


    @tasks.handles("test.count")
    async def count(session, *, name: str) -> None:
        await asyncio.sleep(0.01)  # the loop runs: a coroutine that nobody ran would change nothing
        await metrics.record(session, f"{name}:{os.getpid()}", 1)


    @tasks.handles("test.fail")
    async def fail(session, *, name: str) -> None:
        await metrics.record(session, name, 1)
        raise RuntimeError("this text stays out of the database")


    @tasks.handles("test.die")
    async def die(session, *, name: str) -> None:
        await metrics.record(session, f"{name} had its effect", 1)
        mark = pathlib.Path(name)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


    logging.configure()
    app = tasks.make_app(runtime.load_settings())
"""


@pytest.fixture(scope="module")
def on_own_broker(settings: Settings) -> Settings:
    """The module's settings with a database of Valkey to itself."""
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value().replace("&db=0", f"&db={BROKER_DATABASE}")
    assert str(BROKER_DATABASE) in url
    return settings.with_servers(
        database_url=settings.database_url.get_secret_value() if settings.database_url else "",
        owner_database_url=settings.owner_database_url.get_secret_value()
        if settings.owner_database_url
        else "",
        redis_url=url,
    )


@pytest.fixture(scope="module")
async def broker(on_own_broker: Settings) -> AsyncIterator[redis.asyncio.Redis]:
    assert on_own_broker.redis_url is not None
    client = redis.asyncio.Redis.from_url(tasks.client_url(on_own_broker.redis_url.get_secret_value()))
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


class Workers:
    """A real Celery worker with two processes, started and stopped by the test."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        (folder / "counting_worker.py").write_text(textwrap.dedent(WORKER), "utf-8")
        root = Path(__file__).parents[2]
        self.environment = runtime.child_environment(settings) | {
            "PYTHONPATH": os.pathsep.join((str(folder), str(root)))
        }
        self.log = folder / "worker.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> None:
        command = [
            sys.executable,
            "-m",
            "celery",
            "--app",
            "counting_worker:app",
            "worker",
            "--concurrency",
            "2",
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(60) == 0, self.said()

    def said(self) -> str:
        return self.log.read_text("utf-8")


async def owe(db: Database, task: str, name: str, count: int) -> list[int]:
    async with db.transaction() as session:
        promises = [outbox.promise(session, task, name=name) for _ in range(count)]
        await session.flush()
        return [promise.id or 0 for promise in promises]


async def undone(db: Database) -> int:
    async with db.transaction() as session:
        return int(
            (
                await session.execute(text("SELECT count(*) FROM kit_outbox WHERE done_at IS NULL"))
            ).scalar_one()
        )


async def noted(db: Database, promised: int) -> str | None:
    async with db.transaction() as session:
        row = await session.execute(
            text("SELECT last_error FROM kit_outbox WHERE id = :id"), {"id": promised}
        )
        return str(error) if (error := row.scalar_one()) else None


async def until_undone(db: Database, left: int, workers: Workers) -> None:
    for _ in range(600):
        if await undone(db) == left:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(workers.said())


@pytest.mark.timeout(180)
async def test_what_a_broker_forgets_is_delayed_and_neither_lost_nor_doubled(
    on_own_broker: Settings, broker: redis.asyncio.Redis, db: Database, tmp_path: Path
) -> None:
    ring = tasks.bell(tasks.make_app(on_own_broker))
    await owe(db, "test.count", "kept", 20)
    assert await outbox.relay_once(db, ring) == 20
    assert await broker.llen("celery") == 20
    await broker.flushdb()  # the broker loses everything it was told
    await owe(db, "test.count", "kept", 5)
    workers = Workers(tmp_path, on_own_broker)
    with workers:
        assert await outbox.relay_once(db, ring) == 5
        await until_undone(db, 20, workers)
        await let_pass(db, outbox.TERM)
        assert await outbox.relay_once(db, ring) == 20
        await let_pass(db, 2 * outbox.TERM)
        await outbox.relay_once(db, ring)  # too early a second ring: what was just done is not done again
        await until_undone(db, 0, workers)
        [failing] = await owe(db, "test.fail", "never", 1)
        [deadly] = await owe(db, "test.die", str(tmp_path / "died"), 1)
        assert await outbox.relay_once(db, ring) == 2
        await until_undone(db, 2, workers)
        while (await noted(db, failing)) is None or not (tmp_path / "died").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await let_pass(db, outbox.TERM)
        assert await outbox.relay_once(db, ring) == 2
        await until_undone(db, 1, workers)
        async with db.transaction() as session:
            assert await outbox.once(session, deadly) is False
            assert await outbox.once(session, failing)
    assert await noted(db, failing) is None
    assert "stays out" not in workers.said()
    assert "RuntimeError" in workers.said()
    async with db.transaction() as session:
        done = (
            await session.execute(text("SELECT count(DISTINCT name) FROM kit_gauge WHERE name LIKE 'kept:%'"))
        ).scalar_one()
    assert 1 <= done <= 2, "each of the two processes ran its own loop"


async def test_rings_carry_an_id_and_nothing_else(
    on_own_broker: Settings, broker: redis.asyncio.Redis, db: Database
) -> None:
    await broker.flushdb()
    secret = f"secret-{uuid4()}"
    await owe(db, "test.count", secret, 1)
    await outbox.relay_once(db, tasks.bell(tasks.make_app(on_own_broker)))
    [told] = await broker.lrange("celery", 0, -1)
    assert secret.encode() not in told
    await broker.flushdb()


async def test_a_broker_that_is_away_leaves_the_work_owed(settings: Settings, db: Database) -> None:
    away = settings.with_servers(
        database_url="x", owner_database_url="x", redis_url="unix:///nowhere.sock?db=0"
    )
    await owe(db, "test.count", "waits", 1)
    with pytest.raises(Exception, match=r"nowhere|No such file"):
        await outbox.relay_once(db, tasks.bell(tasks.make_app(away)))
    async with db.transaction() as session:
        waiting = await session.execute(
            text("SELECT relayed_at FROM kit_outbox WHERE payload->>'name' = 'waits'")
        )
        assert waiting.scalar_one() is None


async def test_a_handler_gets_its_payload_as_the_types_it_names(settings: Settings, db: Database) -> None:
    got: list[Any] = []
    name = f"test.typed.{uuid4()}"

    @tasks.handles(name)
    async def typed(session: AsyncSession, *, who: UUID, number: int) -> None:
        assert session.in_transaction()
        got.extend((who, number))

    who = uuid4()
    async with db.transaction() as session:
        owed = outbox.promise(session, name, who=who, number=3)
        await session.flush()
    assert owed.id is not None
    worker = Worker(settings=settings, db=db)
    assert await tasks.deliver(worker, owed.id) == "done"
    assert await tasks.deliver(worker, owed.id) == "nothing"
    assert got == [who, 3]


async def test_a_failing_handler_leaves_no_effect_and_the_kind_of_its_failure(
    settings: Settings, db: Database
) -> None:
    task = f"test.failing.{uuid4()}"

    @tasks.handles(task)
    async def failing(session: AsyncSession, *, name: str) -> None:
        outbox.promise(session, "test.effect", name=name)
        await session.flush()
        raise RuntimeError(f"this holds {name}")

    [promised] = await owe(db, task, "a-name", 1)
    with pytest.raises(RuntimeError):
        await tasks.deliver(Worker(settings=settings, db=db), promised)
    async with db.transaction() as session:
        row = (
            await session.execute(
                text("SELECT done_at, last_error FROM kit_outbox WHERE id = :id"), {"id": promised}
            )
        ).one()
        effects = await session.execute(text("SELECT count(*) FROM kit_outbox WHERE task = 'test.effect'"))
    assert (row.done_at, row.last_error) == (None, "RuntimeError")
    assert effects.scalar_one() == 0


async def test_a_job_runs_in_one_process_at_a_time(settings: Settings, db: Database) -> None:
    running, finish, name = asyncio.Event(), asyncio.Event(), f"test.alone.{uuid4()}"

    @tasks.job(name, every=60)
    async def alone(worker: Worker) -> None:
        assert worker.db is db
        running.set()
        await finish.wait()

    worker = Worker(settings=settings, db=db)
    first = asyncio.create_task(tasks.run_alone(worker, name))
    await running.wait()
    assert await tasks.run_alone(worker, name) == "busy"
    finish.set()
    assert await first == "done"
    assert await tasks.run_alone(worker, name) == "done"


def test_a_task_that_is_no_coroutine_function_or_has_a_taken_name_is_refused() -> None:
    def plain() -> None: ...

    with pytest.raises(TypeError):
        tasks.handles("test.plain")(plain)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="twice"):
        tasks.job("kit.forget", every=1)(tasks.forget)


@pytest.mark.parametrize(
    ("client", "celery"),
    [
        ("redis://host:6379/2", "redis://host:6379/2"),
        ("unix:///a/b.sock?db=3", "redis+socket:///a/b.sock?virtual_host=3"),
        ("unix://:p@/a/b.sock?db=0", "redis+socket://:p@/a/b.sock?virtual_host=0"),
    ],
)
def test_a_redis_url_is_spelt_for_both_libraries(client: str, celery: str) -> None:
    assert tasks.broker_url(client) == celery
    assert tasks.client_url(celery) == client


def test_the_platforms_worker_and_schedule_can_be_loaded(on_own_broker: Settings) -> None:
    script = "from puhui.worker import app; print(*sorted(app.conf.beat_schedule))"
    environment = runtime.child_environment(on_own_broker)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    scheduled = done.stdout.split()
    assert {"kit.forget", "ledger.checkpoints", "log.seal", "log.sign"} <= set(scheduled)
