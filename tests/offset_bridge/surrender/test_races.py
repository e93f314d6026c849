"""Two at once on one cap, one pool, one obligation: the first is held open, the second is seen waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.kit.db import Database
from offset_bridge import registry, surrender
from offset_bridge.surrender import AskedLot
from tests.offset_bridge.stage import MARKET, Stage, lines, whole

CCER = "guangdong-ccer"
T = TypeVar("T")


class Undone(Exception):
    """Ends the first transaction without a commit."""


class Race:
    """Runs a first verb in a transaction that stays open until a second one is seen waiting for it."""

    def __init__(self, db: Database, superuser: asyncpg.Connection[asyncpg.Record]) -> None:
        self.db, self.superuser = db, superuser

    async def run(
        self,
        first: Callable[[AsyncSession], Awaitable[object]],
        second: Callable[[], Awaitable[T]],
        *,
        undo: bool = False,
    ) -> T:
        with contextlib.suppress(Undone):
            async with self.db.transaction() as session:
                await first(session)
                waiting = asyncio.ensure_future(second())
                await self._seen_waiting(waiting)
                if undo:
                    raise Undone
        return await waiting

    async def _seen_waiting(self, task: asyncio.Future[T]) -> None:
        for _ in range(200):
            assert not task.done(), "the second did not wait"
            if await self.superuser.fetchval("""
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
            """):
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the second was not seen waiting")


@pytest.fixture
def race(db: Database, superuser: asyncpg.Connection[asyncpg.Record]) -> Race:
    return Race(db, superuser)


async def test_two_pledges_meet_at_the_last_tonnes_of_the_cap(stage: Stage, race: Race) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    await stage.ccer(plant, 200)
    sixty = AskedLot(CCER, quantity_t=60)
    second = await race.run(
        lambda session: stage.pledge(plant, sixty, session=session),
        lambda: stage.pledge(plant, sixty, accept_partial=True),
    )
    assert lines(second) == [("CCER", 40, 20, ["cap"])]
    assert (second.decision.used_offsets_t, await stage.held(plant)) == (60, {CCER: 100})


async def test_what_the_first_did_not_commit_is_there_for_the_second(stage: Stage, race: Race) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    await stage.ccer(plant, 200)
    hundred = AskedLot(CCER, quantity_t=100)
    second = await race.run(
        lambda session: stage.pledge(plant, hundred, session=session),
        lambda: stage.pledge(plant, hundred),
        undo=True,
    )
    assert lines(second) == [("CCER", 100, 0, [])]


async def test_two_entities_meet_at_the_last_tonnes_of_the_province(stage: Stage, race: Race) -> None:
    plant, other = await stage.entity(), await stage.entity()
    await stage.adopt(pools={"province": 150})
    for one in (plant, other):
        await stage.owe(one, 1000)
        await stage.ccer(one, 100)
    hundred = AskedLot(CCER, quantity_t=100)
    second = await race.run(
        lambda session: stage.pledge(plant, hundred, session=session),
        lambda: stage.pledge(other, hundred, accept_partial=True),
    )
    assert lines(second) == [("CCER", 50, 50, ["province"])]
    third = await stage.pledge(other, AskedLot(CCER, quantity_t=1), accept_partial=True)
    assert lines(third) == [("CCER", 0, 1, ["province"])]
    async with stage.db.transaction() as session:
        (standing,) = await surrender.pledges(session, accounts=[plant])
    await stage.release(plant, standing.id)
    assert (await stage.pledge(other, AskedLot(CCER, quantity_t=50))).pledged_t == 50


async def test_two_pledges_meet_at_what_is_left_of_the_obligation(stage: Stage, race: Race) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    (lot,) = await stage.allot((plant, 2000))
    part = AskedLot(lot.book, quantity_t=600)
    second = await race.run(
        lambda session: stage.pledge(plant, part, session=session),
        lambda: stage.pledge(plant, part, accept_partial=True),
    )
    assert lines(second) == [("GDEA", 400, 200, ["obligation"])]


async def test_a_pledge_waits_for_the_close_and_is_too_late(stage: Stage, race: Race) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    await stage.ccer(plant, 10)
    first, second = await stage.people()
    async with stage.db.transaction() as session:
        act = await surrender.propose_close(
            session, market=MARKET, compliance_year=stage.year, proposed_by=first
        )
    with pytest.raises(registry.YearClosed):
        await race.run(
            lambda session: surrender.approve_close(
                session, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
            ),
            lambda: stage.pledge(plant, AskedLot(CCER, quantity_t=10)),
        )
    assert await stage.held(plant) == {CCER: 10}


async def test_a_pledge_is_released_once(stage: Stage, race: Race) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 10)
    done = await stage.pledge(plant, *whole([lot]))
    assert done.pledge_id is not None
    pledge_id = done.pledge_id
    with pytest.raises(surrender.PledgeReleasedAlready):
        await race.run(
            lambda session: surrender.release(
                session,
                account=plant,
                pledge_id=pledge_id,
                released_by=stage.staff[plant.organisation],
            ),
            lambda: stage.release(plant, pledge_id),
        )
    assert await stage.held(plant) == {CCER: 10}


async def test_units_given_up_meanwhile_are_not_pledged(stage: Stage, race: Race) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 10)
    with pytest.raises((ledger.SerialsNotHeld, ledger.InsufficientBalance)):
        await race.run(
            lambda session: surrender.cancel(
                session,
                account=plant,
                asked=AskedLot(CCER, quantity_t=4),
                purpose="a meeting",
                cancelled_by=stage.staff[plant.organisation],
            ),
            lambda: stage.pledge(plant, *whole([lot])),
        )
    assert await stage.held(plant) == {CCER: 6}


async def test_rules_are_not_exchanged_under_a_pledge(stage: Stage, race: Race) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 10)
    first, second = await stage.people()
    async with stage.db.transaction() as session:
        standing = await registry.rules_of(session, market=MARKET, compliance_year=stage.year)
        act = await registry.propose_rules(
            session, market=MARKET, compliance_year=stage.year, edition="handbook", pools={"p": 5}, parameters={},
            apply_by=standing.apply_by, surrender_by=standing.surrender_by, proposed_by=first,
        )  # fmt: skip

    async def approve() -> registry.Adoption:
        async with stage.db.transaction() as session:
            return await registry.approve_rules(
                session, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
            )

    with pytest.raises(registry.RulesInUse):
        await race.run(lambda session: stage.pledge(plant, *whole([lot]), session=session), approve)
