"""A commit comes before its answer, and a failure of ours says nothing of what was sent."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import Depends, Response
from sqlalchemy import text

from backend.kit import http, outbox
from backend.kit.access import Principal, SignedIn, requires
from backend.kit.db import Database, DatabaseUnavailable
from backend.kit.settings import Settings
from puhui import runtime
from tests.kit.support import app_on, bearer, client_of

router = http.Router()


@router.post("/promises/{mark}", status_code=201)
async def owe(mark: str, session: http.WriteSession) -> dict[str, str]:
    outbox.promise(session, "test.http", mark=mark)
    return {"mark": mark}


@router.post("/misshapen/{mark}")
async def misshapen(mark: str, session: http.WriteSession) -> dict[str, int]:
    outbox.promise(session, "test.http", mark=mark)
    return {"mark": mark}  # type: ignore[dict-item]


@router.post("/read-only/{mark}")
async def write_where_one_reads(mark: str, session: http.ReadSession) -> dict[str, str]:
    outbox.promise(session, "test.http", mark=mark)
    return {"mark": mark}


@router.post("/numbers/{number}")
async def number(number: int, session: http.WriteSession) -> dict[str, int]:
    await session.execute(text("SELECT CAST(:number AS bigint)"), {"number": number})
    return {"number": number}


@router.get("/fails")
async def fails(secret: str) -> None:
    raise RuntimeError(f"this failed with {secret}")


@router.get("/kept")
async def kept(how: str, response: Response) -> dict[str, str]:
    response.headers["Trace-Id"] = "theirs"
    if how:
        response.headers["Cache-Control"] = how
    return {}


async def _may_not(_: SignedIn) -> None: ...


Auditor = Annotated[Principal, requires("auditor")]


@router.get("/books", dependencies=[Depends(_may_not)])
async def books(auditor: Auditor) -> dict[str, str]:
    return {"for": str(auditor)}


@pytest.fixture
async def client(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_on(settings, db, router)) as client:
        yield client


async def owed(db: Database, mark: str) -> int:
    async with db.transaction() as session:
        counted = await session.execute(
            text("SELECT count(*) FROM kit_outbox WHERE payload->>'mark' = :mark"), {"mark": mark}
        )
        return int(counted.scalar_one())


async def test_what_is_answered_is_already_committed(settings: Settings, db: Database) -> None:
    app = app_on(settings, db, router)
    mark = str(uuid4())
    seen: list[int] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            seen.append(await owed(db, mark))

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: dict[str, object] = {
        "type": "http", "method": "POST", "path": f"/promises/{mark}", "raw_path": b"", "query_string": b"",
        "headers": [], "root_path": "", "http_version": "1.1", "scheme": "http", "server": ("t", 80), "client": None,
    }  # fmt: skip
    await app(scope, receive, send)  # type: ignore[arg-type]
    assert seen == [1]


async def test_a_commit_that_fails_is_not_answered_with_success(
    client: httpx.AsyncClient, db: Database, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    mark = str(uuid4())
    await superuser.execute("""
        CREATE FUNCTION refuse_at_commit() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'not today' USING ERRCODE = '23514'; END $$;
        CREATE CONSTRAINT TRIGGER refuse_at_commit AFTER INSERT ON kit_outbox
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_at_commit();
    """)
    try:
        answer = await client.post(f"/promises/{mark}")
    finally:
        await superuser.execute(
            "DROP TRIGGER refuse_at_commit ON kit_outbox; DROP FUNCTION refuse_at_commit()"
        )
    assert (answer.status_code, answer.json()["code"]) == (500, "kit.internal")
    assert mark not in answer.text
    assert await owed(db, mark) == 0


async def test_an_answer_that_does_not_fit_its_schema_takes_the_work_back(
    client: httpx.AsyncClient, db: Database
) -> None:
    mark = str(uuid4())
    answer = await client.post(f"/misshapen/{mark}")
    assert answer.status_code == 500
    assert mark not in answer.text
    assert await owed(db, mark) == 0


async def test_a_read_session_refuses_to_write(client: httpx.AsyncClient, db: Database) -> None:
    mark = str(uuid4())
    assert (await client.post(f"/read-only/{mark}")).status_code == 500
    assert await owed(db, mark) == 0


@pytest.mark.parametrize(("number", "status"), [(2**63 - 1, 200), (2**63, 422), (-(2**63), 200)])
async def test_a_number_beyond_the_column_is_a_refusal_and_not_a_failure(
    client: httpx.AsyncClient, number: int, status: int
) -> None:
    assert (await client.post(f"/numbers/{number}")).status_code == status


async def test_a_failure_of_ours_has_a_trace_id_and_its_log_line_holds_no_input(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = await client.get("/fails", params={"secret": "hush-hush"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "kit.internal")
    assert problem["trace_id"] == answer.headers["trace-id"]
    assert "hush-hush" not in answer.text
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert {line["event"] for line in lines} >= {"unexpected", "request"}
    assert all(line["trace_id"] == problem["trace_id"] for line in lines)
    assert "hush-hush" not in json.dumps(lines, default=str)
    failure = next(line for line in lines if line["event"] == "unexpected")
    assert failure["error"][0] == "RuntimeError"
    assert any("test_http.fails" in place for place in failure["at"])


async def test_an_answer_says_its_own_caching_and_else_ours_and_each_field_once(
    client: httpx.AsyncClient,
) -> None:
    plain, kept = await client.get("/kept?how="), await client.get("/kept?how=max-age=60")
    for answer, caching in ((plain, "no-store"), (kept, "max-age=60")):
        names = [name.lower() for name, _ in answer.headers.raw]
        assert len(names) == len(set(names))
        assert answer.headers["cache-control"] == caching
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (len(answer.headers["trace-id"]), answer.headers["trace-id"] != "theirs") == (32, True)


async def test_the_request_log_names_the_route_and_not_the_address(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    mark = str(uuid4())
    with caplog.at_level(logging.INFO):
        await client.post(f"/promises/{mark}?phone=13800000000")
    line = next(
        record.msg
        for record in caplog.records
        if isinstance(record.msg, dict) and record.msg["event"] == "request"
    )
    assert (line["route"], line["method"], line["status"]) == ("/promises/{mark}", "POST", 201)
    assert mark not in json.dumps(line)
    assert "13800000000" not in json.dumps(line)


async def test_a_callers_trace_is_joined(client: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await client.get("/nothing", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.json()["trace_id"] == trace


async def test_who_is_not_signed_in_gets_401_and_who_lacks_the_role_403(client: httpx.AsyncClient) -> None:
    nobody = await client.get("/books")
    citizen = await client.get("/books", headers=bearer("citizen", uuid4(), "auditor"))
    clerk = await client.get("/books", headers=bearer("staff", uuid4(), "clerk"))
    auditor = await client.get("/books", headers=bearer("staff", uuid4(), "clerk", "auditor"))
    nonsense = await client.get("/books", headers={"authorization": "Bearer x.y.z"})
    assert [answer.status_code for answer in (nobody, citizen, clerk, auditor, nonsense)] == [
        401,
        401,
        403,
        200,
        401,
    ]
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    assert clerk.json()["code"] == "kit.forbidden"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (None, "zh-CN"),
        ("en", "en"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("fr", "zh-CN"),
        ("en;q=0", "zh-CN"),
        ("en;q=nonsense,*;q=;;", "zh-CN"),
    ],
)
async def test_a_problem_speaks_the_language_asked_for(
    client: httpx.AsyncClient, asked: str | None, answered: str
) -> None:
    answer = await client.get("/nothing", headers={} if asked is None else {"accept-language": asked})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == answered
    title = answer.json()["title"]
    assert title == (
        "没有找到，或您无权查看。" if answered == "zh-CN" else "There is nothing here that you may see."
    )


async def test_a_full_pool_is_answered_with_try_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.kit.db.POOL_PATIENCE_S", 0.2)
    async with runtime.database(settings.model_copy(update={"pool_size": 1, "hot_pool_size": 1})) as small:
        async with client_of(app_on(settings, small, router)) as client:
            async with small.transaction() as one, small.transaction() as other:
                await one.execute(text("SELECT 1"))
                await other.execute(text("SELECT 1"))
                answer = await client.post("/promises/waits")
            assert (answer.status_code, answer.json()["code"]) == (503, "kit.database_unavailable")
            assert answer.headers["retry-after"] == "1"
        async with small.hot_transaction():
            with pytest.raises(DatabaseUnavailable):
                async with small.hot_transaction():
                    pass
