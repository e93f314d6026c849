"""Numbers that are in the market's book already: it cannot happen by our verbs, and nothing is doubled if it does."""

from __future__ import annotations

import pytest

from backend import ledger
from backend.kit import ids
from backend.kit.db import Database
from backend.ledger import SerialRange
from offset_bridge.origin import LIVE
from tests.offset_bridge.bridge.conftest import THERE, Owner, books_hold
from tests.offset_bridge.world import World


async def test_numbers_that_stand_in_the_markets_book_already_bring_the_units_back(
    owner: Owner, world: World, db: Database
) -> None:
    [(low, _)] = await world.numbers(f"holder:{LIVE}:{owner.code}")
    transfer = await owner.lock(5)
    async with db.transaction() as session:
        codes = [f"registered:{THERE}", f"entity:{THERE}:{owner.code}"]
        opened = await ledger.open_accounts(session, map(ledger.AccountSpec, codes))
        line = ledger.SerialLine(
            opened[codes[0]], opened[codes[1]], 1, "credit.registered", (SerialRange(low + 2, low + 3),)
        )
        await ledger.post_serials(session, [ledger.SerialPosting(ids.uuid7(), transfer.asked_at, (line,))])
    await owner.deliver_all()
    assert await owner.steps(transfer.id) == ["locked", "returned"]
    assert (await owner.transfer(transfer.id)).steps[-1].reason == "bridge.numbers_taken"
    assert (await owner.held(), await owner.arrived()) == (20, 1)
    with pytest.raises(AssertionError, match="count in more than one place"):
        await books_hold(db)  # the one that was slipped in
