"""Appending, proving and signing on the real database."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg
import pytest
from sqlalchemy import text

from backend import log
from backend.kit import clock
from backend.kit.db import Database, RecordImmutable, connect_arguments
from backend.kit.settings import Keys, Settings
from backend.log import canonical, heads, merkle, queries
from backend.log.canonical import NotCanonical

Superuser: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def leaves(db: Database) -> list[bytes]:
    async with db.transaction() as session:
        found = await log.entries(session, low=0, high=await log.size(session))
    assert [entry.index for entry in found] == list(range(len(found)))
    return [merkle.leaf_hash(entry.canonical) for entry in found]


async def test_an_entry_is_stored_as_the_bytes_that_are_hashed(db: Database) -> None:
    body = {"b": '甲\n"', "a": [1, None, True, 2**70], "": {}}
    async with db.transaction() as session:
        index = await log.append(session, kind="test.first", body=body)
    async with db.transaction() as session:
        (entry,) = await log.entries(session, low=index, high=index + 1)
    assert (entry.kind, entry.body, entry.leaf_hash) == (
        "test.first",
        body,
        merkle.leaf_hash(entry.canonical),
    )
    assert canonical.decode(entry.canonical) == {
        "body": body,
        "kind": "test.first",
        "recorded_at": canonical.moment(entry.recorded_at),
    }


@pytest.mark.parametrize("value", [1.0, "\ud800", "a\x00b", {1: 2}, {"a": [{"\udfff": 1}]}, b"raw", {1, 2}])
async def test_what_has_no_single_written_form_is_refused(db: Database, value: object) -> None:
    with pytest.raises(NotCanonical):
        async with db.transaction() as session:
            await log.append(session, kind="test.bad", body={"value": value})


@pytest.mark.parametrize(
    "data", [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1.5}', b'{"a":1,"a":1}', b'"\\u00e9"']
)
def test_other_spellings_of_a_document_are_not_canonical(data: bytes) -> None:
    with pytest.raises(ValueError, match="canonical"):
        canonical.decode(data)


async def test_twenty_appenders_with_rollbacks_leave_no_gap(db: Database) -> None:
    chance = random.Random(6962)

    async def appender(number: int) -> None:
        for turn in range(5):
            with contextlib.suppress(InterruptedError):
                async with db.transaction() as session:
                    await log.append_many(
                        session, entries=[("test.race", {"n": number, "turn": turn})] * chance.randint(1, 3)
                    )
                    await asyncio.sleep(0.001)
                    if chance.random() < 0.4:
                        raise InterruptedError  # the whole transaction goes

    await asyncio.gather(*(appender(number) for number in range(20)))
    found = await leaves(db)
    async with db.transaction() as session:
        for size in range(1, len(found) + 1):
            assert await queries.root(session, size=size) == merkle.root_of(found[:size])
        count = (await session.execute(text("SELECT count(*) FROM log_node"))).scalar_one()
        assert count == sum(len(found) >> level for level in range(1, 20))


async def test_a_second_appender_waits_until_the_first_is_done(db: Database) -> None:
    async with db.transaction() as session:
        index = await log.append(session, kind="test.slow", body={})

        async def second() -> int:
            async with db.transaction() as other:
                return await log.append(other, kind="test.waiting", body={})

        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert await waiting == index + 1


async def test_proofs_from_the_database_verify(db: Database) -> None:
    async with db.transaction() as session:
        await log.append_many(session, entries=[("test.many", {"n": n}) for n in range(21)])
    found = await leaves(db)
    size = len(found)
    async with db.transaction() as session:
        for index in range(size):
            proof = await log.inclusion_proof(session, index=index, size=size)
            assert merkle.verify_inclusion(
                leaf=found[index], index=index, size=size, proof=proof, root=merkle.root_of(found)
            )
        for old in range(1, size + 1):
            assert merkle.verify_consistency(
                old=old,
                new=size,
                old_root=merkle.root_of(found[:old]),
                new_root=merkle.root_of(found),
                proof=await log.consistency_proof(session, old=old, new=size),
            )
        for index, outside in ((size, size), (0, size + 1), (-1, 1)):
            with pytest.raises(log.OutsideTheTree):
                await log.inclusion_proof(session, index=index, size=outside)
        for old, new in ((0, 1), (2, 1), (1, size + 1)):
            with pytest.raises(log.OutsideTheTree):
                await log.consistency_proof(session, old=old, new=new)


async def test_a_head_is_published_once_per_growth_and_verifies(db: Database, settings: Settings) -> None:
    at = datetime(2026, 3, 4, 5, 6, 7, 890, UTC)
    async with db.transaction() as session:
        await log.append(session, kind="test.head", body={})
        with clock.travel(at):
            head = await log.publish(session, settings=settings)
        assert head is not None
        assert await log.publish(session, settings=settings) is None
    async with db.transaction() as session:
        assert await log.publish(session, settings=settings) is None
        assert await log.latest_head(session) == head
        (key,) = await queries.keys(session)
    assert key == heads.public_key(settings.keys, name=settings.log_origin)
    stated = log.verify_head(head.note, key=key)
    assert (stated.size, stated.root) == (head.size, merkle.root_of(await leaves(db)))
    assert stated.signed_at == head.signed_at == at.replace(microsecond=0)


async def test_two_publishers_at_once_keep_one_head(db: Database, settings: Settings) -> None:
    async with db.transaction() as session:
        await log.append(session, kind="test.head", body={})

    async def publish() -> log.TreeHead | None:
        async with db.transaction() as session:
            return await log.publish(session, settings=settings)

    published = [head for head in await asyncio.gather(*(publish() for _ in range(8))) if head is not None]
    assert len(published) == 1


async def test_a_head_that_is_not_the_log_is_not_kept(db: Database, settings: Settings) -> None:
    key, signer = heads.public_key(settings.keys, name=settings.log_origin), heads.signing_key(settings.keys)
    async with db.transaction() as session:
        size = await log.size(session)
    wrong = merkle.leaf_hash(b"another log")
    note = heads.sign(signer, origin=key.name, size=size, root=wrong, at=clock.now())
    with pytest.raises(log.HeadNotTrue):
        async with db.transaction() as session:
            await queries.store_head(session, log.TreeHead(size, wrong, clock.now(), key.key_id, note))


def test_a_note_is_genuine_only_as_it_was_signed() -> None:
    keys = Keys(b"k" * 32)
    key = heads.public_key(keys, name="example.org/log")
    root = merkle.leaf_hash(b"")
    note = heads.sign(heads.signing_key(keys), origin=key.name, size=12, root=root, at=datetime.now(UTC))
    origin, size, encoded, empty, plain, dated, end = note.split("\n")
    assert (origin, size, empty, end) == ("example.org/log", "12", "", "")

    def joined(*lines: str) -> str:
        return "\n".join(lines)

    assert log.verify_head(note + "— witness.example 12345678AAAA\n", key=key).size == 12
    other = heads.public_key(keys, name=key.name, generation=2)
    for forged, by in (
        (note.replace("12\n", "13\n", 1), key),
        (note, other),
        (note, replace(key, name="example.org/other")),
        (joined(origin, size, encoded, "more", empty, plain, dated, end), key),
        (joined(origin, size, encoded, empty, plain, end), key),
        (joined(origin, size, encoded, empty, dated, end), key),
        (joined(origin, size, encoded, empty, plain, dated[:-8] + "AAAAAAA=", end), key),
        (joined(origin, size, encoded, empty, plain, "— example.org/log %%%", end), key),
        ("", key),
    ):
        with pytest.raises(log.HeadNotGenuine):
            log.verify_head(forged, key=by)


def test_the_key_id_is_that_of_the_signed_note_format() -> None:
    # The verifier key of Go's checksum database, "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    import base64

    encoded = base64.b64decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    assert heads.key_id("sum.golang.org", encoded[1:], kind=encoded[:1]).hex() == "033de0ae"


TABLES = ("log_entry", "log_node", "log_key", "log_tree_head", "log_seal")


@pytest.mark.parametrize("table", TABLES)
async def test_nobody_changes_or_removes_a_row_not_even_the_owner(
    db: Database, settings: Settings, table: str
) -> None:
    column = {"log_seal": "rows", "log_key": "name", "log_tree_head": "note"}.get(table, "index")
    for change in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.hot_transaction() as connection:
                await connection.execute(change)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.hot_transaction() as connection:
            await connection.execute(f"INSERT INTO {table} DEFAULT VALUES")
    assert settings.owner_database_url is not None
    owner = await asyncpg.connect(**connect_arguments(settings.owner_database_url.get_secret_value()))
    try:
        if table != "log_seal":  # which has no rows here
            for change in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
                with pytest.raises(asyncpg.PostgresError) as refused:
                    await owner.execute(change)
                assert refused.value.sqlstate == "PK001"
        with pytest.raises(asyncpg.PostgresError) as refused:
            await owner.execute(f"TRUNCATE {table} CASCADE")
        assert refused.value.sqlstate == "PK001"
    finally:
        await owner.close()


async def test_a_refused_change_is_a_refusal_with_a_name(db: Database, superuser: Superuser) -> None:
    await superuser.execute("GRANT DELETE ON log_entry TO puhui_app")
    try:
        with pytest.raises(RecordImmutable):
            async with db.transaction() as session:
                await session.execute(text("DELETE FROM log_entry"))
    finally:
        await superuser.execute("REVOKE DELETE ON log_entry FROM puhui_app")
