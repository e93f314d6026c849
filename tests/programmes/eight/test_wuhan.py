"""A month of Wuhan's carbon pack on its demo overlay, through the partners' and the citizens' HTTP; totals by hand.

Every figure that the overlay sets is written out beside the sum, so that a changed one shows.
"""

from __future__ import annotations

from backend.identity import Role
from backend.kit import clock
from tests.programmes.eight.town import Event, Someone, Town


async def test_a_month_of_wuhans_carbon_pack(town: Town) -> None:
    code, demo = "wh-carbon-pack", ["wh-carbon-pack-demo"]
    await town.run(code)
    bikes, walks = await town.feed("wh-bikes", overlays=demo), await town.feed("wh-walks", overlays=demo)
    ann, bo = [await town.citizen("wh-bikes", "wh-walks") for _ in range(2)]

    def rides(day: int) -> list[Event]:
        if day > 20:
            return []
        return [{"account": ann.cards[bikes], "at": town.when(day, 8), "distance_m": 2_500}]

    def walked(day: int) -> list[Event]:
        return [
            {"account": who.cards[walks], "day_at": town.when(day, 22), "steps": count}
            for who, count in ((ann, 3_000), (bo, 8_000))
        ]

    await town.month(bikes, rides)
    await town.month(walks, walked)
    with clock.travel(town.at(30, 23, 30)):
        assert await ann.spendable(code) == 20 * 3 + 30 * 2 == 120  # 3 a ride, 2 for a day's walking
        assert await bo.spendable(code) == 30 * 2 == 60
        assert await town.grams_of(code) == (0, 20 * 100 + 30 * 30 + 30 * 80)  # 40 g/km, 1 g per 100 steps
        await ann.takes(code, "gift", "special-price")  # 20 and 10
        await bo.takes(code, "gift", "gift", "gift")
        assert (await ann.spendable(code), await bo.spendable(code)) == (90, 0)
        await meet(town, code, ann)  # 5
        assert await ann.spendable(code) == 85
        problem = await bo.refused(f"/programmes/{code}/rewards/special-price")
        assert problem["code"] == "ledger.insufficient_balance"
        await town.passes_the_audit()


async def meet(town: Town, code: str, who: Someone) -> None:
    """An offline event of the next minutes: signed up for with points, and come to by the code at its door."""
    clerk = await town.at_work(Role.OPERATOR, "wh-operator")
    events = f"/programmes/{code}/events"
    said = {
        "title_zh": "东湖骑行",
        "title_en": "A ride around the lake",
        "place": "东湖",
        "reward": "offline-event",
    }
    times = {"starts_at": town.when(30, 23, 40), "ends_at": town.when(31, 1)}
    made = await town.does(clerk, events, said | times)
    await who.post(f"{events}/{made['id']}/sign-up")
    door = await clerk.get(f"{events}/{made['id']}/code")
    assert door.status_code == 200, door.text
    await who.post(f"{events}/{made['id']}/check-in", {"code": door.json()["code"]}, status=200)
