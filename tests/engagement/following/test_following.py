"""Acts are followed once, late and withdrawn ones too, and the table can be made again."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from backend.engagement import following
from backend.engagement.following import Touched, service
from tests.concurrency.conftest import Superuser, done_or_waiting
from tests.engagement.following.conftest import CODE, Run, days_of, sound, switches, withdraw
from tests.intake.test_pipeline import City, ride


async def test_days_are_those_of_standing_acts_late_ones_and_withdrawals_included(
    city: City, run: Run
) -> None:
    programme = await run(switches("teams"))
    who = await city.rider("days")
    await city.ingest([ride("days", 0), ride("days", 30), ride("days", 0, day="2026-10-14")])
    await following.follow(city.db)
    one = await days_of(city, programme, who)
    assert [(day, acts) for day, acts, _, _ in one] == [("2026-10-12", 2), ("2026-10-14", 1)]
    assert one[0][2] == 2 * one[1][2]
    assert one[1][3] > 0
    await city.ingest([ride("days", 60, day="2026-10-12"), ride("days", 0, day="2026-10-11")])
    await withdraw(city, who, day="2026-10-14")
    await following.follow(city.db)
    two = await days_of(city, programme, who)
    assert [(day, acts) for day, acts, _, _ in two] == [("2026-10-11", 1), ("2026-10-12", 3)]
    await sound(city)
    await following.rebuild(city.db, programme=CODE)
    assert await days_of(city, programme, who) == two
    await sound(city)


async def test_days_begin_at_midnight_in_shanghai(city: City, run: Run) -> None:
    programme = await run(switches("teams"))
    who = await city.rider("midnight")
    await city.ingest([ride("midnight", 23 * 60 + 59), ride("midnight", 0, day="2026-10-13")])
    await following.follow(city.db)
    assert [day[0] for day in await days_of(city, programme, who)] == ["2026-10-12", "2026-10-13"]


async def test_a_points_claim_brings_waiting_acts_to_their_holder(city: City, run: Run) -> None:
    programme = await run(switches("teams"))
    await city.ingest([ride("stranger")])
    await following.follow(city.db)
    await sound(city)
    assert await days_of(city, programme) == []


async def test_only_programmes_with_something_switched_on_are_followed(city: City, run: Run) -> None:
    programme = await run(switches())
    who = await city.rider("off")
    await city.ingest([ride("off")])
    await following.follow(city.db)
    assert await days_of(city, programme, who) == []
    programme = await run(switches("feed"))
    await following.follow(city.db)
    assert len(await days_of(city, programme, who)) == 1, "what came before it was switched on counts too"
    await run(switches())
    await following.follow(city.db)
    assert await days_of(city, programme, who) == []


async def test_a_follower_that_dies_leaves_everything_to_the_next_run(
    city: City, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    programme = await run(switches("teams"))
    await following.follow(city.db)
    who = await city.rider("killed")
    await city.ingest([ride("killed")])
    told: list[int] = []

    async def dies(_session: object, touched: Touched) -> None:
        told.append(len(touched.participants))
        if len(told) == 1:
            raise KeyboardInterrupt

    monkeypatch.setitem(service.followers, "dies", dies)
    with pytest.raises(KeyboardInterrupt):
        await following.follow(city.db)
    assert await days_of(city, programme, who) == []
    await following.follow(city.db)
    await following.follow(city.db)
    assert (told, len(await days_of(city, programme, who))) == ([1, 1], 1)


async def test_of_two_followers_the_second_waits_and_finds_nothing_left(
    city: City, run: Run, superuser: Superuser
) -> None:
    await run(switches("teams"))
    await following.follow(city.db)
    await city.rider("two")
    await city.ingest([ride("two")])
    async with city.db.transaction() as session:
        await service.step(session)
        second = asyncio.create_task(following.follow(city.db))
        assert await done_or_waiting(second, superuser)
    assert (await second).days == 0


async def test_what_a_running_transaction_may_still_precede_waits_for_it(city: City, run: Run) -> None:
    programme = await run(switches("teams"))
    await following.follow(city.db)
    who = await city.rider("held")
    async with city.db.transaction() as session:
        await session.execute(text("SELECT pg_current_xact_id()"))
        await city.ingest([ride("held")])
        await following.follow(city.db)
        assert await days_of(city, programme, who) == []
        await sound(city)
    await following.follow(city.db)
    assert len(await days_of(city, programme, who)) == 1
