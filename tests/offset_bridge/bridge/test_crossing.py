"""Credits cross into a market's book under the same numbers, or come back with the reason."""

from __future__ import annotations

import pytest

from backend import ledger
from backend.kit import ids
from backend.kit.db import Database
from backend.ledger import SerialRange
from offset_bridge import bridge, registry
from offset_bridge.bridge.model import StepName
from offset_bridge.origin import DEMO, LIVE
from tests.offset_bridge.bridge.conftest import MARKET, THERE, Owner, books_hold
from tests.offset_bridge.world import World


async def test_units_arrive_under_the_same_numbers_with_the_facts_of_their_issuance(
    owner: Owner, world: World, db: Database
) -> None:
    before = await world.numbers(f"holder:{LIVE}:{owner.code}")
    later = await world.issue(LIVE, owner.code, 5, year=2026, regions=("CN-GD-GZ", "CN-GD-SZ"))
    [(low, high)] = before
    assert high == later.low
    transfer = await owner.lock(22)
    assert transfer.state is StepName.LOCKED
    assert [(one.low, one.high) for one in transfer.serials] == [(low, low + 22)]
    await owner.deliver_all()
    assert await owner.steps(transfer.id) == ["locked", "deposited", "confirmed"]
    assert await world.numbers(f"entity:{THERE}:{owner.code}") == [(low, low + 22)]
    assert await world.numbers(f"holder:{LIVE}:{owner.code}") == [(low + 22, later.high)]
    async with db.transaction() as session:
        account = await registry.account_of(session, market=MARKET, organisation=owner.code)
        held = await registry.holdings(session, account=account)
    assert [
        (one.serials.quantity, one.lot.facts["vintage_start"], one.lot.facts["project_region"])
        for one in held
    ] == [(20, "2025-01-01", "CN-GD-GZ"), (2, "2026-01-01", "CN-GD")]
    for kind in ("locked", "deposited", "confirmed"):
        said = [one for one in await world.entries(f"bridge.{kind}") if one["bridge"] == str(transfer.id)]
        assert said == [
            {
                "bridge": str(transfer.id), "from_book": LIVE, "to_book": THERE, "market": MARKET,
                "owner": owner.code, "serials": [[low, low + 22]],
            }
        ]  # fmt: skip
    await books_hold(db)


async def test_named_numbers_cross_and_no_others(owner: Owner, world: World, db: Database) -> None:
    [(low, _)] = await world.numbers(f"holder:{LIVE}:{owner.code}")
    named = (SerialRange(low + 3, low + 5), SerialRange(low + 9, low + 10))
    async with db.transaction() as session:
        transfer = await bridge.lock(
            session,
            book=LIVE,
            market=MARKET,
            owner=owner.code,
            quantity_t=3,
            serials=named,
            asked_by=owner.by,
        )
    await owner.deliver_all()
    assert transfer.serials == named
    assert await world.numbers(f"entity:{THERE}:{owner.code}") == [(one.low, one.high) for one in named]
    await books_hold(db)


async def test_a_live_registry_refuses_demonstration_credits_before_anything_is_locked(
    owner: Owner, world: World, db: Database
) -> None:
    numbers = await world.issue(DEMO, owner.code, 4)
    with pytest.raises(registry.DemoUnitsRefused):
        await owner.lock(4, book=DEMO)
    assert await world.numbers(f"holder:{DEMO}:{owner.code}") == [(numbers.low, numbers.high)]
    assert (await world.owed(), await owner.transfers()) == ([], [])
    await books_hold(db)


async def test_what_nobody_holds_what_is_no_origin_book_and_who_has_no_account_are_refused(
    owner: Owner, world: World, db: Database
) -> None:
    with pytest.raises(ledger.InsufficientBalance):
        await owner.lock(21)
    with pytest.raises(bridge.BookNotBridged):
        await owner.lock(1, book="guangdong-phcer")
    with pytest.raises(bridge.BookNotBridged):
        await owner.lock(1, book="nowhere")
    stranger = await world.organisation()
    numbers = await world.issue(LIVE, stranger, 2)
    nobody = Owner(world, owner.settings, stranger, await world.clerk())
    with pytest.raises(bridge.AccountMissing):
        await nobody.lock(2)
    with pytest.raises(ledger.SerialsNotHeld):
        async with db.transaction() as session:
            await bridge.lock(
                session, book=LIVE, market=MARKET, owner=owner.code, quantity_t=2, asked_by=owner.by,
                serials=[numbers],
            )  # fmt: skip
    with pytest.raises(registry.MarketUnopened):
        async with db.transaction() as session:
            await bridge.lock(
                session, book=LIVE, market="beijing", owner=owner.code, quantity_t=2, asked_by=owner.by
            )
    with pytest.raises(bridge.BridgeUnknown):
        await owner.transfer(ids.uuid7())
    assert await owner.held() == 20
    await books_hold(db)
