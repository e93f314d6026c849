"""Transactions that stop where a test wants them, and a look at who waits for whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.db import Database, errors_from_database

Verb = Callable[[AsyncSession], Awaitable[Any]]
Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class GivenUp(Exception):
    """Ends a paused transaction without a commit."""


@dataclass
class Pause:
    """Where a transaction stops: after its n-th statement. `reached` is set there; it goes on when `go` is set."""

    after: int
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)


class PausingSession(AsyncSession):
    """A session that counts what it executes and stops once."""

    pause: Pause | None = None
    executed = 0

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        result = await super().execute(*args, **kwargs)
        self.executed += 1
        if self.pause is not None and self.executed == self.pause.after:
            self.pause.reached.set()
            await self.pause.go.wait()
        return result


@asynccontextmanager
async def transaction(db: Database, pause: Pause | None = None) -> AsyncIterator[PausingSession]:
    """A transaction like `db.transaction()`, with a pause in it."""
    with errors_from_database():
        async with PausingSession(db.engine, expire_on_commit=False) as session, session.begin():
            session.pause = pause
            yield session


async def statements_of(db: Database, verb: Verb) -> int:
    """How many statements a verb executes; nothing of it stays."""
    try:
        async with transaction(db) as session:
            try:
                await verb(session)
            finally:
                raise GivenUp(session.executed)
    except GivenUp as given_up:
        return int(given_up.args[0])


async def someone_waits(superuser: Superuser) -> bool:
    """True when a backend of this database waits for a lock."""
    return bool(
        await superuser.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )


async def done_or_waiting(task: asyncio.Task[Any], superuser: Superuser) -> bool:
    """Wait until the task has ended or stands in front of a lock; True when it stands there."""
    while not task.done():
        if await someone_waits(superuser):
            return True
        await asyncio.sleep(0.001)
    return False


async def deadlocks(superuser: Superuser) -> int:
    """Deadlocks that this database ever resolved by killing somebody."""
    await superuser.execute("SELECT pg_stat_clear_snapshot()")
    found = await superuser.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return int(found)


@pytest.fixture
async def no_deadlock(superuser: Superuser) -> AsyncIterator[None]:
    """Fails the test when PostgreSQL had to resolve a deadlock meanwhile."""
    before = await deadlocks(superuser)
    yield
    assert await deadlocks(superuser) == before
