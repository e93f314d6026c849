"""The verifiers' app beside the staff's, on one database with a town in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

import operator_api
import verifier_api
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from tests.certification.conftest import town
from tests.identity.conftest import hire

__all__ = ["hire", "town"]


@pytest.fixture(scope="module")
def app(settings: Settings, db: Database) -> FastAPI:
    app = verifier_api.build(settings)
    wire(app, settings=settings, db=db)
    return app


@pytest.fixture(scope="module")
def staff_app(settings: Settings, db: Database) -> FastAPI:
    app = operator_api.build(settings)
    wire(app, settings=settings, db=db)
    return app


async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async for client in client_of(app):
        yield client


@pytest.fixture
async def staff_client(staff_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async for client in client_of(staff_app):
        yield client
