"""A stage for the compliance side on the real database, each with a compliance year of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from backend.identity.organisations import Role
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from offset_bridge.app import build_market, build_registry
from tests.identity.conftest import Hire, hire
from tests.offset_bridge.stage import YEAR, Stage
from tests.operator_api.conftest import Person, sign_in

__all__ = ["hire"]

_years = itertools.count(YEAR)


@pytest.fixture
async def stage(db: Database, hire: Hire) -> Stage:
    """A market that is open as a demonstration, in a year that no other test of the run uses."""
    built = Stage(db, hire, year=next(_years))
    await built.open()
    return built


@pytest.fixture(scope="module")
def registry_app(settings: Settings, db: Database) -> FastAPI:
    app = build_registry(settings)
    wire(app, settings=settings, db=db)
    return app


@pytest.fixture(scope="module")
def market_app(settings: Settings, db: Database) -> FastAPI:
    app = build_market(settings)
    wire(app, settings=settings, db=db)
    return app


@pytest.fixture
async def at_registry(registry_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `/registry/v1`."""
    async with _client(registry_app) as client:
        yield client


@pytest.fixture
async def at_market(market_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `/market/v1`."""
    async with _client(market_app) as client:
        yield client


def _client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://puhui.test")


SignIn = Callable[..., Awaitable[Person]]


@pytest.fixture
def signed_in(at_registry: httpx.AsyncClient, hire: Hire) -> SignIn:
    """Hire somebody with these roles and sign them in at the registry; the token is good at the market too."""

    async def one(*roles: Role, organisation: str | None = None) -> Person:
        hired = await hire(*roles, organisation=organisation)
        answered = await sign_in(at_registry, hired)
        assert answered.status_code == 200, answered.text
        return Person(hired, answered.json(), at_registry)

    return one
