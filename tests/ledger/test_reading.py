"""Reading the books: two clocks, pages, sums, and balances folded from a checkpoint and its tail."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import TypeAlias

import asyncpg
import pytest

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
FOLD = """
    SELECT COALESCE((SELECT sum(amount) FROM ledger_transfer WHERE credit_id = $1), 0)
         - COALESCE((SELECT sum(amount) FROM ledger_transfer WHERE debit_id = $1), 0)
"""


class Shop:
    """An issuer, a merchant and a few lots, apart from every other test's."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.scope = ids.uuid7().hex

    async def open(self, lots: int) -> None:
        names = [f"issuer:{self.scope}", *(f"wallet:{self.scope}-{n}:p:never" for n in range(lots))]
        async with self.db.transaction() as session:
            opened = await ledger.open_accounts(session, map(ledger.AccountSpec, names))
        self.source, *self.lots = (opened[name] for name in names)

    def earning(self, lot: int, amount: int, at: dt.datetime | None = None) -> ledger.Posting:
        line = ledger.Line(self.source, self.lots[lot], amount)
        return ledger.Posting(ids.uuid7(), "points.earned", at or clock.now(), (line,))

    async def earn(self, lot: int, amount: int, at: dt.datetime | None = None) -> None:
        async with self.db.transaction() as session:
            await ledger.post(session, [self.earning(lot, amount, at)])


@pytest.fixture
async def shop(db: Database) -> Shop:
    made = Shop(db)
    await made.open(3)
    return made


async def test_a_balance_is_asked_by_when_things_happened_or_by_when_they_were_known(shop: Shop) -> None:
    start = clock.now()
    day = dt.timedelta(days=1)
    await shop.earn(0, 10, start - 10 * day)
    between = clock.now()
    await shop.earn(0, 5, start - 20 * day)  # learnt later, happened earlier

    async with shop.db.transaction() as session:

        async def held(at: dt.datetime, by: str) -> int:
            return await ledger.balance_at(session, shop.lots[0], at, clock=by)  # type: ignore[arg-type]

        assert await held(start - 21 * day, "happened") == 0
        assert await held(start - 20 * day, "happened") == 5, "the moment itself is included"
        assert await held(start - 15 * day, "happened") == 5
        assert await held(start - 10 * day, "happened") == 15
        assert await held(start - day, "recorded") == 0
        assert await held(between, "recorded") == 10
        assert await held(clock.now() + day, "recorded") == 15
        assert await ledger.balance_at(session, shop.source, start - 15 * day, clock="happened") == -5


async def test_a_statement_is_complete_whatever_is_written_meanwhile(shop: Shop) -> None:
    for number in range(40):
        await shop.earn(number % 2, number + 1)
    stop = asyncio.Event()

    async def keep_writing() -> None:
        while not stop.is_set():
            await shop.earn(0, 1000)

    writers = [asyncio.create_task(keep_writing()) for _ in range(3)]
    accounts = [shop.source, *shop.lots]
    seen: list[ledger.Movement] = []
    while True:
        async with shop.db.transaction() as session:
            page = await ledger.statement(session, accounts, limit=7, after=seen[-1].cursor if seen else None)
        if not page:
            break
        seen += page
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*writers)
    before = [one for one in seen if abs(one.amount) < 1000]
    assert Counter(one.amount for one in before) == Counter(
        [number + 1 for number in range(40)] + [-number - 1 for number in range(40)]
    )
    assert len({one.cursor for one in seen}) == len(seen)
    assert [one.cursor[0] for one in seen] == sorted((one.cursor[0] for one in seen), reverse=True)


async def test_debits_equal_credits_in_every_unit(shop: Shop) -> None:
    await shop.earn(0, 17)
    async with shop.db.transaction() as session:
        lines = await ledger.trial_balance(session)
    for unit in {line.unit for line in lines}:
        assert sum(line.debits for line in lines if line.unit == unit) == sum(
            line.credits for line in lines if line.unit == unit
        )
    wallets = next(line for line in lines if line.kind == "wallet")
    assert wallets.credits >= 17
    assert wallets.accounts >= 3


async def test_checkpoint_and_tail_give_what_all_transfers_give(shop: Shop, superuser: Connection) -> None:
    async def agree() -> int:
        async with shop.db.transaction() as session:
            balance = (await ledger.balances(session, [shop.source]))[shop.source]
        assert balance == await superuser.fetchval(FOLD, shop.source)
        return balance

    assert await agree() == 0
    for amount in (5, 7, 11):
        await shop.earn(0, amount)
        await agree()
        async with shop.db.transaction() as session:
            assert await ledger.advance_checkpoints(session) > 0
        await agree()
    assert await agree() == -23
    kept = await superuser.fetchval(
        "SELECT balance FROM ledger_checkpoint WHERE account_id = $1", shop.source
    )
    assert kept == -23


async def test_a_transaction_held_open_is_not_forgotten_by_a_checkpoint(
    shop: Shop, superuser: Connection
) -> None:
    """It began before the checkpoint and ends after it, so its rows lie behind newer ones."""
    await shop.earn(0, 1)
    async with shop.db.transaction() as late:
        await ledger.post(late, [shop.earning(0, 100)])
        await shop.earn(1, 10)
        for _ in range(2):
            async with shop.db.transaction() as session:
                await ledger.advance_checkpoints(session)
            async with shop.db.transaction() as session:
                assert (await ledger.balances(session, [shop.source]))[shop.source] == -11
    async with shop.db.transaction() as session:
        assert (await ledger.balances(session, [shop.source]))[shop.source] == -111
        await ledger.advance_checkpoints(session)
    async with shop.db.transaction() as session:
        assert (await ledger.balances(session, [shop.source]))[shop.source] == -111
    assert await superuser.fetchval(FOLD, shop.source) == -111


async def test_checkpoints_made_while_others_write_lose_nothing(shop: Shop, superuser: Connection) -> None:
    async def write(lot: int) -> None:
        for _ in range(15):
            await shop.earn(lot, 1)

    async def advance() -> None:
        for _ in range(10):
            async with shop.db.transaction() as session:
                await ledger.advance_checkpoints(session)

    await asyncio.gather(write(0), write(1), write(2), advance(), advance())
    async with shop.db.transaction() as session:
        assert (await ledger.balances(session, [shop.source]))[shop.source] == -45
    assert await superuser.fetchval(FOLD, shop.source) == -45


async def test_a_posting_that_is_rolled_back_leaves_nothing(shop: Shop) -> None:
    posting = shop.earning(0, 5)

    async def fail() -> None:
        async with shop.db.transaction() as session:
            await ledger.post(session, [posting])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with shop.db.transaction() as session:
        assert (await ledger.balances(session, [shop.lots[0], shop.source])) == {
            shop.lots[0]: 0,
            shop.source: 0,
        }
        assert await ledger.transfers(session, posting.id) == []


async def test_the_hot_way_posts_by_the_same_rules(shop: Shop) -> None:
    posting = shop.earning(0, 5)
    async with shop.db.hot_transaction() as connection:
        assert await ledger.post_hot(connection, [posting]) == {posting.id: "posted"}
    async with shop.db.transaction() as session:
        assert await ledger.post(session, [posting]) == {posting.id: "repeated"}
    line = ledger.Line(shop.lots[0], shop.source, 5)
    backwards = ledger.Posting(ids.uuid7(), "points.earned", clock.now(), (line,))
    with pytest.raises(ledger.TransferNotAllowed):
        async with shop.db.hot_transaction() as connection:
            await ledger.post_hot(connection, [backwards])
