"""Two transactions of which the second is seen to wait for the first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.db import Database
from backend.kit.errors import DomainError

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def somebody_waits(db: Database) -> None:
    """Return when some connection of this database waits for another's lock; AssertionError where none comes to it."""
    for _ in range(200):
        async with db.transaction() as session:
            if (await session.execute(_WAITING)).scalar_one():
                return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits for a lock")


async def second_meets(
    db: Database,
    first: Callable[[AsyncSession], Awaitable[object]],
    second: Callable[[AsyncSession], Awaitable[object]],
) -> str:
    """What the second one meets, a refusal's code or `done`, which waits for the first one's transaction."""

    async def run() -> str:
        try:
            async with db.transaction() as session:
                await second(session)
        except DomainError as refused:
            return refused.code
        return "done"

    async with db.transaction() as session:
        await first(session)
        waiting = asyncio.create_task(run())
        await somebody_waits(db)
        assert not waiting.done()
    return await waiting
