"""One key, one effect, one answer: on the real database, in a race, in flight, after a refusal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import BaseModel
from sqlalchemy import text

from backend.kit import http, idempotency, outbox
from backend.kit.access import SignedInCitizen
from backend.kit.db import Database
from backend.kit.errors import DomainError, Kind
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.quantities import Points
from backend.kit.settings import Settings
from tests.kit.support import app_on, bearer, client_of
from tests.waiting import somebody_waits

SECRET = "a-voucher-code-nobody-else-may-read"


class Gift(BaseModel):
    amount_points: Points


class TooGenerous(DomainError):
    """The gift is larger than this test allows."""

    code = "test.too_generous"
    kind = Kind.CONFLICT
    title_zh = "超出本测试允许的数量。"


router = http.Router()
generous = False


@router.post("/gifts", status_code=201, responses=problems(*idempotency.REFUSALS, TooGenerous))
async def give(
    gift: Gift, citizen: SignedInCitizen, session: http.WriteSession, _: IdempotencyKey
) -> dict[str, str]:
    if gift.amount_points > 1000 and not generous:
        raise TooGenerous
    owed = outbox.promise(session, "test.gift", citizen_id=citizen.id)
    await session.flush()
    return {"gift": str(owed.id), "voucher": SECRET}


@router.post("/slow")
async def slowly(citizen: SignedInCitizen, session: http.WriteSession, _: IdempotencyKey) -> dict[str, str]:
    outbox.promise(session, "test.slow", citizen_id=citizen.id)
    await session.flush()
    started.set()
    await finish.wait()
    return {"done": "yes"}


started = asyncio.Event()
finish = asyncio.Event()


@pytest.fixture
async def client(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    started.clear()
    finish.clear()
    async with client_of(app_on(settings, db, router)) as client:
        yield client


def headers(citizen: UUID, key: str | None) -> dict[str, str]:
    return bearer("citizen", citizen) | ({} if key is None else {"idempotency-key": key})


async def effects(db: Database, citizen: UUID) -> int:
    async with db.transaction() as session:
        counted = await session.execute(
            text("SELECT count(*) FROM kit_outbox WHERE payload->>'citizen_id' = :citizen"),
            {"citizen": str(citizen)},
        )
        return int(counted.scalar_one())


async def test_the_same_key_sent_a_hundred_times_at_once_has_one_effect_and_one_answer(
    client: httpx.AsyncClient, db: Database
) -> None:
    citizen, key = uuid4(), str(uuid4())
    answers = await asyncio.gather(
        *(client.post("/gifts", json={"amount_points": 5}, headers=headers(citizen, key)) for _ in range(100))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert await effects(db, citizen) == 1


async def test_the_same_key_with_another_body_is_refused(client: httpx.AsyncClient, db: Database) -> None:
    citizen, key = uuid4(), str(uuid4())
    first = await client.post("/gifts", json={"amount_points": 5}, headers=headers(citizen, key))
    other = await client.post("/gifts", json={"amount_points": 6}, headers=headers(citizen, key))
    elsewhere = await client.post("/slow", headers=headers(citizen, key))
    assert first.status_code == 201
    assert (other.status_code, other.json()["code"]) == (422, "kit.idempotency_key_reused")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "kit.idempotency_key_reused")
    assert await effects(db, citizen) == 1


async def test_another_caller_may_use_the_same_key(client: httpx.AsyncClient) -> None:
    key = str(uuid4())
    mine = await client.post("/gifts", json={"amount_points": 5}, headers=headers(uuid4(), key))
    theirs = await client.post("/gifts", json={"amount_points": 5}, headers=headers(uuid4(), key))
    assert mine.json()["gift"] != theirs.json()["gift"]


async def test_a_second_request_waits_for_the_first_and_gets_its_answer(
    client: httpx.AsyncClient, db: Database
) -> None:
    citizen, key = uuid4(), str(uuid4())
    first = asyncio.create_task(client.post("/slow", headers=headers(citizen, key)))
    await started.wait()
    second = asyncio.create_task(client.post("/slow", headers=headers(citizen, key)))
    await somebody_waits(db)
    assert not second.done()
    finish.set()
    assert (await first).json() == (await second).json() == {"done": "yes"}
    assert (await second).headers["idempotent-replayed"] == "true"
    assert await effects(db, citizen) == 1


async def test_a_first_request_that_takes_over_two_seconds_is_answered_409_meanwhile(
    client: httpx.AsyncClient, db: Database
) -> None:
    citizen, key = uuid4(), str(uuid4())
    first = asyncio.create_task(client.post("/slow", headers=headers(citizen, key)))
    await started.wait()
    began = asyncio.get_running_loop().time()
    second = await client.post("/slow", headers=headers(citizen, key))
    waited = asyncio.get_running_loop().time() - began
    finish.set()
    assert (second.status_code, second.json()["code"]) == (409, "kit.idempotency_in_flight")
    assert 1.9 < waited < 6
    assert (await first).status_code == 200
    assert await effects(db, citizen) == 1


async def test_a_refusal_leaves_the_key_free_for_another_try(
    client: httpx.AsyncClient, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen, key = uuid4(), str(uuid4())
    sent: dict[str, Any] = {"json": {"amount_points": 5000}, "headers": headers(citizen, key)}
    assert (await client.post("/gifts", **sent)).json()["code"] == "test.too_generous"
    monkeypatch.setattr("tests.kit.test_idempotency.generous", True)
    assert (await client.post("/gifts", **sent)).status_code == 201
    assert await effects(db, citizen) == 1


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "kit.idempotency_key_missing"),
        ("", "kit.idempotency_key_missing"),
        ("seven77", "kit.idempotency_key_unusable"),
        ("has a space", "kit.idempotency_key_unusable"),
        ("x" * 256, "kit.idempotency_key_unusable"),
    ],
)
async def test_a_missing_or_odd_key_is_refused_before_anything_happens(
    client: httpx.AsyncClient, db: Database, key: str | None, code: str
) -> None:
    citizen = uuid4()
    answer = await client.post("/gifts", json={"amount_points": 5}, headers=headers(citizen, key))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await effects(db, citizen) == 0


@pytest.mark.parametrize("key", ["x" * 8, "x" * 255])
async def test_keys_at_the_limits_are_taken(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/gifts", json={"amount_points": 5}, headers=headers(uuid4(), key))
    assert answer.status_code == 201


async def test_a_kept_answer_holds_nothing_in_clear(client: httpx.AsyncClient, db: Database) -> None:
    citizen, key = uuid4(), str(uuid4())
    sent: dict[str, Any] = {"json": {"amount_points": 5}, "headers": headers(citizen, key)}
    first = await client.post("/gifts", **sent)
    async with db.transaction() as session:
        row = (
            await session.execute(text("SELECT * FROM kit_idempotency_key WHERE key = :key"), {"key": key})
        ).one()
    assert SECRET in first.text
    assert SECRET.encode() not in row.body
    assert SECRET not in json.dumps(row.headers)
    assert (await client.post("/gifts", **sent)).content == first.content


async def test_keys_are_forgotten_after_two_days_and_not_before(
    client: httpx.AsyncClient, db: Database
) -> None:
    citizen, old, young = uuid4(), str(uuid4()), str(uuid4())
    for key in (old, young):
        await client.post("/gifts", json={"amount_points": 5}, headers=headers(citizen, key))
    async with db.transaction() as session:
        await session.execute(
            text(
                "UPDATE kit_idempotency_key SET created_at = now() - CAST(:age AS interval) WHERE key = :key"
            ),
            [
                {"age": idempotency.KEPT_FOR * 1.0001, "key": old},
                {"age": idempotency.KEPT_FOR * 0.9999, "key": young},
            ],
        )
    async with db.transaction() as session:
        await idempotency.forget_old(session)
        left = await session.execute(
            text("SELECT key FROM kit_idempotency_key WHERE principal = :principal"),
            {"principal": f"citizen:{citizen}"},
        )
    assert [row.key for row in left] == [young]
