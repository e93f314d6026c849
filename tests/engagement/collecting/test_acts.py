"""Acts of a programme with a claim window: taken in, claimed later, corrected and withdrawn, beside what waits."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import intake, programmes
from backend.engagement.collecting import checks
from backend.intake import posted, recomputed
from backend.intake.holding import Correction
from backend.kit import ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from backend.programmes import Registered, pending, wallets
from mobile_api.acts import ActTold
from tests.intake.test_budgets import ride, take
from tests.intake.test_pipeline import City
from tests.programmes.seconds import second

PROGRAMME = "gd-green-travel"
WINDOW = """earning = true
collecting = true

[claim]
ripens_after_days    = 0
collect_within_hours = 72
by                   = "citizen"
source               = "programme policy"

"""
WAITS = (
    ("out = { expires_on = 2020-08-31 }", "out = { ripe_on = 2018-08-31, collect_until = 2018-09-02 }"),
    ("out = { expires_on = 2020-02-29 }", "out = { ripe_on = 2018-02-01, collect_until = 2018-02-03 }"),
)


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> City:
    """A source of a programme whose points are ripe at once and wait to be collected."""
    made = City(db, settings, load_all(), tmp_path)
    await made.open()
    async with db.transaction() as session:
        pack = second(("earning = true\n\n", WINDOW), *WAITS, mark=ids.uuid7().hex)
        await programmes.register(session, pack=pack)
    return made


async def running(city: City) -> Registered:
    async with city.db.transaction() as session:
        return await programmes.programme_of(session, code=PROGRAMME)


async def collect(city: City, rider: UUID) -> int:
    programme = await running(city)
    async with city.db.transaction() as session:
        done = await pending.collect(
            session, programme=programme, participant_id=rider, posting_id=ids.uuid7()
        )
    return done.points


async def has(city: City, rider: UUID) -> tuple[int, int, int]:
    """What waits, what can be spent, what is owed."""
    async with city.db.transaction() as session:
        wallet = await wallets.wallet_of(session, participant_id=rider, programme=PROGRAMME)
    return wallet.pending, wallet.spendable, wallet.owed


async def sound(city: City) -> None:
    async with city.db.transaction() as session:
        for check in (posted.points, recomputed.grams_and_points, checks.waiting):
            found = await check(session)
            assert not found.violations, found.violations[:3]
        assert (await programmes.points_identity(session, programme=PROGRAMME)).holds


async def test_rides_earn_what_waits_and_is_collected(city: City) -> None:
    rider = await city.rider("waits")
    assert (await take(city, ride("waits", 0), ride("waits", 1))).summary.points == 38
    assert await has(city, rider) == (38, 0, 0)
    assert await collect(city, rider) == 38
    assert await has(city, rider) == (0, 38, 0)
    await sound(city)


async def test_acts_that_waited_for_their_holder_wait_again_to_be_collected(city: City) -> None:
    await take(city, ride("late", 0))
    rider = await city.rider("late")
    async with city.db.transaction() as session:
        token = (
            await session.execute(
                text("SELECT means_token FROM action a JOIN intake_source s ON s.id = a.source_id WHERE s.code = :source"),
                {"source": city.source},
            )
        ).scalar_one()  # fmt: skip
        await intake.claim_waiting(session, participant_id=rider, token=token)
    assert await has(city, rider) == (19, 0, 0)
    await sound(city)


async def test_an_act_says_from_which_day_and_until_when_what_it_earned_is_collected(city: City) -> None:
    rider = await city.rider("told-when")
    await take(city, ride("told-when", 0), ride("told-when", 1))
    async with city.db.transaction() as session:
        acts = await intake.acts_of(session, participant_id=rider)
        (lot,) = await pending.pending_of(session, participant_id=rider, programme=PROGRAMME)
        explained = await intake.explain_act(session, participant_id=rider, key=acts[0].key)
    assert lot.last_day == lot.ripe_on + dt.timedelta(days=2)  # 72 hours that begin with the day it is ripe
    assert {(act.pending_until, act.expires_on) for act in acts} == {(lot.ripe_on, lot.last_day)}
    told = ActTold.of(explained.act)
    assert (told.points, told.pending_until, told.expires_on) == (19, lot.ripe_on, lot.last_day)
    await collect(city, rider)  # what it said stays as it was: the wallet tells until when it is spent
    async with city.db.transaction() as session:
        after = await intake.acts_of(session, participant_id=rider)
    assert [(act.pending_until, act.expires_on) for act in after] == [(lot.ripe_on, lot.last_day)] * 2


async def test_a_withdrawn_act_takes_what_waits_before_what_was_collected(city: City) -> None:
    rider = await city.rider("taken-back")
    await take(city, ride("taken-back", 0))
    await collect(city, rider)
    await take(city, ride("taken-back", 1))
    async with city.db.transaction() as session:
        acts = await intake.acts_of(session, participant_id=rider)
        await intake.holding.withdraw(session, keys=[acts[0].key], cause="withdrawn", reference=ids.uuid7())
    assert await has(city, rider) == (0, 19, 0)
    await sound(city)


async def test_a_debt_is_left_alone_by_earning_and_repaid_by_collecting(city: City) -> None:
    rider = await city.rider("owing")
    async with city.db.transaction() as session:
        await wallets.claw_back(
            session,
            participant_id=rider,
            programme=PROGRAMME,
            points=8,
            posting_id=ids.uuid7(),
            happened_at=(await running(city)).active_from,
        )
    await take(city, ride("owing", 0))
    assert await has(city, rider) == (19, 0, 8)
    await collect(city, rider)
    assert await has(city, rider) == (0, 11, 0)


async def test_a_corrected_act_waits_anew(city: City) -> None:
    rider = await city.rider("corrected")
    await take(city, ride("corrected", 0))
    (answer,) = await intake.holding.correct_events(
        city.db, city.settings, source=city.source, library=city.library,
        corrections=[Correction("test", event=ride("corrected", 0), replacement=ride("corrected", 0, metres=9_000))],
    )  # fmt: skip
    assert answer.outcome == "corrected"
    assert await has(city, rider) == (answer.points, 0, 0)
    await sound(city)


async def test_collecting_while_rides_come_in_loses_and_doubles_nothing(city: City) -> None:
    rider = await city.rider("busy")
    await take(city, ride("busy", 0))
    programme = await running(city)
    async with city.db.transaction() as session:
        await pending.collect(session, programme=programme, participant_id=rider, posting_id=ids.uuid7())
        arriving = asyncio.create_task(take(city, ride("busy", 1)))
        await asyncio.sleep(0.5)
        assert not arriving.done()
    await arriving
    assert await has(city, rider) == (19, 19, 0)
    await sound(city)
