"""Tasks: rewarded once a period, taken back with the acts, given again when done anew."""

from __future__ import annotations

import datetime as dt

import pytest

from backend.engagement import followers, tasks
from backend.engagement.tasks.periods import span_of, spans_within
from backend.kit import clock
from backend.packs import ParameterUnknown
from backend.programmes import FeatureOff, Registered
from backend.programmes.features import Name, Season
from tests.engagement.following.conftest import SOURCE, Run, sound, switches, task, value, withdraw
from tests.intake.test_pipeline import City, ride

ON = switches("tasks")
SEASON = (
    '\n[[season]]\nid = "autumn"\ntitle_zh = "秋"\ntitle_en = "autumn"\nfirst = 2026-10-13\n'
    f"last = 2026-10-20\n{SOURCE}"
)
RIDE = 48  # points of one ride


async def awarded(city: City, who: object) -> list[tuple[object, ...]]:
    """Points given and taken, in order."""
    return await value(
        city,
        """SELECT cause, points FROM (
               SELECT cause, points, xid, 1 AS n FROM award WHERE participant_id = :who
               UNION ALL SELECT cause, -points, xid, 0 FROM award_taken WHERE participant_id = :who) x
           ORDER BY xid, n, cause, points""",
        who=who,
    )


async def test_a_task_that_a_withdrawn_act_finished_is_undone_and_rewarded_again_when_done_again(
    city: City, run: Run
) -> None:
    await run(ON, task("week", count="2", points="10"))
    who = await city.rider("again")
    await city.ingest([ride("again", 0), ride("again", 30)])
    await followers.follow(city.db)
    await followers.follow(city.db)
    assert await awarded(city, who) == [("task:week", 10)]
    assert await city.points(who) == 2 * RIDE + 10
    await withdraw(city, who, day="2026-10-12")
    await followers.follow(city.db)
    assert await awarded(city, who) == [("task:week", 10), ("task:week", -10)]
    assert await city.points(who) == RIDE
    await sound(city)
    await city.ingest([ride("again", 0, day="2026-10-18")])
    await followers.follow(city.db)
    assert await city.points(who) == 2 * RIDE + 10
    assert await value(
        city, "SELECT number FROM task_finished WHERE participant_id = :who ORDER BY 1", who=who
    ) == [(1,), (2,)]
    await sound(city)


async def test_late_acts_complete_an_earlier_week_and_weeks_end_on_sunday(city: City, run: Run) -> None:
    await run(ON, task("week", count="2", points="10"))
    who = await city.rider("late")
    await city.ingest([ride("late", 0, day="2026-10-18"), ride("late", 0, day="2026-10-19")])
    await followers.follow(city.db)
    assert await awarded(city, who) == []
    await city.ingest([ride("late", 0, day="2026-10-12")])
    await followers.follow(city.db)
    assert await awarded(city, who) == [("task:week", 10)]
    await city.ingest([ride("late", 0, day="2026-10-25")])
    await followers.follow(city.db)
    assert await awarded(city, who) == [("task:week", 10), ("task:week", 10)]
    await sound(city)


async def test_a_season_begins_and_ends_at_midnight_in_shanghai(city: City, run: Run) -> None:
    await run(ON, SEASON, task("season", count="2", points="7", period="season"))
    who = await city.rider("border")
    await city.ingest([ride("border", 23 * 60 + 59), ride("border", 0, day="2026-10-21")])
    await city.ingest([ride("border", 0, day="2026-10-13")])
    await followers.follow(city.db)
    assert await awarded(city, who) == []
    await city.ingest([ride("border", 23 * 60 + 59, day="2026-10-20")])
    await followers.follow(city.db)
    assert await awarded(city, who) == [("task:season", 7)]


async def test_periods_that_ended_before_the_task_was_there_are_not_rewarded(city: City, run: Run) -> None:
    await run(ON, task("month", count="1", period="month"), task("once", count="1", period="once"))
    who = await city.rider("before")
    await city.ingest([ride("before", day="2026-09-20")])
    await followers.follow(city.db)
    assert await awarded(city, who) == [("task:once", 10)]


@pytest.mark.parametrize(("measure", "count"), [("days", "2"), ("grams", "974"), ("points", "96")])
async def test_each_measure_counts_to_its_threshold(city: City, run: Run, measure: str, count: str) -> None:
    account = f"measure-{measure}"
    await run(ON, task(f"by-{measure}", measure=measure, count=count, period="month"))
    who = await city.rider(account)
    await city.ingest([ride(account, 0)])
    await followers.follow(city.db)
    assert await awarded(city, who) == []
    await city.ingest([ride(account, 0, day="2026-10-13")])
    await followers.follow(city.db)
    assert await awarded(city, who) == [(f"task:by-{measure}", 10)]


async def accept(city: City, programme: Registered, task_id: str, who: object) -> tasks.Progress:
    async with city.db.transaction() as session:
        return await tasks.accept(session, programme=programme, task_id=task_id, participant_id=who)  # type: ignore[arg-type]


async def test_acts_before_the_day_of_accepting_do_not_count(city: City, run: Run) -> None:
    programme = await run(ON, task("taken", count="2", period="month", more="accept = true\n"))
    who = await city.rider("taken")
    with clock.travel(dt.datetime(2026, 10, 14, 12, tzinfo=clock.SHANGHAI)):
        await city.ingest([ride("taken", day="2026-10-13"), ride("taken", day="2026-10-14")])
        await followers.follow(city.db)
        await accept(city, programme, "taken", who)
        again = await accept(city, programme, "taken", who)
        assert (again.accepted_on, again.amount) == (dt.date(2026, 10, 14), 1)
        await followers.follow(city.db)
    assert await awarded(city, who) == []
    await city.ingest([ride("taken", 30, day="2026-10-14")])
    await followers.follow(city.db)
    assert await awarded(city, who) == [("task:taken", 10)]
    await sound(city)


async def test_what_was_done_on_the_day_finishes_a_task_that_is_taken_on_later_that_day(
    city: City, run: Run
) -> None:
    programme = await run(ON, task("today", count="1", period="day", more="accept = true\n"))
    who = await city.rider("today")
    with clock.travel(dt.datetime(2026, 10, 14, 12, tzinfo=clock.SHANGHAI)):
        await city.ingest([ride("today", day="2026-10-14")])
        await followers.follow(city.db)
        assert (await accept(city, programme, "today", who)).finished_at is None
        await followers.follow(city.db)
        assert (await accept(city, programme, "today", who)).given == 10


async def test_unknown_figures_are_named_and_reward_nobody(city: City, run: Run) -> None:
    programme = await run(ON, task("open", count="unknown", period="month"), task("known", count="1"))
    who = await city.rider("unknown")
    await city.ingest([ride("unknown")])
    await followers.follow(city.db)
    assert await awarded(city, who) == [("task:known", 10)]
    async with city.db.transaction() as session:
        with pytest.raises(ParameterUnknown) as refused:
            await tasks.progress_of(session, programme=programme, participant_id=who)
    assert refused.value.parameter == "task.open.count"


async def test_where_tasks_are_switched_off_there_are_none(city: City, run: Run) -> None:
    programme = await run(switches("teams"), task("off", count="1"))
    who = await city.rider("off")
    await city.ingest([ride("off")])
    await followers.follow(city.db)
    assert await awarded(city, who) == []
    async with city.db.transaction() as session:
        with pytest.raises(FeatureOff):
            await tasks.progress_of(session, programme=programme, participant_id=who)


async def test_the_programmes_budget_gives_rewards_in_part_and_says_so(city: City, run: Run) -> None:
    who = await city.rider("budget")
    given = -sum((await city.balances("issuer:gd-green-travel")).values())
    budget = f'\n[budget]\namount = "{given + 3 * RIDE + 4}"\nfloor = 0\nper = "programme"\n{SOURCE}'
    await run(ON, budget, task("short", count="3", points="10", period="day"))
    await city.ingest([ride("budget", minute) for minute in (0, 30, 60)])
    await followers.follow(city.db)
    assert await value(city, "SELECT wanted, points FROM award WHERE participant_id = :who", who=who) == [
        (10, 4)
    ]
    await withdraw(city, who, day="2026-10-12")
    await followers.follow(city.db)
    assert await city.points(who) == 2 * RIDE
    await sound(city)


def test_periods_are_whole_and_leave_nothing_out() -> None:
    seasons = [Season("one", Name("一", "one"), dt.date(2026, 3, 1), dt.date(2026, 3, 31))]
    assert span_of("season", dt.date(2026, 4, 1), seasons) is None
    assert span_of("month", dt.date(2024, 2, 29), []) == tasks.Span(dt.date(2024, 2, 1), dt.date(2024, 2, 29))
    weeks = spans_within("week", dt.date(2026, 10, 18), dt.date(2026, 10, 19), [])
    assert [one.first.isoformat() for one in weeks] == ["2026-10-12", "2026-10-19"]
    assert [
        one.last for one in spans_within("season", dt.date(2026, 1, 1), dt.date(2026, 12, 31), seasons)
    ] == [dt.date(2026, 3, 31)]
