"""Quotas: events of a day counted exactly, requests of a minute by the limiter, and what answers say of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

import partner_api
from backend.identity import partners
from backend.identity.organisations import Role
from backend.identity.partners import EventsQuotaReached, Quota, Usage
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.limiting import Limiter
from backend.kit.settings import Settings
from tests.identity.conftest import Hire
from tests.partner_api.conftest import Metro, NewPartner, client_of
from tests.partner_api.test_keys import tokens


@pytest.fixture
async def metro(new_partner: NewPartner) -> Metro:
    return await new_partner()


async def limit(db: Database, metro: Metro, *, events: int = 100, requests: int = 600) -> None:
    async with db.transaction() as session:
        await partners.set_quota(
            session,
            organisation_id=metro.id,
            quota=Quota(events_per_day=events, requests_per_minute=requests),
            reason="agreed",
            set_by=metro.first.id,
        )


async def spend(db: Database, metro: Metro, events: int, *, sandbox: bool = False) -> Usage:
    async with db.transaction() as session:
        return await partners.spend(session, metro.calling(sandbox=sandbox), events=events)


async def test_events_are_counted_to_the_last_one_and_not_beyond(db: Database, metro: Metro) -> None:
    await limit(db, metro, events=100)
    assert (await spend(db, metro, 60)).left == 40
    with pytest.raises(EventsQuotaReached) as refused:
        await spend(db, metro, 41)
    assert (refused.value.events_per_day, refused.value.events_left) == (100, 40)
    assert (await spend(db, metro, 40)).left == 0
    assert (await spend(db, metro, 0)).left == 0
    with pytest.raises(EventsQuotaReached):
        await spend(db, metro, 1)
    async with db.transaction() as session:
        await partners.give_back(session, metro.calling(), events=5)
    assert (await spend(db, metro, 5)).left == 0


async def test_the_first_batch_of_a_day_is_bounded_too(db: Database, metro: Metro) -> None:
    await limit(db, metro, events=10)
    with pytest.raises(EventsQuotaReached):
        await spend(db, metro, 11)
    assert (await spend(db, metro, 10)).left == 0


async def test_two_batches_at_the_limit_are_not_both_taken(db: Database, metro: Metro) -> None:
    await limit(db, metro, events=100)
    await spend(db, metro, 10)
    async with db.transaction() as session:
        await partners.spend(session, metro.calling(), events=60)
        second = asyncio.create_task(spend(db, metro, 60))
        await asyncio.sleep(0.3)
        assert not second.done()
    with pytest.raises(EventsQuotaReached):
        await second


async def test_two_first_batches_of_a_day_are_not_both_taken(db: Database, metro: Metro) -> None:
    await limit(db, metro, events=100)
    async with db.transaction() as session:
        await partners.spend(session, metro.calling(), events=60)
        second = asyncio.create_task(spend(db, metro, 60))
        await asyncio.sleep(0.3)
        assert not second.done()
    with pytest.raises(EventsQuotaReached):
        await second


async def test_many_batches_at_once_fill_the_quota_exactly(db: Database, metro: Metro) -> None:
    await limit(db, metro, events=70)
    outcomes = await asyncio.gather(*(spend(db, metro, 10) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(one, Usage) for one in outcomes) == 7
    assert all(isinstance(one, Usage | EventsQuotaReached) for one in outcomes)


async def test_a_new_day_in_shanghai_begins_from_nothing_and_the_sandbox_is_counted_apart(
    db: Database, metro: Metro
) -> None:
    await limit(db, metro, events=10)
    evening = datetime(2027, 3, 1, 23, 59, 50, tzinfo=clock.SHANGHAI)
    with clock.travel(evening):
        await spend(db, metro, 10)
        await spend(db, metro, 10, sandbox=True)
        with pytest.raises(EventsQuotaReached) as refused:
            await spend(db, metro, 1)
        assert 8 <= refused.value.retry_after_s <= 10
        assert refused.value.headers["retry-after"] == str(refused.value.retry_after_s)
    with clock.travel(evening + timedelta(seconds=11)):
        assert (await spend(db, metro, 10)).left == 0


async def test_the_latest_quota_counts_from_the_next_request_on(
    client: httpx.AsyncClient, db: Database, metro: Metro
) -> None:
    for events in (500, 700, 600):
        await limit(db, metro, events=events)
        answered = await client.get("/me", auth=metro.live)
        assert answered.json()["events_per_day"] == events
        assert f'"events";q={events};w=86400' in answered.headers["ratelimit-policy"]
        assert f'"events";r={events};t=' in answered.headers["ratelimit"]


async def test_an_operator_sees_and_sets_the_quota_and_a_partner_sees_its_own(
    staff_client: httpx.AsyncClient, metro: Metro, hire: Hire, new_partner: NewPartner
) -> None:
    operator = await tokens(staff_client, await hire(Role.OPERATOR))
    own = await tokens(staff_client, metro.first)
    other = await tokens(staff_client, (await new_partner()).first)
    address = f"/partners/{metro.code}/quota"
    given = {"events_per_day": 42, "requests_per_minute": 7, "reason": "a small one"}
    answered = await staff_client.put(address, json=given, headers=operator)
    assert answered.status_code == 200, answered.text
    told = answered.json()
    assert (told["events_per_day"], told["events_today"], told["history"][0]["reason"]) == (
        42,
        0,
        "a small one",
    )
    assert (await staff_client.get(address, headers=own)).json() == told
    assert (await staff_client.put(address, json=given, headers=own)).status_code == 403
    for answer in (
        await staff_client.get(address, headers=other),
        await staff_client.get(f"/partners/no-{uuid4().hex[:6]}/quota", headers=operator),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "identity.organisation_unknown")
    assert len((await staff_client.get(f"/partners/{metro.code}/keys", headers=operator)).json()) == 2


@pytest.fixture
async def limited(settings: Settings, db: Database) -> AsyncIterator[FastAPI]:
    """The app with a limiter whose quotas are as they are said."""
    strict = settings.model_copy(update={"rate_limit_factor": 1})
    app = partner_api.build(strict)
    limiter = Limiter(strict, policies={})
    wire(app, settings=strict, db=db, limiter=limiter)
    yield app
    await limiter.close()


async def test_requests_beyond_the_quota_of_a_minute_are_told_when_to_come_again(
    limited: FastAPI, db: Database, metro: Metro, new_partner: NewPartner
) -> None:
    await limit(db, metro, requests=5)
    other = await new_partner()
    async for client in client_of(limited):
        for left in (4, 3, 2, 1, 0):
            answered = await client.get("/me", auth=metro.live)
            assert answered.status_code == 200
            assert answered.headers["ratelimit-policy"] == '"events";q=100;w=86400, "partner";q=5;w=60'
            assert f'"partner";r={left};t=' in answered.headers["ratelimit"]
        answered = await client.get("/me", auth=metro.live)
        assert (answered.status_code, answered.json()["code"]) == (429, "kit.rate_limited")
        assert answered.json()["violated-policies"] == ["partner"]
        assert 1 <= int(answered.headers["retry-after"]) <= 60
        assert '"partner";r=0;t=' in answered.headers["ratelimit"]
        assert (await client.get("/me", auth=metro.sandbox)).status_code == 200  # counted apart
        assert (await client.get("/me", auth=other.live)).status_code == 200
