"""Seals over the append-only rows of other nouns, made off the write path and missing none.

Every sealed table has a column `xid xid8 NOT NULL DEFAULT pg_current_xact_id()` with an index. A row becomes sealable
once every transaction up to its own is finished: below `pg_snapshot_xmin(pg_current_snapshot())` nothing can appear any
more, whatever order ids or clocks gave. So writers need no lock and no counter, and a transaction that was
held open for hours is sealed when it ends. Sealing needs no memory beyond one block and is safe to run anywhere, any
number of times: a crash loses at most the block in hand.

After a restore from a dump the server's counter begins again; sealing then refuses with ServerWentBack.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.log import heads, merkle, sealing_queries, service
from backend.log.errors import NotSealable, ServerWentBack
from backend.log.queries import TreeHead
from backend.log.sealing_queries import XID_BYTES, Block

BLOCK_ROWS = 100_000
MARK_BYTES = 4


@dataclass(frozen=True)
class Sealed:
    """A table whose rows are sealed: all columns but those left out, which may change.

    `key` is unique among the rows of one transaction and never changes: it orders them. Where a row is complete only
    after a later step, such as a decision, its `xid` is nullable and that step's transaction sets it: from then on it is sealed.
    """

    table: str
    key: tuple[str, ...]
    leave_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError(f"{self.table} has no key that orders its rows")


_registry: dict[str, Sealed] = {}
_changing: set[str] = {"kit_outbox"}


def register(*tables: Sealed) -> None:
    """Have these tables sealed from now on; a noun calls this where its facade is imported."""
    for table in tables:
        known = _registry.setdefault(table.table, table)
        if known != table:
            raise ValueError(f"{table.table} is registered twice, differently")


def changing(*tables: str) -> None:
    """Say that these tables have `xid` for another purpose, such as paging, and that their rows are meant to change."""
    _changing.update(tables)


def registered() -> list[Sealed]:
    """Every sealed table, by name."""
    return [_registry[name] for name in sorted(_registry)]


async def unregistered(session: AsyncSession) -> list[str]:
    """Tables that note the transaction of their rows although nobody has them sealed."""
    found = await sealing_queries.tables_with_xid(session)
    return [name for name in found if name not in _registry and name not in _changing]


# The ledger stands below the log and cannot register itself.
register(
    Sealed("ledger_transfer", key=("posting_id", "line")),
    Sealed("ledger_resolution", key=("posting_id", "resolution")),
    Sealed("serial_book", key=("id",)),
    Sealed("serial_movement", key=("posting_id", "line", "piece")),
    Sealed("ledger_account", key=("id",), leave_out=("balance",)),
)


async def seal_all(db: Database, *, block_rows: int = BLOCK_ROWS) -> list[Block]:
    """Seal every row of every registered table that can be sealed now; the new blocks.

    One process at a time; another waits and then finds little left. Each block is committed with its log entry in a
    transaction of its own, so the log is locked only for a moment.
    """
    made = []
    async with db.transaction() as reading:
        await sealing_queries.lock(reading)
        horizon, upcoming = await sealing_queries.horizon(reading)
        last = await sealing_queries.last_blocks(reading)
        types = await sealing_queries.column_types(reading, tables=[sealed.table for sealed in registered()])
        columns = {sealed.table: _columns(sealed, types.get(sealed.table, {})) for sealed in registered()}
        low = {table: last[table].to_xid if table in last else 0 for table in columns}
        if low and max(low.values()) > upcoming:
            raise ServerWentBack(sealed_below=max(low.values()), server_at=upcoming)
        written = await sealing_queries.with_rows_since(reading, low=low)
        for sealed in registered():
            if sealed.table in written:
                rows = sealing_queries.leaves(
                    reading, table=sealed.table, types=types[sealed.table], key=sealed.key,
                    columns=columns[sealed.table], low=low[sealed.table], high=horizon,
                )  # fmt: skip
                made += await _seal(
                    db, rows, sealed, columns[sealed.table], last=last.get(sealed.table), horizon=horizon,
                    block_rows=block_rows,
                )  # fmt: skip
    return made


async def seal_and_publish(
    db: Database, *, settings: Settings, block_rows: int = BLOCK_ROWS
) -> TreeHead | None:
    """Seal what can be sealed, then sign the log; the new head, None when nothing was added. The scheduled job."""
    await seal_all(db, block_rows=block_rows)
    async with db.transaction() as session:
        return await heads.publish(session, settings=settings)


async def _seal(
    db: Database, leaves: AsyncIterator[list[bytes]], sealed: Sealed, columns: tuple[str, ...], *, last: Block | None,
    horizon: int, block_rows: int,
) -> list[Block]:  # fmt: skip
    low, number = (0, 0) if last is None else (last.to_xid, last.block + 1)
    made: list[Block] = []
    cutter = Cutter(block_rows=block_rows)

    async def keep(runs: Iterator[Run]) -> None:
        nonlocal low, number
        for run in runs:
            high = horizon if run.to_xid is None else run.to_xid
            found = [
                Block(
                    sealed.table, number + place, place, low, high,
                    part.rows, part.root, sealed.key, columns, part.marks, entry_index=-1,
                )
                for place, part in enumerate(run.parts)
            ]  # fmt: skip
            async with db.transaction() as writing:
                made.extend(await _store(writing, found))
            low, number = high, number + len(found)

    async for rows in leaves:
        await keep(cutter.add(rows))
    await keep(cutter.finish())
    return made


def _columns(sealed: Sealed, types: dict[str, str]) -> tuple[str, ...]:
    for name in ("xid", *sealed.key, *sealed.leave_out):
        if name not in types:
            raise NotSealable(table=sealed.table, column=name)
    columns = tuple(name for name in types if name not in sealed.leave_out)
    sealing_queries.leaf_expression(
        table=sealed.table, columns=columns, types=types
    )  # refuses what has no one form
    return columns


async def _store(session: AsyncSession, blocks: Sequence[Block]) -> list[Block]:
    first = await service.append_many(session, entries=[("seal.block", statement(block)) for block in blocks])
    stored = [replace(block, entry_index=first + place) for place, block in enumerate(blocks)]
    for block in stored:
        await sealing_queries.store(session, block)
    return stored


def statement(block: Block) -> dict[str, Any]:
    """What the log says of a block."""
    return {
        "table": block.table,
        "block": block.block,
        "part": block.part,
        "from_xid": block.from_xid,
        "to_xid": block.to_xid,
        "rows": block.rows,
        "root": block.root.hex(),
        "key": list(block.key),
        "columns": list(block.columns),
    }


@dataclass(frozen=True)
class Part:
    """A block's content: the root over its rows' leaf hashes, and the first bytes of each."""

    rows: int
    root: bytes
    marks: bytes

    @classmethod
    def of(cls, rows: Sequence[bytes]) -> Part:
        hashes = [row[XID_BYTES:] for row in rows]
        return cls(len(rows), merkle.root_of(hashes), b"".join([leaf[:MARK_BYTES] for leaf in hashes]))


@dataclass(frozen=True)
class Run:
    """Rows of whole transactions, in one part unless a single transaction is too large for it.

    `to_xid` is the transaction that begins the next run; None when nothing follows.
    """

    parts: list[Part]
    to_xid: int | None


class Cutter:
    """Cuts a stream of rows (transaction ‖ leaf hash, in order) into runs; holds about one block in memory."""

    def __init__(self, *, block_rows: int) -> None:
        self._block_rows = block_rows
        self._rows: list[bytes] = []
        self._parts: list[Part] = []  # of a large transaction whose end is not yet seen

    def add(self, rows: Sequence[bytes]) -> Iterator[Run]:
        """Take further rows; yields the runs that they complete."""
        self._rows += rows
        while len(self._rows) > self._block_rows:
            following = self._rows[self._block_rows][:XID_BYTES]
            cut = bisect_left(self._rows, following)  # where the transaction of the first row beyond begins
            if cut == 0:
                self._parts.append(self._take(self._block_rows))
            elif self._parts:
                yield self._finish_large()
            else:
                yield Run([self._take(cut)], int.from_bytes(following))

    def finish(self) -> Iterator[Run]:
        """Yields what is left."""
        if self._parts:
            yield self._finish_large()
        if self._rows:
            yield Run([self._take(len(self._rows))], None)

    def _finish_large(self) -> Run:
        following = int.from_bytes(self._rows[0][:XID_BYTES]) + 1
        cut = bisect_left(self._rows, following.to_bytes(XID_BYTES))
        parts = [*self._parts, self._take(cut)]
        self._parts = []
        return Run(parts, following)

    def _take(self, count: int) -> Part:
        part = Part.of(self._rows[:count])
        del self._rows[:count]
        return part
