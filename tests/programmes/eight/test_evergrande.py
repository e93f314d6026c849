"""A month of Evergrande's carbon coin on its demo overlay, through the partners' and the citizens' HTTP; totals by hand.

Every figure that the overlay sets is written out beside the sum, so that a changed one shows.
"""

from __future__ import annotations

from backend.kit import clock
from tests.programmes.eight.town import WEEKENDS, Event, Someone, Town


async def test_a_month_of_evergrandes_carbon_coin(town: Town) -> None:
    code, demo = "hd-carbon-coin", ["hd-carbon-coin-demo"]
    await town.run(code)
    feed = await town.feed("hd-parks", overlays=demo)
    ann, bo = [await town.citizen("hd-parks") for _ in range(2)]

    def act(who: Someone, kind: str, day: int, hour: int, **more: object) -> Event:
        return {"kind": kind, "account": who.cards[feed], "at": town.when(day, hour)} | more

    def did(day: int) -> list[Event]:
        if day not in WEEKENDS:
            return []
        found = [act(who, "travel", day, 9) for who in (ann, bo)]
        found += [act(ann, "waste", day, hour) for hour in (12, 15)]
        return found + ([act(bo, "purchase", day, 17, pieces=3)] if day in (7, 14) else [])

    await town.month(feed, did)
    with clock.travel(town.at(30, 23, 30)):
        assert await ann.spendable(code) == 8 * 5 + 16 * 2 == 72  # travel 5, waste 2
        assert await bo.spendable(code) == 8 * 5 + 2 * 8 == 56  # green purchase 8 an act
        assert await town.grams_of(code) == (0, 16 * 500 + 16 * 50 + 2 * 3 * 100)
        await ann.takes(code, "exclusive-rental")  # 60
        await bo.takes(code, "privilege")  # 40
        assert (await ann.spendable(code), await bo.spendable(code)) == (12, 16)
        problem = await bo.refused(f"/programmes/{code}/rewards/gift")  # 25
        assert problem["code"] == "ledger.insufficient_balance"
        await town.passes_the_audit()
