"""Sealing a table of its own and the ledger's: nothing missed, nothing twice, every change found."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import log
from backend.kit.db import Database, connect_arguments
from backend.kit.settings import Settings
from backend.log import merkle, sealing, sealing_queries
from backend.log.sealing import Cutter, Part, Run, Sealed

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SAMPLE = Sealed("log_sample", key=("name", "id"), leave_out=("balance",))


@contextmanager
def only(*tables: Sealed) -> Iterator[None]:
    """Only these tables are registered inside the block."""
    before = sealing.registered()
    registry = sealing._registry  # noqa: SLF001 - what is registered for one test must not stay
    registry.clear()
    sealing.register(*tables)
    try:
        yield
    finally:
        registry.clear()
        sealing.register(*before)


@pytest.fixture(autouse=True)
def _sample_registered() -> Iterator[None]:
    with only(*sealing.registered(), SAMPLE):
        yield


@pytest.fixture(scope="module", autouse=True)
async def sample(superuser: Connection) -> None:
    """A table with a column of every type that can be sealed."""
    await superuser.execute("""
        CREATE TABLE log_sample (
            id bigint GENERATED ALWAYS AS IDENTITY,
            name text NOT NULL,
            note text,
            balance bigint NOT NULL DEFAULT 0,
            small smallint DEFAULT 1,
            number integer DEFAULT 2,
            yes boolean DEFAULT true,
            reference uuid DEFAULT '00000000-0000-7000-8000-000000000001',
            day date DEFAULT '2026-01-02',
            at timestamptz DEFAULT '2026-01-02 03:04:05.000006+08',
            raw bytea DEFAULT '\\x00ff',
            facts jsonb DEFAULT '{"b": 1, "a": [null]}',
            ratio numeric DEFAULT 0.50,
            words text[] DEFAULT '{"a b",NULL,""}',
            serials int8range DEFAULT '[1,5)',
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            PRIMARY KEY (id)
        )
    """)
    await superuser.execute("CREATE INDEX ON log_sample (xid)")
    await superuser.execute("GRANT SELECT, INSERT ON log_sample TO puhui_app")


async def write(db: Database, *names: str) -> None:
    async with db.hot_transaction() as connection:
        await connection.executemany("INSERT INTO log_sample (name) VALUES ($1)", [(name,) for name in names])


async def violations(db: Database, settings: Settings) -> list[str]:
    async with db.transaction() as session:
        return [str(violation) for violation in await log.verify(session, settings=settings)]


async def sealed_names(superuser: Connection) -> list[str]:
    """The names of all rows that lie in some block, as often as they do."""
    rows = await superuser.fetch("""
        SELECT name FROM log_sample r
        JOIN (SELECT DISTINCT from_xid, to_xid FROM log_seal WHERE table_name = 'log_sample') s
            ON r.xid >= s.from_xid AND r.xid < s.to_xid
    """)
    return [row["name"] for row in rows]


@asynccontextmanager
async def tampering(superuser: Connection) -> AsyncIterator[Connection]:
    """What the superuser does inside is undone at the end; triggers and foreign keys do not see it."""
    transaction = superuser.transaction()
    await transaction.start()
    await superuser.execute("SET LOCAL session_replication_role = replica")
    try:
        yield superuser
    finally:
        await transaction.rollback()


async def test_what_is_committed_is_sealed_once(
    db: Database, settings: Settings, superuser: Connection
) -> None:
    await write(db, "a", "b", "c")
    (block,) = [made for made in await log.seal_all(db) if made.table == "log_sample"]
    assert (block.block, block.part, block.from_xid, block.rows) == (0, 0, 0, 3)
    assert "balance" not in block.columns
    assert set(block.columns) > {"id", "name", "xid", "facts"}
    assert [made for made in await log.seal_all(db) if made.table == "log_sample"] == []
    await write(db, "d")
    (second,) = [made for made in await log.seal_all(db) if made.table == "log_sample"]
    assert (second.block, second.from_xid, second.rows) == (1, block.to_xid, 1)
    async with db.transaction() as session:
        (entry,) = await log.entries(session, low=second.entry_index, high=second.entry_index + 1)
    assert (entry.kind, entry.body) == ("seal.block", sealing.statement(second))
    assert sorted(await sealed_names(superuser)) == ["a", "b", "c", "d"]
    assert await violations(db, settings) == []


async def test_a_transaction_held_open_is_not_missed(
    db: Database, settings: Settings, superuser: Connection
) -> None:
    assert settings.database_url is not None
    held = await asyncpg.connect(**connect_arguments(settings.database_url.get_secret_value()))
    try:
        transaction = held.transaction()
        await transaction.start()
        await held.execute("INSERT INTO log_sample (name) VALUES ('held open')")
        await write(db, "came later")
        await log.seal_all(db)
        assert "held open" not in await sealed_names(superuser)
        await transaction.commit()
    finally:
        await held.close()
    await log.seal_all(db)
    names = await sealed_names(superuser)
    assert names.count("held open") == names.count("came later") == 1
    assert await violations(db, settings) == []


async def test_sealing_and_verifying_beside_writers_misses_none_and_accuses_none(
    db: Database, settings: Settings, superuser: Connection
) -> None:
    chance = random.Random(9162)
    done = asyncio.Event()

    async def writer(number: int) -> None:
        for turn in range(12):
            async with db.hot_transaction() as connection:
                for row in range(chance.randint(1, 4)):
                    await connection.execute(
                        "INSERT INTO log_sample (name) VALUES ($1)", f"race {number} {turn} {row}"
                    )
                    await asyncio.sleep(chance.random() * 0.01)

    async def sealer() -> None:
        while not done.is_set():
            await log.seal_all(db, block_rows=3)

    async def verifier() -> None:
        while not done.is_set():
            assert await violations(db, settings) == []

    helpers = [asyncio.create_task(sealer()) for _ in range(2)] + [asyncio.create_task(verifier())]
    await asyncio.gather(*(writer(number) for number in range(6)))
    done.set()
    await asyncio.gather(*helpers)
    await log.seal_all(db)
    written = [row["name"] for row in await superuser.fetch("SELECT name FROM log_sample")]
    assert sorted(await sealed_names(superuser)) == sorted(written)
    assert await violations(db, settings) == []


async def test_a_large_transaction_is_sealed_in_parts(
    db: Database, settings: Settings, superuser: Connection
) -> None:
    await write(db, "before")
    await write(db, *(f"large {number}" for number in range(25)))
    await write(db, "after")
    made = [block for block in await log.seal_all(db, block_rows=10) if block.table == "log_sample"]
    assert [(block.part, block.rows) for block in made] == [(0, 1), (0, 10), (1, 10), (2, 5), (0, 1)]
    assert len({(block.from_xid, block.to_xid) for block in made[1:4]}) == 1
    assert await violations(db, settings) == []
    async with tampering(superuser):
        await superuser.execute("UPDATE log_sample SET note = 'x' WHERE name = 'large 17'")
        async with _reading(superuser, settings) as found:
            assert len(found) == 1
            assert "large 17" in found[0]


async def test_an_open_part_of_a_large_transaction_survives_a_crash(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(db, *(f"crash {number}" for number in range(12)))
    store, calls = sealing_queries.store, 0

    async def crash(*given: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionResetError
        await store(*given)  # type: ignore[arg-type]

    async with db.transaction() as session:
        before = await log.size(session)
    monkeypatch.setattr(sealing_queries, "store", crash)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever a lost connection becomes
        await log.seal_all(db, block_rows=5)
    monkeypatch.undo()
    async with db.transaction() as session:
        assert await log.size(session) == before
    made = [block for block in await log.seal_all(db, block_rows=5) if block.table == "log_sample"]
    assert [block.rows for block in made] == [5, 5, 2]
    assert await violations(db, settings) == []


COLUMNS = {
    "id": "id + 1000000",
    "name": "name || ' '",
    "note": "''",
    "small": "NULL",
    "number": "number + 1",
    "yes": "NOT yes",
    "reference": "'00000000-0000-7000-8000-000000000002'",
    "day": "day + 1",
    "at": "at + interval '1 microsecond'",
    "raw": "'\\x00fe'",
    "facts": '\'{"b": 1, "a": []}\'',
    "ratio": "0.5",
    "words": '\'{"a b","NULL",""}\'',
    "serials": "'[1,6)'",
    "xid": "'1'",
}


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_change_to_any_sealed_column_names_the_row(
    db: Database, settings: Settings, superuser: Connection, column: str
) -> None:
    name = f"tampered {column}"
    await write(db, "neighbour", name, "other")
    await log.seal_all(db)
    async with tampering(superuser):
        change = f"UPDATE log_sample SET {column} = {COLUMNS[column]} WHERE name = $1"
        if column == "id":
            await superuser.execute("ALTER TABLE log_sample ALTER id DROP IDENTITY")
        assert await superuser.execute(change, name) == "UPDATE 1"
        async with _reading(superuser, settings) as found:
            assert found
            assert all(violation.startswith("log_sample block") for violation in found)
            assert any(name in violation for violation in found)
    assert await violations(db, settings) == []


async def test_a_column_that_may_change_is_not_sealed(
    db: Database, settings: Settings, superuser: Connection
) -> None:
    await superuser.execute("UPDATE log_sample SET balance = balance + 1")
    assert await violations(db, settings) == []


async def test_a_row_removed_or_slipped_in_is_named(
    db: Database, settings: Settings, superuser: Connection
) -> None:
    await write(db, "first", "second", "third")
    await log.seal_all(db)
    async with tampering(superuser):
        await superuser.execute("DELETE FROM log_sample WHERE name = 'second'")
        async with _reading(superuser, settings) as found:
            assert len(found) == 1
            assert "found 2: 0 changed or added, 1 changed or gone" in found[0]
    async with tampering(superuser):
        await superuser.execute(
            "INSERT INTO log_sample (name, xid) SELECT 'slipped in', xid FROM log_sample WHERE name = 'second'"
        )
        async with _reading(superuser, settings) as found:
            assert len(found) == 1
            assert "slipped in" in found[0]
            assert "found 4: 1 changed or added, 0 changed or gone" in found[0]
    async with tampering(superuser):
        await superuser.execute(
            "INSERT INTO log_sample (name, xid) VALUES ('from the future', '99999999999')"
        )
        async with _reading(superuser, settings) as found:
            assert len(found) == 1
            assert "not begun" in found[0]
    async with tampering(superuser):
        await superuser.execute("DROP TABLE log_sample CASCADE")
        async with _reading(superuser, settings) as found:
            assert found == ["log_sample : is gone"]


async def test_a_row_without_a_transaction_yet_is_sealed_when_it_is_complete(
    db: Database, settings: Settings, superuser: Connection
) -> None:
    await superuser.execute("CREATE TABLE log_decided (id bigint PRIMARY KEY, decision text, xid xid8)")
    await superuser.execute("GRANT SELECT ON log_decided TO puhui_app")
    with only(Sealed("log_decided", key=("id",))):
        await superuser.execute("INSERT INTO log_decided VALUES (1), (2)")
        assert await log.seal_all(db) == []
        await superuser.execute(
            "UPDATE log_decided SET decision = 'yes', xid = pg_current_xact_id() WHERE id = 2"
        )
        (block,) = await log.seal_all(db)
        assert block.rows == 1
        async with tampering(superuser):
            await superuser.execute("UPDATE log_decided SET decision = NULL, xid = NULL WHERE id = 2")
            async with _reading(superuser, settings) as found:
                assert any(violation.startswith("log_decided block 0") for violation in found)


async def test_sealing_and_signing_is_one_job(db: Database, settings: Settings) -> None:
    await write(db, "signed")
    head = await log.seal_and_publish(db, settings=settings)
    assert head is not None
    async with db.transaction() as session:
        assert head.size == await log.size(session)
    assert await log.seal_and_publish(db, settings=settings) is None


async def test_the_database_refuses_a_block_that_does_not_continue_or_runs_ahead(
    db: Database, superuser: Connection
) -> None:
    await write(db, "continues")
    last = [block for block in await log.seal_all(db) if block.table == "log_sample"][-1]
    upcoming = int(await superuser.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))
    honest = replace(last, block=last.block + 1, from_xid=last.to_xid, to_xid=last.to_xid + 1, part=0)

    async def store(block: log.Block, stated: log.Block) -> None:
        async with db.transaction() as session:
            index = await log.append(session, kind="seal.block", body=sealing.statement(stated))
            await sealing_queries.store(session, replace(block, entry_index=index))

    for wrong in (
        replace(honest, block=last.block + 2),
        replace(honest, from_xid=last.to_xid + 1, to_xid=last.to_xid + 2),
        replace(honest, part=1),
        replace(honest, to_xid=upcoming + 10),
    ):
        with pytest.raises(log.SealOutOfOrder):
            await store(wrong, wrong)
    with pytest.raises(log.SealOutOfOrder):
        await store(honest, replace(honest, rows=honest.rows + 1))


async def test_a_server_that_counts_from_below_the_last_seal_is_refused(
    db: Database, superuser: Connection
) -> None:
    await write(db, "before the restore")
    await log.seal_all(db)
    later = int(await superuser.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")) + 1_000_000
    change = (
        "UPDATE log_seal SET to_xid = $1::text::xid8 WHERE block_no = (SELECT max(block_no) FROM log_seal)"
    )
    undo = await superuser.fetchval("SELECT max(to_xid::text::bigint)::text FROM log_seal")
    await superuser.execute("SET session_replication_role = replica")
    try:
        await superuser.execute(change, str(later))
        with pytest.raises(log.ServerWentBack):
            await log.seal_all(db)
        await superuser.execute(change, undo)
    finally:
        await superuser.execute("SET session_replication_role = origin")


async def test_the_leaf_of_a_row_is_what_the_description_says(db: Database, superuser: Connection) -> None:
    """The plainest encoder, written from the module's text, gives the same hash as the SQL."""
    await write(db, "甲")
    row = await superuser.fetchrow("SELECT id, xid::text FROM log_sample WHERE name = '甲'")
    assert row is not None

    def sized(data: bytes) -> bytes:
        return len(data).to_bytes(4) + data

    def whole(number: int) -> bytes:
        return number.to_bytes(8, signed=True)

    since_2000 = datetime(2026, 1, 1, 19, 4, 5, 6, UTC) - datetime(2000, 1, 1, tzinfo=UTC)
    values = [
        whole(row["id"]),
        sized("甲".encode()),
        None,
        whole(1),
        whole(2),
        b"\x01",
        UUID("00000000-0000-7000-8000-000000000001").bytes,
        (date(2026, 1, 2) - date(2000, 1, 1)).days.to_bytes(4),
        whole(since_2000 // timedelta(microseconds=1)),
        sized(b"\x00\xff"),
        sized(b'{"a": [null], "b": 1}'),
        sized(b"0.50"),
        sized(b'{"a b",NULL,""}'),
        sized(b"[1,5)"),
        whole(int(row["xid"])),
    ]
    expected = merkle.leaf_hash(b"".join(b"\0" if value is None else b"\1" + value for value in values))
    async with db.transaction() as session:
        types = (await sealing_queries.column_types(session, tables=["log_sample"]))["log_sample"]
        stream = sealing_queries.leaves(
            session,
            table="log_sample",
            types=types,
            key=SAMPLE.key,
            columns=[name for name in types if name != "balance"],
            low=int(row["xid"]),
            high=int(row["xid"]) + 1,
        )
        assert [leaf async for rows in stream for leaf in rows] == [int(row["xid"]).to_bytes(8) + expected]


@pytest.mark.parametrize(
    ("definition", "column"),
    [
        ("id bigint, price double precision, xid xid8", "price"),
        ("id bigint, length interval, xid xid8", "length"),
        ("id bigint", "xid"),
        ("number bigint, xid xid8", "id"),
    ],
)
async def test_a_table_that_cannot_be_sealed_says_which_column(
    db: Database, superuser: Connection, definition: str, column: str
) -> None:
    await superuser.execute(f"CREATE TABLE log_odd ({definition})")
    try:
        with only(Sealed("log_odd", key=("id",))), pytest.raises(log.NotSealable) as refused:
            await log.seal_all(db)
        assert refused.value.facts() == {"table": "log_odd", "column": column}
    finally:
        await superuser.execute("DROP TABLE log_odd")


def test_one_table_has_one_description() -> None:
    sealing.register(SAMPLE)
    with pytest.raises(ValueError, match="twice"):
        sealing.register(Sealed("log_sample", key=("id",)))
    with pytest.raises(ValueError, match="key"):
        Sealed("log_sample", key=())


@given(
    st.lists(st.integers(1, 9), max_size=25),
    st.integers(1, 6),
    st.integers(1, 8),
)
def test_cutting_keeps_every_row_and_never_splits_a_small_transaction(
    sizes: list[int], block_rows: int, at_once: int
) -> None:
    rows = [
        xid.to_bytes(8) + merkle.leaf_hash(f"{xid} {number}".encode())
        for xid, count in enumerate(sizes, start=5)
        for number in range(count)
    ]
    cutter = Cutter(block_rows=block_rows)
    runs: list[Run] = []
    for start in range(0, len(rows), at_once):
        runs += cutter.add(rows[start : start + at_once])
    runs += cutter.finish()
    left = rows
    for run in runs:
        for part in run.parts:
            assert 0 < part.rows <= block_rows
            assert part == Part.of(left[: part.rows])
            taken, left = left[: part.rows], left[part.rows :]
        if len(run.parts) > 1:
            assert len({row[:8] for row in taken}) == 1
            assert all(part.rows == block_rows for part in run.parts[:-1])
        if run.to_xid is not None:
            assert taken[-1][:8] < run.to_xid.to_bytes(8)
            assert not left or left[0][:8] >= run.to_xid.to_bytes(8)
    assert left == []
    assert all(run.to_xid is not None for run in runs[:-1])


async def test_a_table_that_nobody_registered_is_named(db: Database) -> None:
    with only(*(table for table in sealing.registered() if table != SAMPLE)):
        async with db.transaction() as session:
            assert "log_sample" in {violation.table for violation in await log.verify_coverage(session)}
    async with db.transaction() as session:
        assert "log_sample" not in {violation.table for violation in await log.verify_coverage(session)}


@asynccontextmanager
async def _reading(superuser: Connection, settings: Settings) -> AsyncIterator[list[str]]:
    """What the verification says inside the superuser's own open transaction, which is then undone."""
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
    from sqlalchemy.pool import StaticPool

    async def connect() -> Connection:
        return superuser

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, poolclass=StaticPool, isolation_level="AUTOCOMMIT"
    )
    async with AsyncSession(engine) as session:
        yield [str(violation) for violation in await log.verify(session, settings=settings)]
