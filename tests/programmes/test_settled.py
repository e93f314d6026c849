"""A programme runs by its pack and by the overlays that were registered with it, and the audit reads both."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import asyncpg
import pytest

from backend import packs, programmes
from backend.kit.db import Database
from backend.packs import OverlayOversteps, Pack
from backend.packs.figures import UNKNOWN
from backend.programmes import checks
from tests.programmes.sections import OVERLAY, PROGRAMME, edited

SAMPLE = packs.load(packs.builtin_root() / "overlays" / "sample-data.toml")


def pair(code: str, *changes: tuple[str, str]) -> tuple[Pack, Pack]:
    named = ('"two-nine"', f'"{code}"')
    return edited(PROGRAMME, named, *changes), edited(OVERLAY, named)


async def register(db: Database, pack: Pack, overlays: list[Pack] | None = None) -> programmes.Registered:
    async with db.transaction() as session:
        return await programmes.register(session, pack=pack, overlays=overlays)


async def test_what_overlays_set_holds_from_their_registration_and_is_told(db: Database) -> None:
    pack, overlay = pair("set-later")
    bare = await register(db, pack)
    whole = await register(db, pack, [SAMPLE, overlay])  # the other one sets nothing here
    assert (whole.id, whole.pack.sha256) == (bare.id, bare.pack.sha256)
    assert whole.pack.earns[1].points == 8
    assert whole.pack.features.overlays["earn.bus.points"] == "two-nine-demo"
    assert [(one.id, one.demo) for one in whole.overlays] == [("two-nine-demo", True)]
    async with db.transaction() as session:
        before = await programmes.programme_of(
            session, code="set-later", at=whole.active_from - dt.timedelta(microseconds=1)
        )
        assert before.pack.earns[1].points == UNKNOWN
        now = await programmes.programme_of(session, code="set-later")
        assert now.pack.earns[1].points == 8
        found = (await checks.terms(session))["set-later"]
        assert [term.pack.earns[1].points for term in found] == [UNKNOWN, Fraction(8)]
        ruled = checks.ran_by(found, bare.active_from, whole.active_from)
        assert [one.earns[1].points for one in ruled] == [UNKNOWN, Fraction(8)]


async def test_registering_the_same_again_changes_nothing_and_without_overlays_is_another_term(
    db: Database, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    pack, overlay = pair("set-twice")
    first = await register(db, pack, [overlay])
    assert await register(db, pack, [overlay]) == first
    assert await register(db, pack) == first  # nothing is said of overlays: they stay
    last = await register(db, pack, [])
    assert last.active_from > first.active_from
    assert last.pack.features.overlays == {}
    terms = "SELECT count(*) FROM programme_pack k JOIN programme p ON p.id = k.programme_id WHERE p.code = 'set-twice'"
    assert await superuser.fetchval(terms) == 2


async def test_a_newer_pack_keeps_the_overlays_that_it_can_take(db: Database) -> None:
    pack, overlay = pair("set-newer")
    await register(db, pack, [overlay])
    later, _ = pair("set-newer", ('"1.0.0"', '"1.0.1"'))
    assert (await register(db, later)).pack.earns[1].points == 8
    known, _ = pair(
        "set-newer",
        ('points      = "unknown"', 'points      = "9"'),
        (
            'out = { error = "packs.unknown_parameter", parameter = "earn.bus.points" }',
            "out = { points = 9 }",
        ),
    )
    with pytest.raises(OverlayOversteps):
        await register(db, known, [overlay])
    found = await register(db, known)
    assert found.pack.earns[1].points == 9
    assert found.overlays == ()


async def test_a_feature_that_is_switched_off_is_refused_by_name(db: Database) -> None:
    running = await register(db, pair("set-off")[0])
    programmes.require(running, "lotteries")
    with pytest.raises(programmes.FeatureOff) as refused:
        programmes.require(running, "teams")
    assert (refused.value.programme, refused.value.feature) == ("set-off", "teams")


async def test_the_overlays_of_a_programme_are_sealed_rows(
    db: Database, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    pack, overlay = pair("set-sealed")
    await register(db, pack, [overlay])
    with pytest.raises(asyncpg.PostgresError, match="never changed"):
        await superuser.execute("DELETE FROM programme_overlay")
    async with db.transaction() as session:
        assert not (await checks.packs_used(session)).violations
