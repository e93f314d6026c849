"""Whatever a database superuser changes, adds or removes behind the application's back, the audit names it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.kit.settings import Settings
from puhui.audit import Report
from tests.audit.conftest import City, Connection, report_of, said, tampering, undone

TABLES = (
    "ledger_kind", "ledger_rule", "ledger_account", "ledger_transfer", "ledger_checkpoint",
    "action", "action_claim", "intake_chunk", "intake_source",
    "pack_text", "programme", "programme_pack", "method_ref",
    "methodology_filing", "methodology_demo_override", "two_person_act", "two_person_decision",
    "organisation", "agreement_text", "consent_event",
    "log_entry", "log_node", "log_key", "log_tree_head", "log_seal",
)  # fmt: skip

CHANGED = {
    "bigint": "{0} + 1",
    "integer": "{0} + 1",
    "numeric": "{0} + 1",
    "text": "{0} || 'x'",
    "uuid": "gen_random_uuid()",
    "date": "{0} + 1",
    "timestamp with time zone": "{0} + interval '1 day'",
    "boolean": "NOT {0}",
    "bytea": "set_byte({0}, 0, 255 - get_byte({0}, 0))",
    "jsonb": "{0} || '{{\"tampered\": 1}}'",
    "xid8": "'3'",
    "text[]": "{0} || 'x'::text",
}
GIVEN = {  # what stands where there was nothing
    "bigint": "1",
    "uuid": "gen_random_uuid()",
    "date": "'2027-01-01'",
    "timestamp with time zone": "now()",
}
CHOSEN = {"ledger_checkpoint": "abs(balance) DESC", "log_key": "generation"}


@pytest.fixture(scope="module", autouse=True)
async def superuser_at_work(city: City, superuser: Connection) -> AsyncIterator[None]:
    assert city.citizens
    async with tampering(superuser):
        yield


async def columns_of(superuser: Connection, table: str) -> dict[str, str]:
    rows = await superuser.fetch(
        """SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
           WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        table,
    )
    return {row[0]: row[1] for row in rows}


async def change_one(superuser: Connection, table: str, column: str, kind: str) -> None:
    """Change one column of one row, of one that holds a value where there is any."""
    order = CHOSEN.get(table, "1")
    there = await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL")
    value = await other(superuser, table, column, kind) if there else GIVEN[kind]
    done = await superuser.execute(f"""
        UPDATE {table} SET {column} = {value} WHERE (tableoid, ctid) = (
            SELECT tableoid, ctid FROM {table} WHERE {column} IS NOT NULL OR NOT {bool(there)}
            ORDER BY {order}, ctid LIMIT 1)
    """)
    assert done == "UPDATE 1", (table, column, done)


async def other(superuser: Connection, table: str, column: str, kind: str) -> str:
    """Another value for a column: the nearest one, but for a key one that is not in use."""
    if column == "claim_key":  # of the same day, which its partition asks for
        return "(left(claim_key::text, 8) || right(gen_random_uuid()::text, 28))::uuid"
    if kind in {"bigint", "integer"} and column in await key_of(superuser, table):
        return f"{column} + 50"
    return CHANGED[kind].format(column)


def tables_named(report: Report) -> set[str]:
    return {violation.table for result in report.results for violation in result.checked.violations}


async def test_what_is_not_touched_passes(superuser: Connection, settings: Settings) -> None:
    report = await report_of(superuser, settings)
    assert said(report) == []


@pytest.mark.parametrize("table", TABLES)
async def test_a_change_to_any_column_of_a_table_is_named(
    superuser: Connection, settings: Settings, table: str
) -> None:
    missed = {}
    for column, kind in (await columns_of(superuser, table)).items():
        async with undone(superuser):
            await change_one(superuser, table, column, kind)
            report = await report_of(superuser, settings)
            if table not in tables_named(report):
                missed[column] = said(report)
    assert missed == {}


# Without a checkpoint a balance is folded from the beginning, and a head that is gone proves nothing false: neither
# makes the books say anything else.
@pytest.mark.parametrize("table", [t for t in TABLES if t not in {"ledger_checkpoint", "log_tree_head"}])
async def test_a_removed_row_is_named(superuser: Connection, settings: Settings, table: str) -> None:
    async with undone(superuser):
        order = CHOSEN.get(table, "1")
        await superuser.execute(f"""
            DELETE FROM {table} WHERE (tableoid, ctid) =
                (SELECT tableoid, ctid FROM {table} ORDER BY {order}, ctid LIMIT 1)
        """)
        report = await report_of(superuser, settings)
        shown_by = {"log_key": "log_tree_head"}.get(table, table)
        assert shown_by in tables_named(report), said(report)


@pytest.mark.parametrize(
    "table", [table for table in TABLES if table not in {"ledger_checkpoint", "log_key", "log_tree_head"}]
)
async def test_a_row_slipped_in_among_sealed_ones_is_named(
    superuser: Connection, settings: Settings, table: str
) -> None:
    async with undone(superuser):
        await superuser.execute(f"CREATE TEMP TABLE slipped AS SELECT * FROM {table} LIMIT 1")
        columns = await columns_of(superuser, table)
        for column in set(await key_of(superuser, table)) - {"table_name"}:
            value = await other(superuser, table, column, columns[column])
            await superuser.execute(f"UPDATE slipped SET {column} = {value}")
        await superuser.execute(f"INSERT INTO {table} SELECT * FROM slipped")
        report = await report_of(superuser, settings)
        assert table in tables_named(report), said(report)
        await superuser.execute("DROP TABLE slipped")


async def key_of(superuser: Connection, table: str) -> list[str]:
    """Every column of a unique key, so that a copy with others of them collides with nothing."""
    rows = await superuser.fetch(
        """SELECT DISTINCT a.attname FROM pg_index i JOIN pg_attribute a
               ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
           WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indpred IS NULL""",
        table,
    )
    return [row[0] for row in rows]


async def test_every_table_that_notes_its_transactions_is_tampered_with_here(superuser: Connection) -> None:
    rows = await superuser.fetch("""
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
            AND a.attname = 'xid' AND c.relname <> 'kit_outbox'
    """)
    assert {row[0] for row in rows} - set(TABLES) == set()


@pytest.mark.parametrize(
    "change", ["DELETE FROM ledger_transfer", "UPDATE ledger_transfer SET amount = -amount"]
)
async def test_the_superuser_is_really_unhindered_here(superuser: Connection, change: str) -> None:
    """The tests above would prove nothing if the database had refused the changes."""
    async with undone(superuser):
        assert int((await superuser.execute(change)).split()[-1]) > 0
