"""Many at once, and one transaction held open while another is seen waiting."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.settings import Settings
from backend.programmes import wallets
from merchant import redemption, shops, tills
from merchant.redemption import At, Issued, Receipt, Says
from puhui.audit import INVARIANTS, audit
from tests.concurrency.conftest import (
    GivenUp,
    Pause,
    Superuser,
    Verb,
    done_or_waiting,
    no_deadlock,
    statements_of,
    transaction,
)
from tests.concurrency.test_many_at_once import all_of
from tests.merchant.conftest import PROGRAMME, Arrive, Buyer, OpenShop, Shop, identity

__all__ = ["no_deadlock"]

NOON = dt.datetime(2027, 6, 28, 12, tzinfo=SHANGHAI)
SWEPT = dt.datetime(2027, 7, 2, 12, tzinfo=SHANGHAI)
JUNE, JULY = dt.date(2027, 6, 30), dt.date(2027, 7, 31)
CAPTURED_FEN = text("SELECT value_fen FROM capture_value WHERE redemption_id = :redemption")
BACK_FEN = text("""
    SELECT points_before, points, value_fen FROM refund_value WHERE redemption_id = :redemption ORDER BY points_before
""")

pytestmark = pytest.mark.usefixtures("no_deadlock", "audited")
ASKED = ("ledger.", "redemptions.", "offers.", "captures.", "contracts.", "statements.")


@pytest.fixture(scope="module")
async def audited(db: Database, settings: Settings) -> AsyncIterator[None]:
    """What all the tests leave behind passes the audit of everything that redeeming touches."""
    yield
    chosen = [one for one in INVARIANTS if one.name.startswith(ASKED)]
    report = await audit(db, settings, invariants=chosen)
    assert not [str(one) for result in report.results for one in result.checked.violations]


async def test_one_code_scanned_by_two_hundred_tills_is_captured_once(
    shop: Shop, buyer: Buyer, db: Database
) -> None:
    offer = await shop.offer(items=3)
    issued = await buyer.redeem(offer)
    receipts = await all_of((shop.scan if number % 2 else shop.capture)(issued.code) for number in range(200))
    assert len(receipts) == 200
    assert all(receipt == receipts[0] for receipt in receipts)
    assert isinstance(receipts[0], Receipt)
    assert await shop.payable() == 30
    assert await buyer.purse() == (70, 0)
    assert await shop.left(offer) == 2
    assert (await identity(db)).holds


async def test_one_item_with_a_hundred_buyers_is_sold_once(shop: Shop, arrive: Arrive) -> None:
    buyers = [await arrive() for _ in range(100)]
    offer = await shop.offer(items=1)
    answers = await all_of(
        (one.redeem if number % 2 else one.redeem_hot)(offer) for number, one in enumerate(buyers)
    )
    refusals = Counter(answer for answer in answers if isinstance(answer, str))
    assert refusals == {"merchant.sold_out": 99}
    assert sum([(await one.purse())[1] for one in buyers]) == 30
    assert await shop.left(offer) == 0


async def test_as_many_are_sold_as_there_are_with_more_buyers_than_items(shop: Shop, arrive: Arrive) -> None:
    buyers = [await arrive(1000) for _ in range(8)]
    offer = await shop.offer(price=1, items=37)
    answers = await all_of(one.redeem_hot(offer) for one in buyers * 10)
    assert sum(isinstance(answer, Issued) for answer in answers) == 37
    assert await shop.left(offer) == 0


@pytest.mark.parametrize("keep", [True, False])
async def test_the_last_item_goes_to_the_waiting_buyer_when_the_first_one_gives_up(
    shop: Shop, arrive: Arrive, db: Database, superuser: Superuser, keep: bool
) -> None:
    first, second = await arrive(), await arrive()
    offer = await shop.offer(items=1)
    pause = Pause(after=1)
    one = asyncio.create_task(alone(db, redeeming(first, offer.id), pause, keep=keep))
    await pause.reached.wait()
    two = asyncio.create_task(alone(db, redeeming(second, offer.id)))
    waited = await done_or_waiting(two, superuser)
    pause.go.set()
    await one
    assert waited, "the second buyer did not wait for the last item"
    assert (await two == "merchant.sold_out") is keep
    assert (await first.purse(), await second.purse()) == (
        ((70, 30), (100, 0)) if keep else ((100, 0), (70, 30))
    )
    assert await shop.left(offer) == 0


async def test_buyers_of_one_popular_offer_do_not_wait_for_each_other(
    shop: Shop, arrive: Arrive, db: Database, superuser: Superuser
) -> None:
    buyers = [await arrive() for _ in range(6)]
    offer = await shop.offer(items=160)
    pauses = [Pause(after=1) for _ in buyers]
    waiting = []
    try:
        for one, pause in zip(buyers, pauses, strict=True):
            redeemed = asyncio.create_task(alone(db, redeeming(one, offer.id), pause))
            waiting.append(redeemed)
            reached = asyncio.create_task(pause.reached.wait())
            assert not await done_or_waiting(reached, superuser), "a buyer waits for another one"
    finally:
        for pause in pauses:
            pause.go.set()
        await asyncio.gather(*waiting)
    assert await shop.left(offer) == 154


async def test_a_limit_per_citizen_holds_however_many_are_asked_for_at_once(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer(price=1, per_citizen=2)
    answers = await all_of(buyer.redeem_hot(offer) for _ in range(30))
    assert Counter(answer for answer in answers if isinstance(answer, str)) == {"merchant.limit_reached": 28}
    assert await buyer.purse() == (98, 2)


# --- two verbs on one redemption, the first held open after each of its statements


def redeeming(buyer: Buyer, offer_id: Any) -> Verb:
    return lambda session: redemption.redeem(session, buyer.keys, participant_id=buyer.id, offer_id=offer_id)


async def alone(db: Database, verb: Verb, pause: Pause | None = None, *, keep: bool = True) -> object:
    """Run a verb in its own transaction: what it answered, or the code of its refusal."""
    try:
        async with transaction(db, pause) as session:
            done = await verb(session)
            if not keep:
                raise GivenUp  # noqa: TRY301 - what rolls the transaction back
            return done
    except GivenUp:
        return "rolled back"
    except DomainError as error:
        return error.code


class Meeting:
    """A redemption of 30 points out of two lots and of one of one item, and what can happen to it at two places at once."""

    def __init__(self, shop: Shop, buyer: Buyer) -> None:
        self.shop, self.buyer = shop, buyer

    async def begin(self, *, captured: bool = False) -> None:
        with clock.travel(NOON):
            await self.buyer.earn(20, JUNE)
            await self.buyer.earn(50, JULY)
            self.offer = await self.shop.offer(price=30, items=1)
            self.issued = await self.buyer.redeem(self.offer)
            if captured:
                await self.shop.scan(self.issued.code)

    def verb(self, name: str) -> Verb:
        shop, buyer, redemption_id = self.shop, self.buyer, self.issued.redemption_id
        verbs: dict[str, Verb] = {
            "capture": lambda session: redemption.capture(
                session, shop.keys, at=shop.till(), code=self.issued.code
            ),
            "cancel": lambda session: redemption.cancel(
                session, participant_id=buyer.id, redemption_id=redemption_id
            ),
            "lapse": lambda session: redemption.lapse(session, redemption_id=redemption_id),
            "renew": lambda session: redemption.renew(
                session, buyer.keys, participant_id=buyer.id, redemption_id=redemption_id
            ),
            "refund": lambda session: redemption.refund(
                session, merchant_id=shop.id, staff_id=shop.clerk, redemption_id=redemption_id, reason="cold"
            ),
            "sweep": wallets.expire,
            "part": lambda session: self.part(session, "line-1", 13),
            "other part": lambda session: self.part(session, "line-2", 13),
            "most": lambda session: self.part(session, "line-3", 25),
        }
        return verbs[name]

    async def part(self, session: AsyncSession, part_id: str, points: int) -> Receipt:
        return await redemption.refund_part(
            session, merchant_id=self.shop.id, staff_id=self.shop.clerk, redemption_id=self.issued.redemption_id,
            part_id=part_id, points=points, reason="cold",
        )  # fmt: skip

    async def after(self) -> tuple[object, ...]:
        """The lots, points on hold, the debt to the merchant, what is left, and the state."""
        return (
            await self.buyer.lots(),
            (await self.buyer.purse())[1],
            await self.shop.payable(),
            await self.shop.left(self.offer),
            await self.buyer.state(self.issued),
        )


WHOLE = {"2027-06-30": 20, "2027-07-31": 50}
DRAWN = {"2027-07-31": 40}
CAPTURED = (DRAWN, 0, 30, 0, "captured")
CANCELLED = (WHOLE, 0, 0, 1, "cancelled")
LAPSED = (WHOLE, 0, 0, 1, "lapsed")
HELD = (DRAWN, 30, 0, 0, "held")
IN_TIME = NOON + dt.timedelta(seconds=30)
OUT_OF_TIME = NOON + dt.timedelta(seconds=70)


@pytest.mark.parametrize(
    ("moment", "first", "second", "kept", "undone"),
    [
        (IN_TIME, "capture", "capture", CAPTURED, CAPTURED),
        (IN_TIME, "capture", "cancel", CAPTURED, CANCELLED),
        (IN_TIME, "cancel", "capture", CANCELLED, CAPTURED),
        (IN_TIME, "cancel", "cancel", CANCELLED, CANCELLED),
        (IN_TIME, "renew", "cancel", CANCELLED, CANCELLED),
        (IN_TIME, "renew", "capture", CAPTURED, CAPTURED),
        (IN_TIME, "cancel", "renew", CANCELLED, HELD),
        (IN_TIME, "capture", "renew", CAPTURED, HELD),
        (OUT_OF_TIME, "lapse", "lapse", LAPSED, LAPSED),
        (OUT_OF_TIME, "lapse", "cancel", LAPSED, LAPSED),
        (OUT_OF_TIME, "cancel", "lapse", LAPSED, LAPSED),
    ],
)
async def test_a_redemption_ends_once_whoever_is_second_waits_or_finds_it_ended(  # noqa: PLR0917
    open_shop: OpenShop,
    arrive: Arrive,
    db: Database,
    superuser: Superuser,
    moment: dt.datetime,
    first: str,
    second: str,
    kept: tuple[object, ...],
    undone: tuple[object, ...],
) -> None:
    async def fresh() -> Meeting:
        meeting = Meeting(await open_shop(), await arrive(0))
        await meeting.begin()
        return meeting

    probe, waited = await fresh(), 0
    with clock.travel(moment):
        statements = await statements_of(db, probe.verb(first))
    for statement in range(1, statements + 1):
        for keep in (True, False):
            meeting = await fresh()
            with clock.travel(moment):
                met, answer = await meet(
                    db, superuser, meeting, first=first, second=second, statement=statement, keep=keep
                )
                waited += met
                expected = kept if keep else undone
                assert await meeting.after() == expected, (first, statement, second, keep)
                if second == "renew":  # a code that would be good for nothing is not given
                    assert (answer == "merchant.redemption_ended") is keep
    assert waited


async def meet(
    db: Database,
    superuser: Superuser,
    meeting: Meeting,
    *,
    first: str,
    second: str,
    statement: int,
    keep: bool,
) -> tuple[bool, object]:
    """Whether the second one waited, and what it was answered."""
    pause = Pause(after=statement)
    one = asyncio.create_task(alone(db, meeting.verb(first), pause, keep=keep))
    reached = asyncio.create_task(pause.reached.wait())
    await asyncio.wait({one, reached}, return_when=asyncio.FIRST_COMPLETED)
    two = asyncio.create_task(alone(db, meeting.verb(second)))
    waited = await done_or_waiting(two, superuser)
    pause.go.set()
    reached.cancel()
    await one
    return waited, await two


async def test_a_till_that_is_late_by_a_moment_does_not_undo_a_lapse(
    shop: Shop, arrive: Arrive, db: Database, superuser: Superuser
) -> None:
    """The till's clock still has the code valid; the lapse is under way; the till waits and learns that it is over."""
    meeting = Meeting(shop, await arrive(0))
    await meeting.begin()
    pause = Pause(after=1)
    with clock.travel(OUT_OF_TIME):
        one = asyncio.create_task(alone(db, meeting.verb("lapse"), pause))
        await pause.reached.wait()
    with clock.travel(IN_TIME):
        two = asyncio.create_task(alone(db, meeting.verb("capture")))
        waited = await done_or_waiting(two, superuser)
    with clock.travel(OUT_OF_TIME):
        pause.go.set()
        assert (await one, await two) == (True, "merchant.redemption_ended")
        assert waited
        assert await meeting.after() == LAPSED


@pytest.mark.parametrize(
    ("first", "second"), [("refund", "sweep"), ("sweep", "refund"), ("refund", "refund")]
)
async def test_a_refund_racing_the_sweep_of_lapsed_points_is_exact(  # noqa: PLR0917
    open_shop: OpenShop, arrive: Arrive, db: Database, superuser: Superuser, first: str, second: str
) -> None:
    """The lot of June was not drawn empty, so both the sweep and the refund want it. In either order the points of the
    lapsed lot end as lapsed, those of the other lot come back, and nothing is lost.
    """
    for keep in (True, False):
        statement, statements, waited = 1, 1, 0
        while statement <= statements:
            with clock.travel(SWEPT):
                await wallets.expire_all(db)
            meeting = Meeting(await open_shop(), await arrive(0))
            await meeting.begin(captured=True)
            with clock.travel(NOON):
                await meeting.buyer.earn(5, JUNE)
            before = await identity(db)
            with clock.travel(SWEPT):
                statements = await statements_of(db, meeting.verb(first))
                met, _ = await meet(
                    db, superuser, meeting, first=first, second=second, statement=statement, keep=keep
                )
                waited += met
                refunded = keep or second == "refund"
                await wallets.expire_all(db)
                after = await identity(db)
                assert before.holds
                assert after.holds
                lapsed = 25 if refunded else 5
                assert after.expired - before.expired == lapsed, (first, statement, keep)
                assert before.payable - after.payable == (30 if refunded else 0)
                expected = (
                    ({"2027-07-31": 50}, 0, 0, 1, "refunded")
                    if refunded
                    else ({"2027-07-31": 40}, 0, 30, 0, "captured")
                )
                assert await meeting.after() == expected, (first, statement, keep)
            statement += 1
        assert waited, (first, second)


async def test_everything_at_once_on_a_few_citizens_and_one_shop_adds_up(
    shop: Shop, arrive: Arrive, db: Database
) -> None:
    for seed in range(2):
        dice = random.Random(seed)
        buyers = [await arrive(0) for _ in range(4)]
        for one in buyers:
            await one.earn(40, JUNE)
            await one.earn(60, JULY)
        with clock.travel(NOON):
            offer = await shop.offer(price=7, items=30, per_citizen=9)
            issued = [(one, await one.redeem(offer)) for one in buyers for _ in range(5)]
            late = [(one, await one.redeem(offer)) for one in buyers]
            for _, code in late:
                await shop.scan(code.code)
        with clock.travel(NOON + dt.timedelta(seconds=59)):
            work: list[Callable[[], Awaitable[Any]]] = []
            for one, code in issued:
                work += [_bound(shop.scan, code.code)] * 3
                work += [_bound(one.cancel, code), _bound(one.renew, code)]
            for _, code in late:
                work += [_bound(shop.refund, code.redemption_id)] * 2
            work += [_bound(one.redeem_hot, offer) for one in buyers for _ in range(6)]
            work += [_bound(redemption.lapse_due, db)] * 4
            dice.shuffle(work)
            await all_of(verb() for verb in work)
        async with db.transaction() as session:
            rows = [
                found.state_at(NOON + dt.timedelta(seconds=59))
                for one in buyers
                for found in await redemption.redemptions_of(session, participant_id=one.id, limit=200)
            ]
        states = Counter(row.value for row in rows)
        assert await shop.left(offer) == 30 - states["held"] - states["captured"]
        for one in buyers:
            async with db.transaction() as session:
                wallet = await wallets.wallet_of(session, participant_id=one.id, programme=PROGRAMME)
                mine = Counter(
                    found.state_at(NOON + dt.timedelta(seconds=59)).value
                    for found in await redemption.redemptions_of(session, participant_id=one.id, limit=200)
                )
            assert wallet.held == 7 * mine["held"]
            assert sum((await one.lots()).values()) == 100 - 7 * (mine["held"] + mine["captured"])
            assert mine["held"] + mine["captured"] <= 9
        assert (await identity(db)).holds


def _bound(verb: Callable[..., Awaitable[Any]], *given: Any) -> Callable[[], Awaitable[Any]]:
    return lambda: verb(*given)


# --- refunds in parts, and a till that waits for a phone


async def test_five_hundred_scans_of_one_code_are_one_capture(shop: Shop, buyer: Buyer, db: Database) -> None:
    issued = await buyer.redeem(await shop.offer(items=3))
    answers: list[Any] = await all_of(shop.ask(issued.code) for _ in range(500))
    assert Counter(one.says for one in answers) == {Says.YES: 500}
    assert Counter(one.repeated for one in answers) == {True: 499, False: 1}
    assert await shop.payable() == 30
    assert (await identity(db)).holds


async def test_one_till_hears_yes_and_all_others_who_was_first(
    shop: Shop, buyer: Buyer, db: Database
) -> None:
    issued = await buyer.redeem(await shop.offer())
    clerks = await _tills(shop, shops_=4, keys=10)
    answers: list[Any] = await all_of(
        redemption.scan(db, shop.keys, at=at, code=issued.code) for at in clerks
    )
    first = next(at for at, one in zip(clerks, answers, strict=True) if one.says is Says.YES)
    others = [one for one in answers if one.says is Says.NO]
    assert len(others) == 39
    assert {one.reason for one in others} == {"used"}
    assert {one.last_use.by for one in others} == {first.by}
    assert await shop.payable() == 30


async def _tills(shop: Shop, *, shops_: int, keys: int) -> list[At]:
    """Software of several shops that may capture, each by a key of its own."""
    about = shops.About("茶馆", "Teahouse", "", "天河区", None, {}, {})
    made = []
    async with shop.db.transaction() as session:
        for _ in range(shops_):
            here = await shops.open_shop(session, merchant_id=shop.id, about=about, made_by=shop.clerk)
            for number in range(keys):
                key, _ = await tills.make_key(
                    session, shop.keys, merchant_id=shop.id, shop_id=here.id, label=str(number), sandbox=False,
                    scopes=["capture"], made_by=shop.clerk,
                )  # fmt: skip
                made.append(At(shop.id, key.id, here.id))
    return made


async def test_five_hundred_spends_of_a_hundred_points_are_a_hundred(shop: Shop, arrive: Arrive) -> None:
    buyer, offer = await arrive(100), await shop.offer(price=1)
    answers = await all_of(buyer.redeem_hot(offer) for _ in range(500))
    assert sum(isinstance(one, Issued) for one in answers) == 100
    assert Counter(one for one in answers if isinstance(one, str)) == {"ledger.insufficient_balance": 400}
    assert await buyer.purse() == (0, 100)


async def test_two_hundred_buyers_of_the_last_item_are_one(shop: Shop, arrive: Arrive) -> None:
    buyers, offer = [await arrive() for _ in range(20)], await shop.offer(items=1, price=1)
    answers = await all_of(one.redeem_hot(offer) for one in buyers * 10)
    assert Counter(one for one in answers if isinstance(one, str)) == {"merchant.sold_out": 199}
    assert await shop.left(offer) == 0


async def test_parts_at_once_come_to_what_was_captured_and_no_more(
    shop: Shop, buyer: Buyer, db: Database
) -> None:
    offer = await shop.offer(items=1)
    receipt = await shop.scan((await buyer.redeem(offer)).code)
    answers = await all_of(shop.part(receipt, f"line-{number}", 7) for number in range(12))
    assert Counter(one for one in answers if isinstance(one, str)) == {"merchant.part_too_large": 8}
    assert await buyer.purse() == (98, 0)
    assert await shop.left(offer) == 0
    rest = await all_of([shop.refund(receipt.redemption_id), shop.part(receipt, "last", 2)] * 5)
    assert {one for one in rest if isinstance(one, str)} <= {
        "merchant.already_refunded", "merchant.part_too_large",
    }  # fmt: skip
    assert await buyer.purse() == (100, 0)
    assert (await shop.left(offer), await shop.payable()) == (1, 0)
    assert (await identity(db)).holds


async def test_parts_that_come_back_at_once_are_worth_what_was_captured_to_the_fen(
    open_shop: OpenShop, buyer: Buyer, db: Database
) -> None:
    """At 0.7 fen a point no part has a whole worth of its own, and whoever comes first changes what the next one is worth."""
    shop = await open_shop(contract="0.7")
    receipt = await shop.scan((await buyer.redeem(await shop.offer(price=31))).code)
    sizes = [1, 2, 3, 4, 5, 6, 7, 1, 1, 1]
    await all_of(shop.part(receipt, f"line-{number}", points) for number, points in enumerate(sizes))
    async with db.transaction() as session:
        given = {"redemption": receipt.redemption_id}
        captured = (await session.execute(CAPTURED_FEN, given)).scalar_one()
        rows = (await session.execute(BACK_FEN, given)).all()
    assert captured == 21
    assert sum(row.points for row in rows) == 31
    assert sum(row.value_fen for row in rows) == captured
    before = 0
    for row in rows:  # in the order in which they were valued, each begins where the one before ended
        assert row.points_before == before
        before += row.points
    assert (await buyer.purse(), await shop.payable()) == ((100, 0), 0)


async def test_twenty_refunds_of_one_capture_are_one(shop: Shop, buyer: Buyer) -> None:
    offer = await shop.offer(items=1)
    receipt = await shop.scan((await buyer.redeem(offer)).code)
    answers = await all_of(shop.refund(receipt.redemption_id) for _ in range(20))
    assert Counter(one for one in answers if isinstance(one, str)) == {"merchant.already_refunded": 19}
    assert (await buyer.purse(), await shop.payable(), await shop.left(offer)) == ((100, 0), 0, 1)


@pytest.mark.parametrize(
    ("first", "second", "back"),
    [("part", "other part", 26), ("part", "part", 13), ("part", "refund", 30), ("refund", "part", 30)],
)
async def test_a_part_waits_for_whatever_else_comes_back_of_its_capture(  # noqa: PLR0917
    open_shop: OpenShop,
    arrive: Arrive,
    db: Database,
    superuser: Superuser,
    first: str,
    second: str,
    back: int,
) -> None:
    probe = Meeting(await open_shop(), await arrive(0))
    await probe.begin(captured=True)
    with clock.travel(IN_TIME):
        statements = await statements_of(db, probe.verb(first))
    for statement in (1, statements):
        for keep in (True, False):
            meeting = Meeting(await open_shop(), await arrive(0))
            await meeting.begin(captured=True)
            with clock.travel(IN_TIME):
                waited, _ = await meet(
                    db, superuser, meeting, first=first, second=second, statement=statement, keep=keep
                )
            assert waited, (first, second, statement)
            alone_back = 30 if second == "refund" else 13
            given_back = back if keep else alone_back
            assert sum((await meeting.buyer.lots()).values()) == 40 + given_back, (
                first,
                second,
                statement,
                keep,
            )
            assert await meeting.shop.payable() == 30 - given_back
            assert await meeting.shop.left(meeting.offer) == (1 if given_back == 30 else 0)


@pytest.mark.parametrize(("first", "second"), [("most", "sweep"), ("sweep", "most")])
async def test_a_part_racing_the_sweep_of_lapsed_points_is_exact(  # noqa: PLR0917
    open_shop: OpenShop, arrive: Arrive, db: Database, superuser: Superuser, first: str, second: str
) -> None:
    """25 of 30 points come back: ten to the lot of July, which was drawn last, fifteen to that of June, which has lapsed."""
    with clock.travel(SWEPT):
        await wallets.expire_all(db)
    for keep in (True, False):
        meeting = Meeting(await open_shop(), await arrive(0))
        await meeting.begin(captured=True)
        with clock.travel(NOON):
            await meeting.buyer.earn(5, JUNE)
        before, waited = await identity(db), 0
        with clock.travel(SWEPT):
            statements = await statements_of(db, meeting.verb(first))
            met, _ = await meet(
                db, superuser, meeting, first=first, second=second, statement=statements, keep=keep
            )
            waited += met
            given_back = keep or second == "most"
            await wallets.expire_all(db)
            after = await identity(db)
            assert (before.holds, after.holds) == (True, True)
            assert after.expired - before.expired == (20 if given_back else 5), (first, keep)
            assert before.payable - after.payable == (25 if given_back else 0)
            expected = {"2027-07-31": 50 if given_back else 40}
            assert await meeting.after() == (expected, 0, 5 if given_back else 30, 0, "captured")
        assert waited, (first, second, keep)


async def test_one_part_sent_twenty_times_is_given_back_once(shop: Shop, buyer: Buyer) -> None:
    receipt = await shop.scan((await buyer.redeem(await shop.offer())).code)
    answers: list[Any] = await all_of(shop.part(receipt, "line-1", 10) for _ in range(20))
    assert {one.refunded_points for one in answers} == {10}
    assert await buyer.purse() == (80, 0)


async def test_parts_and_the_whole_at_once_never_give_back_twice(shop: Shop, buyer: Buyer) -> None:
    receipt = await shop.scan((await buyer.redeem(await shop.offer(items=1))).code)
    await all_of(
        shop.refund(receipt.redemption_id) if number % 2 else shop.part(receipt, str(number), 15)
        for number in range(10)
    )
    assert await buyer.purse() == (100, 0)
    assert await shop.payable() == 0


async def test_confirmation_refusal_withdrawal_and_dropping_at_once_have_one_outcome(
    shop: Shop, buyer: Buyer, db: Database, confirming: None
) -> None:
    del confirming
    for turn in range(12):
        offer = await shop.offer(items=1)
        issued = await buyer.redeem(offer)
        scan_id = (await shop.ask(issued.code)).scan_id
        assert scan_id is not None
        verbs: list[Callable[[], Awaitable[object]]] = [
            partial(buyer.answer, issued, scan_id, yes=True),
            partial(buyer.answer, issued, scan_id, yes=False),
            partial(shop.ask_no_more, scan_id),
            partial(buyer.cancel, issued),
        ]
        random.Random(turn).shuffle(verbs)
        await all_of(verb() for verb in verbs)
        state = await buyer.state(issued)
        assert state in {"captured", "cancelled"}
        told = await shop.look(scan_id)
        assert (told.says is Says.YES) is (state == "captured")
        assert await shop.left(offer) == (0 if state == "captured" else 1)
        if state == "captured":
            await shop.refund(issued.redemption_id)
        assert await buyer.purse() == (100, 0)
        assert await shop.payable() == 0
    assert (await identity(db)).holds


async def test_a_confirmation_waits_for_the_till_that_withdraws_and_comes_too_late(
    shop: Shop, buyer: Buyer, db: Database, superuser: Superuser, confirming: None
) -> None:
    del confirming
    issued = await buyer.redeem(await shop.offer())
    scan_id = (await shop.ask(issued.code)).scan_id
    assert scan_id is not None

    def withdraw(session: AsyncSession) -> Awaitable[Any]:
        return redemption.withdraw(session, at=shop.till(), scan_id=scan_id)

    pause = Pause(after=await statements_of(db, withdraw) - 1)  # the last one only reads
    withdrawn = asyncio.create_task(alone(db, withdraw, pause))
    await pause.reached.wait()
    confirmed = asyncio.create_task(
        alone(
            db,
            lambda session: redemption.answer(
                session,
                participant_id=buyer.id,
                redemption_id=issued.redemption_id,
                scan_id=scan_id,
                yes=True,
            ),
        )
    )
    waited = await done_or_waiting(confirmed, superuser)
    pause.go.set()
    await withdrawn
    assert waited, "the confirmation did not wait for the withdrawal"
    assert await confirmed == "merchant.question_over"
    assert await buyer.state(issued) == "held"
