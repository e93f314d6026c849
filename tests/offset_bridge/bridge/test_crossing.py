"""Credits cross into a market's book under the same numbers, and never count twice or not at all."""

from __future__ import annotations

from uuid import UUID

from backend.kit import tasks
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.kit.tasks import Worker
from offset_bridge import bridge, registry
from offset_bridge.bridge import tasks as _  # noqa: F401 - registers the handlers
from offset_bridge.bridge.model import BridgeTransfer, StepName
from offset_bridge.origin import LIVE
from tests.offset_bridge.world import World


async def lock(
    world: World, owner: str, by: UUID, quantity_t: int, market: str = "guangdong"
) -> BridgeTransfer:
    async with world.db.transaction() as session:
        return await bridge.lock(
            session, book=LIVE, market=market, owner=owner, quantity_t=quantity_t, asked_by=by
        )


async def deliver_all(settings: Settings, db: Database, world: World) -> None:
    while owed := await world.owed():
        for promised, _task, _payload in owed:
            await tasks.deliver(Worker(settings=settings, db=db), promised)


async def test_units_arrive_under_the_same_numbers_with_the_facts_of_their_issuance(
    world: World, settings: Settings, db: Database
) -> None:
    await world.set_mode("guangdong", registry.Mode.LIVE)
    owner = await world.organisation()
    by = await world.staff_of(owner)
    await world.open_account("guangdong", owner)
    first = await world.issue(LIVE, owner, 10, year=2025)
    second = await world.issue(LIVE, owner, 5, year=2026, regions=("CN-GD-GZ", "CN-GD-SZ"))
    assert first.high == second.low
    async with db.transaction() as session:
        transfer = await bridge.lock(
            session, book=LIVE, market="guangdong", owner=owner, quantity_t=12, asked_by=by
        )
    assert transfer.state is StepName.LOCKED
    assert [(one.low, one.high) for one in transfer.serials] == [(first.low, first.low + 12)]
    await deliver_all(settings, db, world)
    async with db.transaction() as session:
        transfer = await bridge.transfer_of(session, bridge_id=transfer.id)
        account = await registry.account_of(session, market="guangdong", organisation=owner)
        held = await registry.holdings(session, account=account)
    assert [step.step for step in transfer.steps] == ["locked", "deposited", "confirmed"]
    assert await world.numbers(f"entity:guangdong-phcer:{owner}") == [(first.low, first.low + 12)]
    assert await world.numbers(f"holder:{LIVE}:{owner}") == [(first.low + 12, second.high)]
    facts = [
        (one.serials.quantity, one.lot.facts["vintage_start"], one.lot.facts["project_region"])
        for one in held
    ]
    assert facts == [(10, "2025-01-01", "CN-GD-GZ"), (2, "2026-01-01", "CN-GD")]
    for kind in ("locked", "deposited", "confirmed"):
        [body] = await world.entries(f"bridge.{kind}")
        assert body == {
            "bridge": str(transfer.id), "from_book": LIVE, "to_book": "guangdong-phcer", "market": "guangdong",
            "owner": owner, "serials": [[first.low, first.low + 12]],
        }  # fmt: skip
