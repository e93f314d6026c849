"""The archive of everything held about a person knows every table that says something of one."""

from __future__ import annotations

from sqlalchemy import text

from backend.identity import archive
from backend.kit.db import Database

NAMES = (
    "participant_id", "subject", "child_id", "guardian_id", "newcomer_id", "referrer_id", "joined_id", "into_id",
    "member_id", "group_id", "actor_id",
)  # fmt: skip


async def test_every_table_with_a_person_in_it_is_in_the_archive_or_excused(db: Database) -> None:
    async with db.transaction() as session:
        rows = await session.execute(
            text("""
                SELECT DISTINCT c.relname FROM pg_attribute a
                JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
                WHERE a.attname = ANY (:names) OR EXISTS (
                    SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'
                        AND k.confrelid = 'participant'::regclass)
                ORDER BY 1
            """),
            {"names": list(NAMES)},
        )
        there = set(rows.scalars())
        known = {table.name for table in archive.TABLES} | set(archive.EXCUSED)
        assert there - known == set()
        for table in archive.TABLES:  # and each can be read by the column that it names
            await session.execute(text(f"SELECT {table.by} FROM {table.through or table.name} p LIMIT 0"))
        assert all(archive.EXCUSED.values())


async def test_what_hangs_on_a_persons_rows_is_in_the_archive_or_excused_too(db: Database) -> None:
    async with db.transaction() as session:
        rows = await session.execute(
            text("""
                SELECT DISTINCT c.conrelid::regclass::text FROM pg_constraint c
                JOIN pg_class k ON k.oid = c.conrelid AND NOT k.relispartition
                WHERE c.contype = 'f' AND c.confrelid::regclass::text = ANY (:tables)
            """),
            {"tables": sorted({table.name for table in archive.TABLES})},
        )
    known = {table.name for table in archive.TABLES} | set(archive.EXCUSED)
    assert set(rows.scalars()) - known == set()
