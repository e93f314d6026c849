"""Whatever the compliance side holds can be derived again, and what is changed behind its back is named."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked
from backend.kit.db import Database
from offset_bridge.cash import checks as cash
from offset_bridge.registry import checks as registry
from offset_bridge.surrender import checks as surrender
from tests.offset_bridge.stage import Stage, lived_through

CHECKS: dict[str, Callable[[AsyncSession], Awaitable[Checked]]] = {
    "agreed": registry.agreed,
    "accounts": registry.accounts,
    "lots": registry.lots,
    "decisions": surrender.decisions,
    "moves": surrender.moves,
    "cash": cash.recorded,
}


async def ask(db: Database, *names: str) -> dict[str, list[str]]:
    """What each check, or each of those named, has to say, where it has anything."""
    found = {}
    for name, check in CHECKS.items():
        if names and name not in names:
            continue
        async with db.transaction() as session:
            checked = await check(session)
        if checked.found:
            found[name] = [f"{one.table}: {one.en}" for one in checked.violations]
    return found


async def test_a_year_with_everything_in_it_can_be_derived_again(stage: Stage, db: Database) -> None:
    await lived_through(stage)
    assert await ask(db) == {}


Change = tuple[str, str, str]


@pytest.mark.parametrize(
    ("check", "change", "named"),
    [
        ("agreed", "UPDATE compliance_obligation SET obligation_t = obligation_t + 1", "two people agreed to"),
        ("agreed", "UPDATE compliance_rules SET pools = '{}'", "two people agreed to"),
        ("agreed", "UPDATE registry_mode SET mode = 'live'", "two people agreed to"),
        ("agreed", "UPDATE unit_lot SET facts = facts || '{\"filed\": false}'", "two people agreed to"),
        ("agreed", "DELETE FROM compliance_obligation WHERE revision = 1", "without a gap"),
        ("accounts", "UPDATE registry_account SET region = 'CN-GD'", "log does not state it"),
        ("lots", "DELETE FROM unit_lot WHERE unit = 'CCER'", "nobody said what they are"),
        ("decisions", "UPDATE unit_pledge SET cap_t = cap_t + 1", "sums are not those"),
        ("decisions", "UPDATE unit_pledge SET used_before_t = used_before_t + 1", "sums are not those"),
        ("decisions", "UPDATE unit_pledge SET asked = asked || '{\"used\": []}' WHERE step > 1", "not the one"),
        ("decisions", "UPDATE unit_pledge SET step = step + 10", "without a gap"),
        ("decisions", "UPDATE unit_pledge SET answer = answer || '{\"warnings\": []}'", "comes out differently"),
        ("decisions", "UPDATE unit_pledge_lot SET serials = int8range(lower(serials) + 1, upper(serials))", "units"),
        ("decisions", "UPDATE unit_surrender SET shortfall_t = shortfall_t + 1", "pledges and the figures"),
        ("decisions", "UPDATE surrender_recount SET excess_t = excess_t + 1", "what the revision makes"),
        ("decisions", "DELETE FROM surrender_recount WHERE claim_t > 0", "was not counted"),
        ("decisions", "DELETE FROM unit_release", "step"),
        ("decisions", "UPDATE compliance_close SET step = 2", "after the year was closed"),
        ("moves", "UPDATE unit_cancellation SET quantity_t = quantity_t + 1", "posted for it is something else"),
        ("moves", "DELETE FROM unit_cancellation", "nothing here accounts for"),
        ("moves", "DELETE FROM unit_surrender_lot WHERE fate = 'surrendered'", "posted for it is something else"),
    ],
)  # fmt: skip
async def test_what_is_changed_behind_its_back_is_named(  # noqa: PLR0917 - fixtures
    stage: Stage,
    db: Database,
    superuser: asyncpg.Connection[asyncpg.Record],
    check: str,
    change: str,
    named: str,
) -> None:
    if not await superuser.fetchval("SELECT count(*) FROM compliance_close"):
        await lived_through(stage)
    tables = [
        row[0] for row in await superuser.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    (table,) = [name for name in tables if f" {name} " in f"{change} "]
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(f"CREATE TEMP TABLE saved AS SELECT * FROM {table}")
    for row in await superuser.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'c'", table
    ):
        await superuser.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{row[0]}"')
    try:
        await superuser.execute(change)
        found = await ask(db, check)
        assert any(named in sentence for sentence in found.get(check, [])), json.dumps(found, indent=1)
    finally:
        await superuser.execute(f"DELETE FROM {table}")
        await superuser.execute(f"INSERT INTO {table} SELECT * FROM saved")
        await superuser.execute("DROP TABLE saved")
    assert await ask(db) == {}
