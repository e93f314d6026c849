"""Whatever is changed in the tables that were read out of the log is found by reading the log again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
import pytest

from backend.kit.checks import Violation
from backend.kit.db import Database
from backend.transparency import catch_up, checks, queries
from tests.audit.test_tampering import CHANGED, columns_of
from tests.transparency.conftest import Teller, run

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
STORED = (*queries.TABLES, "transparency_progress")
GIVEN = {"int8range": "'[1,2)'", "boolean": "'true'"}
OTHER = {"status": "CASE {0} WHEN 'held' THEN 'bridged' ELSE 'held' END", "one": "NOT {0}"}


@pytest.fixture(scope="module", autouse=True)
async def market(teller: Teller, db: Database, superuser: Superuser) -> None:
    """Numbers that stand in every way, two batches, one entry that tells what cannot be; and no constraint helps."""
    for row in await superuser.fetch("""
        SELECT conrelid::regclass::text, conname FROM pg_constraint
        WHERE contype IN ('c', 'p') AND conrelid::regclass::text LIKE 'transparency_%'
    """):
        await superuser.execute(f'ALTER TABLE {row[0]} DROP CONSTRAINT "{row[1]}"')
    await teller.batch("batch-1", first_serial=1, runs=[run(9_500_000, 90)])
    await teller.batch(
        "batch-2",
        first_serial=10,
        previous="batch-1",
        carry_in_g=500_000,
        runs=[{"carried_from": "batch-1", "grams": 500_000}, run(1_000_000, 20)],
    )
    await teller.bridged([[1, 7]])
    await teller.sold([[1, 5]], seller="steelworks", buyer="power-plant")
    await teller.pledged([[1, 4]], entity="power-plant")
    await teller.surrendered([[1, 3]], entity="power-plant")
    await teller.cancelled([[8, 9]])
    await teller.bridge("locked", [[9, 10]])
    await teller.cancelled([[8, 9]])  # it is gone already
    await catch_up(db)


async def found(db: Database) -> list[Violation]:
    async with db.transaction() as session:
        return [one for one in (await checks.as_the_log_says(session)).violations if one.table != "log_entry"]


@asynccontextmanager
async def put_back(superuser: Superuser, table: str) -> AsyncIterator[None]:
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(f"CREATE TEMP TABLE saved AS SELECT * FROM {table}")
    try:
        yield
    finally:
        await superuser.execute(f"DELETE FROM {table}")
        await superuser.execute(f"INSERT INTO {table} SELECT * FROM saved")
        await superuser.execute("DROP TABLE saved")


async def test_an_entry_that_tells_what_cannot_be_is_named_and_moves_nothing(
    teller: Teller, db: Database
) -> None:
    async with db.transaction() as session:
        (one,) = (await checks.as_the_log_says(session)).violations
    assert (one.table, one.place) == (
        "log_entry",
        f"#{teller.last['credit.cancelled']} credit.cancelled: not where it could move from",
    )


@pytest.mark.parametrize("table", STORED)
async def test_every_changed_column_is_named(db: Database, superuser: Superuser, table: str) -> None:
    assert await found(db) == []
    missed = []
    for column, kind in (await columns_of(superuser, table)).items():
        value = OTHER.get(column, CHANGED[kind]).format(column)
        async with put_back(superuser, table):
            done = await superuser.execute(f"""
                UPDATE {table} SET {column} = coalesce({value}, {GIVEN.get(kind, "'1'")})
                WHERE ctid = (SELECT ctid FROM {table} ORDER BY {column} IS NULL, 1 DESC LIMIT 1)
            """)
            assert done == "UPDATE 1"
            if table not in {one.table for one in await found(db)}:
                missed.append(column)
    assert missed == []


@pytest.mark.parametrize("table", STORED)
async def test_a_row_that_is_gone_or_was_slipped_in_is_named(
    db: Database, superuser: Superuser, table: str
) -> None:
    async with put_back(superuser, table):
        await superuser.execute(f"DELETE FROM {table} WHERE ctid = (SELECT min(ctid) FROM {table})")
        assert await found(db)
    if table in {"transparency_range", "transparency_source"}:
        change = "serials = int8range(lower(serials) + 700, upper(serials) + 700)"
    elif table == "transparency_progress":
        change = "one = NOT one"
    else:
        change = "entry_index = entry_index + 700"
    async with put_back(superuser, table):
        await superuser.execute(f"CREATE TEMP TABLE slipped AS SELECT * FROM {table} LIMIT 1")
        await superuser.execute(f"UPDATE slipped SET {change}")
        await superuser.execute(f"INSERT INTO {table} SELECT * FROM slipped")
        await superuser.execute("DROP TABLE slipped")
        assert await found(db)
    assert await found(db) == []


IMPOSSIBLE = (
    ("sale.settled", {"sale": "s", "market": "guangdong", "book": "guangdong-phcer", "serials": [[8, 9]], "seller": "a",
                      "buyer": "b", "price_fen": 1}, "unknown numbers"),
    ("bridge.deposited", {"bridge": "b", "from_book": "phcer", "to_book": "guangdong-phcer", "market": "guangdong",
                          "owner": "a", "serials": [[7, 8]]}, "not where it could move from"),
    ("credit.cancelled", {"book": "phcer", "serials": [[5, 6]], "owner": "a", "purpose": "p"}, "in another book"),
    ("credit.cancelled", {"book": "phcer", "serials": [[500, 600]], "owner": "a", "purpose": "p"}, "unknown numbers"),
    ("credit.cancelled", {"book": "phcer", "serials": [[9, 5]], "owner": "a", "purpose": "p"}, "unreadable: serials"),
    ("credit.cancelled", {"serials": [[7, 8]], "owner": "a", "purpose": "p"}, "unreadable: book"),
    ("credit.issued", {"batch": "batch-1", "book": "phcer", "first_serial": 5, "quantity_t": 1, "owner": "o",
                       "project": "p", "methodology": "m", "vintage_year": 2026, "demo": False}, "numbers that exist"),
    ("credit.issued", {"batch": "batch-1", "book": "phcer", "first_serial": 0, "quantity_t": 1, "owner": "o"},
     "unreadable: first_serial"),
    ("unit.surrendered", {"market": "m", "compliance_year": 2026, "entity": "e", "lots": [7]}, "unreadable: lots"),
    ("unit.pledged", {"market": "m", "compliance_year": True, "entity": "e", "lots": []},
     "unreadable: compliance_year"),
    ("batch.frozen", {"batch": "x"}, "unreadable: project"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "reason"), IMPOSSIBLE)
async def test_what_cannot_be_is_named_wherever_the_log_tells_it(
    teller: Teller, db: Database, kind: str, body: dict[str, object], reason: str
) -> None:
    index = await teller.tell(kind, **body)
    for _ in range(2):  # before it is followed, and after
        async with db.transaction() as session:
            places = [one.place for one in (await checks.as_the_log_says(session)).violations]
        assert f"#{index} {kind}: {reason}" in places
        await catch_up(db)
    assert await found(db) == []
