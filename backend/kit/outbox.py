"""Work promised inside the transaction that needs it, and relayed after it.

    promise(session, "identity.code.send", participant_id=…)       with the effect, in one commit
    if await once(session, outbox_id): …                           where it is done, with its effect, in one commit

Promises PostgreSQL alone remembers what is owed: Redis only rings the bell. A promise is sent at least once and,
         when it is not done within a term, sent again, the term doubling up to an hour. A handler that asks `once`
         in its transaction has its effect exactly once, however often it is rung.
Ignores  position: what is owed is found by its state (due, not done), never by "greater than the last id", for ids
         are not given in commit order. A transaction that stays open therefore delays nobody else's work.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import BigInteger, Column, DateTime, Identity, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from backend.kit.db import Database

TERM = timedelta(minutes=5)
LONGEST_TERM = timedelta(hours=1)
KEPT_FOR = timedelta(days=14)


class Promise(SQLModel, table=True):
    """One piece of promised work."""

    __tablename__ = "kit_outbox"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    task: str
    payload: dict[str, Any] = Field(sa_type=JSONB)
    relayed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    done_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Message:
    """What a relay hands to the broker: the bell, not the work, which stays in the database."""

    outbox_id: int
    task: str
    attempt: int


Send = Callable[[Message], Awaitable[None]]


def promise(session: AsyncSession, task: str, /, **payload: Any) -> Promise:
    """Owe `task` with `payload` (made JSON: UUIDs, times and enums become text) once this transaction commits."""
    owed = Promise(task=task, payload=to_jsonable_python(payload))
    session.add(owed)
    return owed


async def promise_on(connection: Any, task: str, /, **payload: Any) -> int:
    """The same on a plain asyncpg connection inside `hot_transaction()`; the outbox id."""
    return int(
        await connection.fetchval(
            "INSERT INTO kit_outbox (task, payload) VALUES ($1, $2::jsonb) RETURNING id",
            task,
            json.dumps(to_jsonable_python(payload)),
        )
    )


async def take(session: AsyncSession, outbox_id: int) -> tuple[str, dict[str, Any]] | None:
    """Mark a promise done and give its task and payload, to the one transaction that may have the effect.

    A second transaction waits for the first and gets None once that has committed.
    """
    marked = await session.execute(
        text("""
            UPDATE kit_outbox SET done_at = clock_timestamp(), last_error = NULL
            WHERE id = :id AND done_at IS NULL RETURNING task, payload
        """),
        {"id": outbox_id},
    )
    row = marked.one_or_none()
    return None if row is None else (row.task, row.payload)


async def once(session: AsyncSession, outbox_id: int) -> bool:
    """True for the one transaction that may have the effect of this promise."""
    return await take(session, outbox_id) is not None


async def owed(session: AsyncSession, outbox_id: int) -> tuple[str, dict[str, Any]] | None:
    """The task and payload of a promise that is not done, which stays so; for work in transactions of its own."""
    found = await session.execute(
        text("SELECT task, payload FROM kit_outbox WHERE id = :id AND done_at IS NULL"), {"id": outbox_id}
    )
    row = found.one_or_none()
    return None if row is None else (row.task, row.payload)


async def is_owed(session: AsyncSession, task: str, /, **payload: Any) -> bool:
    """Whether somebody promised `task` with this payload, and it is not done."""
    found = await session.execute(
        text("""
            SELECT EXISTS (SELECT FROM kit_outbox
                           WHERE done_at IS NULL AND task = :task AND payload @> CAST(:payload AS jsonb))
        """),
        {"task": task, "payload": json.dumps(to_jsonable_python(payload))},
    )
    return bool(found.scalar_one())


async def relay_once(db: Database, send: Send, *, limit: int = 100, term: timedelta = TERM) -> int:
    """Send what was never sent and what is overdue, at most `limit`, longest due first; how many were sent.

    Rows stay locked until they are marked, so that several relays share the work. When `send` fails, what was sent
    before it is marked, the rest stays owed, and the failure is raised.
    """
    sent: list[int] = []
    failure: Exception | None = None
    async with db.transaction() as session:
        for message in await _owed(session, limit):
            try:
                await send(message)
            except Exception as error:  # noqa: BLE001 - raised again below, once what was sent is marked
                failure = error
                break
            sent.append(message.outbox_id)
        await _mark_sent(session, sent, term)
    if failure is not None:
        raise failure
    return len(sent)


async def _owed(session: AsyncSession, limit: int) -> list[Message]:
    rows = await session.execute(
        text("""
            SELECT id, task, attempts FROM kit_outbox
            WHERE done_at IS NULL AND due_at <= clock_timestamp()
            ORDER BY due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
        """),
        {"limit": limit},
    )
    return [Message(outbox_id=id_, task=task, attempt=attempts + 1) for id_, task, attempts in rows]


async def _mark_sent(session: AsyncSession, sent: Sequence[int], term: timedelta) -> None:
    if not sent:
        return
    await session.execute(
        text("""
            UPDATE kit_outbox SET
                relayed_at = coalesce(relayed_at, clock_timestamp()),
                attempts = attempts + 1,
                due_at = clock_timestamp() + least(
                    CAST(:term AS interval) * power(2, least(attempts, 16)), CAST(:longest AS interval))
            WHERE id = ANY(:sent)
        """),
        {"sent": list(sent), "term": term, "longest": max(term, LONGEST_TERM)},
    )


async def note_failure(session: AsyncSession, outbox_id: int, error: BaseException) -> None:
    """Keep the kind of failure beside the promise, for people; its text may hold data and is left out."""
    await session.execute(
        text("UPDATE kit_outbox SET last_error = :error WHERE id = :id AND done_at IS NULL"),
        {"id": outbox_id, "error": getattr(error, "code", type(error).__name__)},
    )


async def forget_done(session: AsyncSession, *, limit: int = 10_000) -> int:
    """Remove what was done more than `KEPT_FOR` ago, at most `limit` of it; how many rows were removed."""
    result = await session.execute(
        text("""
            DELETE FROM kit_outbox WHERE id IN (
                SELECT id FROM kit_outbox WHERE done_at < now() - CAST(:kept_for AS interval)
                LIMIT :limit FOR UPDATE SKIP LOCKED)
        """),
        {"kept_for": KEPT_FOR, "limit": limit},
    )
    return result.rowcount  # type: ignore[attr-defined, no-any-return]
