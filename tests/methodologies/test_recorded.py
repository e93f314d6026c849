"""What an action refers to can be computed again from the stored texts, and only by the engine that did it."""

from __future__ import annotations

import asyncio
import datetime as dt

import asyncpg
import pytest
from sqlalchemy import text

from backend import methodologies, packs
from backend.kit.db import Database
from backend.methodologies import EngineDiffers, MethodUnknown, Quantifier, methodology_of, prepare
from backend.packs import Library, PackUnknown, overlay_of

LIBRARY = packs.load_all()


def abroad() -> Quantifier:
    return prepare(
        methodology_of(LIBRARY.find("cn-shared-bike-km")),
        activity="cycling",
        on=dt.date(2020, 4, 1),
        region="US-NJ",
        overlays=[overlay_of(LIBRARY.find("demo-city")), overlay_of(LIBRARY.find("sample-data"))],
    )


async def refer(db: Database, quantifier: Quantifier, library: Library = LIBRARY) -> int:
    async with db.transaction() as session:
        return await methodologies.reference(session, quantifier, library=library)


async def test_many_at_once_get_one_reference_that_leads_back_to_the_same_grams(db: Database) -> None:
    found = set(await asyncio.gather(*(refer(db, abroad()) for _ in range(6))))
    assert len(found) == 1
    async with db.transaction() as session:
        again = await methodologies.recover(session, method_id=found.pop())
        stored = (await session.execute(text("SELECT count(*) FROM pack_text"))).scalar_one()
    assert stored == 2  # the pack, and the one overlay that was needed
    assert [overlay.id for overlay in again.overlays] == ["sample-data"]
    assert again.edition.id == abroad().edition.id
    for metres in (0, 20, 21, 12_345, 100_000):
        assert again.row({"distance_m": metres}) == abroad().row({"distance_m": metres})
    assert "sample-data" in again.quantify({"distance_m": 1000}).explanation.en


async def test_with_and_without_an_overlay_are_two_methods(db: Database) -> None:
    at_home = prepare(
        methodology_of(LIBRARY.find("cn-shared-bike-km")),
        activity="cycling",
        on=dt.date(2020, 4, 1),
        region="CN-GD",
    )
    assert await refer(db, at_home) != await refer(db, abroad())


async def test_a_library_with_other_bytes_is_refused(db: Database) -> None:
    other = packs.parse(LIBRARY.find("cn-shared-bike-km").text.encode() + b"\n# another\n")
    with pytest.raises(PackUnknown):
        await refer(db, abroad(), packs.gather([other, LIBRARY.find("sample-data")]))


async def test_unknown_methods_and_other_engines_are_refused(
    db: Database, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    with pytest.raises(MethodUnknown):
        async with db.transaction() as session:
            await methodologies.recover(session, method_id=0)
    old = await superuser.fetchval(
        """INSERT INTO method_ref (pack_sha256, edition, activity, engine_version)
           SELECT sha256, 'report-2024', 'cycling', '0' FROM pack_text WHERE pack_id = 'cn-shared-bike-km'
           RETURNING id"""
    )
    with pytest.raises(EngineDiffers):
        async with db.transaction() as session:
            await methodologies.recover(session, method_id=old)


async def test_a_method_cannot_name_an_overlay_that_is_not_stored(
    db: Database, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    await refer(db, abroad())
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await superuser.execute(
            """INSERT INTO method_ref (pack_sha256, edition, activity, overlay_sha256, engine_version)
               SELECT sha256, 'e', 'a', '{00}', '1' FROM pack_text WHERE pack_id = 'cn-shared-bike-km'"""
        )
