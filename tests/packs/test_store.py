"""Packs are kept whole by their fingerprint, and the database itself knows when a text is not what it says."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

from backend import methodologies, packs
from backend.kit.db import Database
from backend.kit.errors import DomainError

assert methodologies
BIKE = packs.load_all().find("cn-shared-bike-km")


async def test_a_stored_pack_comes_back_byte_for_byte_and_is_kept_once(db: Database) -> None:
    async def keep() -> str:
        async with db.transaction() as session:
            return await packs.store(session, BIKE)

    assert set(await asyncio.gather(*(keep() for _ in range(5)))) == {BIKE.sha256}
    async with db.transaction() as session:
        again = await packs.recall(session, sha256=BIKE.sha256)
        count = (await session.execute(text("SELECT count(*) FROM pack_text"))).scalar_one()
        assert await packs.verify(session) == []
    assert (again.text, again.sha256, again.faults, count) == (BIKE.text, BIKE.sha256, (), 1)


async def test_a_faulty_pack_is_not_kept_and_an_unknown_one_is_refused(db: Database) -> None:
    faulty = packs.parse(BIKE.text.replace('"48.7"', "48.7").encode())
    with pytest.raises(packs.PackFaulty):
        async with db.transaction() as session:
            await packs.store(session, faulty)
    with pytest.raises(packs.PackUnknown):
        async with db.transaction() as session:
            await packs.recall(session, sha256="0" * 64)


@pytest.mark.parametrize(
    "statement", ["UPDATE pack_text SET text = text", "DELETE FROM pack_text", "TRUNCATE pack_text CASCADE"]
)
async def test_the_application_can_neither_change_nor_remove_a_pack(db: Database, statement: str) -> None:
    async with db.transaction() as session:
        await packs.store(session, BIKE)
    with pytest.raises(Exception, match=r"(permission denied|never changed|PK001|immutable)"):
        async with db.transaction() as session:
            await session.execute(text(statement))


async def test_a_text_changed_by_a_superuser_is_refused_or_found(
    db: Database, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.transaction() as session:
        await packs.store(session, BIKE)
    with pytest.raises((asyncpg.PostgresError, DomainError)):
        await superuser.execute("UPDATE pack_text SET text = replace(text, '48.7', '487')")
    transaction = superuser.transaction()
    await transaction.start()
    try:
        await superuser.execute("SET LOCAL session_replication_role = replica")  # no triggers
        with pytest.raises(asyncpg.CheckViolationError):
            async with superuser.transaction():
                await superuser.execute("UPDATE pack_text SET text = replace(text, '48.7', '487')")
    finally:
        await transaction.rollback()
    await superuser.execute("ALTER TABLE pack_text DROP CONSTRAINT pack_text_is_what_its_fingerprint_says")
    await superuser.execute("SET session_replication_role = replica")
    try:
        await superuser.execute("UPDATE pack_text SET text = replace(text, '48.7', '487')")
        async with db.transaction() as session:
            found = await packs.verify(session)
        assert [violation.place for violation in found] == [BIKE.sha256]
        await superuser.execute("UPDATE pack_text SET text = $1, version = '9.9.9'", BIKE.text)
        async with db.transaction() as session:
            assert [violation.en for violation in await packs.verify(session)] == [
                "the row names another pack than its text"
            ]
    finally:
        await superuser.execute("UPDATE pack_text SET version = $1", BIKE.version)
        await superuser.execute("SET session_replication_role = origin")
