"""The one ASGI app: every surface under its own address, health, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from fastapi import FastAPI, Request
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from backend.kit import http, logging, metrics, tasks
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.limiting import Limiter
from backend.kit.settings import Settings
from puhui import runtime
from puhui.quotas import POLICIES
from puhui.surfaces import SURFACES

_PROBE_S = 3.0

_log = logging.get("puhui.app")


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app for these settings (default: the environment's). It opens its connections when it starts."""
    if settings is None:
        logging.configure()
        settings = runtime.load_settings()
    ready = settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with runtime.database(ready) as db, _redis(ready) as client:
            app.state.redis = client
            limiter = Limiter(ready, policies=POLICIES)
            http.wire(app, settings=ready, db=db, limiter=limiter)
            try:
                yield
            finally:
                await limiter.close()

    app = http.new_app(title="Puhui 碳普惠", openapi_url=None, lifespan=lifespan)
    app.include_router(_health)
    for prefix, build in SURFACES.items():
        http.mount(app, prefix, build(ready))
    return app


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[redis.asyncio.Redis]:
    assert settings.redis_url is not None
    client = redis.asyncio.Redis.from_url(
        tasks.client_url(settings.redis_url.get_secret_value()),
        socket_timeout=_PROBE_S,
        socket_connect_timeout=_PROBE_S,
    )
    try:
        yield client
    finally:
        await client.aclose()


_health = http.Router(include_in_schema=False)


@_health.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers; nothing else is asked."""
    return {"status": "ok"}


@_health.get("/readyz")
async def readyz(request: Request) -> Response:
    """PostgreSQL and Redis each answer a question now, else 503; which one does not is named."""
    checks = {
        "postgresql": await _database_answers(http.database(request)),
        "redis": await _redis_answers(request.app.state.redis),
    }
    return JSONResponse(
        {"status": "ok" if all(checks.values()) else "unavailable", "checks": checks},
        status_code=200 if all(checks.values()) else 503,
    )


async def _database_answers(db: Database) -> bool:
    try:
        async with asyncio.timeout(_PROBE_S), db.transaction() as session:
            return bool((await session.execute(text("SELECT 1"))).scalar_one() == 1)
    except (DomainError, SQLAlchemyError, OSError, TimeoutError) as error:
        _log.warning("not ready", part="postgresql", exc_info=error)
        return False


async def _redis_answers(client: redis.asyncio.Redis) -> bool:
    try:
        return bool(await client.ping())
    except (RedisError, OSError, TimeoutError) as error:
        _log.warning("not ready", part="redis", exc_info=error)
        return False


@_health.get("/metrics")
async def metrics_page(session: http.ReadSession) -> Response:
    """Prometheus' page. Keep it from the public at the proxy."""
    return Response(await metrics.collect(session), media_type=metrics.MEDIA_TYPE)
