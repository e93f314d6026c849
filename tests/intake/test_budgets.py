"""A programme's budget: exact to the point, whoever comes at once, and nothing withheld while something is left."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import text

from backend import intake, programmes
from backend.intake import checks, funded, posted, recomputed
from backend.intake.holding import Correction
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import ParameterUnknown, load_all
from mobile_api.acts import ActTold
from tests.intake.test_pipeline import City
from tests.programmes.seconds import second

PROGRAMME = "gd-green-travel"
EIGHT = dt.datetime.combine(clock.today() - dt.timedelta(days=3), dt.time(8), clock.SHANGHAI)


def ride(account: str, hour: int, *, metres: int = 4_000) -> dict[str, object]:
    """A ride of 4 km: 194 g, 19 points."""
    started = EIGHT + dt.timedelta(hours=hour)
    return {
        "account_no": account,
        "started_at": started.isoformat(),
        "ended_at": (started + dt.timedelta(minutes=20)).isoformat(),
        "distance_m": metres,
    }


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> City:
    made = City(db, settings, load_all(), tmp_path)
    await made.open()
    return made


async def run_with(city: City, amount: int | str, *, floor: int = 0, per: str = "programme") -> None:
    """Let the programme run with a budget of so much beyond what it gave until now."""
    pack = second(budget=amount, floor=floor, per=per, mark=ids.uuid7().hex)
    async with city.db.transaction() as session:
        await programmes.register(session, pack=pack)


async def take(city: City, *events: dict[str, object]) -> intake.Taken:
    return await intake.take(city.db, city.settings, source=city.source, rows=events, library=city.library)


async def given(city: City) -> int:
    return -(await city.balances(f"issuer:{PROGRAMME}")).get(f"issuer:{PROGRAMME}", 0)


async def sound(city: City) -> None:
    """What the audit says of actions, points and budgets."""
    async with city.db.transaction() as session:
        for check in (posted.points, recomputed.grams_and_points, checks.holders, funded.budgets):
            found = await check(session)
            assert not found.violations, found.violations[:3]


async def unfunded(city: City) -> list[int]:
    query = text("SELECT u.points FROM action_unfunded u JOIN action a USING (claim_key) JOIN intake_source s "
                 "ON s.id = a.source_id WHERE s.code = :source ORDER BY a.job_id, a.line")  # fmt: skip
    async with city.db.transaction() as session:
        return list((await session.execute(query, {"source": city.source})).scalars())


async def test_the_last_points_go_to_the_first_lines_to_the_point(city: City) -> None:
    rider = await city.rider("first-lines")
    before = await given(city)
    await run_with(city, before + 60, floor=10)
    taken = await take(city, *(ride("first-lines", hour) for hour in range(5)))
    assert [answer.points for answer in taken.answers] == [19, 19, 12, 0, 0]
    assert [answer.outcome for answer in taken.answers] == ["accepted"] * 5
    assert (await given(city), await city.points(rider)) == (before + 50, 50)
    assert await unfunded(city) == [7, 19, 19]
    assert (await take(city, ride("first-lines", 9))).summary.points == 0
    await sound(city)


async def test_a_budget_that_is_just_enough_takes_nothing(city: City) -> None:
    await city.rider("just-enough")
    await run_with(city, await given(city) + 38)
    assert (await take(city, ride("just-enough", 0), ride("just-enough", 1))).summary.points == 38
    assert await unfunded(city) == []
    await sound(city)


async def test_acts_of_nobody_yet_leave_the_budget_and_draw_on_it_when_they_are_claimed(city: City) -> None:
    await city.rider("somebody")
    await run_with(city, await given(city) + 40)
    taken = await take(city, ride("nobody-yet", 0), ride("nobody-yet", 1), ride("somebody", 2))
    assert [answer.points for answer in taken.answers] == [19, 19, 19]
    rider = await city.rider("nobody-yet")
    async with city.db.transaction() as session:
        token = (
            await session.execute(
                text("SELECT means_token FROM action a JOIN intake_source s ON s.id = a.source_id "
                     "WHERE s.code = :source AND participant_id IS NULL LIMIT 1"), {"source": city.source},
            )
        ).scalar_one()  # fmt: skip
        (claimed,) = await intake.claim_waiting(session, participant_id=rider, token=token)
    assert (claimed.acts, claimed.points) == (2, 21)
    assert await city.points(rider) == 21
    await sound(city)


async def test_what_is_taken_back_may_be_given_again(city: City) -> None:
    rider = await city.rider("taken-back")
    await run_with(city, await given(city) + 19)
    assert (await take(city, ride("taken-back", 0), ride("taken-back", 1))).summary.points == 19
    async with city.db.transaction() as session:
        acts = await intake.acts_of(session, participant_id=rider)
        key = next(act.key for act in acts if act.points)
        await intake.holding.withdraw(session, keys=[key], cause="withdrawn", reference=ids.uuid7())
    assert (await take(city, ride("taken-back", 5))).summary.points == 19
    await sound(city)


async def test_two_jobs_that_race_for_the_last_points_never_give_more(city: City) -> None:
    others = [City(city.db, city.settings, city.library, city.folder) for _ in range(4)]
    for place, other in enumerate(others):
        await other.open()
        await other.rider(f"racer-{place}")
    before = await given(city)
    await run_with(city, before + 100)
    taken = await asyncio.gather(
        *(
            take(other, *(ride(f"racer-{place}", hour) for hour in range(3)))
            for place, other in enumerate(others)
        )
    )
    assert sum(one.summary.points for one in taken) == 100
    assert await given(city) == before + 100
    await sound(city)


async def test_a_rehearsal_tells_what_the_budget_would_leave_and_writes_nothing(city: City) -> None:
    await city.rider("rehearsed")
    await run_with(city, await given(city) + 20)
    dry = await intake.take(
        city.db, city.settings, source=city.source, library=city.library, dry_run=True,
        rows=[ride("rehearsed", 0), ride("rehearsed", 1)],
    )  # fmt: skip
    assert [answer.points for answer in dry.answers] == [19, 1]
    assert await unfunded(city) == []


async def test_the_citizen_is_told_politely_that_the_budget_is_used_up(city: City) -> None:
    rider = await city.rider("told")
    await run_with(city, await given(city) + 20)
    await take(city, ride("told", 0), ride("told", 1), ride("told", 2))
    async with city.db.transaction() as session:
        acts = await intake.acts_of(session, participant_id=rider)
    assert [(act.points, act.unfunded) for act in reversed(acts)] == [(19, 0), (1, 18), (0, 19)]
    told = ActTold.of(acts[0])
    assert told.withheld == 19
    assert told.withheld_because_text is not None


async def test_a_corrected_act_gets_back_what_it_gave_back(city: City) -> None:
    """The budget is used up: the correction has what the withdrawn act brings back, and nothing of anybody else's."""
    rider = await city.rider("corrected")
    await run_with(city, await given(city) + 30)
    await take(city, ride("corrected", 0), ride("corrected", 2))
    (answer,) = await intake.holding.correct_events(
        city.db, city.settings, source=city.source, library=city.library,
        corrections=[Correction("test", event=ride("corrected", 0), replacement=ride("corrected", 0, metres=9_000))],
    )  # fmt: skip
    assert (answer.outcome, answer.points) == ("corrected", 19)
    assert await city.points(rider) == 30
    await sound(city)


async def test_an_unknown_amount_refuses_before_anything_is_stored(city: City) -> None:
    await city.rider("unknown-amount")
    await run_with(city, "unknown")
    with pytest.raises(ParameterUnknown) as refused:
        await take(city, ride("unknown-amount", 0))
    assert refused.value.parameter == "budget.amount"
