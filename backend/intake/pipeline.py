"""From a file to posted points: reading and computing run in a thread, beside the transaction that stores."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import chunks, holding
from backend.intake.chunks import ChunkResult, Target
from backend.intake.convert import Converted, Converter
from backend.intake.mapping import Mapping
from backend.intake.methods import StoredMethod
from backend.intake.partitions import ensure_partitions
from backend.intake.reading import read_rows
from backend.intake.screens import NO_SCREENS, Overtaken, Screens
from backend.kit import memory
from backend.kit.db import Database, TransactionCollided
from backend.kit.settings import Keys
from backend.ledger import InsufficientBalance

MOST_ROWS = 500_000
_LEAST_ROWS = 100_000
_ROWS_PER_MEANS = 10  # a chunk posts once per wallet, so it grows until that is little beside its rows
_WAITING_BATCHES = 3  # bounds what reading may run ahead: about 50 MB
_TRIES = 5

Result = TypeVar("Result")
Progress = Callable[[ChunkResult], None]
Resolve = Callable[[], Awaitable[Sequence[StoredMethod]]]


@dataclass(frozen=True, slots=True)
class Work:
    """A file, how it is read, and where its acts go. `resolve` gives the stored methods of the converter, in its order.

    `chunk_rows` None lets a chunk grow with the number of its means; `most_chunks` None goes on to the end of the file.
    `progress` hears of every committed chunk, `reading` of the last line that was read, batch by batch.
    """

    keys: Keys
    path: Path
    mapping: Mapping
    converter: Converter
    resolve: Resolve
    target: Target
    screens: Screens = NO_SCREENS
    chunk_rows: int | None = None
    most_chunks: int | None = None
    progress: Progress | None = None
    reading: Callable[[int], None] | None = None


async def run(db: Database, work: Work, *, after_line: int, seq: int) -> bool:
    """Take in what lies behind `after_line`, chunk by chunk; each chunk is committed whole or not at all.

    True when the end of the file was reached.
    """
    months: set[date] = set()
    first_line, begun = after_line + 1, seq
    async with converted(work, after_line=after_line) as batches:
        while work.most_chunks is None or seq - begun < work.most_chunks:
            chunk = await gather(batches, work)
            if not chunk:
                return True
            await ensure_partitions(db, chunk, months)
            methods, seq = await work.resolve(), seq + 1
            result = await _Part(work, seq, first_line, chunk, methods).store(db)
            first_line = chunk[-1].last_line + 1
            del chunk
            memory.give_back()
            if result.conflicts:
                await holding.resolve_by_rule(db, work.keys, job_id=work.target.job_id)
            if work.progress is not None:
                work.progress(result)
    return False


async def gather(batches: AsyncIterator[Converted], work: Work) -> list[Converted]:
    """Batches until the chunk is full, none at the end of the file."""
    chunk: list[Converted] = []
    received = means = 0
    async for batch in batches:
        chunk.append(batch)
        received += batch.received
        means = max(means, batch.means)
        if work.reading is not None:
            work.reading(batch.last_line)
        if received >= (work.chunk_rows or min(MOST_ROWS, max(_LEAST_ROWS, means * _ROWS_PER_MEANS))):
            break
    return chunk


@dataclass(slots=True)
class _Part:
    """One chunk with all that storing it needs, so that it can be stored again."""

    work: Work
    seq: int
    first_line: int
    batches: Sequence[Converted]
    methods: Sequence[StoredMethod]

    async def store(self, db: Database) -> ChunkResult:
        """Store it in one transaction."""
        return await in_turn(db, self._attempt)

    async def _attempt(self, session: AsyncSession, again: bool) -> ChunkResult:
        screens = self.work.screens.in_front() if again else self.work.screens
        stored = await chunks.store(
            session,
            self.work.target,
            seq=self.seq,
            first_line=self.first_line,
            batches=self.batches,
            methods=self.methods,
            screens=screens,
        )
        return stored.result


async def in_turn(db: Database, attempt: Callable[[AsyncSession, bool], Awaitable[Result]]) -> Result:
    """Run `attempt` in a transaction; where another one was in the way, once more, and say so.

    A debt repaid elsewhere shows as a guard; acts that others committed while this was planned may change what screens say.
    """
    for number in range(_TRIES):
        try:
            async with db.transaction() as session:
                return await attempt(session, number > 0)
        except (TransactionCollided, InsufficientBalance, Overtaken):
            if number == _TRIES - 1:
                raise
            await asyncio.sleep(0.05 * 2**number)
    raise AssertionError("unreachable")


def converted(work: Work, *, after_line: int) -> _Converted:
    """The file's batches behind a line, as acts."""
    return _Converted(work, after_line)


class _Converted:
    """The converted batches of a file, made ahead in a thread that stops when nobody wants more."""

    def __init__(self, work: Work, after_line: int) -> None:
        self._work = self._convert(work, after_line)
        self._ready: queue.Queue[Converted | BaseException | None] = queue.Queue(maxsize=_WAITING_BATCHES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce, name="intake-reader", daemon=True)

    @staticmethod
    def _convert(work: Work, after_line: int) -> Iterator[Converted]:
        for rows in read_rows(
            work.path,
            file_type=work.mapping.type,
            encoding=work.mapping.encoding,
            columns=work.mapping.columns,
            after_line=after_line,
            batch_rows=work.chunk_rows or MOST_ROWS,
            sheet=work.mapping.sheet,
            header_row=work.mapping.header_row,
        ):
            yield work.converter.convert(rows)

    def _produce(self) -> None:
        try:
            for batch in self._work:
                if not self._offer(batch):
                    return
            self._offer(None)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the batches are awaited
            self._offer(error)

    def _offer(self, item: Converted | BaseException | None) -> bool:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(item, timeout=0.2)
                return True
        return False

    async def __aenter__(self) -> AsyncIterator[Converted]:
        self._thread.start()
        return self._batches()

    async def _batches(self) -> AsyncIterator[Converted]:
        while True:
            item = await asyncio.to_thread(self._ready.get)
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join)
