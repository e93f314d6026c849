"""A month of Nanjing's green travel on its demo overlay, through the partners' and the citizens' HTTP; totals by hand.

Every figure that the overlay sets is written out beside the sum, so that a changed one shows.
"""

from __future__ import annotations

from backend.identity import Role
from backend.kit import clock
from tests.programmes.eight.town import WEEKENDS, Event, Someone, Town


async def test_a_month_of_nanjings_green_travel_has_points_and_no_grams(town: Town) -> None:
    code = "nj-green-travel"
    await town.run(code)
    trips, days = (
        await town.feed("nj-trips"),
        await town.feed("nj-days"),
    )  # no figure of these needs an overlay
    ann, bo = [await town.citizen("nj-trips", "nj-days", right=True) for _ in range(2)]

    def trip(who: Someone, kind: str, day: int, hour: int) -> Event:
        return {"kind": kind, "card": who.cards[trips], "at": town.when(day, hour)}

    def moves(day: int) -> list[Event]:
        found = [trip(bo, "bike", day, 8), trip(bo, "bike", day, 18), trip(bo, "bus", day, 12)]
        return found + ([trip(ann, "metro", day, 8), trip(ann, "metro", day, 18)] if day <= 20 else [])

    def steps(who: Someone, day: int, count: int) -> Event:
        return {
            "kind": "steps",
            "account": who.cards[days],
            "day_at": town.when(day, 22),
            "steps": count,
        }

    def no_drive(who: Someone, day: int) -> Event:
        return {"kind": "no_drive", "account": who.cards[days], "day_at": town.when(day, 22)}

    def by_day(day: int) -> list[Event]:
        walked = 4_999 if day <= 10 else 5_000 if day <= 20 else 10_000
        found = [steps(ann, day, walked), steps(bo, day, 12_000), no_drive(bo, day)]
        return found + ([no_drive(ann, day)] if day in WEEKENDS else [])

    await town.month(trips, moves)
    await town.month(days, by_day)
    with clock.travel(town.at(30, 23, 30)):
        # 1 a trip, 2 a no-drive day; of steps the highest tier: 0 for 4,999, 1 for 5,000, 2 for 10,000
        assert await ann.spendable(code) == 40 * 1 + 8 * 2 + 10 * 0 + 10 * 1 + 10 * 2 == 86
        assert await bo.spendable(code) == 90 * 1 + 30 * 2 + 30 * 2 == 210
        assert await town.grams_of(code) == (0, 0)
        # a second, other record of the same day is no second day: it is kept for somebody to decide
        again = await town.answered(days, [steps(ann, 30, 20_000)])
        assert [one["outcome"] for one in again.json()["events"]] == ["conflict"]
        assert await ann.spendable(code) == 86
        # 10 points a leaf (the overlay's), 4 leaves a tree, 4 trees a forest
        await town.follow()
        assert await counts(ann, code) == {"leaf": 8, "tree": 2, "forest": 0}
        assert await counts(bo, code) == {"leaf": 21, "tree": 5, "forest": 1}
        # a tree that grows on screen for 40, and one that a partner really plants for 60
        screen = await ann.post(f"/programmes/{code}/trees", {"reward": "plant-online"})
        real = await bo.post(f"/programmes/{code}/trees", {"reward": "adopt-tree"})
        assert (screen["real"], screen["state"]) == (False, "planted")
        assert (await ann.spendable(code), await bo.spendable(code)) == (46, 150)
        trees = f"/programmes/{code}/trees"
        clerk = await town.at_work(Role.OPERATOR, "nj-operator")
        await town.does(clerk, f"{trees}/batches", {"partner": "nj-planter"})
        gardener = await town.at_work(Role.PARTNER, "nj-planter")
        told = {"reference": "NJ-1", "place": "玄武区", "planted_on": str(town.day(30))}
        told |= {"stands_until": str(town.day(395))}
        await town.does(gardener, f"{trees}/{real['id']}/planted", told)
        (mine,) = (await bo.get(trees))["items"]
        assert (mine["state"], mine["real"]) == ("planted", True)
        assert await counts(bo, code) == {"leaf": 21, "tree": 5, "forest": 1}  # spending fells no forest
        await town.passes_the_audit()


async def counts(who: Someone, code: str) -> dict[str, int]:
    """How many of each level somebody has."""
    told = await who.get(f"/programmes/{code}/levels")
    return {level["id"]: level["count"] for level in told["levels"]}
