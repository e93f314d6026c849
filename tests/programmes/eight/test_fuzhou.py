"""A month of Fuzhou's carbon inclusion on its demo overlay, through the partners' and the citizens' HTTP; totals by hand.

Every figure that the overlay sets is written out beside the sum, so that a changed one shows.
"""

from __future__ import annotations

from backend.kit import clock
from tests.programmes.eight.town import Event, Someone, Town


async def test_a_month_of_fuzhou(town: Town) -> None:
    code, demo = "fz-carbon-inclusion", ["fz-carbon-inclusion-demo"]
    await town.run(code)
    feed = await town.feed("fz-app", overlays=demo)
    ann, bo = [await town.citizen("fz-app") for _ in range(2)]

    def act(who: Someone, kind: str, day: int, hour: int, **more: object) -> Event:
        return {"kind": kind, "account": who.cards[feed], "at": town.when(day, hour)} | more

    def did(day: int) -> list[Event]:
        walked: Event = {
            "kind": "walk", "account": ann.cards[feed], "at": town.when(day, 22), "steps": 6_050
        }  # fmt: skip
        found = [walked, act(bo, "bus", day, 8), act(bo, "payment", day, 12)]
        if day <= 10:
            found.append(act(ann, "bike", day, 9))
        if day in (10, 20, 30):
            found += [
                act(bo, "service", day, 10),
                act(ann, "ticket", day, 10),
                act(ann, "product", day, 16, pieces=2),
            ]
        return found

    await town.month(feed, did)
    with clock.travel(town.at(30, 23, 30)):
        # a day's walking 2, bus 3, cycling 3, payment 1, service 5, ticket 4, green products 6 an act
        assert await ann.spendable(code) == 30 * 2 + 10 * 3 + 3 * 4 + 3 * 6 == 120
        assert await bo.spendable(code) == 30 * 3 + 30 * 1 + 3 * 5 == 135
        grams = 30 * 60 + 30 * 80 + 30 * 5 + 10 * 50 + 3 * 200 + 3 * 10 + 3 * 2 * 100
        assert await town.grams_of(code) == (0, grams)
        await ann.takes(code, "public-service", "discount")  # 30 and 20
        await bo.takes(code, "public-welfare", "public-welfare")  # 10 each
        assert (await ann.spendable(code), await bo.spendable(code)) == (70, 115)
        (cause,) = await ann.get(f"/programmes/{code}/causes")
        assert (cause["gifts"], cause["points"]) == (2, 20)
        await town.passes_the_audit()
