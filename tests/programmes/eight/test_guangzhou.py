"""A month of Guangzhou's carbon inclusion on its demo overlay, through the partners' and the citizens' HTTP; totals by hand.

Every figure that the overlay sets is written out beside the sum, so that a changed one shows.
"""

from __future__ import annotations

import datetime as dt

from backend import methodologies
from backend.identity import Role
from backend.kit import clock
from tests.programmes.eight.town import LIBRARY, Event, Someone, Town


async def test_a_month_of_guangzhou_feeds_the_credit_pool(town: Town) -> None:
    code, demo = "gz-carbon-inclusion", ["gz-carbon-inclusion-demo"]
    await town.run(code)
    two = [await town.hire(Role.AUTHORITY, "authority") for _ in range(2)]
    async with town.db.transaction() as session:
        act = await methodologies.propose_filing(
            session,
            pack=LIBRARY.find("gz-metro-trip"),
            region="CN-GD-GZ",
            valid_from=dt.date(2020, 1, 1),
            proposed_by=two[0].id,
        )
    async with town.db.transaction() as session:
        await methodologies.approve_filing(
            session, act_id=act.id, approved_by=two[1].id, subject_sha256=act.subject_sha256
        )
    trips, savings = await town.feed("gz-trips", overlays=demo), await town.feed("gz-savings", overlays=demo)
    ann, bo = await town.citizen("gz-trips", right=True), await town.citizen("gz-trips", "gz-savings")

    def trip(who: Someone, kind: str, day: int, hour: int, **more: object) -> Event:
        return {"kind": kind, "card": who.cards[trips], "at": town.when(day, hour)} | more

    def moves(day: int) -> list[Event]:
        found = [trip(bo, "bike", day, 7, distance_m=3_000), trip(bo, "metro", day, 19)] if day <= 20 else []
        if day <= 20:
            found += [trip(ann, "metro", day, 8), trip(ann, "metro", day, 18)]
        return found + ([trip(ann, "bus", day, 12)] if day % 3 == 0 else [])

    def saved(day: int) -> list[Event]:
        mine: Event = {"meter": bo.cards[savings], "at": town.when(day, 1)}
        until = {"until": town.when(day, 2), "factor_year": 2023}
        found: list[Event] = [dict(mine, kind="no_drive", days=1)] if day in (5, 12, 19, 26) else []
        if day == 30:
            found += [
                dict(mine, kind="water", saved="2.5"),
                dict(mine, kind="gas", saved="3"),
                dict(mine, kind="electricity", saved="10.5", **until),
            ]
        return found

    await town.month(trips, moves)
    await town.month(savings, saved)
    with clock.travel(town.at(30, 23, 30)):
        # a tenth of a carbon coin for each gram, floored by act: metro 515 g, bus 100 g
        assert await ann.spendable(code) == 40 * 51 + 10 * 10 == 2_140
        # bike 150 g, metro 515 g; less driving 3,000 g; 1,250 g water, 6,000 g gas, 10.5 kWh × 441.9 g
        electricity = 4_639
        assert await bo.spendable(code) == 20 * 15 + 20 * 51 + 4 * 300 + 125 + 600 + electricity // 10
        # only what a filed method counted of somebody who assigned the right is pooled
        others = 10 * 100 + 20 * 150 + 20 * 515 + 4 * 3_000 + 1_250 + 6_000 + electricity
        assert await town.grams_of(code) == (40 * 515, others)
        await ann.takes(code, "coupon", "cash-voucher", "cash-voucher")  # 100 and 200
        assert await ann.spendable(code) == 2_140 - 100 - 2 * 200
        await town.passes_the_audit()
