"""Redeeming, step by step: what is set aside, for how long, and where it goes in each case."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest

from backend import inbox, ledger
from backend.kit import clock
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.keys import Keys
from backend.programmes import wallets
from merchant import redemption, shops
from merchant.catalogue import OfferUnknown
from merchant.redemption import (
    RETRY_WITHIN,
    AlreadyRefunded,
    LimitReached,
    OfferClosed,
    RedemptionEnded,
    RedemptionExpired,
    RedemptionNotCaptured,
    RedemptionUnknown,
    RefundTooLate,
    Says,
    SoldOut,
    Use,
    codes,
)
from merchant.shops.service import Spans
from tests.merchant.conftest import Arrive, Buyer, OpenShop, Shop, identity

NOON = dt.datetime(2027, 6, 1, 12, tzinfo=SHANGHAI)
JUNE, JULY = dt.date(2027, 6, 30), dt.date(2027, 7, 31)


def after(**time: float) -> dt.datetime:
    return NOON + dt.timedelta(**time)


async def test_a_redemption_sets_the_price_aside_and_a_till_turns_it_into_a_debt(
    shop: Shop, buyer: Buyer, db: Database
) -> None:
    offer = await shop.offer(price=30, items=2)
    issued = await buyer.redeem(offer)
    assert await buyer.purse() == (70, 30)
    assert (await shop.left(offer), await shop.payable()) == (1, 0)
    assert await buyer.state(issued) == "held"

    receipt = await shop.capture(issued.code)
    assert (receipt.redemption_id, receipt.points, receipt.captured_by) == (
        issued.redemption_id,
        30,
        shop.clerk,
    )
    assert await buyer.purse() == (70, 0)
    assert (await shop.left(offer), await shop.payable()) == (1, 30)
    assert await buyer.state(issued) == "captured"
    assert (await identity(db)).holds


async def test_scanning_again_answers_the_same_receipt_and_after_ten_minutes_when_it_was_used(
    shop: Shop, buyer: Buyer
) -> None:
    offer = await shop.offer()
    issued = await buyer.redeem_hot(offer)
    receipt = await shop.scan(issued.code)
    assert await shop.scan(issued.code) == receipt
    assert await shop.capture(issued.code) == receipt
    with clock.travel(receipt.captured_at + RETRY_WITHIN - dt.timedelta(seconds=30)):
        assert await shop.scan(issued.code) == receipt
    with clock.travel(receipt.captured_at + RETRY_WITHIN + dt.timedelta(seconds=1)):
        late = await shop.ask(issued.code)
        assert (late.says, late.reason, late.receipt) == (Says.NO, "used", receipt)
        last = late.last_use
        assert last is not None
        assert last == Use(receipt.captured_at, shop.clerk, None, None, by_label=last.by_label)
        assert last.by_label
        assert await shop.capture(issued.code) == receipt
    assert await shop.payable() == 30


async def test_a_closed_shop_takes_nothing_until_it_opens_again(
    shop: Shop, buyer: Buyer, db: Database
) -> None:
    about = shops.About(
        name_zh="茶馆", name_en="Teahouse", address="", district="天河区", place=None, hours={}, except_days={},
        closed=True,
    )  # fmt: skip
    async with db.transaction() as session:
        here = await shops.open_shop(session, merchant_id=shop.id, about=about, made_by=shop.clerk)
    issued = await buyer.redeem(await shop.offer(price=30))
    at = redemption.At(shop.id, shop.clerk, here.id)
    refused = await redemption.scan(db, shop.keys, at=at, code=issued.code)
    assert (refused.says, refused.reason) == (Says.NO, "shop_closed")
    assert (await buyer.purse(), await shop.payable()) == ((70, 30), 0)
    async with db.transaction() as session:
        await shops.change_shop(
            session,
            merchant_id=shop.id,
            shop_id=here.id,
            about=replace(about, closed=False),
            said_by=shop.clerk,
        )
    assert (await redemption.scan(db, shop.keys, at=at, code=issued.code)).says is Says.YES


MONDAY = dt.datetime(2027, 6, 28, tzinfo=clock.SHANGHAI)
TILL_NINE = {str(day): ((540, 1260),) for day in range(1, 8)}


@pytest.mark.parametrize(
    ("hours", "except_days", "redeemed", "scanned", "says"),
    [
        (TILL_NINE, {}, (9, 0, 0), (9, 0, 0), "yes"),
        (TILL_NINE, {}, (8, 59, 30), (8, 59, 59), "shop_closed_now"),
        (TILL_NINE, {}, (8, 59, 30), (9, 0, 0), "yes"),
        (TILL_NINE, {}, (20, 59, 59), (21, 0, 58), "yes"),  # redeemed while it was open
        (TILL_NINE, {}, (21, 0, 0), (21, 0, 1), "shop_closed_now"),
        (TILL_NINE, {"2027-06-28": ()}, (12, 0, 0), (12, 0, 1), "shop_closed_now"),
        ({"2": ((540, 1260),)}, {}, (12, 0, 0), (12, 0, 1), "shop_closed_now"),  # it was a Monday
        ({}, {}, (3, 0, 0), (3, 0, 1), "yes"),  # it told no hours
        ({}, {"2027-06-28": ()}, (12, 0, 0), (12, 0, 1), "shop_closed_now"),
        ({}, {"2027-06-29": ()}, (12, 0, 0), (12, 0, 1), "yes"),
    ],
)
async def test_a_till_takes_codes_within_the_hours_of_its_shop_and_from_whoever_came_in_time(  # noqa: PLR0917
    shop: Shop,
    buyer: Buyer,
    hours: dict[str, Spans],
    except_days: dict[str, Spans],
    redeemed: tuple[int, int, int],
    scanned: tuple[int, int, int],
    says: str,
) -> None:
    about = shops.About("茶馆", "Teahouse", "", "天河区", None, hours, except_days)
    with clock.travel(MONDAY):
        async with shop.db.transaction() as session:
            here = await shops.open_shop(session, merchant_id=shop.id, about=about, made_by=shop.clerk)
        offer = await shop.offer()
    with clock.travel(_at(redeemed)):
        issued = await buyer.redeem(offer)
    with clock.travel(_at(scanned)):
        at = redemption.At(shop.id, shop.clerk, here.id)
        told = await redemption.scan(shop.db, shop.keys, at=at, code=issued.code)
        assert (told.reason or told.says.value) == says
        if says == "yes":
            assert (await redemption.scan(shop.db, shop.keys, at=at, code=issued.code)).repeated
        else:  # nothing was used up: staff of the merchant, who stand at no shop, may still take it
            assert (await shop.ask(issued.code)).says is Says.YES


def _at(time: tuple[int, int, int]) -> dt.datetime:
    return MONDAY.replace(hour=time[0], minute=time[1], second=time[2])


async def test_another_merchants_code_is_unknown(open_shop: OpenShop, buyer: Buyer) -> None:
    shop, other = await open_shop(), await open_shop()
    issued = await buyer.redeem(await shop.offer())
    for code in (issued.code, "nonsense", issued.code[:-1]):
        with pytest.raises(RedemptionUnknown):
            await other.scan(code)
    await shop.scan(issued.code)
    with pytest.raises(RedemptionUnknown):
        await other.scan(issued.code)
    with pytest.raises(RedemptionUnknown):
        await other.refund(issued.redemption_id)


@pytest.mark.parametrize(("seconds", "good"), [(58, True), (60, False), (61, False)])
async def test_a_code_is_good_for_sixty_seconds(shop: Shop, buyer: Buyer, seconds: float, good: bool) -> None:
    with clock.travel(NOON):
        await buyer.earn(30, JULY)
        offer = await shop.offer()
        issued = await buyer.redeem(offer)
    with clock.travel(issued.code_expires_at - dt.timedelta(seconds=60 - seconds)):
        if good:
            await shop.scan(issued.code)
        else:
            with pytest.raises(RedemptionExpired):
                await shop.scan(issued.code)


async def test_what_lapses_goes_back_to_the_exact_lots_and_to_the_stock(
    shop: Shop, arrive: Arrive, db: Database
) -> None:
    with clock.travel(NOON):
        buyer = await arrive(0)
        await buyer.earn(20, JUNE)
        await buyer.earn(50, JULY)
        offer = await shop.offer(price=30, items=1)
        issued = await buyer.redeem(offer)
        assert await buyer.lots() == {"2027-07-31": 40}
        assert await redemption.lapse_due(db) == 0
    with clock.travel(after(seconds=61)):
        assert await buyer.state(issued) == "lapsed"
        assert await redemption.lapse_due(db) >= 1
        assert await redemption.lapse_due(db) == 0
        async with db.transaction() as session:
            (told,) = await inbox.items_of(
                session, participant_id=buyer.id
            )  # once, and in its own transaction
        assert (told.kind, told.refers_to) == ("redemption.lapsed", str(issued.redemption_id))
        assert told.facts["points"] == 30
        assert await buyer.lots() == {"2027-06-30": 20, "2027-07-31": 50}
        assert await shop.left(offer) == 1
        assert await buyer.state(issued) == "lapsed"
        with pytest.raises(RedemptionEnded) as ended:
            await shop.scan(issued.code)
        assert ended.value.how == "lapsed"
        with pytest.raises(RedemptionEnded):
            await buyer.renew(issued)
        assert (await buyer.cancel(issued)).ended == "lapsed"


async def test_one_that_cannot_be_given_back_does_not_hold_up_the_others(
    shop: Shop, arrive: Arrive, db: Database
) -> None:
    with clock.travel(NOON):
        first, second = await arrive(), await arrive()
        offer = await shop.offer(price=30, items=2)
        stuck, good = await first.redeem(offer), await second.redeem(offer)
        async with db.transaction() as session:  # behind the back of the redemption
            await wallets.release(
                session, hold=stuck.redemption_id, posting_id=first.id, happened_at=clock.now()
            )
    with clock.travel(after(seconds=70)):
        for batch in (1, 200):
            await redemption.lapse_due(db, batch=batch)
        assert await second.state(good) == "lapsed"
        assert await second.purse() == (100, 0)
        assert await shop.left(offer) == 1


async def test_cancelling_gives_everything_back_once(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer(items=1)
    issued = await buyer.redeem(offer)
    for _ in range(2):
        assert (await buyer.cancel(issued)).ended == "cancelled"
        assert await buyer.purse() == (100, 0)
        assert await shop.left(offer) == 1
    with pytest.raises(RedemptionEnded):
        await shop.scan(issued.code)
    captured = await buyer.redeem(offer)
    await shop.scan(captured.code)
    with pytest.raises(RedemptionEnded):
        await buyer.cancel(captured)


async def test_a_citizen_sees_and_ends_only_their_own(shop: Shop, arrive: Arrive) -> None:
    buyer, other = await arrive(), await arrive()
    issued = await buyer.redeem(await shop.offer())
    for verb in (other.cancel, other.renew, other.state):
        with pytest.raises(RedemptionUnknown):
            await verb(issued)
    assert await buyer.state(issued) == "held"


async def test_a_code_is_renewed_while_the_redemption_stands_and_ten_minutes_at_most(
    shop: Shop, buyer: Buyer, db: Database
) -> None:
    with clock.travel(NOON):
        await buyer.earn(30, JULY)
        first = await buyer.redeem(await shop.offer())
    last = first
    for minute in range(1, 12):
        with clock.travel(NOON + dt.timedelta(seconds=55 * minute)):
            if minute < 11:
                last = await buyer.renew(first)
                assert last.code_expires_at <= first.code_expires_at + dt.timedelta(minutes=9)
                assert await redemption.lapse_due(db, participant_id=buyer.id) == 0
            else:
                with pytest.raises(RedemptionEnded):
                    await buyer.renew(first)
    assert last.code_expires_at == first.code_expires_at + dt.timedelta(minutes=9)
    with clock.travel(last.code_expires_at - dt.timedelta(seconds=1)):
        with pytest.raises(RedemptionExpired):
            await shop.scan(first.code)
        assert (await shop.scan(last.code)).redemption_id == first.redemption_id
        assert (await shop.scan(first.code)).redemption_id == first.redemption_id


async def test_a_renewed_redemption_outlives_its_first_code(shop: Shop, buyer: Buyer, db: Database) -> None:
    with clock.travel(NOON):
        await buyer.earn(30, JULY)
        first = await buyer.redeem(await shop.offer())
    with clock.travel(after(seconds=50)):
        second = await buyer.renew(first)
    with clock.travel(after(seconds=61)):
        assert await redemption.lapse_due(db, participant_id=buyer.id) == 0
        assert await buyer.state(first) == "held"
        await shop.scan(second.code)


async def test_too_few_points_hold_nothing_and_take_nothing(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer(price=101, items=5)
    with pytest.raises(ledger.InsufficientBalance):
        await buyer.redeem(offer)
    with pytest.raises(ledger.InsufficientBalance):
        await buyer.redeem_hot(offer)
    assert await shop.left(offer) == 5
    assert await buyer.purse() == (100, 0)


async def test_an_offer_is_redeemed_from_its_first_day_to_its_last(shop: Shop, buyer: Buyer) -> None:
    with clock.travel(NOON):
        offer = await shop.offer(price=1, first_day=dt.date(2027, 6, 2), last_day=dt.date(2027, 6, 3))
        with pytest.raises(OfferClosed):
            await buyer.redeem(offer)
    for moment, good in (
        (dt.datetime(2027, 6, 2, 0, 0, 1, tzinfo=SHANGHAI), True),
        (dt.datetime(2027, 6, 3, 23, 59, 50, tzinfo=SHANGHAI), True),
        (dt.datetime(2027, 6, 4, 0, 0, 1, tzinfo=SHANGHAI), False),
    ):
        with clock.travel(moment):
            if good:
                await buyer.redeem(offer)
            else:
                with pytest.raises(OfferClosed):
                    await buyer.redeem(offer)


async def test_a_withdrawn_offer_is_closed_and_codes_given_before_stay_good(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer()
    issued = await buyer.redeem(offer)
    await shop.withdraw(offer)
    with pytest.raises(OfferClosed):
        await buyer.redeem(offer)
    assert (await shop.scan(issued.code)).points == 30


async def test_an_unknown_offer_is_unknown(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer()
    with pytest.raises(OfferUnknown):
        await buyer.redeem(replace(offer, id=buyer.id))


async def test_what_is_sold_out_comes_back_with_a_restock(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer(price=1, items=2)
    await buyer.redeem(offer)
    await buyer.redeem_hot(offer)
    for _ in range(2):
        with pytest.raises(SoldOut):
            await buyer.redeem(offer)
    assert (await shop.restock(offer, 1)).items_left == 1
    await buyer.redeem(offer)
    with pytest.raises(SoldOut):
        await buyer.redeem_hot(offer)


async def test_a_limit_per_citizen_counts_what_is_held_and_captured_and_not_what_came_back(
    shop: Shop, arrive: Arrive
) -> None:
    buyer, other = await arrive(), await arrive()
    offer = await shop.offer(price=1, per_citizen=2)
    first, second = await buyer.redeem(offer), await buyer.redeem(offer)
    with pytest.raises(LimitReached) as refused:
        await buyer.redeem(offer)
    assert refused.value.per_citizen == 2
    await other.redeem(offer)
    await buyer.cancel(first)
    third = await buyer.redeem(offer)
    await shop.scan(second.code)
    await shop.scan(third.code)
    with pytest.raises(LimitReached):
        await buyer.redeem(offer)
    await shop.refund(third.redemption_id)
    await buyer.redeem(offer)
    assert await buyer.purse() == (98, 1)


async def test_a_refund_restores_the_exact_lots_and_the_item_once(
    shop: Shop, arrive: Arrive, db: Database
) -> None:
    with clock.travel(NOON):
        buyer = await arrive(0)
        await buyer.earn(20, JUNE)
        await buyer.earn(50, JULY)
        offer = await shop.offer(price=60, items=1)
        issued = await buyer.redeem(offer)
        with pytest.raises(RedemptionNotCaptured):
            await shop.refund(issued.redemption_id)
        await shop.scan(issued.code)
        assert (await shop.payable(), await shop.left(offer)) == (60, 0)

        receipt = await shop.refund(issued.redemption_id)
        assert receipt.refunded_at is not None
        assert await buyer.lots() == {"2027-06-30": 20, "2027-07-31": 50}
        assert (await shop.payable(), await shop.left(offer)) == (0, 1)
        with pytest.raises(AlreadyRefunded):
            await shop.refund(issued.redemption_id)
        assert await buyer.state(issued) == "refunded"
        with pytest.raises(RedemptionEnded) as ended:
            await shop.scan(issued.code)
        assert ended.value.how == "refunded"
        assert (await identity(db)).holds


async def test_a_refund_after_a_lot_lapsed_reaches_that_lot_and_the_sweep_takes_it(
    shop: Shop, arrive: Arrive, db: Database
) -> None:
    with clock.travel(dt.datetime(2027, 6, 28, 12, tzinfo=SHANGHAI)):
        buyer = await arrive(0)
        await buyer.earn(20, JUNE)
        await buyer.earn(50, JULY)
        issued = await buyer.redeem(await shop.offer(price=30))
        await shop.scan(issued.code)
    with clock.travel(dt.datetime(2027, 7, 2, 12, tzinfo=SHANGHAI)):
        await shop.refund(issued.redemption_id)
        assert await buyer.lots() == {"2027-06-30": 20, "2027-07-31": 50}
        await wallets.expire_all(db)
        assert await buyer.lots() == {"2027-07-31": 50}


@pytest.mark.parametrize(("days", "good"), [(6.99, True), (7.01, False)])
async def test_a_refund_comes_within_seven_days(shop: Shop, arrive: Arrive, days: float, good: bool) -> None:
    with clock.travel(NOON):
        buyer = await arrive()
        issued = await buyer.redeem(await shop.offer())
        await shop.scan(issued.code)
    with clock.travel(after(days=days)):
        if good:
            await shop.refund(issued.redemption_id)
        else:
            with pytest.raises(RefundTooLate):
                await shop.refund(issued.redemption_id)


async def test_only_a_keyed_digest_of_a_code_is_kept(shop: Shop, buyer: Buyer, superuser: object) -> None:
    issued = await buyer.redeem(await shop.offer())
    renewed = await buyer.renew(issued)
    assert re.fullmatch(r"CPH1\.[A-Za-z0-9_-]{39}", issued.code)
    assert re.fullmatch(r"[6-9][0-9]{15}", issued.number)
    kept = ""
    for table in ("redemption", "redemption_code", "redemption_open", "kit_idempotency_key"):
        kept += str(await superuser.fetch(f"SELECT * FROM {table}"))  # type: ignore[attr-defined]
    for code in (issued.code, renewed.code, issued.number, renewed.number):
        assert code not in kept
        assert repr(codes.read(shop.keys, code)[0])[2:-1] in kept


def test_codes_differ_and_their_drawing_is_svg() -> None:
    keys = Keys(b"a key that only this test knows..")
    made = {codes.new_code(keys, expires_at=clock.now()).text for _ in range(1000)}
    assert len(made) == 1000
    drawing = codes.qr_svg(made.pop())
    assert drawing.startswith("<svg ")
    assert drawing.endswith("</svg>")
    assert "<path" in drawing
