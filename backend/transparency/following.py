"""Follow the log: read new entries, in order, into tables that answer quickly.

The tables say nothing that the log does not say. They can be removed and read again at any time, and the audit does
that in memory and compares. One transaction follows at a time; a crash leaves what was committed, and going on is
the same as beginning.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.kit.db import Database
from backend.transparency import queries, standing
from backend.transparency.standing import Event, Span
from backend.transparency.telling import KINDS, BatchStep, Source, Unreadable, told

ENTRIES_AT_ONCE = 200  # followed in one transaction, so that nobody waits long behind another
PATIENCE_S = 2.0  # of a request; what is left is for the job, and the answer says how far it knows the log


class Book(Protocol):
    """Where what was read is kept: tables, or lists in memory."""

    async def touched(self, *, book: str, low: int, high: int) -> list[Span]: ...

    async def replace(self, *, gone: Sequence[Span], new: Sequence[Span]) -> None: ...

    async def source(self, source: Source, *, entry_index: int) -> None: ...

    async def events(self, events: Sequence[Event]) -> None: ...

    async def batch_step(self, step: BatchStep, *, entry_index: int, kind: str) -> None: ...

    async def unfollowed(self, *, entry_index: int, kind: str, reason: str) -> None: ...


async def read(book: Book, entry: log.Entry) -> None:
    """Take in one entry. What cannot be is noted and moves nothing."""
    index, kind = entry.index, entry.kind
    faults: list[str] = []
    try:
        says = told(kind, entry.body)
    except Unreadable as error:
        await book.unfollowed(entry_index=index, kind=kind, reason=f"unreadable: {error}")
        return
    if says.batch is not None:
        await book.batch_step(says.batch, entry_index=index, kind=kind)
    events: list[Event] = []
    for source in says.sources:
        faults += await _begin(book, source, index=index, kind=kind, events=events)
    for step in says.steps:
        for low, high in step.serials:
            spans = await book.touched(book=step.book, low=low, high=high)
            events += standing.events_of(
                step, kind=kind, low=low, high=high, touched=spans, entry_index=index, part=len(events)
            )
            moved = standing.apply(step, low=low, high=high, touched=spans, entry_index=index)
            if moved.fault is not None:
                faults.append(moved.fault)
            await book.replace(gone=moved.gone, new=moved.new)
    await book.events(events)
    if faults:
        await book.unfollowed(entry_index=index, kind=kind, reason="; ".join(sorted(set(faults))))


async def _begin(book: Book, source: Source, *, index: int, kind: str, events: list[Event]) -> list[str]:
    if await book.touched(book=source.book, low=source.low, high=source.high):
        return ["numbers that exist"]
    await book.source(source, entry_index=index)
    await book.replace(gone=(), new=[standing.born(source, entry_index=index)])
    events.append(Event(index, len(events), kind, source.book, source.book, source.low, source.high))
    return []


class _Tables:
    """The tables, within a session. Where numbers stand is written at once, the rest by `write`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._events: list[Event] = []
        self._steps: list[tuple[BatchStep, int, str]] = []

    async def touched(self, *, book: str, low: int, high: int) -> list[Span]:
        return await queries.touched(self._session, book=book, low=low, high=high)

    async def replace(self, *, gone: Sequence[Span], new: Sequence[Span]) -> None:
        await queries.replace_spans(self._session, gone=gone, new=new)

    async def source(self, source: Source, *, entry_index: int) -> None:
        await queries.add_source(self._session, source, entry_index=entry_index)

    async def events(self, events: Sequence[Event]) -> None:
        self._events += events

    async def batch_step(self, step: BatchStep, *, entry_index: int, kind: str) -> None:
        self._steps.append((step, entry_index, kind))

    async def unfollowed(self, *, entry_index: int, kind: str, reason: str) -> None:
        await queries.add_unfollowed(self._session, entry_index=entry_index, kind=kind, reason=reason)

    async def write(self) -> None:
        """Write what waits."""
        await queries.add_events(self._session, self._events)
        await queries.add_batch_steps(self._session, self._steps)


async def follow(session: AsyncSession) -> bool:
    """Read up to ENTRIES_AT_ONCE further entries within the caller's transaction; True when there are more.

    A second caller waits until the first one's transaction has ended, and goes on behind it.
    """
    low = await queries.lock_progress(session)
    size = await log.size(session)
    high = min(size, low + ENTRIES_AT_ONCE)
    if high <= low:
        return False
    tables = _Tables(session)
    for entry in await log.entries(session, low=low, high=high, kinds=KINDS):
        await read(tables, entry)
    await tables.write()
    await _followed(session, high)
    return high < size


async def catch_up(db: Database, *, patience_s: float | None = None) -> None:
    """Read what the log has gained, in transactions of their own; begin no further one when patience is over."""
    began = time.monotonic()
    while patience_s is None or time.monotonic() - began < patience_s:
        async with db.transaction() as session:
            if await queries.progress(session) >= await log.size(session):
                return
            if not await follow(session):
                return


async def rebuild(db: Database) -> None:
    """Forget everything that was read and read the whole log again. Answers are incomplete until it is done."""
    async with db.transaction() as session:
        await queries.lock_progress(session)
        await queries.forget(session)
        await _followed(session, 0)
    await catch_up(db)


async def _followed(session: AsyncSession, size: int) -> None:
    await queries.set_progress(session, next_index=size, last_leaf=await last_leaf(session, size))


async def last_leaf(session: AsyncSession, size: int) -> bytes:
    """The hash of the last of the first `size` entries, by which they are known again; empty where there is none."""
    found = await log.entries_at(session, [size - 1])
    return found[0].leaf_hash if found else b""
