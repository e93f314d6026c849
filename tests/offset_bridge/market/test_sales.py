"""Agreed sales: units against money, once, or everything back."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from backend import ledger
from backend.identity import Role
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.ledger import SerialRange
from offset_bridge import market
from offset_bridge.market import Outcome, Sale
from tests.concurrency.conftest import Superuser, done_or_waiting, no_deadlock, transaction
from tests.offset_bridge.market.conftest import BOOK, PRICE, Trade, numbers_of
from tests.offset_bridge.world import World

__all__ = ["no_deadlock"]

pytestmark = pytest.mark.usefixtures("no_deadlock")


async def test_units_and_money_change_hands_together(trade: Trade, world: World) -> None:
    sale = await trade.offer(4)
    assert await trade.stand() == (6, 4, 0, 0, 100_000)
    await trade.books_hold()
    settled = await trade.accept(sale)
    assert (settled.outcome, settled.serials) == (Outcome.SETTLED, sale.serials)
    assert await trade.stand() == (6, 0, 4, PRICE, 100_000 - PRICE)
    [said] = [one for one in await world.entries("sale.settled") if one["sale"] == str(sale.id)]
    assert said == {
        "sale": str(sale.id), "market": "guangdong", "book": BOOK, "seller": trade.seller, "buyer": trade.buyer,
        "price_fen": PRICE, "serials": [[one.low, one.high] for one in sale.serials],
    }  # fmt: skip
    await trade.books_hold()


async def test_named_numbers_are_sold_and_what_is_set_aside_cannot_be_offered_again(
    trade: Trade, db: Database
) -> None:
    held = await numbers_of(db, f"entity:{BOOK}:{trade.seller}")
    named = (SerialRange(held[2], held[2] + 2), SerialRange(held[7], held[7] + 1))
    sale = await trade.offer(3, serials=named)
    with pytest.raises(ledger.SerialsNotHeld):
        await trade.offer(1, serials=(SerialRange(held[3], held[3] + 1),))
    with pytest.raises(ledger.InsufficientBalance):
        await trade.offer(8)
    other = await trade.offer(7)
    await trade.accept(sale)
    assert await numbers_of(db, f"entity:{BOOK}:{trade.buyer}") == [held[2], held[3], held[7]]
    await trade.withdraw(other)
    assert await trade.stand() == (7, 0, 3, PRICE, 100_000 - PRICE)
    await trade.books_hold()


async def test_too_little_money_refuses_and_leaves_everything_as_it_was(trade: Trade) -> None:
    sale = await trade.offer(4, price_fen=100_001)
    before = await trade.stand()
    with pytest.raises(ledger.InsufficientBalance):
        await trade.accept(sale)
    assert await trade.stand() == before
    await trade.books_hold()
    await trade.world.pay_in("guangdong", trade.buyer, 1)
    assert (await trade.accept(sale)).outcome is Outcome.SETTLED
    assert await trade.stand() == (6, 0, 4, 100_001, 0)
    await trade.books_hold()


@pytest.mark.parametrize("end", ["withdraw", "decline", "expire"])
async def test_an_offer_that_is_not_accepted_gives_its_units_back_once(trade: Trade, end: str) -> None:
    sale = await trade.offer(4)
    for again in (False, True):
        with clock.travel(sale.expires_at if end == "expire" else clock.now()):
            ended = asyncio.create_task(ending(trade, sale, end))
            if again and end != "expire":
                with pytest.raises(market.SaleEnded):
                    await ended
            else:
                assert await ended is not again
        assert await trade.stand() == (10, 0, 0, 0, 100_000)
    with pytest.raises((market.SaleEnded, market.SaleExpired)):
        await trade.accept(sale)
    await trade.books_hold()


async def ending(trade: Trade, sale: Sale, end: str) -> bool:
    async with trade.world.db.transaction() as session:
        if end == "expire":
            return await market.expire(session, sale_id=sale.id)
        if end == "decline":
            await market.decline(
                session, sale_id=sale.id, buyer=trade.buyer, declined_by=trade.staff[trade.buyer]
            )
        else:
            await market.withdraw(
                session, sale_id=sale.id, seller=trade.seller, withdrawn_by=trade.staff[trade.seller]
            )
    return True


async def test_an_offer_is_good_until_its_last_moment_and_not_at_it(trade: Trade, db: Database) -> None:
    just, late = await trade.offer(1), await trade.offer(1)
    with clock.travel(just.expires_at - dt.timedelta(seconds=5)):
        async with db.transaction() as session:
            assert not await market.expire(session, sale_id=just.id)
        assert (await trade.accept(just)).outcome is Outcome.SETTLED
    with clock.travel(late.expires_at):
        with pytest.raises(market.SaleExpired):
            await trade.accept(late)
        assert await market.expire_all(db) == 1
        assert await market.expire_all(db) == 0
    assert await trade.stand() == (9, 0, 1, PRICE, 100_000 - PRICE)
    await trade.books_hold()


async def test_what_makes_no_sense_is_refused(trade: Trade, world: World) -> None:
    now = clock.now()
    homeless = await world.organisation(Role.ENTERPRISE)
    for changed, refusal in (
        ({"buyer": trade.seller}, market.SelfTrade),
        ({"buyer": homeless}, market.PartyHasNoAccount),
        ({"buyer": "nobody-at-all"}, market.PartyHasNoAccount),
        ({"expires_at": now}, market.ExpiryUnusable),
        ({"expires_at": now + dt.timedelta(days=32)}, market.ExpiryUnusable),
        ({"book": "nowhere-phcer"}, market.BookNotTraded),
        ({"book": "phcer"}, market.BookNotTraded),
        ({"seller": homeless}, market.BookNotTraded),
        ({"seller": trade.stranger}, ledger.InsufficientBalance),
    ):
        with pytest.raises(refusal):
            await trade.offer(**changed)
    assert await trade.stand() == (10, 0, 0, 0, 100_000)


async def test_only_the_buyer_accepts_and_only_the_seller_withdraws(trade: Trade, db: Database) -> None:
    sale = await trade.offer()
    for verb, by in (
        (trade.accept, trade.seller),
        (trade.accept, trade.stranger),
        (trade.withdraw, trade.buyer),
        (trade.withdraw, trade.stranger),
    ):
        with pytest.raises(market.SaleUnknown):
            await verb(sale, by=by)
    async with db.transaction() as session:
        with pytest.raises(market.SaleUnknown):
            await market.sale_of(session, sale_id=ids.uuid7())
        assert await market.sales_of(session, party=trade.stranger) == []
    assert (await trade.accept(sale)).outcome is Outcome.SETTLED


# --- meetings: the first transaction is held open, the second is seen waiting

Verb = Callable[[Any], Awaitable[Any]]


def verbs(trade: Trade, sale: Sale) -> dict[str, Verb]:
    """What may end a sale, on a session."""
    return {
        "accept": lambda session: market.accept(
            session, sale_id=sale.id, buyer=trade.buyer, accepted_by=trade.staff[trade.buyer]
        ),
        "decline": lambda session: market.decline(
            session, sale_id=sale.id, buyer=trade.buyer, declined_by=trade.staff[trade.buyer]
        ),
        "withdraw": lambda session: market.withdraw(
            session, sale_id=sale.id, seller=trade.seller, withdrawn_by=trade.staff[trade.seller]
        ),
        "expire": lambda session: market.expire(session, sale_id=sale.id),
    }


MEETINGS = [
    (first, second)
    for first in ("accept", "decline", "withdraw", "expire")
    for second in ("accept", "withdraw", "expire")
]


@pytest.mark.parametrize(("first", "second"), MEETINGS)
async def test_of_two_ends_at_once_the_first_counts_and_the_second_is_refused(
    trade: Trade, db: Database, superuser: Superuser, first: str, second: str
) -> None:
    sale = await trade.offer(4)

    async def then() -> Any:
        try:
            async with db.transaction() as session:
                return await verbs(trade, sale)[second](session)
        except market.SaleEnded as ended:
            return ended.outcome

    over = clock.travel(sale.expires_at + dt.timedelta(minutes=1))
    async with transaction(db) as session:
        if first == "expire":
            with over:
                await verbs(trade, sale)[first](session)
        else:
            await verbs(trade, sale)[first](session)
        if second == "expire":
            with clock.travel(sale.expires_at + dt.timedelta(minutes=1)):
                other = asyncio.create_task(then())
                assert await done_or_waiting(other, superuser)
        else:
            other = asyncio.create_task(then())
            assert await done_or_waiting(other, superuser)
    outcome = {"accept": "settled", "decline": "declined", "withdraw": "withdrawn", "expire": "expired"}[
        first
    ]
    assert await other == (False if second == "expire" else outcome)
    settled = (6, 0, 4, PRICE, 100_000 - PRICE)
    assert await trade.stand() == (settled if first == "accept" else (10, 0, 0, 0, 100_000))
    await trade.books_hold()


async def test_the_second_may_end_what_the_first_gave_up(
    trade: Trade, db: Database, superuser: Superuser
) -> None:
    sale = await trade.offer(4)
    async with transaction(db) as session:
        await verbs(trade, sale)["accept"](session)
        other = asyncio.create_task(trade.withdraw(sale))
        assert await done_or_waiting(other, superuser)
        await session.rollback()
    assert (await other).outcome is Outcome.WITHDRAWN
    assert await trade.stand() == (10, 0, 0, 0, 100_000)
    await trade.books_hold()


async def test_two_offers_at_once_of_the_same_units_are_not_both_made(
    trade: Trade, db: Database, superuser: Superuser
) -> None:
    held = await numbers_of(db, f"entity:{BOOK}:{trade.seller}")
    same = {"serials": (SerialRange(held[0], held[0] + 6),)}
    async with transaction(db) as session:
        await market.offer(session, **trade.asked(6, **same))
        other = asyncio.create_task(trade.offer(6, **same))
        assert await done_or_waiting(other, superuser)
    with pytest.raises((ledger.SerialsNotHeld, ledger.InsufficientBalance)):
        await other
    assert await trade.units(trade.seller, "offered") == 6
    await trade.books_hold()


async def test_a_buyer_cannot_spend_the_same_money_on_two_sales(
    trade: Trade, db: Database, superuser: Superuser
) -> None:
    one, two = await trade.offer(3, price_fen=60_000), await trade.offer(3, price_fen=60_000)
    async with transaction(db) as session:
        await verbs(trade, one)["accept"](session)
        other = asyncio.create_task(trade.accept(two))
        assert await done_or_waiting(other, superuser)
    with pytest.raises(ledger.InsufficientBalance):
        await other
    assert await trade.stand() == (4, 3, 3, 60_000, 40_000)
    await trade.books_hold()


async def test_two_parties_that_sell_to_each_other_at_once_do_not_block_each_other(
    trade: Trade,
) -> None:
    first = await trade.accept(await trade.offer(5, price_fen=10_000))
    assert first.outcome is Outcome.SETTLED
    there = [await trade.offer(1, price_fen=100) for _ in range(5)]
    back = [
        await trade.offer(
            1, price_fen=100, seller=trade.buyer, buyer=trade.seller, offered_by=trade.staff[trade.buyer]
        )
        for _ in range(5)
    ]
    done = await asyncio.gather(
        *(trade.accept(one) for one in there), *(trade.accept(one, by=trade.seller) for one in back)
    )
    assert {one.outcome for one in done} == {Outcome.SETTLED}
    assert await trade.stand() == (5, 0, 5, 10_000, 90_000)
    await trade.books_hold()
