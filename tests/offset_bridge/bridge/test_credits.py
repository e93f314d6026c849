"""Holders that meet over the same numbers: one passes them on, another verb wants them too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.kit.db import Database
from backend.ledger import SerialRange
from offset_bridge import bridge
from offset_bridge import credits as credits_
from offset_bridge.origin import LIVE
from tests.concurrency.conftest import Superuser, done_or_waiting, no_deadlock, transaction
from tests.offset_bridge.bridge.conftest import MARKET, Owner, books_hold

__all__ = ["no_deadlock"]

pytestmark = pytest.mark.usefixtures("no_deadlock")

Verb = Callable[[AsyncSession], Awaitable[Any]]
NAMES = ("transfer", "cancel", "lock")


async def verbs(owner: Owner) -> dict[str, Verb]:
    """Three verbs that want the same six of the owner's numbers."""
    [(low, _)] = await owner.world.numbers(f"holder:{LIVE}:{owner.code}")
    taker = await owner.world.organisation()
    same: dict[str, Any] = {
        "book": LIVE, "quantity_t": 6, "serials": [SerialRange(low + 2, low + 8)], "asked_by": owner.by,
    }  # fmt: skip
    return {
        "transfer": lambda session: credits_.transfer(
            session, **same, giver=owner.code, taker=taker, price_fen=0
        ),
        "cancel": lambda session: credits_.cancel(session, **same, owner=owner.code, purpose="a meeting"),
        "lock": lambda session: bridge.lock(session, **same, owner=owner.code, market=MARKET),
    }


@pytest.mark.parametrize(("first", "second"), [(one, two) for one in NAMES for two in NAMES])
async def test_the_second_waits_and_finds_the_numbers_gone(
    owner: Owner, db: Database, superuser: Superuser, first: str, second: str
) -> None:
    both = await verbs(owner)

    async def then() -> None:
        async with db.transaction() as session:
            await both[second](session)

    async with transaction(db) as session:
        await both[first](session)
        other = asyncio.create_task(then())
        assert await done_or_waiting(other, superuser)
    with pytest.raises(ledger.SerialsNotHeld):
        await other
    assert await owner.held() == 14
    await books_hold(db)
