"""Drafts, reviews and terms of offers."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from backend.kit import clock
from merchant import catalogue, redemption, shops
from merchant.catalogue import Offer, Step, Terms, Wanted
from merchant.catalogue.errors import OfferNotShown, OfferOutOfSeason, PeriodLimitReached, ShopsClosedNow
from merchant.contracts import ContractTermUnknown, NoContract
from tests import contracts, offers
from tests.merchant.conftest import PROGRAMME, Arrive, Buyer, OpenShop, Shop


async def step(shop: Shop, offer: Offer, step: Step) -> Offer:
    async with shop.db.transaction() as session:
        return await catalogue.step(session, merchant_id=shop.id, offer_id=offer.id, step=step, by=shop.clerk)


async def on_terms(shop: Shop, **terms: object) -> Offer:
    made = await shop.draft(terms=Terms(**terms))  # type: ignore[arg-type]
    return await offers.publish(shop.db, shop.keys, offer=made, by=shop.clerk)


async def test_a_draft_is_redeemed_once_it_was_submitted_and_published(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.draft()
    with pytest.raises(OfferNotShown):
        await buyer.redeem(offer)
    for impossible in (Step.PAUSED, Step.RESUMED):
        with pytest.raises(catalogue.OfferStepImpossible):
            await step(shop, offer, impossible)
    assert (await step(shop, offer, Step.SUBMITTED)).step is Step.SUBMITTED
    with pytest.raises(catalogue.OfferStepImpossible):
        await step(shop, offer, Step.SUBMITTED)
    with pytest.raises(OfferNotShown):
        await buyer.redeem(offer)
    reviewer, _ = await contracts.operators(shop.db, shop.keys)
    review = {"programme": PROGRAMME, "offer_id": offer.id, "publish": False}
    async with shop.db.transaction() as session:
        with pytest.raises(catalogue.OfferReviewedByItself):
            await catalogue.review(session, by=shop.clerk, reason="mine", **review)  # type: ignore[arg-type]
        waiting = await catalogue.waiting(session, programme=PROGRAMME)
        assert offer.id in [one.id for one in waiting]
        back = await catalogue.review(session, by=reviewer, reason="no picture", **review)  # type: ignore[arg-type]
    assert (back.step, back.reason) == (Step.SENT_BACK, "no picture")
    await offers.publish(shop.db, shop.keys, offer=offer, by=shop.clerk)
    await buyer.redeem(offer)


async def test_a_paused_offer_is_not_redeemed_and_its_codes_stay_good(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer(price=1)
    held = await buyer.redeem(offer)
    await step(shop, offer, Step.PAUSED)
    with pytest.raises(OfferNotShown):
        await buyer.redeem(offer)
    await shop.scan(held.code)
    await step(shop, offer, Step.RESUMED)
    await buyer.redeem(offer)


async def test_an_offer_from_before_there_were_reviews_can_be_redeemed_and_paused(
    open_shop: OpenShop, buyer: Buyer
) -> None:
    shop = await open_shop(contract=None)
    offer = await shop.offer(price=1)
    assert offer.step is Step.PUBLISHED
    await buyer.redeem(offer)
    await step(shop, offer, Step.PAUSED)
    with pytest.raises(OfferNotShown):
        await buyer.redeem(offer)
    await step(shop, offer, Step.RESUMED)
    await buyer.redeem(offer)


async def test_nothing_is_published_without_a_contract_that_funds_it(open_shop: OpenShop, shop: Shop) -> None:
    alone = await open_shop(contract=None)
    with pytest.raises(NoContract):
        await offers.publish(alone.db, alone.keys, offer=await alone.draft(), by=alone.clerk)
    with pytest.raises(ContractTermUnknown):
        await on_terms(shop, contract_term="no-such-term")


async def test_a_citizen_has_an_offer_so_often_in_a_day_and_no_oftener(shop: Shop, buyer: Buyer) -> None:
    offer = await on_terms(shop, period="day", per_period=2)
    dropped = await buyer.redeem(offer)
    await buyer.cancel(dropped)
    for _ in range(2):
        await buyer.redeem(offer)
    with pytest.raises(PeriodLimitReached):
        await buyer.redeem(offer)
    with clock.travel(clock.now() + dt.timedelta(days=1)):
        await buyer.redeem(offer)


async def test_the_money_beside_the_points_is_told_at_the_till_and_on_both_receipts(
    shop: Shop, buyer: Buyer
) -> None:
    for asked, offer in ((250, await on_terms(shop, money_fen=250)), (None, await shop.offer(price=1))):
        held = await buyer.redeem(offer)
        answer = await shop.ask(held.code)
        assert answer.receipt is not None
        async with shop.db.transaction() as session:
            told = await redemption.receipt_of(session, merchant_id=shop.id, redemption_id=held.redemption_id)
            (mine,) = await redemption.redemptions_of(session, participant_id=buyer.id, limit=1)
        assert [answer.receipt.money_fen, told.money_fen, mine.money_fen] == [asked] * 3
        assert told.points == offer.price_points


async def test_a_season_begins_and_ends_with_its_days_also_over_the_turn_of_the_year(
    shop: Shop, arrive: Arrive
) -> None:
    spring = await on_terms(shop, seasons=[("03-05", "04-04")])
    winter = await on_terms(shop, seasons=[("12-31", "01-01"), ("02-29", "02-29")])
    year = clock.today().year + 1
    while year % 4:
        year += 1
    for offer, month, day, given in (
        (spring, 3, 4, False), (spring, 3, 5, True), (spring, 4, 4, True), (spring, 4, 5, False),
        (winter, 12, 30, False), (winter, 12, 31, True), (winter, 1, 1, True), (winter, 1, 2, False),
        (winter, 2, 29, True),
    ):  # fmt: skip
        with clock.travel(dt.datetime(year, month, day, 12, tzinfo=clock.SHANGHAI)):
            citizen = await arrive(0)
            await citizen.earn(10, dt.date(year + 9, 12, 31))
            if given:
                await citizen.redeem(offer)
                continue
            with pytest.raises(OfferOutOfSeason):
                await citizen.redeem(offer)


async def test_offers_are_found_by_where_and_when_they_are_given(shop: Shop) -> None:
    every_day = {str(day): ((540, 1260),) for day in range(1, 8)}

    async def one(district: str, place: tuple[float, float], **about: object) -> UUID:
        said = {"hours": every_day, "except_days": {}} | about
        async with shop.db.transaction() as session:
            opened = await shops.open_shop(
                session, merchant_id=shop.id, made_by=shop.clerk,
                about=shops.About("店", "Shop", "1", district, place, **said),  # type: ignore[arg-type]
            )  # fmt: skip
        return opened.id

    north = await one("越秀区", (23.13, 113.26))
    south = await one("番禺区", (22.94, 113.38))
    await one("花都区", (23.40, 113.22), closed=True)
    everywhere, there = await shop.offer(price=1), await on_terms(shop, shops=[south], category="food")
    noon, night = (dt.datetime(2027, 3, 1, hour, tzinfo=clock.SHANGHAI) for hour in (12, 23))

    async def found(at: dt.datetime = noon, **wanted: object) -> set[str]:
        with clock.travel(at):
            async with shop.db.transaction() as session:
                rows = await catalogue.open_offers(session, wanted=Wanted(**wanted))  # type: ignore[arg-type]
        return {names[row.id] for row in rows if row.id in names}

    names = {everywhere.id: "everywhere", there.id: "there"}
    assert await found(district="越秀区") == {"everywhere"}
    assert await found(district="番禺区") == {"everywhere", "there"}
    assert await found(district="花都区") == set()
    assert await found(shop_id=north) == {"everywhere"}
    assert await found(category="food") == {"there"}
    assert await found(near_e2=(2294, 11338), within_km=1) == {"everywhere", "there"}
    assert await found(near_e2=(2313, 11326), within_km=23) == {"everywhere"}
    assert await found(near_e2=(2313, 11326), within_km=25) == {"everywhere", "there"}
    assert await found(open_now=True) == {"everywhere", "there"}
    assert await found(night, open_now=True) == set()
    with clock.travel(noon):
        async with shop.db.transaction() as session:
            assert [one.id for one in await catalogue.shops_of(session, offer_id=there.id)] == [south]
            given = await catalogue.shops_of(session, offer_id=everywhere.id)
    assert {one.id: one.open_now for one in given} == {north: True, south: True}


async def test_an_offer_that_keeps_hours_is_redeemed_while_one_of_its_shops_is_open(
    shop: Shop, arrive: Arrive
) -> None:
    monday = dt.datetime(2027, 3, 1, 9, tzinfo=clock.SHANGHAI)
    async with shop.db.transaction() as session:
        await shops.open_shop(
            session, merchant_id=shop.id, made_by=shop.clerk,
            about=shops.About("店", "Shop", "1", "越秀区", None, {"1": ((540, 600),)}, {}),
        )  # fmt: skip
    offer = await on_terms(shop, opening_hours=True)
    minute = dt.timedelta(minutes=1)
    for at, given in (
        (monday - minute, False),
        (monday, True),
        (monday + 59 * minute, True),
        (monday + 60 * minute, False),
    ):
        with clock.travel(at):
            buyer = await arrive(0)
            await buyer.earn(10)
            if given:
                await buyer.redeem(offer)
                continue
            with pytest.raises(ShopsClosedNow):
                await buyer.redeem(offer)
