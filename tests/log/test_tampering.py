"""Whatever a superuser changes in the log, its keys, heads, seals or the sealed ledger is named."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import StaticPool

from backend import log
from backend.kit.db import Database
from backend.kit.settings import Settings

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture(scope="module", autouse=True)
async def history(db: Database, settings: Settings, superuser: Connection) -> None:
    """A log with entries, two heads and a seal over two accounts and a transfer."""
    async with db.transaction() as session:
        await log.append_many(session, entries=[("test.fact", {"n": n}) for n in range(5)])
        await log.publish(session, settings=settings)
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("""
        INSERT INTO ledger_account (code, kind, unit, guard, due, balance) VALUES
            ('issuer:a', 'issuer', 'pt', 'none', NULL, NULL), ('wallet:b', 'wallet', 'pt', 'floor', '2026-12-31', 7)
    """)
    await superuser.execute("""
        INSERT INTO ledger_transfer (posting_id, line, debit_id, credit_id, unit, amount, reason, happened_at)
        SELECT gen_random_uuid(), 1, min(id), max(id), 'pt', 7, 'earned', now() FROM ledger_account
    """)
    await superuser.execute("SET session_replication_role = origin")
    made = await log.seal_all(db)
    assert {block.table: block.rows for block in made} == {"ledger_account": 2, "ledger_transfer": 1}
    async with db.transaction() as session:
        await log.publish(session, settings=settings)
        assert await log.verify(session, settings=settings) == []


@asynccontextmanager
async def tampered(superuser: Connection, settings: Settings, *changes: str) -> AsyncIterator[list[str]]:
    """What the verification says after the changes, made without constraints or triggers and undone at the end."""
    transaction = superuser.transaction()
    await transaction.start()
    try:
        for row in await superuser.fetch("""
            SELECT conrelid::regclass::text AS in_table, conname FROM pg_constraint
            WHERE conrelid::regclass::text ~ '^(log|ledger)_' AND contype IN ('c', 'f')
        """):
            await superuser.execute(
                f'ALTER TABLE {row["in_table"]} DROP CONSTRAINT "{row["conname"]}" CASCADE'
            )
        await superuser.execute("SET LOCAL session_replication_role = replica")
        for change in changes:
            assert int((await superuser.execute(change)).split()[-1]) > 0, change
        async with reading(superuser) as session:
            yield [str(violation) for violation in await log.verify(session, settings=settings)]
    finally:
        await transaction.rollback()


@asynccontextmanager
async def reading(connection: Connection) -> AsyncIterator[AsyncSession]:
    """A session inside the transaction that is open on this connection."""

    async def connect() -> Connection:
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, poolclass=StaticPool, isolation_level="AUTOCOMMIT"
    )
    async with AsyncSession(engine) as session:
        yield session


FLIP = "set_byte({0}, 0, 255 - get_byte({0}, 0))"
CHANGES = {
    "log_entry": {
        "index": "index + 100",
        "kind": "'test.other'",
        "body": "body || '{\"n\": 9}'",
        "canonical": FLIP.format("canonical"),
        "leaf_hash": FLIP.format("leaf_hash"),
        "recorded_at": "recorded_at + interval '1 microsecond'",
    },
    "log_node": {"level": "level + 10", "index": "index + 100", "hash": FLIP.format("hash")},
    "log_key": {
        "key_id": FLIP.format("key_id"),
        "generation": "generation + 1",
        "name": "'someone.else/log'",
        "public_key": FLIP.format("public_key"),
    },
    "log_tree_head": {
        "size": "size + 1",
        "root": FLIP.format("root"),
        "signed_at": "signed_at + interval '1 microsecond'",
        "key_id": FLIP.format("key_id"),
        "note": "replace(note, E'5\\n', E'4\\n')",
    },
    "log_seal": {
        "table_name": "table_name || '_x'",
        "block_no": "block_no + 1",
        "part": "part + 1",
        "from_xid": "'1'",
        "to_xid": "((to_xid::text::bigint - 1)::text)::xid8",
        "rows": "rows + 1",
        "root": FLIP.format("root"),
        "key": "'{unit}'",
        "columns": "columns[2:]",
        "marks": FLIP.format("marks"),
        "entry_index": "entry_index + 1000",
    },
    "ledger_account": {
        "code": "code || 'x'",
        "kind": "'x'",
        "unit": "'g'",
        "guard": "'ceiling'",
        "due": "'2027-01-01'",
        "opened_at": "opened_at + interval '1 second'",
        "xid": "'3'",
    },
    "ledger_transfer": {
        "posting_id": "gen_random_uuid()",
        "line": "2",
        "debit_id": "debit_id + 1",
        "credit_id": "credit_id + 1",
        "unit": "'g'",
        "amount": "amount + 1",
        "reason": "'expired'",
        "happened_at": "happened_at - interval '1 day'",
        "recorded_at": "recorded_at - interval '1 day'",
        "reverses": "gen_random_uuid()",
        "captures": "gen_random_uuid()",
        "xid": "'3'",
    },
}
WHERE = {"log_entry": "index = 2", "log_node": "(level, index) = (1, 1)", "log_tree_head": "size = 5"}


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, columns in CHANGES.items() for column in columns]
)
async def test_a_change_to_any_column_is_named(
    superuser: Connection, settings: Settings, table: str, column: str
) -> None:
    change = f"UPDATE {table} SET {column} = {CHANGES[table][column]} WHERE {WHERE.get(table, 'true')}"
    async with tampered(superuser, settings, change) as found:
        assert any(table in violation for violation in found), found


@pytest.mark.parametrize("table", CHANGES)
async def test_no_column_is_left_out_of_these_tests(superuser: Connection, table: str) -> None:
    rows = await superuser.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
        table,
    )
    expected = {"balance", "id"} if table == "ledger_account" else set()
    assert {row["attname"] for row in rows} - set(CHANGES[table]) == expected


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DELETE FROM log_entry WHERE index = 3", "log_entry #3: is gone"),
        ("DELETE FROM log_node WHERE level = 2", "log_node 2/0: is gone"),
        ("DELETE FROM log_key", "log_tree_head size 5: is not a key of this platform"),
        ("DELETE FROM log_seal WHERE table_name = 'ledger_account'", "log_seal ledger_account, entry #"),
        ("DELETE FROM log_entry WHERE index >= 4", "log_tree_head size 5: lies beyond the end of the log"),
        ("DELETE FROM ledger_transfer", "ledger_transfer block 0"),
        ("DELETE FROM ledger_account WHERE code = 'wallet:b'", "ledger_account block 0"),
    ],
)
async def test_what_is_removed_is_named(
    superuser: Connection, settings: Settings, change: str, named: str
) -> None:
    async with tampered(superuser, settings, change) as found:
        assert any(violation.startswith(named) for violation in found), found


async def test_an_entry_rewritten_with_its_hash_and_nodes_still_breaks_the_signed_heads(
    superuser: Connection, settings: Settings
) -> None:
    forged = b'{"body":{"n":40},"kind":"test.fact","recorded_at":"2026-01-01T00:00:00.000000Z"}'
    documents = [
        bytes(row["canonical"])
        for row in await superuser.fetch("SELECT canonical FROM log_entry ORDER BY index")
    ]
    documents[0] = forged
    listed = ", ".join(f"'\\x{document.hex()}'::bytea" for document in documents)
    async with tampered(
        superuser,
        settings,
        "DELETE FROM log_entry",
        "DELETE FROM log_node",
        f"SELECT log_append(ARRAY[{listed}])",
    ) as found:
        assert len(found) == 2
        assert all("is not the root of the entries at that size" in violation for violation in found)


async def test_another_master_key_neither_signs_nor_verifies_this_log(db: Database) -> None:
    foreign = Settings(embedded=True, master_key=SecretStr(base64.b64encode(b"f" * 32).decode()))

    async def grow_and_publish() -> None:
        async with db.transaction() as session:
            await log.append(session, kind="test.fact", body={})
            await log.publish(session, settings=foreign)

    with pytest.raises(log.SigningKeyChanged):
        await grow_and_publish()
    async with db.transaction() as session:
        found = await log.verify_log(session, settings=foreign)
    assert {violation.table for violation in found} == {"log_key", "log_tree_head"}
