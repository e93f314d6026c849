"""Units are pledged as far as the adopted rules let them be used, tonne by tonne, with a reason for each that is not."""

from __future__ import annotations

import pytest

from backend.ledger import SerialRange
from offset_bridge import registry, surrender
from offset_bridge.surrender import AskedLot
from tests.offset_bridge.stage import MARKET, Stage, lines, whole

GDEA = "guangdong-gdea-{year}"
CCER = "guangdong-ccer"


async def test_allowances_and_credits_are_pledged_and_set_aside(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    (allowances,) = await stage.allot((plant, 950))
    credits_ = await stage.ccer(plant, 80)
    done = await stage.pledge(plant, *whole([credits_, allowances]), accept_partial=True)
    assert lines(done) == [("CCER", 80, 0, []), ("GDEA", 920, 30, ["obligation"])]
    assert done.decision.answer.cap_t == 100
    assert await stage.held(plant) == {GDEA.format(year=stage.year): 30}


async def test_a_tonne_beyond_the_cap_is_refused_with_its_reason_and_nothing_is_pledged(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 101)
    refused = await stage.pledge(plant, *whole([lot]))
    assert refused.pledge_id is None
    assert lines(refused) == [("CCER", 0, 1, ["cap"])]
    assert (await stage.held(plant))[CCER] == 101
    partly = await stage.pledge(plant, *whole([lot]), accept_partial=True)
    assert lines(partly) == [("CCER", 100, 1, ["cap"])]
    assert (await stage.held(plant))[CCER] == 1
    more = await stage.pledge(plant, AskedLot(CCER, quantity_t=1), accept_partial=True)
    assert (more.pledge_id, more.decision.used_offsets_t) == (None, 100)


async def test_nothing_is_pledged_before_the_authority_has_spoken(stage: Stage) -> None:
    plant = await stage.entity()
    (lot,) = await stage.allot((plant, 5))
    with pytest.raises(registry.RulesNotAdopted):
        await stage.pledge(plant, *whole([lot]))
    await stage.adopt()
    with pytest.raises(registry.ObligationUnfixed):
        await stage.pledge(plant, *whole([lot]))


async def test_what_is_not_held_cannot_be_pledged(stage: Stage) -> None:
    plant, other = await stage.entity(), await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    own, foreign = await stage.ccer(plant, 10), await stage.ccer(other, 10)
    for asked in (
        whole([foreign]),
        [AskedLot(CCER, quantity_t=11)],
        [AskedLot("guangdong-nothing", quantity_t=1)],
        [*whole([own]), AskedLot(CCER, serials=(SerialRange(own.serials.low, own.serials.low + 1),))],
    ):
        with pytest.raises(surrender.UnitsNotHeld):
            await stage.pledge(plant, *asked)
    assert (await stage.held(plant))[CCER] == 10


async def test_a_pledge_is_taken_back_as_a_whole_until_the_close(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 100)
    done = await stage.pledge(plant, *whole([lot]))
    released = await stage.release(plant, done.pledge_id)
    assert released.released_at is not None
    assert (await stage.held(plant))[CCER] == 100
    with pytest.raises(surrender.PledgeReleasedAlready):
        await stage.release(plant, done.pledge_id)
    again = await stage.pledge(plant, *whole([lot]))
    assert again.decision.used_t == 0
    await stage.close()
    with pytest.raises(registry.YearClosed):
        await stage.release(plant, again.pledge_id)
    with pytest.raises(registry.YearClosed):
        await stage.pledge(plant, *whole([lot]))


async def test_the_closed_year_keeps_what_is_owed_and_says_what_is_short(stage: Stage) -> None:
    plant, idle = await stage.entity(), await stage.entity()
    await stage.owe(plant, 1000)
    await stage.owe(idle, 50)
    await stage.adopt()
    (allowances,) = await stage.allot((plant, 850))
    lot = await stage.ccer(plant, 100)
    await stage.pledge(plant, *whole([allowances, lot]))
    close, found = await stage.close()
    by_name = {one.organisation: one for one in found}
    own, other = by_name[plant.organisation], by_name[idle.organisation]
    assert (own.offset_t, own.allowance_t, own.shortfall_t, own.returned_t) == (100, 850, 50, 0)
    assert (other.offset_t, other.allowance_t, other.shortfall_t) == (0, 0, 50)
    assert close.market == MARKET
