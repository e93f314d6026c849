"""Twelve days of Ant Forest on its demo overlay: energy ripens, is collected or lapses, and becomes a tree; totals by hand.

A unit of energy is a gram. It appears the day after and is gone after 72 hours.
"""

from __future__ import annotations

from backend import programmes
from backend.identity import Role
from backend.kit import clock, ids
from backend.programmes import pending, wallets
from tests.programmes.eight.town import Event, Someone, Town

CODE, DAYS = "ant-forest", 12


async def collect(town: Town, who: Someone) -> int:
    """Collect whatever is ripe."""
    async with town.db.transaction() as session:
        running = await programmes.programme_of(session, code=CODE)
        moved = await pending.collect(
            session, programme=running, participant_id=who.id, posting_id=ids.uuid7()
        )
    return moved.points


async def test_twelve_days_of_ant_forest(town: Town) -> None:
    await town.run(CODE)
    feed = await town.feed("af-app", overlays=["ant-forest-demo"])
    ann, bo = [await town.citizen("af-app") for _ in range(2)]

    def act(who: Someone, kind: str, day: int, minute: int, **more: object) -> Event:
        return {"kind": kind, "account": who.cards[feed], "at": town.when(day, 8, minute)} | more

    def did(day: int) -> list[Event]:
        found = [act(ann, "walk", day, 0, energy_g=350), act(bo, "walk", day, 0, energy_g=200)]
        found += [act(ann, "bus", day, minute) for minute in (1, 2)]
        found += [act(ann, "metro", day, minute) for minute in range(3, 9)]
        found += [act(bo, "bike", day, 9)]
        if day <= 11:
            found.append(act(ann, "bill", day, 10, amount_fen=100, bill_account=f"house {day}"))
        if day == 3:
            found += [act(ann, "offline_payment", day, minute, amount_fen=100) for minute in range(20, 32)]
            found.append(act(ann, "offline_payment", day, 40, amount_fen=99))
        return found

    gathered = {"ann": 0, "bo": 0}
    for day in range(1, DAYS + 2):
        with clock.travel(town.at(day, 1)):  # the night's work
            await wallets.expire_all(town.db)
        if day in (4, 7, 10, 13):  # every third day nothing is lost
            with clock.travel(town.at(day, 7)):
                gathered["ann"] += await collect(town, ann)
        if day == 13:
            with clock.travel(town.at(day, 8)):
                gathered["bo"] += await collect(town, bo)
        if day <= DAYS:
            with clock.travel(town.at(day, 22)):
                await town.send(feed, did(day))
    # walking up to 296 a day, 80 a bus, 52 for five metro trips of six, 262 for ten bills of eleven, 5 for ten payments of 13
    earned = DAYS * (296 + 2 * 80 + 5 * 52) + 10 * 262 + 10 * 5
    assert gathered["ann"] == earned == 11_262
    # 200 walked and 20 cycled a day; only what ripened on the last three days is still there
    assert gathered["bo"] == 3 * 220
    with clock.travel(town.at(13, 9)):
        figures = await town.figures_of(CODE)
        assert figures.issued == earned + DAYS * 220
        assert (figures.expired, figures.pending) == (9 * 220, 0)
        await ann.takes(CODE, "prop")  # 100
        tree = await ann.post(f"/programmes/{CODE}/trees", {"reward": "tree"})  # 1000
        assert tree["real"]
        assert await ann.spendable(CODE) == earned - 1_100
        # the foundation plants it, and the certificate has its number
        clerk, planter = [
            await town.at_work(role, code)
            for role, code in ((Role.OPERATOR, "af-operator"), (Role.PARTNER, "af-planter"))
        ]
        trees = f"/programmes/{CODE}/trees"
        await town.does(clerk, f"{trees}/batches", {"partner": "af-planter"})
        told = {"reference": "AL-1", "place": "阿拉善", "planted_on": str(town.day(13))}
        await town.does(planter, f"{trees}/{tree['id']}/planted", told)
        (mine,) = (await ann.get(trees))["items"]
        assert (mine["state"], mine["real"]) == ("planted", True)
        assert mine["certificate"]
        await town.passes_the_audit()
