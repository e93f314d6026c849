"""What the database itself refuses, whatever program writes."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from tests.certification.conftest import Town, rides_of

TABLES = (
    "batch", "batch_leaf", "batch_node", "batch_report", "batch_report_certified", "batch_assignment", "batch_sample",
    "batch_draw", "batch_finding", "batch_statement", "batch_issuance",
)  # fmt: skip


@pytest.fixture(scope="module")
async def issued(town: Town) -> UUID:
    """A batch that went all its way, with a finding."""
    await town.ride("2026-01", rides_of(1_004_000))
    batch = await town.close("2026-01")
    await town.verify(batch, findings={2: 1_000})
    await town.issue(batch)
    return batch.id


@pytest.mark.parametrize("table", TABLES)
async def test_no_row_is_changed_or_removed_even_by_the_owner(
    town: Town, issued: UUID, superuser: asyncpg.Connection[asyncpg.Record], table: str
) -> None:
    del issued
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE", f"UPDATE {table} SET xid = xid"):
        with pytest.raises(asyncpg.PostgresError, match="never changed or removed"):
            await superuser.execute(statement)
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with town.db.transaction() as session:
            await session.execute(text(f"UPDATE {table} SET xid = xid"))


async def test_an_act_is_in_one_batch_and_a_batch_is_issued_once_by_two(
    issued: UUID, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    for statement, constraint in (
        (
            """INSERT INTO batch_leaf SELECT gen_random_uuid(), position, claim_key, day, region, digest, grams
               FROM batch_leaf LIMIT 1""",
            "batch_leaf_once",
        ),
        (
            """INSERT INTO batch_issuance SELECT batch_id, revision, act_id, book, first_serial + 900, quantity_t,
                   carry_out_g, owner_id, proposed_by, approved_by, log_index, issued_at FROM batch_issuance""",
            "batch_issuance_pkey",
        ),
        (
            """INSERT INTO batch_issuance SELECT batch_id, revision, act_id, book, first_serial + 900, quantity_t,
                   carry_out_g, owner_id, proposed_by, proposed_by, log_index, issued_at FROM batch_issuance""",
            "batch_issuance_takes_two",
        ),
        (
            """INSERT INTO batch_report_certified SELECT batch_id, report_sha256, act_id, organisation_id, approved_by,
                   approved_by, certified_at FROM batch_report_certified""",
            "batch_report_certified_takes_two",
        ),
        (  # a series goes on only behind an issued batch
            """INSERT INTO batch SELECT gen_random_uuid(), project, methodology, vintage_year, demo, 2, gen_random_uuid(),
                   region, operator_id, first_month, last_month, benefit_split, benefit_split_published_on, acts, frozen_g,
                   frozen_root, carry_in_g, log_index, closed_by, closed_at FROM batch""",
            "batch_follows_an_issued_one",
        ),
        (  # nor beside the batch that follows already
            """INSERT INTO batch SELECT gen_random_uuid(), project, methodology, vintage_year, demo, 1, NULL,
                   region, operator_id, first_month, last_month, benefit_split, benefit_split_published_on, acts, frozen_g,
                   frozen_root, carry_in_g, log_index, closed_by, closed_at FROM batch""",
            "batch_project_methodology_vintage_year_demo_sequence_key",
        ),
        (
            """INSERT INTO batch SELECT gen_random_uuid(), project, methodology, 2027, demo, 1, NULL,
                   region, operator_id, first_month, last_month, benefit_split, benefit_split_published_on, acts, frozen_g,
                   frozen_root, carry_in_g, log_index, closed_by, closed_at FROM batch""",
            "batch_within_its_year",
        ),
        (  # a finding about an act that the batch does not have
            """INSERT INTO batch_finding SELECT batch_id, 9, 100000, keeps_g, reason, remark, found_by, found_at
               FROM batch_finding""",
            "batch_finding_batch_id_position_fkey",
        ),
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await superuser.execute(statement)
        assert refused.value.constraint_name == constraint
    assert await superuser.fetchval("SELECT batch_id FROM batch_issuance") == issued
