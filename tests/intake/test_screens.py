"""Screens and caps on the real database: across chunks, across sources, and against each other's transactions."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from backend import intake, programmes
from backend.intake import checks, chunks, posted, queries, recomputed
from backend.intake.opening import open_source
from backend.intake.partitions import ensure_partitions
from backend.intake.reading import rows_of_events
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from tests.intake.test_pipeline import City

EIGHT = dt.datetime(2025, 5, 6, 8, tzinfo=clock.SHANGHAI)
_WAITING = text("""
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
""")


def ride(account: str, minutes: int, *, lasts: int = 20, metres: int = 4_000) -> dict[str, object]:
    started = EIGHT + dt.timedelta(minutes=minutes)
    ended = started + dt.timedelta(minutes=lasts)
    return {
        "account_no": account,
        "started_at": started.isoformat(),
        "ended_at": ended.isoformat(),
        "distance_m": metres,
    }


@pytest.fixture
async def cities(db: Database, settings: Settings, tmp_path: Path) -> Sequence[City]:
    """Two sources into one programme, of the same kind of account."""
    made = [City(db, settings, load_all(), tmp_path) for _ in range(2)]
    for city in made:
        await city.open()
    return made


async def take(city: City, *events: dict[str, object]) -> list[tuple[str, str]]:
    taken = await intake.take(city.db, city.settings, source=city.source, rows=events, library=city.library)
    return [(answer.outcome, answer.code) for answer in taken.answers]


async def sound(city: City) -> None:
    """What the audit says of actions, chunks and points."""
    async with city.db.transaction() as session:
        for check in (checks.claims, checks.chunks, posted.points, recomputed.grams_and_points):
            found = await check(session)
            assert not found.violations, found.violations[:3]


async def test_a_trip_of_another_source_at_the_same_time_waits(cities: Sequence[City]) -> None:
    one, other = cities
    rider = await one.rider("two-places")
    assert await take(one, ride("two-places", 0)) == [("accepted", "")]
    assert await take(other, ride("two-places", 10), ride("two-places", 30)) == [
        ("conflict", "overlap"),
        ("accepted", ""),
    ]
    async with one.db.transaction() as session:
        row = (
            await session.execute(
                text("SELECT kind, against, a.participant_id FROM intake_held h JOIN action a ON a.claim_key = h.against "
                     "WHERE h.participant_id = :who"),
                {"who": rider},
            )
        ).one()  # fmt: skip
    assert (row.kind, row.participant_id) == ("overlap", rider)
    assert await take(other, ride("two-places", 10)) == [("duplicate", "")]
    await sound(one)


async def test_two_trips_at_once_are_found_though_neither_saw_the_other(cities: Sequence[City]) -> None:
    """The first transaction is held open behind its verdict; the second has to wait, and then looks again."""
    one, other = cities
    await one.rider("raced")
    mapping = one.mapping
    opened = await open_source(one.db, one.settings, source=one.source, mapping=mapping, library=one.library)
    batch = opened.converter.convert(rows_of_events([ride("raced", 0)], mapping.columns))
    methods, job_id = await opened.resolve(), ids.uuid7()
    await ensure_partitions(one.db, [batch], set())
    async with one.db.transaction() as session:
        await session.execute(
            queries.ADD_JOB,
            {
                "id": job_id,
                "source": opened.feed.id,
                "file_name": "held open",
                "file_sha256": "0" * 64,
                "mapping_sha256": mapping.sha256,
                "started_at": clock.now(),
                "finished_at": clock.now(),
            },
        )
        stored = await chunks.store(
            session,
            opened.target(job_id),
            seq=1,
            first_line=1,
            batches=[batch],
            methods=methods,
            screens=opened.screens,
        )
        assert stored.result.accepted == 1
        second = asyncio.create_task(take(other, ride("raced", 10)))
        async with asyncio.timeout(20):
            while not await _waits(one):
                assert not second.done()
                await asyncio.sleep(0.02)
    assert await second == [("conflict", "overlap")]


async def _waits(city: City) -> bool:
    async with city.db.transaction() as session:
        found: bool = (await session.execute(_WAITING)).scalar_one()
        return found


async def test_a_cap_counts_across_chunks_and_files(cities: Sequence[City]) -> None:
    city = cities[0]
    rider = await city.rider("eager")
    rides = [
        f"T{n},eager,2025-05-06 {7 + n:02d}:00:00,2025-05-06 {7 + n:02d}:50:00,30000" for n in range(9)
    ]  # 1,461 g, 146 points each: the seventh passes 1,000
    first = await city.ingest(rides[:4], chunk_rows=1)
    second = await city.ingest(rides[4:], chunk_rows=2)
    assert (first.accepted, second.accepted) == (4, 5)
    assert first.points + second.points == 1_000
    async with city.db.transaction() as session:
        wallet = await programmes.wallets.wallet_of(
            session, participant_id=rider, programme="gd-green-travel"
        )
        trimmed = (
            await session.execute(
                text("SELECT cap, t.points FROM action_trimmed t JOIN action a USING (claim_key) "
                     "WHERE a.participant_id = :who ORDER BY t.points"),
                {"who": rider},
            )
        ).all()  # fmt: skip
    assert wallet.spendable == 1_000
    assert [tuple(row) for row in trimmed] == [("points-a-day", n) for n in (22, 146, 146)]
    await sound(city)


async def test_what_a_screen_holds_is_told_with_its_name(cities: Sequence[City]) -> None:
    city = cities[0]
    await city.rider("speeding")
    assert await take(city, ride("speeding", 0, metres=15_001), ride("speeding", 60, metres=15_000)) == [
        ("conflict", "cycling-too-fast"),
        ("accepted", ""),
    ]


async def test_a_rehearsal_says_what_would_become_of_a_file(cities: Sequence[City]) -> None:
    city = cities[0]
    await city.rider("rehearsing")
    day = "2025-05-06"
    rows = [
        f"T1,rehearsing,{day} 08:00:00,{day} 08:20:00,4000",
        f"T2,rehearsing,{day} 09:00:00,{day} 09:20:00,4000",
        f"T1,rehearsing,{day} 08:00:00,{day} 08:20:00,4000",
        f"T3,rehearsing,{day} 10:00:00,{day} 10:01:00,4000",
        f"T4,rehearsing,{day} 11:00:00,{day} 11:20:00,far",
    ]
    path = city.file(rows)
    refused: list[intake.RefusedRow] = []
    dry = await intake.rehearse(
        city.db,
        city.settings,
        path=path,
        source=city.source,
        mapping=city.mapping,
        library=city.library,
        chunk_rows=2,
        refused=refused.extend,
    )
    assert [(row.line, row.code) for row in refused] == [(5, "cycling-too-fast"), (6, "not_a_number")]
    real = await city.ingest(path)
    assert replace(dry, job_id=real.job_id) == real
    assert (real.accepted, real.duplicates, real.conflicts, real.rejected) == (2, 1, 1, 1)
