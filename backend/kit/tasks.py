"""Work outside requests: the one way in which a Celery task runs a coroutine.

    @handles("identity.code.send")                         what `outbox.promise(session, "identity.code.send", …)` owes
    async def send_code(session: AsyncSession, *, participant_id: UUID) -> None: …

    @works("intake.upload")                                the same for work that takes long, in its own transactions
    async def carry_on(worker: Worker, *, job_id: UUID) -> None: …

    @job("log.seal", every=5)                              what the beat rings for; one process at a time
    async def seal(worker: Worker) -> None: …

A handler's session is the transaction that also marks the promise done, so its effect happens exactly once. Its
keyword arguments are read from the payload as the types it names. Long work is marked done when it is over, so it may
begin again where it was, and has to be such that this changes nothing. A Celery task here is a plain function that runs
its coroutine on the event loop of the worker's own process (Celery reports success for an `async def` without
running it); the process has one `Database`, made after the fork.

A task is acknowledged when it is over, and no task may take longer than `LONGEST_S`, which is less than the broker's
`VISIBILITY_S`. What a killed process had in hand is not handed on at once, lest it kill the next: the outbox rings
again later. The broker carries outbox ids and names of jobs: nothing that must last, nothing personal.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import typing
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, unquote, urlsplit

import uvloop
from celery import Celery, signals
from celery.exceptions import SoftTimeLimitExceeded
from celery.schedules import crontab
from pydantic import TypeAdapter
from sqlalchemy import text

from backend.kit import idempotency, logging, outbox
from backend.kit.db import Database
from backend.kit.outbox import Message, Send
from backend.kit.settings import Settings

VISIBILITY_S = 3600
LONGEST_S = 1800
BROKER_PATIENCE_S = 5

T = TypeVar("T")
Handler = Callable[..., Awaitable[None]]
Work = Callable[..., Awaitable[None]]

_log = logging.get("puhui.tasks")


@dataclass(frozen=True, slots=True)
class Worker:
    """What a job works with: the settings and the database of its process."""

    settings: Settings
    db: Database


Job = Callable[[Worker], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Scheduled:
    run: Job
    every: float | crontab


_handlers: dict[str, Handler] = {}
_works: dict[str, Work] = {}
_jobs: dict[str, _Scheduled] = {}


def handles(task: str) -> Callable[[Handler], Handler]:
    """Let a coroutine function `(session, **payload)` do what is promised under this name."""

    def register(handler: Handler) -> Handler:
        _claim_name(task, handler)
        _handlers[task] = handler
        return handler

    return register


def works(task: str) -> Callable[[Work], Work]:
    """Let a coroutine function `(worker, **payload)` do what is promised under this name, in transactions of its own."""

    def register(work: Work) -> Work:
        _claim_name(task, work)
        _works[task] = work
        return work

    return register


def job(name: str, *, every: float | crontab) -> Callable[[Job], Job]:
    """Let a coroutine function run every so many seconds, or at the times of a crontab in Asia/Shanghai."""

    def register(run: Job) -> Job:
        _claim_name(name, run)
        _jobs[name] = _Scheduled(run=run, every=every)
        return run

    return register


def _claim_name(name: str, function: Callable[..., Any]) -> None:
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{name} is to be a coroutine function")
    if name in _handlers or name in _works or name in _jobs:
        raise ValueError(f"{name} is registered twice")


def make_app(settings: Settings) -> Celery:
    """The Celery app with every handler and job registered so far, and the beat's schedule."""
    if settings.redis_url is None:
        raise ValueError("there is no PUHUI_REDIS_URL: start through `puhui`, or set it")
    app = Celery("puhui", broker=broker_url(settings.redis_url.get_secret_value()))
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=True,
        task_soft_time_limit=LONGEST_S,
        task_time_limit=LONGEST_S + 60,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_S,
            "socket_timeout": BROKER_PATIENCE_S + 25,  # longer than the worker's blocking read
            "socket_connect_timeout": BROKER_PATIENCE_S,
        },
        task_publish_retry=False,
        timezone="Asia/Shanghai",
        enable_utc=True,
        beat_schedule={
            name: {
                "task": name,
                "schedule": scheduled.every,
                "options": {"expires": scheduled.every if isinstance(scheduled.every, int | float) else 3600},
            }
            for name, scheduled in _jobs.items()
        },
    )
    process = Process(settings)
    for name in _handlers:
        app.task(name=name)(_delivering(process))
    for name in _works:
        app.task(name=name)(_working(process))
    for name in _jobs:
        app.task(name=name)(_running(process, name))
    signals.worker_process_shutdown.connect(process.close, weak=False)
    signals.worker_shutdown.connect(process.close, weak=False)
    return app


def _delivering(process: Process) -> Callable[[int], str]:
    def deliver_promise(outbox_id: int) -> str:
        with _failures_without_texts():
            return process.run(lambda worker: deliver(worker, outbox_id))

    return deliver_promise


def _working(process: Process) -> Callable[[int], str]:
    def work_on_promise(outbox_id: int) -> str:
        with _failures_without_texts():
            return process.run(lambda worker: work(worker, outbox_id))

    return work_on_promise


def _running(process: Process, name: str) -> Callable[[], str]:
    def run_job() -> str:
        with _failures_without_texts():
            return process.run(lambda worker: run_alone(worker, name))

    return run_job


class TaskFailed(Exception):
    """What Celery is told of a failure: its kind. Celery logs texts, and texts may quote rows; ours is logged before."""


@contextmanager
def _failures_without_texts() -> Iterator[None]:
    try:
        yield
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:  # noqa: BLE001 - raised again by its kind
        raise TaskFailed(type(error).__name__) from None


async def deliver(worker: Worker, outbox_id: int) -> str:
    """Do what is promised under an outbox id, unless it is done; `done` or `nothing`.

    A failure is noted beside the promise, in a transaction of its own, and raised; the promise comes again later.
    """
    logging.new_trace()
    try:
        async with worker.db.transaction() as session:
            owed = await outbox.take(session, outbox_id)
            if owed is None:
                return "nothing"
            task, payload = owed
            handler = _handlers[task]
            await handler(session, **_read(handler, payload))
    except Exception as error:
        _log.warning("undelivered", outbox_id=outbox_id, exc_info=error)
        async with worker.db.transaction() as session:
            await outbox.note_failure(session, outbox_id, error)
        raise
    return "done"


async def work(worker: Worker, outbox_id: int) -> str:
    """Do long work that is promised under an outbox id, unless it is done, and mark it done behind it; else as `deliver`."""
    logging.new_trace()
    try:
        async with worker.db.transaction() as session:
            owed = await outbox.owed(session, outbox_id)
        if owed is None:
            return "nothing"
        task, payload = owed
        await _works[task](worker, **_read(_works[task], payload))
        async with worker.db.transaction() as session:
            await outbox.take(session, outbox_id)
    except Exception as error:
        _log.warning("undelivered", outbox_id=outbox_id, exc_info=error)
        async with worker.db.transaction() as session:
            await outbox.note_failure(session, outbox_id, error)
        raise
    return "done"


def _read(handler: Handler, payload: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(handler, include_extras=True)
    return {
        name: TypeAdapter(hints[name]).validate_python(value) if name in hints else value
        for name, value in payload.items()
    }


async def run_alone(worker: Worker, name: str) -> str:
    """Run a job unless another process is running it; `done` or `busy`."""
    logging.new_trace()
    async with worker.db.transaction() as guard:
        locked = await guard.execute(
            text("SELECT pg_try_advisory_xact_lock(hashtext('puhui.job'), hashtext(:name))"), {"name": name}
        )
        if not locked.scalar_one():
            return "busy"
        try:
            await _jobs[name].run(worker)
        except Exception as error:
            _log.error("job failed", job=name, exc_info=error)
            raise
    return "done"


class Process:
    """The event loop and the database of one worker process, made on first use after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._worker: Worker | None = None

    def run(self, work: Callable[[Worker], Coroutine[Any, Any, T]]) -> T:
        """Run one coroutine to its end and give its result or raise its failure; from any thread."""
        loop, worker = self._started()
        future = asyncio.run_coroutine_threadsafe(work(worker), loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # a time limit strikes here, in the waiting thread
            raise

    def _started(self) -> tuple[asyncio.AbstractEventLoop, Worker]:
        with self._lock:
            if self._owner != os.getpid() or self._loop is None or self._worker is None:
                self._loop = uvloop.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="puhui-loop", daemon=True)
                self._thread.start()
                self._worker = Worker(settings=self._settings, db=Database(self._settings))
                self._owner = os.getpid()
            return self._loop, self._worker

    def close(self, **_: object) -> None:
        """Close the database and end the loop of this process, if it has one."""
        with self._lock:
            if self._owner != os.getpid() or self._loop is None or self._worker is None:
                return
            asyncio.run_coroutine_threadsafe(self._worker.db.close(), self._loop).result(timeout=10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            if self._thread is not None:
                self._thread.join(timeout=10)
            self._loop, self._worker, self._thread = None, None, None


def bell(app: Celery) -> Send:
    """How a relay rings: publishes a promise's id under its task's name; raises when the broker does not answer."""

    async def ring(message: Message) -> None:
        await asyncio.to_thread(
            app.send_task, message.task, args=[message.outbox_id], retry=False, ignore_result=True
        )

    return ring


def broker_url(redis_url: str) -> str:
    """A Redis URL as Celery writes it: `unix://:secret@/path?db=1` is `redis+socket://:secret@/path?virtual_host=1`."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    query = parse_qs(parts.query)
    password = query.get("password", [unquote(parts.password or "")])[0]
    secret = f":{quote(password, safe='')}@" if password else ""
    return f"redis+socket://{secret}{parts.path}?virtual_host={query.get('db', ['0'])[0]}"


def client_url(redis_url: str) -> str:
    """A Redis URL as redis-py writes it; the way back from `broker_url`."""
    parts = urlsplit(redis_url)
    if parts.scheme != "redis+socket":
        return redis_url
    database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
    secret = f":{parts.password}@" if parts.password else ""
    return f"unix://{secret}{parts.path}?db={database}"


@job("kit.forget", every=3600)
async def forget(worker: Worker) -> None:
    """Remove old idempotency keys and done promises, piece by piece."""
    for forget_some in (idempotency.forget_old, outbox.forget_done):
        removed = 1
        while removed:
            async with worker.db.transaction() as session:
                removed = await forget_some(session)
