"""How many points offers may take, to the point, whoever redeems at once."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from backend.kit import clock
from merchant import budgets, redemption
from merchant.budgets import Budget, BudgetUsedUp
from merchant.budgets import checks as kept
from merchant.redemption import Issued
from tests import contracts
from tests.merchant.conftest import PROGRAMME, Arrive, Shop


async def limit(shop: Shop, points: int, **about: Any) -> Budget:
    first, _ = await contracts.operators(shop.db, shop.keys)
    today = clock.today()
    said = {
        "first_day": today,
        "last_day": today,
        "merchant_id": None if "offers" in about else shop.id,
    } | about
    async with shop.db.transaction() as session:
        return await budgets.set_budget(
            session,
            programme=PROGRAMME,
            name_zh="七月活动",
            name_en="July",
            points=points,
            set_by=first,
            **said,
        )


async def used(shop: Shop, budget: Budget) -> int:
    async with shop.db.transaction() as session:
        checked = await kept.kept(session)
        assert [str(one) for one in checked.violations] == []
        return (await budgets.budget_of(session, programme=PROGRAMME, budget_id=budget.id)).used_points


async def test_a_budget_is_taken_to_the_last_point_and_what_is_dropped_is_there_again(
    shop: Shop, arrive: Arrive
) -> None:
    buyer = await arrive()
    tea, cake = await shop.offer(price=30), await shop.offer(price=10)
    budget = await limit(shop, 70)
    first = await buyer.redeem(tea)
    await buyer.redeem(tea)
    assert await used(shop, budget) == 60
    with pytest.raises(BudgetUsedUp, match="July"):
        await buyer.redeem(tea)
    await buyer.redeem(cake)
    assert await used(shop, budget) == 70
    with pytest.raises(BudgetUsedUp):
        await buyer.redeem(cake)
    assert await buyer.purse() == (30, 70)
    await buyer.cancel(first)
    assert await used(shop, budget) == 40
    await shop.scan((await buyer.redeem(tea)).code)
    with clock.travel(clock.now() + dt.timedelta(days=1)):
        await buyer.redeem(cake)  # the budget was for today
    assert await used(shop, budget) == 70


async def test_a_campaign_limits_its_offers_alone_and_an_end_limits_nothing(
    shop: Shop, arrive: Arrive
) -> None:
    buyer = await arrive()
    tea, cake = await shop.offer(price=30), await shop.offer(price=30)
    campaign = await limit(shop, 30, offers=[tea.id])
    await buyer.redeem(tea)
    await buyer.redeem(cake)
    with pytest.raises(BudgetUsedUp):
        await buyer.redeem(tea)
    first, _ = await contracts.operators(shop.db, shop.keys)
    async with shop.db.transaction() as session:
        await budgets.end(session, programme=PROGRAMME, budget_id=campaign.id, ended_by=first)
    await buyer.redeem(tea)
    assert await used(shop, campaign) == 30


async def test_twenty_want_the_last_of_a_budget_at_once_and_nobody_deadlocks(
    shop: Shop, arrive: Arrive
) -> None:
    tea = await shop.offer(price=10, items=100)
    both = [await limit(shop, 50), await limit(shop, 30, offers=[tea.id])]
    buyers = [await arrive(10) for _ in range(20)]

    async def one(number: int) -> Issued | BudgetUsedUp:
        try:
            return await buyers[number].redeem(tea)
        except BudgetUsedUp as refused:
            return refused

    came = await asyncio.gather(*(one(number) for number in range(20)))
    held = [number for number, issued in enumerate(came) if isinstance(issued, Issued)]
    assert len(held) == 3
    assert [await used(shop, budget) for budget in both] == [30, 30]
    assert await shop.left(tea) == 97

    async def drop(number: int) -> None:
        issued = came[number]
        assert isinstance(issued, Issued)
        await buyers[number].cancel(issued)

    wanting = [number for number in range(20) if number not in held]
    again = await asyncio.gather(*(drop(number) for number in held), *(one(number) for number in wanting))
    came_again = [one for one in again if isinstance(one, Issued)]
    assert [await used(shop, budget) for budget in both] == [10 * len(came_again)] * 2
    assert len(came_again) <= 3


async def test_what_lapses_is_there_again(shop: Shop, arrive: Arrive) -> None:
    tea = await shop.offer(price=10)
    budget = await limit(shop, 10)
    buyer = await arrive(10)
    with clock.travel(clock.now() - dt.timedelta(minutes=5)):
        await buyer.redeem(tea)
    assert await used(shop, budget) == 10
    await redemption.lapse_due(shop.db, participant_id=buyer.id)
    assert await used(shop, budget) == 0


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"merchant_id": None}, "merchant"),
        ({"offers": [UUID(int=1)]}, "offers"),
        ({"last_day": dt.date(2020, 1, 1)}, "last_day"),
    ],
)
async def test_a_budget_that_makes_no_sense_is_refused(shop: Shop, said: dict[str, Any], field: str) -> None:
    with pytest.raises(budgets.BudgetInvalid) as refused:
        await limit(shop, 10, **said)
    assert refused.value.field == field
