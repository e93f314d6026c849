"""A month of Beijing's no-drive days on its demo overlay, through the partners' and the citizens' HTTP; totals by hand.

Every figure that the overlay sets is written out beside the sum, so that a changed one shows.
"""

from __future__ import annotations

from backend.identity import Role
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
        waiting = [(await who.get("/benefits"))[0]["amount_fen"] for who, _ in cars]
        assert waiting == [8 * 50, 8 * 60, 8 * 70]  # fen: CNY 4.00, 4.80 and 5.60
        assert [await who.spendable(code) for who, _ in cars] == [0, 0, 0]  # money is no points
        assert await town.grams_of(code) == (0, 3 * 8 * 3_000)
        # two people of the operator let it be paid out
        first, second = [await town.at_work(Role.OPERATOR, "bj-operator", nth=nth) for nth in (1, 2)]
        act = await town.does(first, f"/programmes/{code}/payouts/proposals", {"least_fen": 1})
        approval = f"/programmes/{code}/payouts/proposals/{act['id']}/approval"
        paid = await town.does(second, approval, {"subject_sha256": act["subject_sha256"]}, status=200)
        assert (paid["people"], paid["amount_fen"]) == (3, 1_440)
        assert [(await who.get("/benefits"))[0]["amount_fen"] for who, _ in cars] == [0, 0, 0]
        await town.passes_the_audit()
