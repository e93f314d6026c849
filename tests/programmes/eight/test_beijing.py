"""A month of Beijing's no-drive days on its demo overlay, through the partners' and the citizens' HTTP; totals by hand.

Every figure that the overlay sets is written out beside the sum, so that a changed one shows.
"""

from __future__ import annotations

from backend.kit import clock
from tests.programmes.eight.town import WEEKENDS, Event, Town


async def test_a_month_of_beijings_no_drive_days_pays_money(town: Town) -> None:
    code, demo = "bj-no-drive-days", ["bj-no-drive-days-demo"]
    await town.run(code)
    feed = await town.feed("bj-no-drive", overlays=demo)
    cars = [(await town.citizen("bj-no-drive"), displacement) for displacement in (1_600, 1_601, 2_501)]

    def stood(day: int) -> list[Event]:
        return [
            {"account": who.cards[feed], "at": town.when(day, 21), "days": 1, "displacement_ml": displacement}
            for who, displacement in cars
            if day in WEEKENDS
        ]  # fmt: skip

    await town.month(feed, stood)
    with clock.travel(town.at(30, 23, 30)):
        paid = [await who.spendable(code) for who, _ in cars]
        assert paid == [8 * 50, 8 * 60, 8 * 70]  # fen: CNY 4.00, 4.80 and 5.60
        assert await town.grams_of(code) == (0, 3 * 8 * 3_000)
        await town.passes_the_audit()
