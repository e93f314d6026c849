"""Closing a year: what is owed and allowed is surrendered, the rest goes back; a late revision is only counted."""

from __future__ import annotations

import datetime as dt

import pytest

from backend import ledger, log
from backend.kit import clock
from backend.kit.db import Database
from offset_bridge import registry, rules, surrender
from offset_bridge.surrender import AskedLot
from tests.offset_bridge.stage import MARKET, Stage, lines, whole

CCER = "guangdong-ccer"


def figures(one: surrender.Surrendered) -> tuple[int, int, int, int]:
    """Offsets, allowances, what went back, what is short."""
    return one.offset_t, one.allowance_t, one.returned_t, one.shortfall_t


async def test_a_cap_that_falls_before_the_close_sends_the_excess_back(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    (allowances,) = await stage.allot((plant, 1000))
    lot = await stage.ccer(plant, 100)
    await stage.pledge(plant, *whole([lot]))
    await stage.pledge(plant, AskedLot(allowances.book, quantity_t=900))
    await stage.owe(plant, 800)
    _, (own,) = await stage.close()
    assert figures(own) == (80, 720, 200, 0)
    assert await stage.held(plant) == {CCER: 20, allowances.book: 280}


async def test_never_more_is_surrendered_than_is_owed(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    old, new = [(await stage.allot((plant, 600), year=stage.year - gap))[0] for gap in (1, 0)]
    await stage.pledge(plant, *whole([new]))
    await stage.pledge(plant, AskedLot(old.book, quantity_t=400))
    await stage.owe(plant, 700)
    _, (own,) = await stage.close()
    assert figures(own) == (0, 700, 300, 0)
    kept = {one.lot.book: one.serials.quantity for one in own.units}
    assert kept == {old.book: 400, new.book: 300}, "the older allowances are surrendered first"


async def test_the_year_is_not_closed_before_the_surrender_is_due(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 10)
    with pytest.raises(registry.RulesNotAdopted):
        await stage.close()
    tomorrow = clock.today() + dt.timedelta(days=1)
    await stage.adopt(surrender_by=tomorrow)
    with pytest.raises(surrender.TooEarlyToClose):
        await stage.close()
    with clock.travel(clock.now() + dt.timedelta(days=1)):
        await stage.close()
        with pytest.raises(registry.YearClosed):
            await stage.close()
    with pytest.raises(registry.YearClosed):
        await stage.adopt()


async def test_a_close_is_about_the_rules_that_both_people_saw(stage: Stage) -> None:
    await stage.adopt()
    first, second = await stage.people()
    async with stage.db.transaction() as session:
        act = await surrender.propose_close(
            session, market=MARKET, compliance_year=stage.year, proposed_by=first
        )
    await stage.adopt(pools={"late": 1})
    with pytest.raises(registry.RevisedMeanwhile):
        async with stage.db.transaction() as session:
            await surrender.approve_close(
                session, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
            )


async def test_a_cap_that_falls_after_the_close_leaves_the_excess_cancelled_and_uncounted(
    stage: Stage,
) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    (allowances,) = await stage.allot((plant, 900))
    lot = await stage.ccer(plant, 100)
    await stage.pledge(plant, *whole([lot, allowances]))
    await stage.close()
    before = await stage.held(plant)

    _, fallen = await stage.owe(plant, 900)
    assert (fallen.cap_t, fallen.counted_offset_t, fallen.excess_t, fallen.claim_t) == (90, 90, 10, 0)
    assert (fallen.overpaid_t, fallen.shortfall_t) == (90, 0)
    _, risen = await stage.owe(plant, 1200)
    assert (risen.cap_t, risen.counted_offset_t, risen.excess_t, risen.claim_t) == (120, 100, 0, 20)
    assert (risen.overpaid_t, risen.shortfall_t) == (0, 200)
    assert await stage.held(plant) == before
    async with stage.db.transaction() as session:
        (own,) = await surrender.surrenders(session, accounts=[plant])
    assert [one.obligation_revision for one in own.recounts] == [2, 3]
    assert figures(own) == (100, 900, 0, 0)


async def test_what_was_surrendered_never_moves_again(stage: Stage, db: Database) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 100)
    await stage.pledge(plant, *whole([lot]))
    _, (own,) = await stage.close()
    code = surrender.surrendered_code(CCER, plant.organisation, stage.year)
    assert {one.serials for one in own.units} == {lot.serials}
    async with db.transaction() as session:
        assert await ledger.serials_of(session, account=code) == (lot.serials,)
        back = registry.entity_code(CCER, plant.organisation)
        opened = await ledger.open_accounts(session, map(ledger.AccountSpec, (code, back)))
    for reason in ("unit.released", "unit.surrendered", "sale.offered", "credit.cancelled"):
        line = ledger.SerialLine(opened[code], opened[back], 100, reason)
        posting = ledger.SerialPosting(plant.id, clock.now(), (line,))
        with pytest.raises(ledger.TransferNotAllowed):
            async with db.transaction() as session:
                await ledger.post_serials(session, [posting])


async def test_offsets_are_applied_for_in_time_and_allowances_until_the_close(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    yesterday = clock.today() - dt.timedelta(days=1)
    await stage.adopt(apply_by=yesterday)
    (allowances,) = await stage.allot((plant, 10))
    lot = await stage.ccer(plant, 10)
    done = await stage.pledge(plant, *whole([lot, allowances]), accept_partial=True)
    assert lines(done) == [("CCER", 0, 10, ["application-closed"]), ("GDEA", 10, 0, [])]
    with clock.travel(clock.now() - dt.timedelta(days=1)):
        assert (await stage.pledge(plant, *whole([lot]))).pledged_t == 10


async def test_allowances_of_a_later_year_are_refused(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    (late,) = await stage.allot((plant, 10), year=stage.year + 1)
    done = await stage.pledge(plant, *whole([late]))
    assert lines(done) == [("GDEA", 0, 10, ["allowance-of-a-later-year"])]


async def test_a_release_may_not_take_away_what_the_local_share_rests_on(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    local = await stage.ccer(plant, 70)
    other = await stage.ccer(plant, 30, project_region="CN-YN")
    at_first = await stage.pledge(plant, *whole([other]))
    assert lines(at_first) == [("CCER", 0, 30, ["ccer-local-share"])]
    carried = await stage.pledge(plant, *whole([local]))
    rest = await stage.pledge(plant, *whole([other]))
    with pytest.raises(surrender.ReleaseBreaksRules):
        await stage.release(plant, carried.pledge_id)
    await stage.release(plant, rest.pledge_id)
    await stage.release(plant, carried.pledge_id)
    assert await stage.held(plant) == {CCER: 100}


async def test_reductions_inside_the_holders_own_boundary_are_refused_to_it_alone(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 5, boundary_of=[plant.organisation])
    done = await stage.pledge(plant, *whole([lot]))
    assert lines(done) == [("CCER", 0, 5, ["own-boundary"])]
    assert done.lines[0].reasons[0].source


async def test_an_edition_whose_rate_nobody_states_refuses_credits_and_takes_allowances(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt(edition="annual-2021")
    (allowances,) = await stage.allot((plant, 10))
    lot = await stage.ccer(plant, 5)
    with pytest.raises(rules.ParameterUnset):
        await stage.pledge(plant, *whole([lot]))
    assert (await stage.pledge(plant, *whole([allowances]))).pledged_t == 10
    _, (own,) = await stage.close()
    assert (own.cap_t, figures(own)) == (None, (0, 10, 0, 990))


async def test_every_step_of_the_year_is_in_the_log(stage: Stage, db: Database) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 100)
    done = await stage.pledge(plant, *whole([lot]))
    await stage.close()
    async with db.transaction() as session:
        entries = await log.entries(session, low=0, high=await log.size(session))
    said = [(one.kind, one.body) for one in entries if plant.organisation in str(one.body)]
    kinds = [kind for kind, _ in said]
    for kind in (
        "registry.account_opened",
        "obligation.fixed",
        "credit.registered",
        "unit.pledged",
        "unit.surrendered",
    ):
        assert kind in kinds
    body = dict(said)["unit.surrendered"]
    assert body["lots"] == [{"book": CCER, "unit": "CCER", "serials": [[lot.serials.low, lot.serials.high]]}]
    assert (body["cap_t"], body["offset_t"], body["shortfall_t"]) == (100, 100, 900)
    assert done.decision.adoption.pack_sha256 == body["pack_sha256"]
