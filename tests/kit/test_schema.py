"""What holds for the schema as a whole."""

from __future__ import annotations

from sqlalchemy import text

from backend.kit.db import Database


async def test_no_constraint_waits_for_the_commit(db: Database) -> None:
    """`transaction()` relies on it: a deferred constraint would fire neither at a savepoint nor in a rolled-back test."""
    async with db.transaction() as session:
        constraints = await session.execute(text("SELECT conname FROM pg_constraint WHERE condeferrable"))
        triggers = await session.execute(
            text("SELECT tgname FROM pg_trigger WHERE tgdeferrable AND NOT tgisinternal")
        )
        assert not [*constraints.scalars(), *triggers.scalars()]
