"""All SQL of the seals: the horizon, the rows of other tables as leaf hashes, the blocks.

A row's leaf hash is SHA-256(0x00 ‖ the row's columns, each in a binary form that no session setting changes):
0x00 for NULL, else 0x01 and the value. A value is 8 bytes big endian for whole numbers and transaction ids, 16 for
a UUID, 1 for a boolean, 8 for a time (microseconds since 2000-01-01 UTC), 4 for a date (days since 2000-01-01); all
else is its length in 4 bytes and its bytes: text in UTF-8, bytea as it is, jsonb, numeric and arrays as their text.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.db import raw_connection
from backend.log.errors import NotSealable

XID_BYTES = 8
FETCH_ROWS = 10_000
_LOCK = 7_318_005  # any constant: the advisory lock of sealing

_AS_TEXT = "convert_to({0}::text, 'UTF8')"
_FIXED = {
    "smallint": "int8send({0}::bigint)",
    "integer": "int8send({0}::bigint)",
    "bigint": "int8send({0})",
    "uuid": "uuid_send({0})",
    "xid8": "xid8send({0})",
    "boolean": "boolsend({0})",
    "date": "date_send({0})",
    "timestamp with time zone": "timestamptz_send({0})",
}
_SIZED = {
    "bytea": "{0}",
    "text": "convert_to({0}, 'UTF8')",
    **dict.fromkeys(
        (
            "character varying",
            "jsonb",
            "numeric",
            "text[]",
            "smallint[]",
            "integer[]",
            "bigint[]",
            "uuid[]",
            "int8range",
        ),
        _AS_TEXT,
    ),
}
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Block:
    """A sealed run of rows: those whose transaction lies in `[from_xid, to_xid)`, or one part of them."""

    table: str
    block: int
    part: int
    from_xid: int
    to_xid: int
    rows: int
    root: bytes
    key: tuple[str, ...]
    columns: tuple[str, ...]
    marks: bytes  # the first 4 bytes of each row's leaf hash
    entry_index: int


async def lock(session: AsyncSession) -> None:
    """Let only one process seal at a time, until this transaction ends."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def horizon(session: AsyncSession) -> tuple[int, int]:
    """The oldest transaction that still runs, below which all are finished; and the next that will begin."""
    row = (
        await session.execute(
            text("""
                SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text FROM pg_current_snapshot() AS s
            """)
        )
    ).one()
    return int(row[0]), int(row[1])


async def column_types(session: AsyncSession, *, tables: Collection[str]) -> dict[str, dict[str, str]]:
    """Of each of these tables its columns in order, with their types; nothing of a table that is not there."""
    rows = await session.execute(
        text("""
            SELECT t.name, a.attname, format_type(a.atttypid, NULL)
            FROM unnest(CAST(:tables AS text[])) AS t (name) JOIN pg_attribute a ON a.attrelid = to_regclass(t.name)
            WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY t.name, a.attnum
        """),
        {"tables": sorted(tables)},
    )
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


async def tables_with_xid(session: AsyncSession) -> list[str]:
    """Every table that notes which transaction wrote its rows; of partitions, the parent."""
    rows = await session.execute(
        text("""
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
                AND a.attname = 'xid' AND a.atttypid = 'xid8'::regtype ORDER BY 1
        """)
    )
    return [name for (name,) in rows]


def leaf_expression(*, table: str, columns: Sequence[str], types: dict[str, str]) -> str:
    """The SQL of a row's leaf hash. NotSealable for a column that is missing or whose bytes settings change."""
    fields = []
    for column in columns:
        kind = types.get(column, "")
        if kind in _FIXED:
            value = _FIXED[kind].format(column)
        elif kind in _SIZED:
            value = _SIZED[kind].format(column)
            value = f"int4send(octet_length({value})) || {value}"
        else:
            raise NotSealable(table=table, column=column)
        if not _NAME.fullmatch(column) or not _NAME.fullmatch(table):
            raise NotSealable(table=table, column=column)
        fields.append(rf"coalesce('\x01'::bytea || {value}, '\x00'::bytea)")
    return r"sha256('\x00'::bytea || " + " || ".join(fields) + ")"


def _order(table: str, key: Sequence[str], types: dict[str, str]) -> str:
    for name in key:
        if name not in types or not _NAME.fullmatch(name):
            raise NotSealable(table=table, column=name)
    return ", ".join(["xid", *(f'{name} COLLATE "C"' if types[name] == "text" else name for name in key)])


async def leaves(
    session: AsyncSession,
    *,
    table: str,
    types: dict[str, str],
    key: Sequence[str],
    columns: Sequence[str],
    low: int,
    high: int,
) -> AsyncIterator[list[bytes]]:
    """The rows written by transactions `[low, high)`, in runs: the transaction (8 bytes) ‖ the row's leaf hash (32).

    Ordered by transaction, then by key. Read through a cursor, so that memory is bounded whatever the table holds. `types`: the
    table's `column_types`.
    """
    leaf = leaf_expression(table=table, columns=columns, types=types)
    connection = await raw_connection(session)
    cursor = await connection.cursor(
        f"SELECT xid8send(xid) || {leaf} FROM {table}"  # noqa: S608 - names are checked, values are arguments
        f" WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8 ORDER BY {_order(table, key, types)}",
        str(low),
        str(high),
    )
    while rows := await cursor.fetch(FETCH_ROWS):
        yield [row[0] for row in rows]


async def row_keys(
    session: AsyncSession, *, table: str, key: Sequence[str], low: int, high: int, places: Sequence[int]
) -> list[str]:
    """The keys, as text, of the rows at these places among those of transactions `[low, high)`."""
    types = (await column_types(session, tables=[table])).get(table, {})
    shown = f"concat_ws(' ', {', '.join(key)})"
    rows = await session.execute(
        text(f"""
            SELECT shown FROM (
                SELECT {shown} AS shown, row_number() OVER (ORDER BY {_order(table, key, types)}) - 1 AS place FROM {table}
                WHERE xid >= CAST(CAST(:low AS text) AS xid8) AND xid < CAST(CAST(:high AS text) AS xid8)
            ) AS numbered WHERE place = ANY (:places) ORDER BY place
        """),  # noqa: S608 - names are checked, values are arguments
        {"low": str(low), "high": str(high), "places": list(places)},
    )
    return [str(shown) for (shown,) in rows]


async def with_rows_from_the_future(session: AsyncSession, *, tables: Collection[str]) -> set[str]:
    """The tables with rows that name a transaction that had not begun when they were read; their own writer's may be newer."""
    return await _where_any(
        session,
        tables,
        "xid >= pg_snapshot_xmax(pg_current_snapshot()) AND xid IS DISTINCT FROM pg_current_xact_id_if_assigned()",
    )


async def with_rows_since(session: AsyncSession, *, low: Mapping[str, int]) -> set[str]:
    """The tables with rows that were written by their transaction here or a later one."""
    return await _where_any(session, low, _SINCE, {f"x{n}": str(low[table]) for n, table in enumerate(low)})


async def rows_since(session: AsyncSession, *, low: Mapping[str, int]) -> dict[str, int]:
    """How many rows of each table were written by its transaction here or a later one."""
    parts = [
        f"SELECT '{_named(table)}', count(*) FROM {table} WHERE {_SINCE.format(n)}"  # noqa: S608 - names are checked
        for n, table in enumerate(low)
    ]
    if not parts:
        return {}
    rows = await session.execute(
        text(" UNION ALL ".join(parts)), {f"x{n}": str(low[table]) for n, table in enumerate(low)}
    )
    return {str(table): int(count) for table, count in rows}


_SINCE = "xid >= CAST(CAST(:x{0} AS text) AS xid8)"


async def _where_any(
    session: AsyncSession, tables: Collection[str], condition: str, given: Mapping[str, str] | None = None
) -> set[str]:
    """The tables that have a row of which the condition holds; `{0}` in it is the table's place."""
    parts = [
        f"SELECT '{_named(table)}' WHERE EXISTS (SELECT FROM {table} WHERE {condition.format(n)})"  # noqa: S608 - names are checked
        for n, table in enumerate(tables)
    ]
    return (
        set((await session.scalars(text(" UNION ALL ".join(parts)), given or {})).all()) if parts else set()
    )


def _named(table: str) -> str:
    if not _NAME.fullmatch(table):
        raise NotSealable(table=table, column="")
    return table


_BLOCK = """
    SELECT table_name, block_no, part, from_xid::text, to_xid::text, rows, root, key, columns, marks, entry_index
    FROM log_seal
"""


def _block(row: Sequence[Any]) -> Block:
    table, number, part, low, high, rows, root, key, columns, marks, entry = row
    return Block(
        table=table,
        block=number,
        part=part,
        from_xid=int(low),
        to_xid=int(high),
        rows=rows,
        root=root,
        key=tuple(key),
        columns=tuple(columns),
        marks=marks,
        entry_index=entry,
    )


async def last_blocks(session: AsyncSession) -> dict[str, Block]:
    """The newest block of every table that has one."""
    newest = "(SELECT table_name, max(block_no) FROM log_seal GROUP BY 1)"
    rows = await session.execute(text(f"{_BLOCK} WHERE (table_name, block_no) IN {newest}"))
    return {block.table: block for block in map(_block, rows)}


async def block_before(session: AsyncSession, *, table: str, entry: int) -> Block | None:
    """The newest block of a table whose entry lies before that one."""
    rows = await session.execute(
        text(_BLOCK + " WHERE table_name = :table AND entry_index < :entry ORDER BY block_no DESC LIMIT 1"),
        {"table": table, "entry": entry},
    )
    row = rows.first()
    return None if row is None else _block(row)


async def sealed_tables(session: AsyncSession) -> list[str]:
    """Every table that has a block."""
    rows = await session.execute(text("SELECT DISTINCT table_name FROM log_seal ORDER BY 1"))
    return [name for (name,) in rows]


async def sealed_rows(session: AsyncSession) -> dict[str, int]:
    """How many rows of each table lie in its blocks."""
    rows = await session.execute(
        text("SELECT table_name, coalesce(sum(rows), 0)::bigint FROM log_seal GROUP BY 1")
    )
    return {str(table): int(count) for table, count in rows}


async def rows_sealed_since(session: AsyncSession, *, entry: int) -> int:
    """How many rows lie in blocks whose entries have this index or a later one."""
    result = await session.execute(
        text("SELECT coalesce(sum(rows), 0)::bigint FROM log_seal WHERE entry_index >= :entry"),
        {"entry": entry},
    )
    return int(result.scalar_one())


async def stated_blocks(
    session: AsyncSession, *, table: str, after: int, log_size: int, count: int
) -> list[tuple[Block, dict[str, Any] | None]]:
    """Up to `count` blocks of a table numbered above `after`, whose entries lie in the first `log_size`.

    With each, what the log states of it; None when its entry is gone or is of another kind.
    """
    rows = await session.execute(
        text("""
            SELECT table_name, block_no, part, from_xid::text, to_xid::text, rows, root, key, columns, marks,
                entry_index, e.body
            FROM log_seal LEFT JOIN log_entry e ON e.index = entry_index AND e.kind = 'seal.block'
            WHERE table_name = :table AND block_no > :after AND entry_index < :size
            ORDER BY block_no LIMIT :count
        """),
        {"table": table, "after": after, "size": log_size, "count": count},
    )
    return [(_block(row[:-1]), row[-1]) for row in rows]


async def entries_without_block(
    session: AsyncSession, *, log_size: int, since: int = 0
) -> list[tuple[int, str]]:
    """Log entries that state a block which is not there: index and table."""
    rows = await session.execute(
        text("""
            SELECT e.index, e.body->>'table' FROM log_entry e LEFT JOIN log_seal s ON s.entry_index = e.index
            WHERE e.kind = 'seal.block' AND e.index >= :since AND e.index < :size AND s.entry_index IS NULL ORDER BY e.index
        """),
        {"size": log_size, "since": since},
    )
    return [(index, str(table)) for index, table in rows]


async def blocks_without_entry(session: AsyncSession) -> list[tuple[str, int]]:
    """Blocks that the log does not state at all: table and number."""
    rows = await session.execute(
        text("""
            SELECT s.table_name, s.block_no FROM log_seal s LEFT JOIN log_entry e ON e.index = s.entry_index
            WHERE e.index IS NULL ORDER BY 1, 2
        """)
    )
    return [(str(table), int(number)) for table, number in rows]


async def store(session: AsyncSession, block: Block) -> None:
    """Keep a block whose entry is already in the log; SealOutOfOrder when it does not continue its table's last."""
    await session.execute(
        text("""
            SELECT log_store_seal(
                :table, :block, :part, CAST(CAST(:low AS text) AS xid8), CAST(CAST(:high AS text) AS xid8),
                :rows, :root, CAST(:key AS text[]), CAST(:columns AS text[]), :marks, :entry)
        """),
        {
            "table": block.table,
            "block": block.block,
            "part": block.part,
            "low": str(block.from_xid),
            "high": str(block.to_xid),
            "rows": block.rows,
            "root": block.root,
            "key": list(block.key),
            "columns": list(block.columns),
            "marks": block.marks,
            "entry": block.entry_index,
        },
    )


def spans(found: Sequence[Block]) -> list[list[Block]]:
    """Blocks grouped by range: the parts of one large transaction stand together."""
    return [list(parts) for _, parts in groupby(found, key=lambda block: (block.from_xid, block.to_xid))]
