"""The one ASGI app: what it mounts, and that readiness is asked, not assumed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner

from backend.kit import metrics
from backend.kit.db import Database
from backend.kit.settings import Settings
from puhui.app import create_app
from puhui.cli import app as command
from puhui.surfaces import SURFACES


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://puhui.test") as client,
    ):
        yield client


async def test_it_is_alive_and_ready_when_both_servers_answer(settings: Settings) -> None:
    async with serving(settings) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["checks"] == {"postgresql": True, "redis": True}


@pytest.mark.parametrize(
    ("missing", "url"),
    [
        ("redis", "unix:///nowhere/at/all.sock?db=0"),
        ("postgresql", "postgresql://puhui_app@/puhui?host=/nowhere"),
    ],
)
async def test_it_is_alive_and_not_ready_while_a_server_is_away(
    settings: Settings, missing: str, url: str
) -> None:
    field = "redis_url" if missing == "redis" else "database_url"
    async with serving(settings.model_copy(update={field: SecretStr(url)})) as client:
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"] == {"postgresql": missing != "postgresql", "redis": missing != "redis"}


async def test_every_surface_has_its_own_document(settings: Settings) -> None:
    async with serving(settings) as client:
        for prefix in SURFACES:
            document = (await client.get(f"{prefix}/openapi.json")).json()
            assert document["openapi"].startswith("3.")
            assert document["servers"] == [{"url": prefix}]
            assert "HTTPValidationError" not in json.dumps(document)
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    answered = {*operation["responses"]}
                    assert "default" in answered, (method, path)


async def test_operation_ids_are_unique_within_a_surface(settings: Settings) -> None:
    for prefix, build in SURFACES.items():
        document = build(settings).openapi()
        ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
        assert len(ids) == len(set(ids)), prefix


async def test_an_unknown_address_is_a_problem_on_every_surface(settings: Settings) -> None:
    async with serving(settings) as client:
        for address in ("/nothing", *(f"{prefix}/nothing" for prefix in SURFACES)):
            answer = await client.get(address)
            assert (answer.status_code, answer.json()["code"]) == (404, "kit.not_found")
            assert answer.headers["content-type"] == "application/problem+json"


async def test_the_metrics_show_requests_the_outbox_and_what_jobs_recorded(
    settings: Settings, db: Database
) -> None:
    async with db.transaction() as session:
        await session.execute(text("INSERT INTO kit_outbox (task, payload) VALUES ('test.work', '{}')"))
        await metrics.record(session, "audit_violations", 3)
        await metrics.record(session, "audit_violations", 0)
    async with serving(settings) as client:
        await client.get("/healthz")
        page = (await client.get("/metrics")).text
    assert 'puhui_http_requests_total{method="GET",route="/healthz",status="200"}' in page
    assert "puhui_outbox_waiting 1.0" in page
    assert 'puhui_recorded{name="audit_violations"} 0.0' in page
    assert 'puhui_recorded_timestamp_seconds{name="audit_violations"}' in page


def test_the_documents_are_exported_without_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUHUI_DATA_DIR", str(tmp_path / "data"))
    done = CliRunner().invoke(command, ["export", "openapi", "--to", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "out" / "mobile-v1.json").read_text("utf-8"))
    assert written["servers"] == [{"url": "/mobile/v1"}]
    assert written["paths"]
