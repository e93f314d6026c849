"""Two who settle at once, and what commits while a period is closed: the first is held open, and the second seen waiting."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.approvals import TwoPersonAct
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.errors import DomainError
from merchant import redemption, settlement
from tests import contracts
from tests.concurrency.conftest import GivenUp, Superuser, done_or_waiting, no_deadlock
from tests.merchant.conftest import PROGRAMME, Arrive, OpenShop, Shop
from tests.merchant.test_disputes import books_hold
from tests.merchant.test_settlement import LAST_MONTH, a_month, agree_to_close, close, lines, owed

__all__ = ["no_deadlock"]

pytestmark = pytest.mark.usefixtures("no_deadlock")
Verb = Callable[[AsyncSession], Awaitable[Any]]
BOTH = pytest.mark.parametrize("kept", [True, False], ids=["the first stays", "the first is undone"])


async def meet(db: Database, superuser: Superuser, first: Verb, second: Verb, *, kept: bool) -> str | None:
    """Do both, the second while the first one's transaction is open and done. The code of what the second is refused."""
    done, end = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.transaction() as session:
            await first(session)
            done.set()
            await end.wait()
            if not kept:
                raise GivenUp

    async def follow() -> str | None:
        try:
            async with db.transaction() as session:
                await second(session)
        except DomainError as refused:
            return refused.code
        return None

    one = asyncio.create_task(hold())
    reached = asyncio.create_task(done.wait())
    await asyncio.wait({one, reached}, return_when=asyncio.FIRST_COMPLETED)
    two = asyncio.create_task(follow())
    assert await done_or_waiting(two, superuser), "the second does not wait for the first"
    end.set()
    if kept:
        await one
    else:
        with pytest.raises(GivenUp):
            await one
    return await two


async def closing(shop: Shop) -> Verb:
    first, second = await contracts.operators(shop.db, shop.keys)
    async with shop.db.transaction() as session:
        act = await settlement.propose_close(
            session, merchant_id=shop.id, programme=PROGRAMME, proposed_by=first
        )
    return lambda session: settlement.approve_close(
        session, programme=PROGRAMME, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
    )


async def statements(shop: Shop) -> list[settlement.Statement]:
    async with shop.db.transaction() as session:
        return await settlement.statements(session, merchant_id=shop.id)


@BOTH
async def test_a_period_is_closed_once_by_two_pairs_at_once(
    open_shop: OpenShop, arrive: Arrive, superuser: Superuser, kept: bool
) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    refused = await meet(shop.db, superuser, await closing(shop), await closing(shop), kept=kept)
    assert refused == ("merchant.settlement_period_not_over" if kept else None)
    assert len(await statements(shop)) == 1
    assert await owed(shop) == (56, 56)


@BOTH
async def test_one_proposal_is_agreed_to_once(
    open_shop: OpenShop, arrive: Arrive, superuser: Superuser, kept: bool
) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    verb = await closing(shop)
    refused = await meet(shop.db, superuser, verb, verb, kept=kept)
    assert refused == ("identity.act_decided_already" if kept else None)
    assert len(await statements(shop)) == 1


async def let_go(shop: Shop) -> tuple[TwoPersonAct, Verb]:
    first, second = await contracts.operators(shop.db, shop.keys)
    async with shop.db.transaction() as session:
        act = await settlement.propose_payout(session, shop.keys, programme=PROGRAMME, proposed_by=first)
    return act, lambda session: settlement.approve_payout(
        session, programme=PROGRAMME, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
    )


@BOTH
async def test_a_statement_is_let_go_by_one_of_two_payouts_and_posted_once_whoever_tells_it(
    open_shop: OpenShop, arrive: Arrive, superuser: Superuser, kept: bool
) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    one = await close(shop)
    (_, first), (_, second) = await let_go(shop), await let_go(shop)
    refused = await meet(shop.db, superuser, first, second, kept=kept)
    assert refused == ("merchant.statement_changed" if kept else None)
    async with shop.db.transaction() as session:
        found = await settlement.payouts(session, programme=PROGRAMME)
    (paying,) = [each for each in found if one.id in {line.statement_id for line in each.lines}]

    def telling(paid: bool) -> Verb:
        return lambda session: settlement.confirm(
            session, programme=PROGRAMME, payout_id=paying.id, statement_id=one.id, paid=paid, words="REF 1",
            told_by=shop.clerk,
        )  # fmt: skip

    refused = await meet(shop.db, superuser, telling(True), telling(False), kept=kept)
    assert refused == ("merchant.payout_ended" if kept else None)
    if not kept:  # it failed, and goes with the next one; told twice at once, it is posted once
        _, again = await let_go(shop)
        async with shop.db.transaction() as session:
            paying = await again(session)
        assert await meet(shop.db, superuser, telling(True), telling(True), kept=True) is None
    assert await owed(shop) == (0, 0)
    await books_hold(shop.db)


@BOTH
async def test_two_corrections_of_one_line_at_once_stay_within_it(
    open_shop: OpenShop, arrive: Arrive, superuser: Superuser, kept: bool
) -> None:
    shop = await open_shop()
    await a_month(shop, arrive)
    one = await close(shop)
    first, second = await contracts.operators(shop.db, shop.keys)

    async def correcting() -> Verb:
        async with shop.db.transaction() as session:
            wrong = await settlement.open_dispute(
                session,
                merchant_id=shop.id,
                statement_id=one.id,
                line=1,
                reason="twice",
                opened_by=shop.clerk,
            )
            act = await settlement.propose_correction(
                session, programme=PROGRAMME, dispute_id=wrong.id, words="so it was", correction_points=20,
                correction_fen=0, funder="programme", proposed_by=first,
            )  # fmt: skip
        return lambda session: settlement.approve_correction(
            session, programme=PROGRAMME, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
        )

    refused = await meet(shop.db, superuser, await correcting(), await correcting(), kept=kept)
    assert refused == ("merchant.correction_beyond_line" if kept else None)
    assert await owed(shop) == (76, 76)
    await books_hold(shop.db)


@pytest.mark.parametrize("whole", [True, False], ids=["a refund", "a part of one"])
async def test_what_comes_back_while_a_period_is_closed_is_in_the_next_one_only(
    open_shop: OpenShop, arrive: Arrive, whole: bool
) -> None:
    shop, buyer = await open_shop(), await arrive(100)
    offer = await shop.offer(price=30, first_day=LAST_MONTH.date())
    with clock.travel(LAST_MONTH):
        bought = (await shop.capture((await buyer.redeem(offer)).code)).redemption_id
    first, second = await contracts.operators(shop.db, shop.keys)
    about: dict[str, Any] = {"merchant_id": shop.id, "staff_id": shop.clerk, "reason": "cold"}
    with clock.travel(LAST_MONTH):
        open_transaction = shop.db.transaction()
        session = await open_transaction.__aenter__()
        if whole:
            await redemption.refund(session, redemption_id=bought, **about)
        else:
            await redemption.refund_part(session, redemption_id=bought, part_id="a", points=12, **about)
    async with shop.db.transaction() as other:  # the closing waits for nobody at a till
        act = await settlement.propose_close(
            other, merchant_id=shop.id, programme=PROGRAMME, proposed_by=first
        )
    await open_transaction.__aexit__(None, None, None)
    one = await agree_to_close(shop, act, second)
    left = 0 if whole else 18
    assert [(each.line.kind, each.line.points) for each in await lines(shop, one)] == [("capture", 30)]
    assert await owed(shop) == (left, left)
    with clock.travel(clock.now() + dt.timedelta(days=31)):
        two = await close(shop)
    assert [(each.line.kind, each.line.points) for each in await lines(shop, two)] == [("refund", left - 30)]
    assert await owed(shop) == (left, left)
    await books_hold(shop.db)


async def test_captures_and_refunds_that_commit_while_periods_are_closed_are_in_one_each(
    open_shop: OpenShop, arrive: Arrive
) -> None:
    """At midnight tills go on, and the period is closed meanwhile: every capture and part is in exactly one of two statements."""
    shop, buyer = await open_shop(), await arrive(500)
    offer = await shop.offer(price=10, first_day=LAST_MONTH.date())
    midnight = (
        clock.now().astimezone(clock.SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    )
    proposed: list[Verb] = []

    async def buy(code: str, number: int) -> UUID:
        await asyncio.sleep(number / 50)
        done = (await shop.capture(code)).redemption_id
        if number % 2:
            await shop.refund_part(done, "half", 5)
        return done

    async def propose() -> None:
        await asyncio.sleep(max(0.0, (midnight - clock.now()).total_seconds()))
        proposed.append(await closing(shop))

    with clock.travel(midnight - dt.timedelta(seconds=20)):
        await shop.capture((await buyer.redeem(offer)).code)
        codes = [(await buyer.redeem(offer)).code for _ in range(16)]
    with clock.travel(midnight - dt.timedelta(seconds=0.16)):
        *bought, _ = await asyncio.gather(*(buy(code, at) for at, code in enumerate(codes)), propose())
        async with shop.db.transaction() as session:
            one = await proposed[0](session)
    with clock.travel(clock.now() + dt.timedelta(days=31)):
        two = await close(shop)
    told = [each.line for statement in (one, two) for each in await lines(shop, statement)]
    captured = Counter(line.redemption_id for line in told if line.kind == "capture")
    back = Counter(line.redemption_id for line in told if line.kind == "refund")
    assert (len(captured), set(captured.values())) == (17, {1})
    assert set(bought) <= set(captured)
    assert (len(back), set(back.values())) == (8, {1})
    assert await owed(shop) == (170 - 40, 170 - 40)
    await books_hold(shop.db)
