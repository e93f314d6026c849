"""Drawing from the accounts of one prefix: the short way moves what the long one moves, and undoes itself where it must not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

from backend import ledger
from backend.kit import clock
from backend.kit.db import connect_arguments
from backend.kit.settings import Settings
from tests.ledger.conftest import Stage

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    Connection = asyncpg.Connection[asyncpg.Record]

WAYS = ("ledger_draw", "ledger_draw_any")
FIRST = pytest.mark.parametrize("first", ["pocket", "wallets"])  # whose id is lower, so which is locked first


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[Connection]:
    assert settings.owner_database_url is not None
    connection = await asyncpg.connect(**connect_arguments(settings.owner_database_url.get_secret_value()))
    yield connection
    await connection.close()


async def _filled(stage: Stage, first: str, *lots: int) -> None:
    names = [f"lot{number}" for number in range(len(lots))]
    opened = [("pocket", "hold"), *((name, "guarded") for name in names)]
    for name, kind in [("issuer", "source"), *(opened if first == "pocket" else opened[::-1])]:
        await stage.do_account(name, kind)
    for name, points in zip(names, lots, strict=True):
        if points:
            await stage.do_post(f"earn {name}", "issuer", name, str(points), "posted")


async def _drawn(stage: Stage, session: AsyncSession, key: str, amount: int) -> str:
    drawn = await ledger.draw(
        session,
        posting_id=stage.key(key),
        prefix=f"wallet:{stage.scope}:",
        since=f"wallet:{stage.scope}:lot",
        credit=stage.accounts["pocket"],
        amount=amount,
        reason="points.held",
        happened_at=clock.now(),
    )
    return drawn.outcome


async def _draw(stage: Stage, key: str, amount: int) -> str:
    try:
        async with stage.db.transaction() as session:
            return await _drawn(stage, session, key, amount)
    except ledger.InsufficientBalance as error:
        return f"short by {error.short_by}"


@FIRST
@pytest.mark.parametrize("lots", [(100,), (100, 50), (0, 100), (10, 100), (30,)])
@pytest.mark.parametrize("amount", [1, 29, 30, 31, 100, 101, 150, 151])
async def test_both_ways_of_drawing_come_to_the_same(
    stage: Stage, owner: Connection, first: str, lots: tuple[int, ...], amount: int
) -> None:
    await _filled(stage, first, *lots)
    posting, prefix = stage.key("draw"), f"wallet:{stage.scope}:"
    came = []
    for way in WAYS:
        turn = owner.transaction()
        await turn.start()
        try:
            answer = await owner.fetchrow(
                f"SELECT * FROM {way}($1, $2, $3, $4, $5, 'points.held', $6, NULL, NULL, NULL)",
                posting, prefix, prefix, stage.accounts["pocket"], amount, clock.now(),
            )  # fmt: skip
            moved = await owner.fetch(
                "SELECT line, debit_id, credit_id, unit, amount, reason FROM ledger_transfer WHERE posting_id = $1 "
                "ORDER BY line", posting,
            )  # fmt: skip
            held = await owner.fetch(
                "SELECT id, balance FROM ledger_account WHERE id = ANY ($1) ORDER BY id",
                list(stage.accounts.values()),
            )
            came.append(str((answer, moved, held)))
        except asyncpg.PostgresError as refused:
            came.append(f"{refused.sqlstate} {refused}")
        finally:
            await turn.rollback()
    assert came[0] == came[1]
    assert ("PL001" in came[0]) == (amount > sum(lots))


@FIRST
async def test_a_draw_that_is_asked_for_again_moves_nothing_and_another_one_under_its_id_is_refused(
    stage: Stage, first: str
) -> None:
    await _filled(stage, first, 100)
    assert [await _draw(stage, "one", 30) for _ in range(2)] == ["posted", "repeated"]
    with pytest.raises(ledger.PostingIdReused):
        await _draw(stage, "one", 31)
    await stage.do_balance("lot0", "70")
    await stage.do_balance("pocket", "30")


@FIRST
@pytest.mark.parametrize(("rest", "came"), [(0, "short by 60"), (50, "short by 10"), (60, "posted")])
async def test_whoever_draws_behind_another_sees_what_that_one_left(
    stage: Stage, first: str, rest: int, came: str
) -> None:
    """The second one finds 100 points, waits for the first one's 80, and takes the rest of another lot or is refused."""
    await _filled(stage, first, 100, rest)
    async with stage.db.transaction() as session:
        await _drawn(stage, session, "first", 80)
        second = asyncio.create_task(_draw(stage, "second", 80))
        await asyncio.sleep(0.3)
        assert not second.done()
    assert await second == came
    done = came == "posted"
    await stage.do_balance("pocket", str(160 if done else 80))
    await stage.do_balance("lot0", str(0 if done else 20))
    await stage.do_balance("lot1", str(rest - 60 if done else rest))


async def test_whoever_turns_to_the_long_way_keeps_nothing_locked_meanwhile(stage: Stage) -> None:
    """The long way locks every lot in the order of the ids; who came to it with a later one in hand could deadlock."""
    await _filled(stage, "wallets", 100, 60)
    assert stage.accounts["lot1"] < stage.accounts["lot0"]
    async with stage.db.transaction() as elsewhere:
        await _earn(stage, elsewhere, "lot1")
        async with stage.db.transaction() as session:
            await _drawn(stage, session, "first", 80)
            second = asyncio.create_task(_draw(stage, "second", 80))
            await asyncio.sleep(0.3)
        await asyncio.sleep(0.3)
        assert not second.done()  # it lost lot0 to the first one and waits for lot1, which another holds
        async with asyncio.timeout(10), stage.db.transaction() as session:
            await _earn(stage, session, "lot0")
    assert await second == "posted"
    await stage.do_balance("lot0", "0")
    await stage.do_balance("lot1", "2")


async def _earn(stage: Stage, session: AsyncSession, lot: str) -> None:
    line = ledger.Line(stage.accounts["issuer"], stage.accounts[lot], 1)
    await ledger.post(
        session, [ledger.Posting(stage.key(f"one more {lot}"), "points.earned", clock.now(), (line,))]
    )
