"""Vouchers: given for points at once, used once at a till, and never both used and given back."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.identity import closing, joining
from backend.kit import clock
from backend.kit.settings import Settings
from merchant import redemption, suspension, vouchers
from merchant.catalogue import Offer, Terms
from merchant.redemption import (
    AlreadyRefunded,
    At,
    Says,
    SoldOut,
    TooManyMisses,
    VoucherCodeWanted,
    VoucherInParts,
    VoucherUsed,
)
from merchant.redemption import checks as redemption_checks
from merchant.vouchers import Answer, OfferGivesNoVouchers, State, Voucher, VoucherUnknown, codes
from merchant.vouchers import checks as voucher_checks
from tests import contracts
from tests.merchant.conftest import Arrive, Buyer, OpenShop, Shop, with_key
from tests.waiting import somebody_waits

WORTH = Terms(face_fen=1_000, minimum_fen=3_000, valid_days=30)
PLAIN = Terms(face_fen=1_000, valid_days=30)


async def buy(buyer: Buyer, offer: Offer) -> Voucher:
    async with buyer.db.transaction() as session:
        issued = await redemption.redeem(
            session, buyer.keys, participant_id=buyer.id, offer_id=offer.id, voucher=vouchers.new_code(buyer.keys)
        )  # fmt: skip
    return await read(buyer, issued.redemption_id)


async def read(buyer: Buyer, redemption_id: UUID) -> Voucher:
    async with buyer.db.transaction() as session:
        return await vouchers.voucher_of(
            session, buyer.keys, participant_id=buyer.id, redemption_id=redemption_id
        )


async def use(shop: Shop, code: str | None, fen: int | None = None, *, at: At | None = None) -> Answer:
    assert code is not None
    async with shop.db.transaction() as session:
        return await vouchers.use(
            shop.db, session, shop.keys, at=at or shop.till(), code=code, purchase_fen=fen
        )


async def look(shop: Shop, code: str, fen: int | None = None) -> Answer:
    async with shop.db.transaction() as session:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        return await vouchers.look(shop.db, session, shop.keys, at=shop.till(), code=code, purchase_fen=fen)


async def counts(shop: Shop, offer: Offer) -> vouchers.Counts:
    async with shop.db.transaction() as session:
        return await vouchers.counts(session, merchant_id=shop.id, offer_id=offer.id)


async def sound(shop: Shop) -> None:
    async with shop.db.transaction() as session:
        assert (await voucher_checks.used(session)).violations == []
        for check in (redemption_checks.held, redemption_checks.ends, redemption_checks.stock):
            assert (await check(session)).violations == []


def in_days(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    then = clock.now() + dt.timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: then)


# --- codes


def test_a_code_reads_as_it_was_written_drawn_or_typed_badly(settings: Settings) -> None:
    keys = settings.keys
    kept = vouchers.new_code(keys)
    code = codes.opened(keys, mac=kept.mac, sealed=kept.sealed)
    for said in (code, codes.written(code), vouchers.drawn(codes.written(code)), f" {code.lower()} "):
        assert codes.read(keys, said) == kept.mac
    assert codes.read(keys, code.replace("0", "o").replace("1", "l")) == kept.mac
    assert code.encode() not in kept.sealed


def test_every_single_wrong_character_of_a_code_is_found(settings: Settings) -> None:
    keys = settings.keys
    kept = vouchers.new_code(keys)
    code = codes.opened(keys, mac=kept.mac, sealed=kept.sealed)
    for place, right in enumerate(code):
        for wrong in set("0123456789ABCDEFGHJKMNPQRSTVWXYZ") - {right}:
            with pytest.raises(codes.CodeUnreadable):
                codes.read(keys, code[:place] + wrong + code[place + 1 :])


# --- from the offer to the till


async def test_a_voucher_is_given_at_once_and_used_once(shop: Shop, buyer: Buyer, arrive: Arrive) -> None:
    offer = await shop.offer(price=3, gives="voucher", terms=WORTH)
    with pytest.raises(VoucherCodeWanted):
        await buyer.redeem(offer)
    given = await buy(buyer, offer)
    assert (given.state, given.face_fen, given.minimum_fen, given.points) == (State.GOOD, 1_000, 3_000, 3)
    assert given.valid_until == clock.today() + dt.timedelta(days=30)
    assert await shop.payable() == 3  # the merchant's from now on, used or not
    assert await read(buyer, given.redemption_id) == given
    with pytest.raises(VoucherUnknown):
        await read(await arrive(), given.redemption_id)
    assert given.code is not None

    seen = await look(shop, given.code)
    assert (seen.says, seen.face_fen, seen.valid_until) == (Says.YES, 1_000, given.valid_until)
    assert (await use(shop, given.code)).reason == "purchase_wanted"
    assert (await use(shop, given.code, 2_999)).reason == "purchase_too_small"
    assert (await read(buyer, given.redemption_id)).state is State.GOOD
    assert (await use(shop, given.code, 3_000)).says is Says.YES
    again = await use(shop, given.code, 3_000)
    assert (again.says, again.reason) == (Says.NO, "used")
    assert again.last_use is not None
    assert again.last_use.by == shop.clerk
    assert (await look(shop, given.code)).reason == "used"

    used = await read(buyer, given.redemption_id)
    assert (used.state, used.code) == (State.USED, None)
    assert await counts(shop, offer) == vouchers.Counts(1, 0, 1, 0, 0)
    async with shop.db.transaction() as session:
        (told,) = await vouchers.uses_of(session, merchant_id=shop.id)
        assert (told.redemption_id, told.purchase_fen, told.by) == (given.redemption_id, 3_000, shop.clerk)
        heard = await session.execute(
            text("SELECT kind FROM inbox_item WHERE participant_id = :who"), {"who": buyer.id}
        )
        assert "voucher.used" in heard.scalars().all()
        stored = await session.execute(text("SELECT code_sealed FROM voucher"))
        assert not any(given.code.encode() in bytes(one) for one in stored.scalars())
    await sound(shop)


async def test_another_merchants_voucher_is_unknown_as_nonsense_is_unreadable(
    shop: Shop, buyer: Buyer, open_shop: OpenShop
) -> None:
    given = await buy(buyer, await shop.offer(price=1, gives="voucher", terms=PLAIN))
    other = await open_shop()
    assert await use(other, given.code) == Answer(Says.NO, "unknown")
    assert await use(other, "4711") == Answer(Says.NO, "unreadable")
    assert (await use(shop, given.code)).says is Says.YES
    with pytest.raises(OfferGivesNoVouchers):
        await counts(shop, await shop.offer(price=1))


async def test_typed_codes_that_lead_nowhere_are_counted_and_a_drawing_is_still_read(
    shop: Shop, buyer: Buyer
) -> None:
    given = await buy(buyer, await shop.offer(price=1, gives="voucher", terms=PLAIN))
    kept = vouchers.new_code(shop.keys)
    wrong = codes.opened(shop.keys, mac=kept.mac, sealed=kept.sealed)
    for _ in range(20):
        assert (await use(shop, wrong)).reason == "unknown"
    with pytest.raises(TooManyMisses):
        await use(shop, given.code)
    assert given.code is not None
    assert (await use(shop, vouchers.drawn(given.code))).says is Says.YES
    async with shop.db.transaction() as session:
        missed = await redemption.misses_of(session, merchant_id=shop.id)
    assert [one.reason for one in missed] == ["voucher_unknown"] * 20


async def test_a_voucher_is_good_on_its_last_day_and_over_on_the_next(
    shop: Shop, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = await shop.offer(price=1, gives="voucher", terms=PLAIN)
    first, second = await buy(buyer, offer), await buy(buyer, offer)
    with monkeypatch.context() as later:
        in_days(later, 24)
        assert await vouchers.remind_all(shop.db) == 0
    with monkeypatch.context() as later:
        in_days(later, 25)
        assert await vouchers.remind_all(shop.db, batch=1) == 2
        assert await vouchers.remind_all(shop.db) == 0
    with monkeypatch.context() as later:
        in_days(later, 30)
        assert (await use(shop, first.code)).says is Says.YES
    in_days(monkeypatch, 31)
    assert (await use(shop, second.code)).reason == "over"
    assert (await read(buyer, second.redemption_id)).state is State.OVER
    assert await counts(shop, offer) == vouchers.Counts(2, 0, 1, 1, 0)
    assert await shop.payable() == 2  # what lapsed unused stays the merchant's
    async with shop.db.transaction() as session:
        mine = await vouchers.vouchers_of(session, shop.keys, participant_id=buyer.id)
        assert [one.state for one in mine] == [State.OVER, State.USED]
        assert await vouchers.vouchers_of(session, shop.keys, participant_id=buyer.id, good=True) == []
    await sound(shop)


async def test_an_unused_voucher_is_given_back_whole_and_is_dead_and_a_used_one_is_not(
    shop: Shop, buyer: Buyer
) -> None:
    offer = await shop.offer(price=4, items=2, gives="voucher", terms=PLAIN)
    first, second = await buy(buyer, offer), await buy(buyer, offer)
    with pytest.raises(SoldOut):
        await buy(buyer, offer)
    with pytest.raises(VoucherInParts):
        await shop.refund_part(first.redemption_id, "half", 2)
    await shop.refund(first.redemption_id)
    assert (await use(shop, first.code)).reason == "refunded"
    assert (await read(buyer, first.redemption_id)).state is State.REFUNDED
    assert (await use(shop, second.code)).says is Says.YES
    with pytest.raises(VoucherUsed):
        await shop.refund(second.redemption_id)
    with pytest.raises(AlreadyRefunded):
        await shop.refund(first.redemption_id)
    assert (await shop.payable(), await shop.left(offer)) == (4, 1)
    assert (await read(buyer, second.redemption_id)).state is State.USED
    await sound(shop)


async def test_the_account_that_goes_on_has_the_vouchers_of_the_one_that_ended_in_it(
    shop: Shop, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, goes_on = [await with_key(shop.db, shop.keys) for _ in range(2)]
    other = await arrive()
    given = await buy(ended, await shop.offer(price=1, gives="voucher", terms=PLAIN))
    async with shop.db.transaction() as session:
        await joining.join(session, shop.keys, joined=ended.id, into=goes_on.id, shown="wechat")
    assert await read(goes_on, given.redemption_id) == given
    async with shop.db.transaction() as session:
        mine = await vouchers.vouchers_of(session, shop.keys, participant_id=goes_on.id, good=True)
        assert [one.code for one in mine] == [given.code]
        assert await vouchers.vouchers_of(session, shop.keys, participant_id=other.id) == []
        (told,) = await redemption.redemptions_of(session, participant_id=goes_on.id)
        assert told.id == given.redemption_id
    with monkeypatch.context() as later:
        in_days(later, 26)
        assert await vouchers.remind_all(shop.db) >= 1
    assert (await use(shop, given.code)).says is Says.YES
    async with shop.db.transaction() as session:
        heard = await session.execute(
            text("SELECT participant_id, kind FROM inbox_item WHERE refers_to = :to"),
            {"to": str(given.redemption_id)},
        )
        assert {tuple(row) for row in heard} == {
            (goes_on.id, "voucher.ending"), (goes_on.id, "voucher.used"),
        }  # fmt: skip


async def test_closing_an_account_tells_its_good_vouchers_and_a_till_still_takes_them(shop: Shop) -> None:
    leaver = await with_key(shop.db, shop.keys)
    offer = await shop.offer(price=1, gives="voucher", terms=PLAIN)
    first, second = await buy(leaver, offer), await buy(leaver, offer)
    assert (await use(shop, second.code)).says is Says.YES
    expected = {
        "redemption_id": str(first.redemption_id),
        "face_fen": 1_000,
        "valid_until": first.valid_until.isoformat(),
    }
    async with shop.db.transaction() as session:
        closed = await closing.close(session, participant_id=leaver.id)
    assert closed["vouchers"] == [expected]
    assert (await use(shop, first.code)).says is Says.YES
    await sound(shop)


async def test_a_merchant_that_stands_suspended_takes_no_voucher_and_leaves_it_good(
    shop: Shop, buyer: Buyer
) -> None:
    given = await buy(buyer, await shop.offer(price=1, gives="voucher", terms=PLAIN))
    by, _ = await contracts.operators(shop.db, shop.keys)
    async with shop.db.transaction() as session:
        await suspension.suspend(
            session, kind=suspension.Kind.MERCHANT, subject_id=shop.id, reason="x", by=by
        )
    assert (await use(shop, given.code)).reason == "merchant_suspended"
    assert (await read(buyer, given.redemption_id)).state is State.GOOD


# --- races


async def test_fifty_tills_use_one_voucher_and_one_hears_yes(shop: Shop, buyer: Buyer) -> None:
    given = await buy(buyer, await shop.offer(price=1, gives="voucher", terms=PLAIN))
    assert given.code is not None
    code = vouchers.drawn(given.code)
    gate = asyncio.Semaphore(8)  # as many connections as there are

    async def one() -> Answer:
        async with gate:
            return await use(shop, code, at=At(shop.id, shop.clerk))

    said = await asyncio.gather(*(one() for _ in range(50)))
    assert sorted(answer.reason or "yes" for answer in said) == ["used"] * 49 + ["yes"]
    await sound(shop)


async def test_a_use_waits_for_a_refund_that_came_first_and_hears_no(shop: Shop, buyer: Buyer) -> None:
    given = await buy(buyer, await shop.offer(price=1, gives="voucher", terms=PLAIN))
    async with shop.db.transaction() as session:
        await redemption.refund(
            session, merchant_id=shop.id, staff_id=shop.clerk, redemption_id=given.redemption_id, reason="cold"
        )  # fmt: skip
        waiting = asyncio.create_task(use(shop, given.code))
        await somebody_waits(shop.db)
        assert not waiting.done()
    assert (await waiting).reason == "refunded"
    await sound(shop)


async def test_a_refund_waits_for_a_use_that_came_first_and_is_refused(shop: Shop, buyer: Buyer) -> None:
    given = await buy(buyer, await shop.offer(price=1, gives="voucher", terms=PLAIN))
    assert given.code is not None
    async with shop.db.transaction() as session:
        answer = await vouchers.use(shop.db, session, shop.keys, at=shop.till(), code=given.code)
        assert answer.says is Says.YES
        waiting = asyncio.create_task(shop.refund(given.redemption_id))
        await somebody_waits(shop.db)
        assert not waiting.done()
    with pytest.raises(VoucherUsed):
        await waiting
    await sound(shop)


async def test_a_use_that_is_given_up_leaves_the_voucher_to_the_next_till(shop: Shop, buyer: Buyer) -> None:
    given = await buy(buyer, await shop.offer(price=1, gives="voucher", terms=PLAIN))
    assert given.code is not None
    async with shop.db.transaction() as session:
        await vouchers.use(shop.db, session, shop.keys, at=shop.till(), code=given.code)
        waiting = asyncio.create_task(use(shop, given.code))
        await somebody_waits(shop.db)
        assert not waiting.done()
        await session.rollback()
    assert (await waiting).says is Says.YES
    await sound(shop)
