"""Which member redeemed for a household is noted with the redemption, whichever way it was made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from backend.identity import members
from backend.identity.people import ParticipantKind
from merchant import redemption
from tests.merchant.conftest import Buyer, Shop


async def test_a_household_is_told_which_member_redeemed(
    shop: Shop, arrive: Callable[..., Awaitable[Buyer]]
) -> None:
    manager, member = await arrive(100), await arrive(0)
    async with shop.db.transaction() as session:
        home = await members.create(
            session, manager.keys, kind=ParticipantKind.HOUSEHOLD, name="家", by=manager.id
        )
        code, _ = await members.invite(session, group_id=home.id, by=manager.id)
        await members.accept(session, manager.keys, code=code, member_id=member.id)
    household = Buyer(manager.db, manager.keys, home.id)
    await household.earn(100)
    offer = await shop.offer(price=30)
    asked: Any = {"participant_id": home.id, "offer_id": offer.id, "actor_id": member.id}
    async with shop.db.transaction() as session:
        first = await redemption.redeem(session, manager.keys, **asked)
    async with shop.db.hot_statement() as connection:
        second = await redemption.redeem_hot(connection, manager.keys, **asked)
    await manager.redeem(offer)  # for themselves: nothing of the household's
    async with shop.db.transaction() as session:
        told = await members.acted.acts_of(
            session, manager.keys, group_id=home.id, asked_by=manager.id, limit=9
        )
    assert {(one.actor_id, one.operation, one.address) for one in told} == {
        (member.id, "redeem", f"/redemptions/{one.redemption_id}") for one in (first, second)
    }
