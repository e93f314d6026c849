"""What no batch covers blocks its operator; where the programme names no term, at once and until somebody decides."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backend import certification
from backend.certification import shortfalls
from backend.certification.shortfalls.cancelling import chosen
from backend.identity import Role
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.ledger import SerialRange
from offset_bridge import bridge, registry
from offset_bridge import credits as credits_
from offset_bridge.registry import Mode
from tests.certification.conftest import Town, rides_of
from tests.certification.shortfalls.conftest import closed, debt_of, open_g, series, withdraw
from tests.identity.conftest import Hire, hire
from tests.offset_bridge.stage import MARKET, Stage

__all__ = ["hire"]

OPERATOR = "gd-operator"


class Supervised(Town):
    """A town whose operator is nothing else, so that it may have an account in the market."""

    async def hire(self, code: str, roles: Sequence[Role], logins: Sequence[str]) -> None:
        await super().hire(code, [Role.OPERATOR] if code == OPERATOR else roles, logins)


@pytest.fixture(scope="module")
async def town(db: Database, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Town:
    made = Supervised(db, settings, tmp_path_factory.mktemp("rides"))
    await made.found()
    return made


async def lock_one(town: Town) -> bridge.BridgeTransfer:
    async with town.db.transaction() as session:
        return await bridge.lock(
            session, book="phcer", market=MARKET, owner=OPERATOR, asked_by=town.staff["anna"], quantity_t=1
        )


async def order(town: Town, year: int, *, by: str = "first") -> shortfalls.Cancellation:
    async with town.db.transaction() as session:
        return await shortfalls.cancel(
            session, series=series(year), ordered_by=town.staff[by], reason="no further batch will come"
        )


async def test_a_debt_blocks_other_series_and_the_bridge_until_it_is_met(town: Town, hire: Hire) -> None:
    stage = Stage(town.db, hire)
    await stage.open(Mode.LIVE)
    first, _ = await stage.people()
    async with town.db.transaction() as session:
        await registry.open_account(
            session, market=MARKET, organisation=OPERATOR, region="CN-GD", regulated=False, opened_by=first
        )  # fmt: skip
    await town.whole("2024-01", rides_of(3_000_000))
    waiting = await closed(town, "2025-01", rides_of(2_000_000))
    proposed = await town.propose(waiting)
    crossed = await lock_one(town)
    crossing = await lock_one(town)
    async with town.db.transaction() as session:
        await bridge.deposit(session, bridge_id=crossed.id)

    await withdraw(town, "2024-01", many=260)
    assert await open_g(town, 2024) == 1_040_000
    found = await debt_of(town, 2024)
    assert (found.open_g, found.blocking_g, found.due_g, found.term_days) == (1_040_000, 1_040_000, 0, None)
    with pytest.raises(shortfalls.CorrectionsOwed, match="owed_g=1040000"):
        await town.approve(waiting, proposed)
    with pytest.raises(shortfalls.CorrectionsOwed):
        await lock_one(town)
    async with town.db.transaction() as session:  # what is locked goes back, what arrived goes on
        await bridge.deposit(session, bridge_id=crossing.id)
        await bridge.confirm(session, bridge_id=crossed.id)
        back = await bridge.transfer_of(session, bridge_id=crossing.id)
    assert (back.state, back.steps[-1].reason) == ("returned", "certification.corrections_owed")
    assert await shortfalls.cancel_overdue(town.db) == []  # no term, so nobody but a person decides

    with pytest.raises(certification.NotIndependent):
        await order(town, 2024, by="anna")
    with pytest.raises(shortfalls.ShortfallUnknown):
        await order(town, 2020)
    made = await order(town, 2024)
    assert (made.quantity_t, made.owed_g, made.serials) == (2, 1_040_000, (SerialRange(2, 4),))
    found = await debt_of(town, 2024)
    assert (found.open_g, found.cancelled_g) == (0, 1_040_000)
    with pytest.raises(shortfalls.NothingOwed):
        await order(town, 2024)
    assert (await town.approve(waiting, proposed)).quantity_t == 2
    assert await town.violations() == []
    (entry,) = await town.entries("credit.forfeited")
    assert (entry["owner"], entry["serials"], entry["owed_g"]) == (OPERATOR, [[2, 4]], 1_040_000)


async def test_what_a_cancellation_took_too_much_makes_good_for_the_next_shortfall(town: Town) -> None:
    surplus = 960_000
    await withdraw(town, "2024-01", many=10)
    assert await open_g(town, 2024) == 0
    found = await debt_of(town, 2024)
    assert (found.recorded_g, found.cancelled_g) == (1_080_000, 1_080_000)
    await withdraw(town, "2024-01", many=240)
    assert await open_g(town, 2024) == 40_000 + 960_000 - surplus
    assert await town.violations() == []


async def test_what_is_not_held_any_more_stays_a_debt_under_the_operators_name(town: Town) -> None:
    async with town.db.transaction() as session:
        held = await certification.holdings(session, organisation=OPERATOR)
        await credits_.transfer(
            session, book="phcer", giver=OPERATOR, taker=await holder(town), price_fen=0,
            quantity_t=sum(one.serials.quantity for one in held), asked_by=town.staff["anna"],
        )  # fmt: skip
    with pytest.raises(shortfalls.NothingHeld):
        await order(town, 2024)
    found = await debt_of(town, 2024)
    assert (found.operator, found.blocking_g) == (OPERATOR, 40_000)

    covering = await closed(town, "2024-02", rides_of(1_100_000))  # the series' own next batch is not blocked
    assert (await town.issue(covering)).carry_out_g == 60_000
    assert await open_g(town, 2024) == 0
    assert await town.violations() == []


async def holder(town: Town) -> str:
    """An enterprise that may hold credits."""
    await town.hire("buyer", [Role.ENTERPRISE], ["bea"])
    return "buyer"


def test_a_series_own_credits_go_before_others_and_the_lowest_first() -> None:
    held = [SerialRange(1, 4), SerialRange(10, 20)]
    assert chosen(held, [SerialRange(12, 15)], quantity=2) == (SerialRange(12, 14),)
    assert chosen(held, [SerialRange(12, 15)], quantity=5) == (SerialRange(1, 3), SerialRange(12, 15))
    assert chosen(held, [SerialRange(3, 12)], quantity=4) == (
        SerialRange(1, 2),
        SerialRange(3, 4),
        SerialRange(10, 12),
    )
    assert chosen(held, [], quantity=99) == (SerialRange(1, 4), SerialRange(10, 20))
    assert chosen([], [SerialRange(1, 4)], quantity=1) == ()
