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
            await session.execute(text(f"SELECT {table.by} FROM {table.name} LIMIT 0"))
        assert all(archive.EXCUSED.values())
