"""Programmes are registered from packs, and their figures account for every gram and point."""

from __future__ import annotations

import asyncio
import datetime as dt

import asyncpg
import pytest

from backend import ledger, packs, programmes
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.programmes import codes, purses, wallets
from tests.programmes.conftest import Citizen, sweep

GREEN_TRAVEL = packs.builtin_root() / "programmes" / "gd-green-travel.toml"


def edited(*changes: tuple[str, str]) -> packs.Pack:
    """The shipped programme pack with some of its text replaced."""
    source = GREEN_TRAVEL.read_text("utf-8")
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return packs.parse(source.encode())


async def test_registering_the_same_pack_again_changes_nothing(
    db: Database, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    async def register() -> programmes.Registered:
        async with db.transaction() as session:
            return await programmes.register(session, pack=packs.load(GREEN_TRAVEL))

    found = await asyncio.gather(*(register() for _ in range(8)))
    assert len(set(map(repr, found))) == 1
    assert (found[0].code, found[0].operator_code) == ("gd-green-travel", "gd-operator")
    assert await superuser.fetchval("SELECT count(*) FROM programme_pack") == 1


async def test_a_newer_pack_counts_from_its_registration_and_the_older_one_before(db: Database) -> None:
    named = ('"gd-green-travel"', '"two-packs"')
    first, second = edited(named), edited(named, ('"1.1.0"', '"1.2.0"'))
    async with db.transaction() as session:
        before = await programmes.register(session, pack=first)
    async with db.transaction() as session:
        after = await programmes.register(session, pack=second)
        assert (after.id, after.pack.version) == (before.id, "1.2.0")
        for moment, version in (
            (before.active_from, "1.1.0"),
            (after.active_from - dt.timedelta(microseconds=1), "1.1.0"),
            (after.active_from, "1.2.0"),
            (before.active_from - dt.timedelta(days=1), "1.1.0"),
        ):
            found = await programmes.programme_of(session, code="two-packs", at=moment)
            assert found.pack.version == version
        assert [one.code for one in await programmes.programmes(session)].count("two-packs") == 1


async def test_going_back_to_an_earlier_pack_is_a_further_registration(db: Database) -> None:
    named = ('"gd-green-travel"', '"back-again"')
    first, second = edited(named), edited(named, ('"1.1.0"', '"1.2.0"'))
    for pack in (first, second, first):
        async with db.transaction() as session:
            found = await programmes.register(session, pack=pack)
    assert found.pack.version == "1.1.0"


async def test_another_operator_and_an_unknown_programme_are_refused(db: Database) -> None:
    named = ('"gd-green-travel"', '"one-operator"')
    async with db.transaction() as session:
        await programmes.register(session, pack=edited(named))
    with pytest.raises(programmes.OperatorDiffers):
        async with db.transaction() as session:
            await programmes.register(session, pack=edited(named, ('"gd-operator"', '"sz-operator"')))
    async with db.transaction() as session:
        assert (await programmes.programme_of(session, code="one-operator")).operator_code == "gd-operator"
        with pytest.raises(programmes.ProgrammeUnknown):
            await programmes.programme_of(session, code="no-such")


async def test_a_faulty_pack_is_not_registered(db: Database) -> None:
    with pytest.raises(packs.PackFaulty):
        async with db.transaction() as session:
            await programmes.register(session, pack=edited(('"1/10"', "0.1")))


async def test_every_point_is_accounted_for_after_every_verb(citizen: Citizen, db: Database) -> None:
    async def identity() -> programmes.PointsIdentity:
        async with db.transaction() as session:
            found = await programmes.points_identity(session, programme=citizen.programme)
            payable = await programmes.payable_identity(session, programme=citizen.programme)
        assert found.holds, found
        assert payable.holds, payable
        return found

    assert (await identity()).issued == 0
    june = dt.date(2027, 6, 30)
    await citizen.earn("e1", 100, june)
    await citizen.earn("e2", 10, None)
    await citizen.hold("a", 30)
    await citizen.hold("b", 20)
    await citizen.hold("c", 5)
    await citizen.capture("a")
    await citizen.capture("b")
    await identity()
    await citizen.release("c")
    await citizen.refund("b")
    await citizen.claw_back("claw", 90)
    assert await identity() == programmes.PointsIdentity(
        issued=110,
        spendable=0,
        pending=0,
        held=0,
        payable=30,
        redeemed=0,
        spent=0,
        expired=0,
        reversed=90,
        owed=10,
    )
    await citizen.earn("e3", 4, june)
    await citizen.earn("e4", 16, june)
    await citizen.reverse_earning("e3")
    await citizen.earn("e5", 50, june)
    with clock.travel(dt.datetime(2027, 7, 1, 12, tzinfo=clock.SHANGHAI)):
        await sweep(db)
    async with db.transaction() as session:
        opened = await ledger.open_accounts(
            session,
            [codes.payable("teahouse", citizen.programme), codes.redeemed(citizen.programme)],
        )
        owed = opened[codes.payable("teahouse", citizen.programme).code]
        paid = opened[codes.redeemed(citizen.programme).code]
        await ledger.post(
            session,
            [ledger.Posting(ids.uuid7(), "points.settled", clock.now(), (ledger.Line(owed, paid, 12),))],
        )
    found = await identity()
    assert (found.issued, found.payable, found.redeemed, found.owed) == (180, 18, 12, 0)
    assert found.reversed == 90 + 4
    assert found.expired == 180 - 18 - 12 - 94


async def test_another_programmes_points_are_not_counted(citizen: Citizen, db: Database) -> None:
    other = Citizen(db, programme=f"{citizen.programme}x")
    other.id = citizen.id
    await citizen.earn("e", 7)
    await other.earn("other", 9)
    async with db.transaction() as session:
        assert (await programmes.points_identity(session, programme=citizen.programme)).spendable == 7


async def test_a_balance_changed_behind_our_back_breaks_the_identity(
    citizen: Citizen, db: Database, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    await citizen.earn("e", 7)
    await superuser.execute(
        "UPDATE ledger_account SET balance = balance + 1 WHERE starts_with(code, $1)", f"wallet:{citizen.id}:"
    )
    async with db.transaction() as session:
        assert not (await programmes.points_identity(session, programme=citizen.programme)).holds


async def test_figures_list_pools_and_what_may_not_be_credited(db: Database) -> None:
    async with db.transaction() as session:
        programme = await programmes.register(session, pack=edited(('"gd-green-travel"', '"figures"')))
        names = (
            "measured:figures",
            "pool:figures:cn-shared-bike-km:2026-10",
            "pool:figures:cn-shared-bike-km:2026-10:demo",
            "uncredited:figures:evidence",
        )
        ids_of = await ledger.open_accounts(session, map(ledger.AccountSpec, names))
        source, *targets = (ids_of[name] for name in names)
        await ledger.post(
            session,
            [
                ledger.Posting(ids.uuid7(), reason, clock.now(), (ledger.Line(source, target, grams),))
                for target, grams, reason in zip(
                    targets, (500, 70, 3), ("acts.pooled", "acts.pooled", "acts.uncredited"), strict=True
                )
            ],
        )
        figures = await programmes.figures_of(session, programme=programme)
    assert figures.pools == (
        programmes.PoolFigure("cn-shared-bike-km", "2026-10", demo=False, grams=500),
        programmes.PoolFigure("cn-shared-bike-km", "2026-10", demo=True, grams=70),
    )
    assert (figures.pooled_g, figures.uncredited_g) == (570, {"evidence": 3})
    assert figures.points.holds


@pytest.mark.parametrize("part", ["", "a:b", "a b", "-a", "a" * 80])
def test_a_name_that_would_build_another_accounts_code_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="account code"):
        codes.wallet(ids.uuid7(), part, None)
    with pytest.raises(ValueError, match="account code"):
        codes.payable(part, "p")


def test_the_verbs_name_only_reasons_that_the_chart_knows() -> None:
    known = {reason for reason, _, _ in ledger.chart.chart().rules}
    used = {purses.EARNED, purses.REPAID, purses.RIPENING, wallets.HELD, wallets.CAPTURED, wallets.EXPIRED}
    assert used | {wallets.CLAWED_BACK, wallets.OWED} <= known
