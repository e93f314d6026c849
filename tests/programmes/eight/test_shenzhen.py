"""A month of Shenzhen's carbon account on its demo overlay, through the partners' and the citizens' HTTP; totals by hand.

Every figure that the overlay sets is written out beside the sum, so that a changed one shows.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from backend.engagement import lotteries
from backend.identity import Role
from backend.kit import clock
from tests.programmes.eight.town import WEEKENDS, Event, Someone, Town


async def test_a_month_of_shenzhens_carbon_account(town: Town) -> None:
    code, demo = "sz-carbon-account", ["sz-carbon-account-demo"]
    await town.run(code)
    trips = await town.feed("sz-account-trips", overlays=demo)
    machines = await town.feed("sz-account-machines", overlays=demo)
    ann, bo, cai = [await town.citizen("sz-account-trips", "sz-account-machines") for _ in range(3)]

    def trip(who: Someone, kind: str, day: int, hour: int, km: int) -> Event:
        return {
            "kind": kind, "account": who.cards[trips], "at": town.when(day, hour), "distance_m": km * 1000
        }  # fmt: skip

    def moves(day: int) -> list[Event]:
        found = [trip(bo, "bus", day, 9, 5)]  # 30 days
        if day <= 20:
            found += [trip(ann, "metro", day, 8, 10), trip(ann, "metro", day, 18, 10)]
        if day <= 10:
            found.append(trip(bo, "bike", day, 12, 2))
        if day % 6 == 0:  # 6, 12, 18, 24, 30
            found.append(trip(cai, "car_sharing", day, 15, 20))
        return found

    def given(day: int) -> list[Event]:
        found: list[Event] = []
        if day in (6, 13, 20, 27):
            found.append({"kind": "recycling", "account": ann.cards[machines], "at": town.when(day, 10)})
        if day in WEEKENDS:
            found.append(
                {"kind": "charging", "account": cai.cards[machines], "at": town.when(day, 20), "kwh": "12.5"}
            )  # fmt: skip
        return found

    task = f"/programmes/{code}/tasks/low-carbon-task/accept"  # five acts in a month: 15 points
    with clock.travel(town.at(3, 6)):
        assert (await bo.post(task, status=200))["accepted_on"] == str(town.day(3))
    await town.month(trips, moves)
    await town.month(machines, given)
    with clock.travel(town.at(28, 6)):
        await cai.post(
            task, status=200
        )  # who charges once more, and shares a car once: two acts are not five
    with clock.travel(town.at(30, 23, 30)):
        await town.follow()
        # metro 5 points, recycling 10; bus 3, bicycle 3; shared car 2, charge 4
        assert await ann.spendable(code) == 40 * 5 + 4 * 10 == 240
        assert await bo.spendable(code) == 30 * 3 + 10 * 3 + 15 == 135
        assert await cai.spendable(code) == 5 * 2 + 8 * 4 == 42
        # 467 g per 10 km by metro, 26.9 g/km by electric bus, 50 g/km by bike, 20 g/km by shared car, 100 g recycled, 300 g/kWh
        reductions = 40 * 467 + 30 * 134 + 10 * 100 + 5 * 400 + 4 * 100 + 8 * 3750
        assert await town.grams_of(code) == (0, reductions)
        # emissions are what somebody adds about clothing, housing, travel and food, apart from reductions
        app = await ann.app()
        added = await app.post(
            "/footprint",
            {"category": "travel", "item": "metro-km", "quantity": "22", "happened_on": str(town.day(5))},
        )
        assert added.status_code == 201, added.text
        assert await town.grams_of(code) == (0, reductions)
        await talks(town, code, bo, ann)
        await ann.takes(code, "gift")  # 50
        assert await ann.spendable(code) == 190
    await draws(town, code, [ann, ann, bo], left=[190 - 2 * 20, 135 - 20])
    with clock.travel(town.at(32)):
        await town.passes_the_audit()


async def talks(town: Town, code: str, proud: Someone, other: Someone) -> None:
    """News on the home page; and a task finished that others see once its doer agreed to be shown, and no longer than that."""
    clerk = await town.at_work(Role.OPERATOR, "sz-operator")
    said = {"title_zh": "新任务", "title_en": "A new task", "body_zh": "五次。", "body_en": "Five acts."}
    await town.does(clerk, f"/programmes/{code}/news", said | {"on": str(town.day(30))})
    assert [one["title"] for one in (await other.get(f"/programmes/{code}/news"))["items"]] == ["新任务"]
    feed = f"/programmes/{code}/feed"
    (task,) = await proud.get(f"/programmes/{code}/tasks")
    shared = {"kind": "task", "reference": task["finished_id"], "audience": "programme"}
    assert (await proud.refused(feed, shared))["code"] == "circle.profile_missing"
    await proud.agrees(code, "小波")
    await proud.post(feed, shared)
    await other.agrees(code, "安安")
    (seen,) = (await other.get(feed))["items"]
    assert "小波" in str(seen)
    await (await proud.app()).delete(f"/programmes/{code}/profile")
    assert (await other.get(feed))["items"] == []


async def draws(town: Town, code: str, entering: list[Someone], *, left: list[int]) -> None:
    """A lottery of the next day: two commitments, an entry for each of these, two secrets, and a winner whom anybody can
    find again from what is public.
    """
    secrets = {party: bytes([number]) * 32 for number, party in enumerate(("sz-operator", "sz-authority"))}
    roles = {"sz-operator": Role.OPERATOR, "sz-authority": Role.AUTHORITY}
    with clock.travel(town.at(31, 0, 1)):
        people = {party: await town.at_work(role, party) for party, role in roles.items()}
        asked = {
            "reward": "draw",
            "second_party": "sz-authority",
            "enter_from": town.when(31, 0, 2),
            "enter_until": town.when(31, 12),
            "reveal_until": town.when(31, 23),
        }
        made = await town.does(people["sz-operator"], f"/programmes/{code}/lotteries", asked)
        for party, secret in secrets.items():
            commitment = hashlib.sha256(secret + UUID(made["id"]).bytes).hexdigest()
            path = f"/lotteries/{made['id']}/commitment"
            await town.does(people[party], path, {"commitment": commitment})
    path = f"/programmes/{code}/lotteries/{made['id']}"
    with clock.travel(town.at(31, 9)):
        entries = [await who.post(f"{path}/entries") for who in entering]  # 20 each
        assert [await who.spendable(code) for who in (entering[0], entering[-1])] == left
    with clock.travel(town.at(31, 13)):
        await lotteries.settle_due(town.db)
        people = {party: await town.at_work(role, party) for party, role in roles.items()}
        for party, secret in secrets.items():
            await town.does(people[party], f"/lotteries/{made['id']}/secret", {"secret": secret.hex()})
        told = await entering[0].get(path)
        (won,) = told["winners"]
        assert told["entries"] == len(entries)
        assert won["label"] in {one["label"] for one in entries}
        # the first agreed to be shown and is named; the last agreed no longer
        assert won["name"] == (None if won["label"] == entries[-1]["label"] else "安安")
