"""What a programme asks before points leave a wallet, and a till that waits for a phone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable

import pytest

from backend.identity import closing
from backend.kit import clock
from merchant import redemption
from merchant.catalogue import Offer
from merchant.redemption import (
    CONFIRM_WITHIN,
    AccountTooNew,
    Issued,
    NotRedeemable,
    PartReused,
    PartTooLarge,
    QuestionOver,
    RedeemingUnknown,
    Redemption,
    Says,
    StepUpWanted,
    codes,
)
from tests.merchant.conftest import Buyer, Shop

Asks = Callable[..., Awaitable[None]]


async def test_a_new_account_redeems_from_the_day_that_the_refusal_tells(
    shop: Shop, buyer: Buyer, asks: Asks
) -> None:
    await asks(matures_after_days=14)
    offer = await shop.offer()
    first = clock.today() + dt.timedelta(days=14)
    for redeem in (buyer.redeem, buyer.redeem_hot):
        with pytest.raises(AccountTooNew) as refused:
            await redeem(offer)
        assert refused.value.redeems_from == first.isoformat()
    eve = dt.datetime.combine(first, dt.time(0), tzinfo=clock.SHANGHAI) - dt.timedelta(seconds=60)
    with clock.travel(eve), pytest.raises(AccountTooNew):
        await buyer.redeem(offer)
    with clock.travel(eve + dt.timedelta(seconds=61)):
        assert (await buyer.redeem(offer)).points == 30


async def test_whoever_acts_for_a_household_has_to_be_old_enough_themselves(
    shop: Shop, buyer: Buyer, arrive: Callable[..., Awaitable[Buyer]], asks: Asks
) -> None:
    """The household's account is a hundred days older than that of its member."""
    offer = await shop.offer()
    joined = clock.now() + dt.timedelta(days=100)
    with clock.travel(joined):
        member = await arrive(0)
    await asks(matures_after_days=14)
    first = clock.day_of(joined) + dt.timedelta(days=14)
    midnight = dt.datetime.combine(first, dt.time(0), tzinfo=clock.SHANGHAI)
    with clock.travel(midnight - dt.timedelta(seconds=60)):
        for redeem in (_acting, _acting_hot):
            with pytest.raises(AccountTooNew) as refused:
                await redeem(buyer, member, offer)
            assert refused.value.redeems_from == first.isoformat()
        assert (await buyer.redeem(offer)).points == 30  # its own session
    with clock.travel(midnight + dt.timedelta(seconds=1)):
        assert (await _acting(buyer, member, offer)).points == 30


async def test_whose_account_is_closed_neither_redeems_nor_confirms_for_a_household(
    shop: Shop, buyer: Buyer, arrive: Callable[..., Awaitable[Buyer]], confirming: None
) -> None:
    del confirming
    member, other = await arrive(0), await arrive(0)
    offer = await shop.offer()
    issued = await _acting(buyer, member, offer)
    scan_id = (await shop.ask(issued.code)).scan_id
    assert scan_id is not None
    async with shop.db.transaction() as session:
        await closing.close(session, participant_id=member.id)
    for redeem in (_acting, _acting_hot):
        with pytest.raises(NotRedeemable):
            await redeem(buyer, member, offer)

    async def say(by: Buyer, *, yes: bool) -> Redemption:
        async with shop.db.transaction() as session:
            return await redemption.answer(
                session, participant_id=buyer.id, redemption_id=issued.redemption_id, scan_id=scan_id, yes=yes,
                by=by.id,
            )  # fmt: skip

    with pytest.raises(NotRedeemable):
        await say(member, yes=True)
    assert (await say(other, yes=True)).ended == "captured"


async def _acting(buyer: Buyer, member: Buyer, offer: Offer) -> Issued:
    async with buyer.db.transaction() as session:
        return await redemption.redeem(
            session, buyer.keys, participant_id=buyer.id, offer_id=offer.id, actor_id=member.id
        )


async def _acting_hot(buyer: Buyer, member: Buyer, offer: Offer) -> Issued:
    async with buyer.db.hot_statement() as connection:
        return await redemption.redeem_hot(
            connection, buyer.keys, participant_id=buyer.id, offer_id=offer.id, actor_id=member.id
        )


@pytest.mark.parametrize(("above", "wanted"), [(29, True), (30, False), (None, False)])
async def test_only_what_is_above_the_threshold_needs_a_step_up(
    shop: Shop, buyer: Buyer, asks: Asks, above: int | None, wanted: bool
) -> None:
    await asks(step_up_above_points=above)
    offer = await shop.offer(price=30)
    if wanted:
        with pytest.raises(StepUpWanted):
            await buyer.redeem(offer)
    else:
        await buyer.redeem(offer)


async def test_a_figure_that_nobody_gave_lets_nothing_be_redeemed(
    shop: Shop, buyer: Buyer, asks: Asks
) -> None:
    await asks(unknown="redeem.confirm_above_points")
    with pytest.raises(RedeemingUnknown):
        await buyer.redeem(await shop.offer())


async def test_a_till_waits_for_the_phone_and_hears_yes(shop: Shop, buyer: Buyer, confirming: None) -> None:
    del confirming
    cheap = await buyer.redeem(await shop.offer(price=10))
    assert (cheap.confirm, (await shop.ask(cheap.code)).says) == (False, Says.YES)
    issued = await buyer.redeem(await shop.offer(price=11))
    asked = await shop.ask(issued.code, till=1)
    assert (issued.confirm, asked.says, asked.reason) == (True, Says.WAITING, "confirm")
    assert asked.scan_id is not None
    again = await shop.ask(issued.number, till=1)
    assert (again.says, again.scan_id, again.repeated) == (Says.WAITING, asked.scan_id, True)
    other = await shop.ask(issued.code, till=2)
    assert (other.says, other.reason) == (Says.NO, "waiting_elsewhere")
    assert await shop.payable() == 10
    for _ in range(2):
        found = await buyer.answer(issued, asked.scan_id, yes=True)
        assert found.ended == "captured"
    told = await shop.look(asked.scan_id)
    assert told.says is Says.YES
    assert told.receipt is not None
    assert told.receipt.till_id == shop.till(1).till_id
    assert await shop.payable() == 21


async def test_a_question_that_timed_out_uses_the_code_up_and_leaves_the_redemption(
    shop: Shop, buyer: Buyer, confirming: None
) -> None:
    del confirming
    issued = await buyer.redeem(await shop.offer())
    asked = await shop.ask(issued.code)
    assert asked.scan_id is not None
    another = await buyer.renew(issued)
    with clock.travel(clock.now() + CONFIRM_WITHIN - dt.timedelta(seconds=5)):
        another = await buyer.renew(issued)
    with clock.travel(clock.now() + CONFIRM_WITHIN + dt.timedelta(seconds=1)):
        with pytest.raises(QuestionOver) as over:
            await buyer.answer(issued, asked.scan_id, yes=True)
        assert over.value.how == "timed_out"
        assert (await shop.look(asked.scan_id)).reason == "timed_out"
        assert (await shop.ask(issued.code)).reason == "used"
        assert (await shop.ask(another.code)).says is Says.WAITING
    assert await shop.payable() == 0


async def test_parts_are_given_to_the_lots_drawn_last_and_never_more_than_was_captured(
    shop: Shop, arrive: Callable[..., Awaitable[Buyer]]
) -> None:
    buyer = await arrive(0)
    await buyer.earn(20, dt.date(2029, 1, 31))
    await buyer.earn(20, dt.date(2029, 2, 28))
    receipt = await shop.scan((await buyer.redeem(await shop.offer(price=30))).code)
    assert await buyer.lots() == {"2029-02-28": 10}
    assert (await shop.part(receipt, "a", 4)).refunded_points == 4
    assert await buyer.lots() == {"2029-02-28": 14}
    await shop.part(receipt, "b", 10)
    assert await buyer.lots() == {"2029-01-31": 4, "2029-02-28": 20}
    with pytest.raises(PartTooLarge):
        await shop.part(receipt, "c", 17)
    with pytest.raises(PartReused):
        await shop.part(receipt, "b", 9)
    assert (await shop.refund(receipt.redemption_id)).refunded_points == 30
    assert await buyer.lots() == {"2029-01-31": 20, "2029-02-28": 20}


def test_every_wrong_digit_and_every_two_swapped_are_found() -> None:
    number = "6" + "0192837465" + "5544"
    number += codes.check_digit(number)
    for at, digit in enumerate(number):
        for other in "0123456789":
            if other != digit:
                wrong = number[:at] + other + number[at + 1 :]
                assert codes.check_digit(wrong[:-1]) != wrong[-1]
    for at in range(len(number) - 1):
        if number[at] != number[at + 1]:
            wrong = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
            assert codes.check_digit(wrong[:-1]) != wrong[-1]


@pytest.mark.parametrize(
    "given", ["", "CPH1.", "CPH1.AAAA", "1" * 16, "6" * 15, "CPH1." + "A" * 39, "６" * 16]
)
async def test_what_cannot_be_a_code_is_refused_before_the_database(shop: Shop, given: str) -> None:
    with pytest.raises(codes.CodeUnreadable):
        codes.read(shop.keys, given)
