"""The sum of all statements is what the ledger owes: several merchants and funders, fees, and what came back a period later."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from backend import ledger
from backend.kit import clock
from backend.kit.db import Database
from merchant import settlement
from tests import contracts
from tests.merchant.conftest import PROGRAMME, Arrive, OpenShop, Shop
from tests.merchant.test_disputes import books_hold
from tests.merchant.test_settlement import FEES, LAST_MONTH, SHARED, close

OWN = ({"id": "standard", "funding": [{"funder": "merchant", "share": "1"}]},)
PARTNERED = ({"id": "standard", "funding": [
    {"funder": "partner:metro", "share": "0.5"}, {"funder": "government", "share": "0.3"}, {"funder": "merchant", "share": "0.2"},
]},)  # fmt: skip
CONTRACTS = (
    {"fen_per_point": "2.5", "terms": SHARED, "fees": FEES},
    {"fen_per_point": "1", "terms": OWN},  # pays everything itself: points are owed, and no fen
    {"fen_per_point": "3.35", "terms": PARTNERED, "fees": FEES[:1]},
    {"fen_per_point": "0.9"},
)


async def sums(db: Database, shops: list[Shop]) -> tuple[int, int]:
    """Points of all statements not paid with what is open, and of the ledger."""
    told = owed = 0
    for shop in shops:
        async with db.transaction() as session:
            (open_now,) = await settlement.accruals_of(session, merchant_id=shop.id)
            closed = await settlement.statements(session, merchant_id=shop.id)
            owed += sum(one.points for one in await settlement.payables_of(session, merchant_id=shop.id))
        told += open_now.totals.payable_points  # what was carried forward opens it
        told += sum(one.totals.payable_points for one in closed if one.state in ("payable", "on_its_way"))
    return told, owed


async def pay(db: Database, shop: Shop) -> None:
    first, second = await contracts.operators(db, shop.keys)
    async with db.transaction() as session:
        act = await settlement.propose_payout(session, shop.keys, programme=PROGRAMME, proposed_by=first)
    async with db.transaction() as session:
        made = await settlement.approve_payout(
            session, programme=PROGRAMME, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
        )
        for line in made.lines:
            await settlement.confirm(
                session, programme=PROGRAMME, payout_id=made.id, statement_id=line.statement_id, paid=True,
                words="REF", told_by=first,
            )  # fmt: skip


async def test_the_sum_of_all_statements_is_what_the_ledger_owes_at_every_step(
    db: Database, open_shop: OpenShop, arrive: Arrive
) -> None:
    shops, buyer = [await open_shop(contract=None) for _ in CONTRACTS], await arrive(900)
    for shop, agreed in zip(shops, CONTRACTS, strict=True):
        await contracts.agree(db, shop.keys, merchant_id=shop.id, programme=PROGRAMME, **agreed)  # type: ignore[arg-type]
    end_of_month = clock.now().astimezone(clock.SHANGHAI).replace(day=1, hour=12) - dt.timedelta(days=1)
    bought = []
    for shop in shops:
        offer = await shop.offer(price=33, first_day=LAST_MONTH.date())
        with clock.travel(end_of_month):
            done = [(await shop.capture((await buyer.redeem(offer)).code)).redemption_id for _ in range(4)]
            await shop.refund_part(done[0], "a", 10)
        bought.append(done)
    assert await sums(db, shops) == (4 * (132 - 10), 4 * (132 - 10))

    first = [await close(shop) for shop in shops]
    assert sum(one.totals.payable_points for one in first) == (await sums(db, shops))[1] == 488
    assert first[1].totals.own_fen == 132 - 10
    assert (first[1].totals.payable_fen, first[1].state) == (0, "payable")  # points to settle, nothing to pay
    with clock.travel(end_of_month + dt.timedelta(days=4)):  # in the next period, before the last one is paid
        for shop, done in zip(shops, bought, strict=True):
            await shop.refund(done[1])
            await shop.refund_part(done[0], "b", 23)
    assert await sums(db, shops) == (488 - 4 * 56, 488 - 4 * 56)
    await pay(db, shops[0])
    assert await sums(db, shops) == (-4 * 56, -4 * 56)  # they owe points now
    await books_hold(db)

    # what funders paid is what the ledger has banked, and each statement's parts come to the whole of it
    async with db.transaction() as session:
        banked = [await ledger.balances_by_code(session, f"banked:{shop.code}") for shop in shops]
    assert [sum(one.values()) for one in banked] == [one.totals.payable_fen for one in first]
    paid = Counter[str]()
    for one in first:
        paid.update(one.totals.pays)
        assert sum(one.totals.pays.values()) == one.totals.payable_fen
    assert set(paid) == {"programme", "government", "partner:metro"}

    with clock.travel(clock.now() + dt.timedelta(days=31)):
        second = [await close(shop) for shop in shops]
        assert {one.state for one in second} == {"carried"}
        assert sum(one.totals.payable_points for one in second) == -4 * 56
        assert await sums(db, shops) == (-4 * 56, -4 * 56)
        await books_hold(db)
    with clock.travel(clock.now() + dt.timedelta(days=62)):
        third = [await close(shop) for shop in shops]
        assert [one.totals.opening_points for one in third] == [-56] * 4
        assert await sums(db, shops) == (-4 * 56, -4 * 56)
        await books_hold(db)
