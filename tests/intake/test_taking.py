"""Batches of events: an answer for each, stored whole, once, or not at all."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import intake, programmes
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from tests.intake.test_pipeline import City


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> City:
    made = City(db, settings, load_all(), tmp_path)
    await made.open()
    return made


def event(account: str, *, turn: int = 0, metres: object = 4_000) -> dict[str, object]:
    """A ride of twenty minutes, each turn an hour after the one before."""
    started = dt.datetime(2025, 5, 6, 8, tzinfo=clock.SHANGHAI) + dt.timedelta(hours=turn)
    return {
        "account_no": account,
        "started_at": started.isoformat(),
        "ended_at": (started + dt.timedelta(minutes=20)).isoformat(),
        "distance_m": metres,
    }


async def take(
    city: City, events: Sequence[dict[str, object]], *, atomic: bool = False, dry_run: bool = False
) -> intake.Taken:
    return await intake.take(
        city.db,
        city.settings,
        source=city.source,
        rows=events,
        library=city.library,
        atomic=atomic,
        dry_run=dry_run,
    )


async def stored(city: City) -> int:
    async with city.db.transaction() as session:
        query = text(
            "SELECT count(*) FROM action a JOIN intake_source s ON s.id = a.source_id WHERE s.code = :code"
        )
        found: int = (await session.execute(query, {"code": city.source})).scalar_one()
        return found


async def test_every_event_has_an_answer_and_duplicates_fail_nothing(city: City) -> None:
    await city.rider("answered")
    events = [
        event("answered"),
        event("answered"),
        event("answered", metres=9_000),
        event("answered", turn=5, metres="far"),
        event("answered", turn=6, metres=None),
        event("nobody", turn=7),
    ]
    taken = await take(city, events)
    assert [(a.index, a.outcome, a.code, a.field) for a in taken.answers] == [
        (0, "accepted", "", ""),
        (1, "duplicate", "", ""),
        (2, "conflict", "claim", ""),
        (3, "rejected", "not_a_number", "distance_m"),
        (4, "rejected", "missing", "distance_m"),
        (5, "accepted", "", ""),
    ]
    assert (taken.summary.received, taken.summary.accepted, taken.summary.waiting) == (6, 2, 1)
    assert taken.answers[0].grams == 194
    assert [a.outcome for a in (await take(city, events)).answers] == [
        "duplicate", "duplicate", "duplicate", "rejected", "rejected", "duplicate",
    ]  # fmt: skip
    assert await stored(city) == 2


async def test_numbers_are_read_as_they_were_written_and_other_values_are_refused(city: City) -> None:
    values: list[object] = [4_000, "4000", 4_000.5, True, [4_000], {"m": 1}, "\ud800"]
    taken = await take(city, [event("written", turn=n, metres=value) for n, value in enumerate(values)])
    assert [a.outcome for a in taken.answers] == ["accepted", "accepted"] + ["rejected"] * 5
    assert {a.code for a in taken.answers[2:]} == {"not_a_value"}


async def test_an_atomic_batch_is_stored_whole_or_not_at_all(city: City) -> None:
    await city.rider("whole")
    events = [event("whole"), event("whole", turn=5, metres=-1)]
    refused = await take(city, events, atomic=True)
    assert [a.outcome for a in refused.answers] == ["accepted", "rejected"]
    assert not refused.stored
    assert refused.summary.job_id == UUID(int=0)
    assert await stored(city) == 0
    kept = await take(city, [event("whole"), event("whole"), event("whole", turn=5)], atomic=True)
    assert kept.stored
    assert await stored(city) == 2


async def test_a_dry_run_answers_the_same_and_stores_nothing(city: City) -> None:
    await city.rider("rehearsed")
    events = [event("rehearsed"), event("rehearsed", turn=9)]
    dry = await take(city, events, dry_run=True)
    assert not dry.stored
    assert await stored(city) == 0
    assert (await take(city, events)).answers == dry.answers
    again = await take(city, [*events, event("rehearsed", metres=7)], dry_run=True)
    assert [a.outcome for a in again.answers] == ["duplicate", "duplicate", "conflict"]


async def test_a_batch_sent_ten_times_by_eight_senders_at_once_counts_once(city: City) -> None:
    riders = [await city.rider(f"storm-{n}") for n in range(5)]
    events = [event(f"storm-{n % 5}", turn=n) for n in range(50)]
    rounds = [list(reversed(events)) if turn % 2 else events for turn in range(10)]
    gate = asyncio.Semaphore(8)

    async def send(batch: Sequence[dict[str, object]]) -> intake.Taken:
        async with gate:
            return await take(city, batch)

    taken = await asyncio.gather(*(send(batch) for batch in rounds))
    assert sum(one.summary.accepted for one in taken) == 50
    assert sum(one.summary.duplicates for one in taken) == 450
    assert await stored(city) == 50
    async with city.db.transaction() as session:
        for rider in riders:
            wallet = await programmes.wallets.wallet_of(
                session, participant_id=rider, programme="gd-green-travel"
            )
            assert wallet.spendable == 10 * 19


async def test_an_empty_batch_is_answered_with_nothing(city: City) -> None:
    taken = await take(city, [])
    assert taken.answers == ()
    assert taken.summary.received == 0
