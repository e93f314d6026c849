"""The bare packs refuse what the table leaves unpublished, with pack and parameter, and store nothing."""

from __future__ import annotations

from sqlalchemy import text

from tests.programmes.eight.town import EIGHT, Event, Town

KM: dict[str, object] = {"distance_m": 5_000}
DAY: dict[str, object] = {"steps": 8_000}

# programme, feed, an event beside who and when, and what is refused first: a feed is opened with all of its behaviours
BEHAVIOURS: list[tuple[str, str, dict[str, object], str]] = [
    ("sz-carbon-account", "sz-account-trips", {"kind": "metro", "distance_m": 5_000}, "earn.metro.points"),
    ("sz-carbon-account", "sz-account-machines", {"kind": "recycling"}, "earn.recycling.points"),
    ("wh-carbon-pack", "wh-bikes", KM, "earn.public-bike.points"),
    ("wh-carbon-pack", "wh-walks", DAY, "earn.walking.points"),
    ("gz-carbon-inclusion", "gz-trips", {"kind": "bus"}, "earn.bus.points"),
    ("gz-carbon-inclusion", "gz-savings", {"kind": "water", "saved": "1"}, "earn.water.points"),
    ("bj-no-drive-days", "bj-no-drive", {"days": 1, "displacement_ml": 1_600}, "earn.no-drive.tiers.0.at_least"),
    ("fz-carbon-inclusion", "fz-app", {"kind": "walk", "steps": 8_000}, "earn.walking.points"),
    ("hd-carbon-coin", "hd-parks", {"kind": "travel"}, "earn.low-carbon-travel.points"),
]  # fmt: skip
METHODS: list[tuple[str, str, dict[str, object], str]] = [
    ("sz-carbon-account", "sz-account-machines", {"kind": "recycling"}, "sz-recycling-act"),
    ("wh-carbon-pack", "wh-bikes", KM, "wh-carbon-pack-bike"),
    ("wh-carbon-pack", "wh-walks", DAY, "wh-carbon-pack-walking"),
    ("gz-carbon-inclusion", "gz-trips", {"kind": "bus"}, "gz-bus-trip"),
    ("bj-no-drive-days", "bj-no-drive", {"days": 1, "displacement_ml": 1_600}, "bj-no-drive-day"),
    ("ant-forest", "af-app", {"kind": "online_payment"}, "af-online-payment"),
    ("ant-forest", "af-app", {"kind": "bike"}, "af-cycling"),
    ("fz-carbon-inclusion", "fz-app", {"kind": "payment"}, "fz-online-payment"),
    ("hd-carbon-coin", "hd-parks", {"kind": "waste"}, "hd-waste-sorting"),
]


async def refused(town: Town, feed: str, source: str, said: dict[str, object]) -> tuple[str, str, str]:
    """The code, pack and parameter of the refusal of a batch with this one event; nothing of it is stored."""
    who = await town.citizen(feed)
    at = town.at(1).replace(year=town.first.year - 1).isoformat()
    card = who.cards[feed]
    event: Event = {"account": card, "card": card, "meter": card, "at": at, "day_at": at} | said
    answer = await town.answered(source, [event])
    assert answer.status_code >= 400, answer.text
    problem = answer.json()
    async with town.db.transaction() as session:
        assert (await session.execute(text("SELECT count(*) FROM action"))).scalar_one() == 0
    return problem["code"], problem["pack"], problem["parameter"]


async def test_what_a_behaviour_earns_is_not_guessed(town: Town) -> None:
    for programme, feed, said, parameter in BEHAVIOURS:
        await town.run(programme, overlay=False)
        source = await town.feed(
            feed, overlays=[f"{programme}-demo"], code=f"{feed}-1"
        )  # grams, and no points
        found = await refused(town, feed, source, said)
        assert found == ("packs.unknown_parameter", programme, parameter)


async def test_how_a_behaviour_is_computed_is_not_guessed(town: Town) -> None:
    for programme, feed, said, method in METHODS:
        await town.run(programme)
        source = await town.feed(feed, code=f"{feed}-2")  # as its mapping says: without an overlay
        found = await refused(town, feed, source, said)
        assert found == ("packs.unknown_parameter", method, "net_factor")


async def test_what_a_reward_costs_is_not_guessed(town: Town) -> None:
    who = await town.citizen()
    for programme in EIGHT:
        await town.run(programme, overlay=False)
        for told in await who.get(f"/programmes/{programme}/rewards"):
            assert told["price_points"] is None
            if told["kind"] in {"lottery", "event"}:
                continue  # had elsewhere, once somebody opens one
            trees = told["kind"] in {"planting", "adoption"}
            path = f"/programmes/{programme}/" + ("trees" if trees else f"rewards/{told['id']}")
            problem = await who.refused(path, {"reward": told["id"]} if trees else None)
            assert problem["code"] == "packs.unknown_parameter"
            assert (problem["pack"], problem["parameter"]) == (programme, f"reward.{told['id']}.price")


async def test_neither_a_ladder_nor_a_task_is_guessed(town: Town) -> None:
    who = await town.citizen()
    for programme, path, parameter in (
        ("nj-green-travel", "levels", "level.leaf.count"),
        ("sz-carbon-account", "tasks", "task.low-carbon-task.count"),
    ):
        await town.run(programme, overlay=False)
        answer = await (await who.app()).get(f"/programmes/{programme}/{path}")
        problem = answer.json()
        assert (problem["code"], problem["parameter"]) == ("packs.unknown_parameter", parameter)
