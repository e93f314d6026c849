"""What the application and the owner may not do to the books, and what tampering the database itself refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database, connect_arguments
from backend.kit.settings import Settings

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
TABLES = ("ledger_kind", "ledger_rule", "ledger_account", "ledger_transfer", "ledger_checkpoint")


@pytest.fixture
async def books(db: Database) -> None:
    """One posting, so that there is something to change."""
    async with db.transaction() as session:
        names = [f"issuer:{ids.uuid7().hex}", f"wallet:{ids.uuid7()}:p:never"]
        opened = await ledger.open_accounts(session, map(ledger.AccountSpec, names))
        line = ledger.Line(opened[names[0]], opened[names[1]], 5)
        await ledger.post(session, [ledger.Posting(ids.uuid7(), "points.earned", clock.now(), (line,))])
        await ledger.advance_checkpoints(session)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Connection]:
    assert settings.database_url is not None
    connection = await asyncpg.connect(**connect_arguments(settings.database_url.get_secret_value()))
    yield connection
    await connection.close()


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[Connection]:
    assert settings.owner_database_url is not None
    connection = await asyncpg.connect(**connect_arguments(settings.owner_database_url.get_secret_value()))
    yield connection
    await connection.close()


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("table", TABLES)
async def test_the_application_reads_the_books_and_writes_none_of_them(app: Connection, table: str) -> None:
    assert await app.fetchval(f"SELECT count(*) FROM {table}") > 0
    column = await app.fetchval(
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_identity = 'NO' LIMIT 1",
        table,
    )
    for statement in (
        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {table}",
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"DROP TABLE {table} CASCADE",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)


async def test_the_application_may_call_only_the_functions_that_check(app: Connection) -> None:
    rows = await app.fetch(
        "SELECT proname, has_function_privilege('puhui_app', oid, 'EXECUTE') AS allowed FROM pg_proc "
        "WHERE proname LIKE 'ledger!_%' ESCAPE '!' AND pronamespace = 'public'::regnamespace"
    )
    may = {row["proname"] for row in rows if row["allowed"]}
    assert {row["proname"] for row in rows} - may == {
        "ledger_write", "ledger_post_many", "ledger_capture_any", "ledger_draw_any", "ledger_reverse_any", "ledger_serials_stay",
    }  # fmt: skip
    public = await app.fetch(
        "SELECT proname FROM pg_proc, aclexplode(COALESCE(proacl, acldefault('f', proowner))) "
        "WHERE pronamespace = 'public'::regnamespace AND grantee = 0 AND proname LIKE 'ledger!_%' ESCAPE '!'"
    )
    assert public == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("SELECT ledger_write('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')")


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_transfer SET amount = amount + 1",
        "UPDATE ledger_transfer SET recorded_at = now()",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer CASCADE",
        "DELETE FROM ledger_account",
        "TRUNCATE ledger_account CASCADE",
        "UPDATE ledger_account SET code = code || 'x'",
        "UPDATE ledger_account SET kind = 'issuer'",
        "UPDATE ledger_account SET due = NULL",
        "UPDATE ledger_account SET guard = 'none', balance = NULL",
    ],
)
async def test_the_owner_changes_no_row_that_was_written(owner: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError) as refused:
        await owner.execute(statement)
    assert refused.value.sqlstate == "PK001"


@pytest.mark.usefixtures("books")
async def test_a_guard_is_a_constraint_of_the_table_too(superuser: Connection) -> None:
    """Whoever goes around the functions meets it: a floor is not passed by any UPDATE."""
    for statement in (
        "UPDATE ledger_account SET balance = -1 WHERE guard = 'floor'",
        "UPDATE ledger_account SET balance = NULL WHERE guard = 'floor'",
        "UPDATE ledger_account SET balance = 1 WHERE guard = 'none'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await superuser.execute(statement)
    account = await superuser.fetchval(
        "INSERT INTO ledger_account (code, kind, unit, guard, balance) VALUES ('debt:x:y', 'debt', 'pt', 'ceiling', 0) "
        "RETURNING id"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute("UPDATE ledger_account SET balance = 1 WHERE id = $1", account)


async def test_a_second_capture_or_reversal_is_refused_by_the_table_too(
    db: Database, superuser: Connection
) -> None:
    """The functions look first, under locks; a primary key is what stands behind them."""
    names = [
        f"issuer:{ids.uuid7().hex}",
        f"wallet:{ids.uuid7()}:p:never",
        f"hold:{ids.uuid7()}:p",
        "payable:till:p",
    ]
    hold, capture, reversal = ids.uuid7(), ids.uuid7(), ids.uuid7()
    async with db.transaction() as session:
        opened = await ledger.open_accounts(session, map(ledger.AccountSpec, names))
        source, lot, aside, owed = (opened[name] for name in names)
        for key, reason, line in (
            (ids.uuid7(), "points.earned", ledger.Line(source, lot, 5)),
            (hold, "points.held", ledger.Line(lot, aside, 5)),
        ):
            await ledger.post(session, [ledger.Posting(key, reason, clock.now(), (line,))])
        facts = {"credit": owed, "reason": "points.captured", "happened_at": clock.now()}
        await ledger.capture(session, posting_id=capture, hold=hold, **facts)  # type: ignore[arg-type]
        await ledger.reverse(session, undo={reversal: capture}, reason="undone", happened_at=clock.now())
    for existing in (capture, reversal):
        with pytest.raises(asyncpg.UniqueViolationError):
            await superuser.execute(
                """
                SELECT w.* FROM (
                    SELECT array_agg($2::uuid) AS p, array_agg(line) AS l, array_agg(debit_id) AS d,
                           array_agg(credit_id) AS c, array_agg(amount) AS a, array_agg(reason) AS r,
                           array_agg(happened_at) AS h, array_agg(reverses) AS v, array_agg(captures) AS k
                    FROM ledger_transfer WHERE posting_id = $1
                ) t, ledger_write(p, l, d, c, a, r, h, v, k) w
                """,
                existing,
                ids.uuid7(),
            )


async def test_an_accounts_code_names_its_kind(db: Database) -> None:
    async with db.transaction() as session:
        await ledger.open_accounts(session, [ledger.AccountSpec("wallet:someone:p:never")])
    for spec in (
        ledger.AccountSpec("nosuchkind:x"),
        ledger.AccountSpec("wallet:someone:p:never", due=clock.today()),
    ):
        with pytest.raises(ledger.TransferNotAllowed):
            async with db.transaction() as session:
                await ledger.open_accounts(session, [spec])
