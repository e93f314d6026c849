"""What the database itself refuses, whatever program writes."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from backend.certification import shortfalls
from tests.certification.conftest import Town, rides_of
from tests.certification.shortfalls.conftest import closed, series, withdraw
from tests.concurrency.conftest import Superuser

TABLES = (
    "certification_shortfall",
    "certification_correction",
    "certification_cancellation",
    "certification_cover",
)


@pytest.fixture(scope="module")
async def met(town: Town) -> None:
    """A row of every table."""
    await town.whole("2024-01", rides_of(1_000_000))
    await withdraw(town, "2024-01")
    await town.issue(await closed(town, "2024-02", rides_of(8_000)))
    await withdraw(town, "2024-01")
    async with town.db.transaction() as session:
        await shortfalls.cancel(session, series=series(2024), ordered_by=town.staff["first"], reason="x")


@pytest.mark.usefixtures("met")
@pytest.mark.parametrize("table", TABLES)
async def test_no_row_is_changed_or_removed_even_by_the_owner(
    town: Town, superuser: Superuser, table: str
) -> None:
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE", f"UPDATE {table} SET xid = xid"):
        with pytest.raises(asyncpg.PostgresError, match="never changed or removed"):
            await superuser.execute(statement)
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with town.db.transaction() as session:
            await session.execute(text(f"UPDATE {table} SET xid = xid"))


@pytest.mark.usefixtures("met")
async def test_a_cancellation_takes_no_more_than_is_owed_and_rests_on_one_thing(superuser: Superuser) -> None:
    columns = "project, methodology, vintage_year, demo, operator_id, book"
    for values, constraint in (
        ("2, 1000000, NULL, ordered_by", "certification_cancellation_no_more"),
        ("1, owed_g, 30, ordered_by", "certification_cancellation_by_term_or_person"),
        ("1, owed_g, NULL, NULL", "certification_cancellation_by_term_or_person"),
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await superuser.execute(f"""
                INSERT INTO certification_cancellation (id, {columns}, quantity_t, owed_g, term_days, ordered_by, reason,
                    log_index, cancelled_at)
                SELECT gen_random_uuid(), {columns}, {values}, 'x', 1, now() FROM certification_cancellation
            """)
        assert refused.value.constraint_name == constraint
