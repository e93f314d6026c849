"""Coupon codes: brought in by merchants, drawn one by one by redemptions."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.identity import joining
from backend.kit import clock
from merchant import catalogue, coupons, redemption
from merchant.catalogue import Offer
from merchant.coupons import CouponsCsvUnreadable, CouponsUnsound, CouponUnknown, Line, OfferGivesNoCoupons
from merchant.coupons import checks as coupon_checks
from merchant.redemption import SoldOut, State
from merchant.redemption import checks as redemption_checks
from tests.merchant.conftest import Arrive, Buyer, OpenShop, Shop, with_key
from tests.waiting import somebody_waits


async def bring_in(
    shop: Shop, offer: Offer, *lines: Line, valid_until: dt.date | None = None
) -> coupons.Counts:
    async with shop.db.transaction() as session:
        return await coupons.bring_in(
            session, shop.keys, merchant_id=shop.id, offer_id=offer.id, lines=lines, valid_until=valid_until,
            imported_by=shop.clerk,
        )  # fmt: skip


async def counts(shop: Shop, offer: Offer) -> coupons.Counts:
    async with shop.db.transaction() as session:
        return await coupons.counts(session, merchant_id=shop.id, offer_id=offer.id)


async def code_of(buyer: Buyer, redemption_id: UUID) -> coupons.Given:
    async with buyer.db.transaction() as session:
        return await coupons.coupon_of(
            session, buyer.keys, participant_id=buyer.id, redemption_id=redemption_id
        )


def some(*codes: str) -> list[Line]:
    return [Line(number, code) for number, code in enumerate(codes, 1)]


async def sound(shop: Shop) -> None:
    async with shop.db.transaction() as session:
        assert (await coupon_checks.coupons(session)).violations == []
        for check in (redemption_checks.held, redemption_checks.ends, redemption_checks.stock):
            assert (await check(session)).violations == []


async def test_a_redemption_draws_one_code_at_once_and_its_citizen_alone_reads_it(
    shop: Shop, buyer: Buyer, arrive: Arrive
) -> None:
    offer = await shop.offer(price=3, gives="coupon")
    assert await shop.left(offer) == 0
    with pytest.raises(SoldOut):
        await buyer.redeem(offer)
    assert (await bring_in(shop, offer, *some("TEA-0001", "TEA-0002"))).left == 2
    issued = await buyer.redeem(offer)
    assert await buyer.state(issued) == State.CAPTURED
    given = await code_of(buyer, issued.redemption_id)
    assert given.code == "TEA-0001"
    assert await code_of(buyer, issued.redemption_id) == given  # however often it is asked for
    assert await shop.payable() == 3
    assert (await counts(shop, offer), await shop.left(offer)) == (coupons.Counts(2, 1, 1, 0, 0), 1)
    async with shop.db.transaction() as session:
        mine = await coupons.coupons_of(session, shop.keys, participant_id=buyer.id)
        assert [one.code for one in mine] == ["TEA-0001"]
        stored = (await session.execute(text("SELECT code_sealed FROM coupon_code"))).scalars().all()
        assert not any(b"TEA-" in bytes(one) for one in stored)
    other = await arrive()
    with pytest.raises(CouponUnknown):
        await code_of(other, issued.redemption_id)
    await sound(shop)


async def test_the_account_that_goes_on_reads_the_codes_of_the_one_that_ended_in_it(shop: Shop) -> None:
    offer = await shop.offer(price=1, gives="coupon")
    await bring_in(shop, offer, *some("MINE-1"))
    ended, goes_on = [await with_key(shop.db, shop.keys) for _ in range(2)]
    issued = await ended.redeem(offer)
    async with shop.db.transaction() as session:
        await joining.join(session, shop.keys, joined=ended.id, into=goes_on.id, shown="wechat")
        (mine,) = await coupons.coupons_of(session, shop.keys, participant_id=goes_on.id)
    assert mine == await code_of(goes_on, issued.redemption_id)
    assert mine.code == "MINE-1"


async def test_what_was_refunded_is_retired_and_given_to_nobody_else(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer(price=4, gives="coupon")
    await bring_in(shop, offer, *some("CAKE-1", "CAKE-2"))
    issued = await buyer.redeem(offer)
    await shop.refund_part(issued.redemption_id, "half", 2)
    assert not (await code_of(buyer, issued.redemption_id)).retired
    await shop.refund(issued.redemption_id)
    assert (await code_of(buyer, issued.redemption_id)).retired
    assert await counts(shop, offer) == coupons.Counts(2, 1, 1, 0, 1)
    async with shop.db.transaction() as session:
        told = await coupons.retired(session, shop.keys, merchant_id=shop.id, offer_id=offer.id)
    assert [one.code for one in told] == ["CAKE-1"]
    again = await buyer.redeem(offer)
    assert (await code_of(buyer, again.redemption_id)).code == "CAKE-2"
    with pytest.raises(SoldOut):
        await buyer.redeem(offer)
    await sound(shop)


async def test_the_code_that_ends_first_is_given_first_and_none_that_is_over(
    shop: Shop, buyer: Buyer
) -> None:
    offer = await shop.offer(price=1, gives="coupon")
    today = clock.today()
    soon = today + dt.timedelta(days=3)
    await bring_in(shop, offer, Line(1, "EVER-1"), Line(2, "SOON-1", soon.isoformat()))
    await bring_in(shop, offer, *some("TODAY-1"), valid_until=today)
    drawn = [await code_of(buyer, (await buyer.redeem(offer)).redemption_id) for _ in range(3)]
    assert [(one.code, one.valid_until) for one in drawn] == [
        ("TODAY-1", today), ("SOON-1", soon), ("EVER-1", None),
    ]  # fmt: skip


async def test_every_wrong_line_is_named_and_nothing_is_stored(shop: Shop, open_shop: OpenShop) -> None:
    offer = await shop.offer(price=1, gives="coupon")
    await bring_in(shop, offer, *some("KNOWN-1"))
    lines = coupons.of_csv(
        "code,valid_until\r\nGOOD-1,\r\nGOOD-1,\r\n\r\nKNOWN-1,\r\nab,\r\nWITH BLANK,\r\nDAY-1,31.12.2030\r\nPAST-1,2001-01-01\r\n"
    )
    with pytest.raises(CouponsUnsound) as refused:
        await bring_in(shop, offer, *lines)
    assert refused.value.wrong == 6
    assert [(one["line"], one["field"], one["reason"]) for one in refused.value.lines] == [
        (3, "code", "again"), (5, "code", "known"), (6, "code", "form"), (7, "code", "form"),
        (8, "valid_until", "date"), (9, "valid_until", "past"),
    ]  # fmt: skip
    assert all(one["reason_zh"] and one["reason_en"] for one in refused.value.lines)
    assert (await counts(shop, offer)).imported == 1
    with pytest.raises(CouponsUnsound):  # of another offer of the same merchant
        await bring_in(shop, await shop.offer(price=1, gives="coupon"), *some("KNOWN-1"))
    other = await open_shop()
    await bring_in(other, await other.offer(price=1, gives="coupon"), *some("KNOWN-1"))  # another's code
    with pytest.raises(OfferGivesNoCoupons):
        await bring_in(shop, await shop.offer(price=1), *some("LOST-1"))
    with pytest.raises(catalogue.OfferUnknown):
        await bring_in(other, offer, *some("FOREIGN-1"))


@pytest.mark.parametrize("csv", ["", "KNOWN-1\n", "code,price\nA,1\n", "code,code\nA,B\n", 'code\n"AB'])
def test_a_csv_without_its_columns_is_not_read(csv: str) -> None:
    with pytest.raises(CouponsCsvUnreadable):
        coupons.of_csv(csv)


def test_a_line_with_other_columns_is_named() -> None:
    with pytest.raises(CouponsUnsound) as refused:
        coupons.of_csv("code,valid_until\nGOOD-1,\nGOOD-2\n")
    assert [(one["line"], one["reason"]) for one in refused.value.lines] == [(3, "columns")]


async def test_many_buyers_of_the_last_codes_draw_each_one_once(shop: Shop, arrive: Arrive) -> None:
    offer = await shop.offer(price=1, gives="coupon")
    await bring_in(shop, offer, *some("LAST-1", "LAST-2", "LAST-3"))
    buyers = [await arrive() for _ in range(12)]
    came = await asyncio.gather(*(one.redeem(offer) for one in buyers), return_exceptions=True)
    won = [
        (one, issued)
        for one, issued in zip(buyers, came, strict=True)
        if isinstance(issued, redemption.Issued)
    ]
    assert sum(isinstance(one, SoldOut) for one in came) == 9
    codes = [(await code_of(one, issued.redemption_id)).code for one, issued in won]
    assert sorted(codes) == ["LAST-1", "LAST-2", "LAST-3"]
    await sound(shop)


async def test_who_waits_for_the_last_code_has_it_when_its_first_buyer_gives_up(
    shop: Shop, arrive: Arrive
) -> None:
    offer = await shop.offer(price=1, gives="coupon")
    await bring_in(shop, offer, *some("ONLY-1"))
    first, second = await arrive(), await arrive()
    async with shop.db.transaction() as session:
        await redemption.redeem(session, shop.keys, participant_id=first.id, offer_id=offer.id)
        waiting = asyncio.create_task(second.redeem(offer))
        await somebody_waits(shop.db)
        assert not waiting.done()
        await session.rollback()
    issued = await waiting
    assert (await code_of(second, issued.redemption_id)).code == "ONLY-1"
    await sound(shop)
