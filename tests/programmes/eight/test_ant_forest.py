"""A month of Ant Forest on its demo overlay: energy ripens, is collected, taken by a friend or lapses, and becomes a tree.
Totals by hand, from what its pack's examples say of one act.

A unit of energy is a gram. It appears the day after and is gone after 72 hours, so that whoever collects every third day
loses nothing. The partner sends every third evening, and every evening where days are told apart.
"""

from __future__ import annotations

from typing import Any

from backend.identity import Role
from backend.kit import clock
from backend.programmes import wallets
from tests.programmes.eight.town import Event, Someone, Town

CODE, DAYS = "ant-forest", 30
# Evenings on which the partner sends. Energy ripens on the day after it came, so acts sent together ripen together.
SENT = (1, *range(3, 26, 3), *range(26, DAYS + 1))
ERRANDS = ("train", "show", "doctor", "etc", "invoice", "online_payment")
HERE = f"/programmes/{CODE}"


async def collect(who: Someone, path: str = "") -> int:
    """Collect whatever is ripe, one's own or a friend's."""
    return int((await who.post(f"{HERE}{path}/collect", {}, status=200))["points"])


async def befriend(one: Someone, other: Someone) -> str:
    """Both agree to be shown, and become friends; the handle of the other."""
    await one.agrees(CODE, "安安")
    handle = await other.agrees(CODE, "小波")
    code = (await one.post(f"{HERE}/friends/invitations"))["code"]
    await other.post(f"{HERE}/friends", {"code": code})
    return handle


async def planted(town: Town, who: Someone) -> dict[str, Any]:
    """A tree for energy, which the foundation then really plants."""
    ordered = await who.post(f"{HERE}/trees", {"reward": "tree"})
    clerk = await town.at_work(Role.OPERATOR, "af-operator")
    planter = await town.at_work(Role.PARTNER, "af-planter")
    await town.does(clerk, f"{HERE}/trees/batches", {"partner": "af-planter"})
    told = {"reference": "AL-1", "place": "阿拉善", "planted_on": str(town.day(DAYS + 1))}
    await town.does(planter, f"{HERE}/trees/{ordered['id']}/planted", told)
    found: dict[str, Any] = await who.get(f"{HERE}/trees/{ordered['id']}")
    return found


def did(town: Town, feed: str, ann: Someone, bo: Someone, day: int) -> list[Event]:
    """What the two did on a day."""

    def act(who: Someone, kind: str, minute: int, **more: object) -> Event:
        return {"kind": kind, "account": who.cards[feed], "at": town.when(day, 8, minute)} | more

    found = [act(ann, "walk", 0, energy_g=350), act(bo, "walk", 0, energy_g=200), act(bo, "bike", 9)]
    found += [act(ann, "bus", minute) for minute in (1, 2)]
    found += [act(ann, "metro", minute) for minute in range(3, 9)]
    if day <= 11:
        found.append(act(ann, "bill", 10, amount_fen=100, bill_account=f"house {day}"))
    if day == 3:
        found += [act(ann, "offline_payment", minute, amount_fen=100) for minute in range(20, 32)]
        found.append(act(ann, "offline_payment", 40, amount_fen=99))
    if day == 20:
        found += [act(ann, kind, minute) for minute, kind in enumerate(ERRANDS, start=20)]
    return found


async def take(who: Someone, handle: str) -> int:
    """Collect of a friend's energy what one may, which is a fifth of each day's 220: within 50 of a day, 200 in a day."""
    ripe = await who.get(f"{HERE}/friends/{handle}/pending")
    assert [(lot["points"], lot["may_take"]) for lot in ripe["lots"]] == [(220, 44)] * 3
    taken = await collect(who, f"/friends/{handle}")
    again = await who.refused(f"{HERE}/friends/{handle}/collect", {})
    assert again["code"].startswith("collecting.")
    return taken


async def test_a_month_of_ant_forest(town: Town) -> None:
    await town.run(CODE)
    feed = await town.feed("af-app", overlays=["ant-forest-demo"])
    ann, bo = [await town.citizen("af-app") for _ in range(2)]
    handle = await befriend(ann, bo)

    own = taken = told = 0
    for day in [sent + 1 for sent in SENT]:
        with clock.travel(town.at(day - 1, 22)):
            acts = [act for past in range(told + 1, day) for act in did(town, feed, ann, bo, past)]
            await town.send(feed, acts)
            told = day - 1
        with clock.travel(town.at(day, 1)):  # the night's work
            await wallets.expire_all(town.db)
        with clock.travel(town.at(day, 7)):
            if day == 2:
                (lot,) = await bo.get(f"{HERE}/pending")  # yesterday's energy
                assert (lot["points"], lot["ripe"], lot["collect_until"]) == (220, True, str(town.day(4)))
            if day % 3 == 1:  # every third day, to the morning after the month, nothing is lost
                own += await collect(ann)
            if day == DAYS:  # of Bo's, what ripened on the 28th, 29th and 30th is there
                taken += await take(ann, handle)
    # walking up to 296 a day, 80 a bus, 52 for five metro trips of six, 262 for ten bills of eleven, 5 for ten payments of 13
    earned = DAYS * (296 + 2 * 80 + 5 * 52) + 10 * 262 + 10 * 5
    earned += 136 + 180 + 277 + 23 + 5 + 2  # a train, a film, a doctor, ETC, an invoice, a payment online
    assert own == earned == 24_773
    assert taken == 3 * 44
    with clock.travel(town.at(DAYS + 1, 9)):
        # 200 walked and 20 cycled a day: the last day's is whole, of the two before a fifth is gone, the rest lapsed
        assert await collect(bo) == await bo.spendable(CODE) == 220 + 2 * (220 - 44)
        figures = await town.figures_of(CODE)
        assert figures.issued == earned + DAYS * 220
        assert (figures.expired, figures.pending) == ((DAYS - 4) * 220 + 176, 0)
        await ann.takes(CODE, "prop")  # 100
        tree = await planted(town, ann)  # 1000
        assert (tree["state"], tree["real"]) == ("planted", True)
        assert tree["certificate"]
        assert await ann.spendable(CODE) == earned + taken - 1_100
        await town.passes_the_audit()
