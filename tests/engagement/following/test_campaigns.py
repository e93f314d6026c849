"""Campaigns: more for the acts of a time, out of a budget that holds to the point."""

from __future__ import annotations

import asyncio
from uuid import UUID

from backend.engagement import followers
from backend.kit.db import Database
from tests.engagement.following.conftest import Run, campaign, sound, switches, value, withdraw
from tests.intake.test_pipeline import City, ride

ON = switches("campaigns")
RIDE = 48


async def grants(city: City, campaign_id: str) -> list[tuple[object, ...]]:
    """What each act was due and given, in the order of the acts."""
    return await value(
        city,
        """SELECT g.wanted, g.points FROM campaign_grant g JOIN action a USING (claim_key)
           WHERE g.campaign = :campaign ORDER BY a.happened_at, a.claim_key""",
        campaign=campaign_id,
    )


async def test_a_budget_ends_in_the_middle_of_a_batch_to_the_point(city: City, run: Run) -> None:
    await run(ON, campaign("middle", first="2026-10-12", last="2026-10-13", multiplier="1.5", budget="60"))
    people = [await city.rider(f"middle-{n}") for n in range(4)]
    await city.ingest([ride(f"middle-{n}", n * 30) for n in (3, 1, 2, 0)])
    await followers.follow(city.db)
    assert await grants(city, "middle") == [(24, 24), (24, 24), (24, 12), (24, 0)]
    assert [await city.points(who) for who in people] == [72, 72, 60, 48]
    await sound(city)
    await withdraw(city, people[0], day="2026-10-12")
    await followers.follow(city.db)
    assert [await city.points(who) for who in people] == [0, 72, 60, 48]
    await city.ingest([ride("middle-3", 0, day="2026-10-13"), ride("middle-3", 30, day="2026-10-13")])
    await followers.follow(city.db)
    assert (await grants(city, "middle"))[-2:] == [(24, 24), (24, 0)], "what came back is given again"
    await sound(city)


async def test_acts_outside_the_days_earn_no_more(city: City, run: Run) -> None:
    await run(ON, campaign("days", first="2026-10-12", last="2026-10-13"))
    who = await city.rider("outside")
    await city.ingest(
        [ride("outside", 23 * 60 + 59, day="2026-10-11"), ride("outside", 0, day="2026-10-12"),
         ride("outside", 23 * 60 + 59, day="2026-10-13"), ride("outside", 0, day="2026-10-14")]
    )  # fmt: skip
    await followers.follow(city.db)
    assert await city.points(who) == 6 * RIDE
    await followers.rebuild(city.db, programme="gd-green-travel")
    assert await city.points(who) == 6 * RIDE, "nothing is given twice"


async def test_of_two_followers_at_once_neither_gives_more_than_there_is(
    city: City, run: Run, db: Database
) -> None:
    await run(ON, campaign("race", first="2026-11-02", last="2026-11-02", budget="100"))
    people: list[UUID] = [await city.rider(f"race-{n}") for n in range(3)]
    await city.ingest([ride(f"race-{n}", n, day="2026-11-02") for n in range(3)])
    await asyncio.gather(*(followers.follow(db) for _ in range(3)))
    assert [await city.points(who) for who in people] == [2 * RIDE, 2 * RIDE, RIDE + 4]
    assert await grants(city, "race") == [(48, 48), (48, 48), (48, 4)]
    await sound(city)


async def test_an_unknown_multiplier_or_budget_gives_nothing_until_it_is_set(city: City, run: Run) -> None:
    await run(ON, campaign("later", first="2026-10-12", last="2026-10-12", multiplier="unknown"))
    who = await city.rider("later")
    await city.ingest([ride("later")])
    await followers.follow(city.db)
    assert await city.points(who) == RIDE
    await run(ON, campaign("later", first="2026-10-12", last="2026-10-12", multiplier="2"))
    await followers.follow(city.db)
    assert await city.points(who) == 2 * RIDE
    await sound(city)


async def test_a_switched_off_campaign_still_takes_back_what_belongs_to_withdrawn_acts(
    city: City, run: Run
) -> None:
    await run(ON, campaign("gone", first="2026-10-12", last="2026-10-12"))
    who = await city.rider("gone")
    await city.ingest([ride("gone")])
    await followers.follow(city.db)
    await run(switches("teams"))
    await withdraw(city, who, day="2026-10-12")
    await followers.follow(city.db)
    assert await city.points(who) == 0
