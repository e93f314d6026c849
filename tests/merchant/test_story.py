"""A month in June: a citizen walks, drinks tea, and everybody's books agree to the point.

小李 rides every morning for twenty days and earns ten points a ride. The points of the first ten rides lapse on the last
of June, the others a month later. She drinks tea, buys bread that turns out stale and comes back, and takes a bookmark; one ride
was not hers, and its points are taken back with another's. What she left over lapses. Then the month is closed.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter

from backend.identity import approvals
from backend.kit import clock, ids
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.programmes import wallets
from merchant import settlement
from merchant.settlement import Statement
from tests import contracts
from tests.merchant.conftest import PROGRAMME, Arrive, Buyer, OpenShop, Shop

END_OF_JUNE, END_OF_JULY = dt.date(2027, 6, 30), dt.date(2027, 7, 31)


def june(day: int, hour: int = 12) -> dt.datetime:
    return dt.datetime(2027, 6, day, hour, tzinfo=SHANGHAI)


async def rides(li: Buyer, first: int, last: int) -> None:
    """A ride each morning, ten points each."""
    for day in range(first, last + 1):
        with clock.travel(june(day, 8)):
            await li.earn(10, END_OF_JUNE if day <= 10 else END_OF_JULY)


async def close_june(shop: Shop) -> Statement:
    """Two people of the operator close the shop's June, on the first morning of July."""
    first, second = await contracts.operators(shop.db, shop.keys)
    async with shop.db.transaction() as session:
        shown: approvals.TwoPersonAct = await settlement.propose_close(
            session, merchant_id=shop.id, programme=PROGRAMME, proposed_by=first
        )
    async with shop.db.transaction() as session:
        return await settlement.approve_close(
            session,
            programme=PROGRAMME,
            act_id=shown.id,
            approved_by=second,
            subject_sha256=shown.subject_sha256,
        )


async def test_a_month_of_rides_and_three_shops_ends_with_books_that_agree_to_the_point(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    teahouse, bakery, bookshop = [await open_shop(contract="2.5") for _ in range(3)]
    with clock.travel(june(1, 6)):
        li = await arrive(0)
        tea, bread, bookmark = [
            await shop.offer(price=price) for shop, price in ((teahouse, 30), (bakery, 45), (bookshop, 60))
        ]

    await rides(li, 1, 5)
    with clock.travel(june(5)):
        await teahouse.scan((await li.redeem(tea)).code)
    await rides(li, 6, 12)
    with clock.travel(june(12)):
        stale = await bakery.scan((await li.redeem(bread)).code)
    await rides(li, 13, 16)
    with clock.travel(june(16)):
        await bookshop.scan((await li.redeem(bookmark)).code)
        assert await li.purse() == (160 - 30 - 45 - 60, 0)
    with clock.travel(june(18)):  # within the week in which bread may come back
        await bakery.refund(stale.redemption_id)
    await rides(li, 17, 20)
    with clock.travel(june(25)):
        assert await li.lots() == {"2027-06-30": 45, "2027-07-31": 65}
        async with db.transaction() as session:
            await wallets.claw_back(
                session, participant_id=li.id, programme=PROGRAMME, points=25, posting_id=ids.uuid7(),
                happened_at=clock.now(),
            )  # fmt: skip
        assert await li.lots() == {"2027-06-30": 20, "2027-07-31": 65}

    with clock.travel(dt.datetime(2027, 7, 1, 9, tzinfo=SHANGHAI)):
        await wallets.expire_all(db)
        assert await li.purse() == (65, 0)
        async with db.transaction() as session:
            told = await wallets.statement_of(session, participant_id=li.id, programme=PROGRAMME, limit=200)
        june_of = {shop.code: await close_june(shop) for shop in (teahouse, bakery, bookshop)}

    # what 小李 reads of her wallet
    moved = Counter[str]()
    for entry in told:
        if entry.part == "wallet":
            moved[entry.reason] += entry.points
    assert moved == {
        "points.earned": 200, "points.held": -135, "points.refunded": 45, "points.clawed_back": -25, "points.expired": -20,
    }  # fmt: skip
    assert sum(moved.values()) == 65

    # what the shops read of their June: 30 points are 75 fen, bread came and went, 60 points are 150 fen
    read = {
        code: (
            one.totals.captured_points,
            one.totals.refunded_points,
            one.totals.payable_points,
            one.totals.payable_fen,
        )
        for code, one in june_of.items()
    }
    assert read == {
        teahouse.code: (30, 0, 30, 75),
        bakery.code: (45, 45, 0, 0),
        bookshop.code: (60, 0, 60, 150),
    }
    assert {one.state.value for one in june_of.values()} == {
        "payable",
        "carried",
    }  # the bakery has nothing to be paid

    # and they agree: what left her wallet for shops is what shops are owed, by statement and by the ledger
    spent = -(moved["points.held"] + moved["points.refunded"])
    assert spent == sum(one.totals.payable_points for one in june_of.values())
    assert spent == sum([await shop.payable() for shop in (teahouse, bakery, bookshop)])
    async with db.transaction() as session:
        (line,) = await settlement.lines_of(session, statement_id=june_of[teahouse.code].id)
    assert (line.line.happened_at.astimezone(SHANGHAI).date(), line.line.points) == (dt.date(2027, 6, 5), 30)
