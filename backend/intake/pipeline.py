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

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import chunks, queries
from backend.intake.chunks import ChunkResult, StoredMethod, Target
from backend.intake.convert import Converted, Converter
from backend.intake.mapping import Mapping
from backend.intake.reading import read_rows
from backend.kit.db import Database, TransactionCollided
from backend.ledger import InsufficientBalance

CHUNK_ROWS = 500_000
_WAITING_BATCHES = 12  # bounds what reading may run ahead: about 80 MB
_TRIES = 5

Progress = Callable[[ChunkResult], None]
Resolve = Callable[[], Awaitable[Sequence[StoredMethod]]]


async def run(
    db: Database,
    *,
    path: Path,
    mapping: Mapping,
    converter: Converter,
    resolve: Resolve,
    target: Target,
    after_line: int,
    seq: int,
    chunk_rows: int = CHUNK_ROWS,
    progress: Progress | None = None,
    reading: Callable[[int], None] | None = None,
) -> None:
    """Take in what lies behind `after_line`, chunk by chunk; each chunk is committed whole or not at all.

    `progress` hears of every committed chunk, `reading` of the last line that was read, batch by batch.
    `resolve` gives the stored methods of the converter, in its order, and is asked again when there are new ones.
    """
    months: set[date] = set()
    first_line = after_line + 1
    async with _Converted(path, mapping, converter, after_line, chunk_rows) as batches:
        while True:
            chunk: list[Converted] = []
            part: _Part | None = None
            try:
                async with db.transaction() as session:
                    await chunks.stage(session, ())
                    await _gather(session, batches, chunk, chunk_rows, reading)
                    if not chunk:
                        return
                    await _ensure_partitions(db, chunk, months)
                    methods, seq = await resolve(), seq + 1
                    part = _Part(target, seq, first_line, chunk, methods)
                    result = await part.store(session)
            except (TransactionCollided, InsufficientBalance):
                if (
                    part is None
                ):  # not all of the chunk is in hand yet; the next run goes on behind the last one
                    raise
                result = await part.again(db)
            first_line = chunk[-1].last_line + 1
            if progress is not None:
                progress(result)


async def _gather(
    session: AsyncSession,
    batches: AsyncIterator[Converted],
    chunk: list[Converted],
    rows: int,
    reading: Callable[[int], None] | None,
) -> None:
    """Stage batches as they come, until the chunk is full: COPY goes on while the next batch is computed."""
    received = 0
    async for batch in batches:
        chunk.append(batch)
        await chunks.add(session, batch)
        received += batch.received
        if reading is not None:
            reading(batch.last_line)
        if received >= rows:
            return


@dataclass(slots=True)
class _Part:
    """One chunk with all that storing it needs, so that it can be stored again."""

    target: Target
    seq: int
    first_line: int
    batches: Sequence[Converted]
    methods: Sequence[StoredMethod]

    async def store(self, session: AsyncSession) -> ChunkResult:
        return await chunks.store(
            session,
            self.target,
            seq=self.seq,
            first_line=self.first_line,
            batches=self.batches,
            methods=self.methods,
        )

    async def again(self, db: Database) -> ChunkResult:
        """Another transaction was in the way (a debt repaid elsewhere shows as a guard): start over from the batches."""
        for attempt in range(_TRIES):
            await asyncio.sleep(0.05 * 2**attempt)
            try:
                async with db.transaction() as session:
                    await chunks.stage(session, self.batches)
                    return await self.store(session)
            except (TransactionCollided, InsufficientBalance):
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")


async def _ensure_partitions(db: Database, chunk: Sequence[Converted], known: set[date]) -> None:
    """Partitions are made in transactions of their own: making one locks the table that all chunks write."""
    for month in sorted({day.replace(day=1) for batch in chunk for day in batch.days} - known):
        async with db.transaction() as session:
            if not (await session.execute(queries.PARTITION_EXISTS, {"month": month})).scalar_one():
                await session.execute(queries.PARTITION, {"month": month})
        known.add(month)


class _Converted:
    """The converted batches of a file, made ahead in a thread that stops when nobody wants more."""

    def __init__(
        self, path: Path, mapping: Mapping, converter: Converter, after_line: int, chunk_rows: int
    ) -> None:
        self._work = self._convert(path, mapping, converter, after_line, chunk_rows)
        self._ready: queue.Queue[Converted | BaseException | None] = queue.Queue(maxsize=_WAITING_BATCHES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce, name="intake-reader", daemon=True)

    @staticmethod
    def _convert(
        path: Path, mapping: Mapping, converter: Converter, after_line: int, chunk_rows: int
    ) -> Iterator[Converted]:
        for rows in read_rows(
            path,
            file_type=mapping.type,
            encoding=mapping.encoding,
            columns=mapping.columns,
            after_line=after_line,
            batch_rows=chunk_rows,
        ):
            yield converter.convert(rows)

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
