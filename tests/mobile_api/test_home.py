"""The first page adds up what stands at this moment, also where most of it is kept from one reading to the next."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from backend import intake
from backend.intake import home_checks
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.conftest import hire
from tests.mobile_api.conftest import Citizen
from tests.mobile_api.test_acts_and_wallet import Feed, _ago, _holds, feed, filed, library, source

__all__ = ["feed", "filed", "hire", "library", "source"]


async def total(citizen: Citizen) -> tuple[int, int, int]:
    told: dict[str, Any] = (await citizen.get("/home")).json()["total"]
    return told["acts"], told["reduction_g"], told["points_earned"]


async def kept(superuser: asyncpg.Connection[asyncpg.Record], citizen: Citizen) -> int | None:
    found: int | None = await superuser.fetchval(
        "SELECT acts FROM home_closed WHERE participant_id = $1", citizen.id
    )
    return found


async def nothing_is_wrong(db: Database) -> None:
    async with db.transaction() as session:
        checked = await home_checks.kept(session)
    assert [str(one) for one in checked.violations] == []


@pytest.mark.usefixtures("filed")
async def test_what_lies_months_back_is_kept_and_late_acts_are_counted_at_once(
    alice: Citizen,
    feed: Feed,
    db: Database,
    settings: Settings,
    superuser: asyncpg.Connection[asyncpg.Record],
) -> None:
    account = uuid4().hex[:12]
    await _holds(db, settings, alice.id, account, since=_ago(days=85), right=True)
    first = await feed.send((account, _ago(days=75), 5_000), (account, _ago(hours=3), 4_000))
    assert first.accepted == 2
    assert await total(alice) == (2, first.grams, first.points)
    assert await kept(superuser, alice) == 1
    before = await superuser.fetchval(
        "SELECT as_of::text FROM home_closed WHERE participant_id = $1", alice.id
    )
    recent = await feed.send((account, _ago(hours=2), 3_000))
    assert await total(alice) == (3, first.grams + recent.grams, first.points + recent.points)
    after = await superuser.fetchval(
        "SELECT as_of::text FROM home_closed WHERE participant_id = $1", alice.id
    )
    assert after == before  # what is recent does not touch what is kept
    late = await feed.send((account, _ago(days=74), 2_000))
    assert late.accepted == 1
    sums = [sum(getattr(one, name) for one in (first, recent, late)) for name in ("grams", "points")]
    assert await total(alice) == (4, *sums)
    assert await kept(superuser, alice) == 2
    await nothing_is_wrong(db)


@pytest.mark.usefixtures("filed")
async def test_a_withdrawal_that_was_under_way_while_somebody_read_is_counted_once_it_is_done(
    alice: Citizen,
    feed: Feed,
    db: Database,
    settings: Settings,
    superuser: asyncpg.Connection[asyncpg.Record],
) -> None:
    account = uuid4().hex[:12]
    await _holds(db, settings, alice.id, account, since=_ago(days=85), right=True)
    await feed.send((account, _ago(days=75), 5_000), (account, _ago(days=70), 4_000))
    before = await total(alice)
    async with db.hot_transaction() as other:
        await other.execute(
            """INSERT INTO action_withdrawn (claim_key, cause, reference, withdrawn_at)
               SELECT claim_key, 'withdrawn', gen_random_uuid(), now() FROM action WHERE participant_id = $1
               ORDER BY happened_at LIMIT 1""",
            alice.id,
        )
        await superuser.execute("DELETE FROM home_closed WHERE participant_id = $1", alice.id)
        assert await total(alice) == before  # reads, and keeps what it read, while the other is open
    acts, grams, _ = await total(alice)
    assert acts == before[0] - 1
    assert grams < before[1]
    await nothing_is_wrong(db)


@pytest.mark.usefixtures("filed")
async def test_another_month_keeps_another_sum(
    alice: Citizen,
    feed: Feed,
    db: Database,
    settings: Settings,
    superuser: asyncpg.Connection[asyncpg.Record],
) -> None:
    account = uuid4().hex[:12]
    await _holds(db, settings, alice.id, account, since=_ago(days=85), right=True)
    sent = await feed.send((account, _ago(days=75), 5_000), (account, _ago(hours=3), 4_000))
    assert await total(alice) == (2, sent.grams, sent.points)
    with clock.travel(clock.now() + dt.timedelta(days=70)):
        assert await _told(alice, db) == (2, sent.grams, sent.points)
        assert await kept(superuser, alice) == 2
    assert await total(alice) == (2, sent.grams, sent.points)
    await nothing_is_wrong(db)


async def _told(citizen: Citizen, db: Database) -> tuple[int, int, int]:
    """The same without a token, which does not last for months."""
    async with db.hot_statement() as connection:
        sums = await intake.home_of(connection, participant_id=citizen.id, day=clock.today())
    return sums.total.acts, sums.total.grams, sums.total.points
