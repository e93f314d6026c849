"""The staff's app on the real database, and signed-in staff of any role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from backend.identity.organisations import Role
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from operator_api import build
from tests.identity.conftest import PASSWORD, Hire, Hired, hire

__all__ = ["hire"]


@dataclass
class Person:
    """A signed-in member of staff with a client of their own."""

    hired: Hired
    tokens: dict[str, Any]
    client: httpx.AsyncClient

    @property
    def id(self) -> UUID:
        return self.hired.id

    async def get(self, path: str, **asked: Any) -> httpx.Response:
        return await self.client.get(path, headers=self.headers(), **asked)

    async def post(
        self, path: str, body: object = None, *, key: str | None = None, **more: str
    ) -> httpx.Response:
        headers = self.headers() | {"Idempotency-Key": key or str(uuid4())} | more
        return await self.client.post(path, json=body, headers=headers)

    async def put(self, path: str, body: object) -> httpx.Response:
        return await self.client.put(path, json=body, headers=self.headers())

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}


SignedIn = Callable[..., Awaitable[Person]]


@pytest.fixture(scope="module")
def app(settings: Settings, db: Database) -> FastAPI:
    app = build(settings)
    wire(app, settings=settings, db=db)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


async def sign_in(client: httpx.AsyncClient, hired: Hired, *, password: str = PASSWORD) -> httpx.Response:
    """Ask for tokens with the code that the authenticator shows now."""
    body = {"login": hired.login, "password": password, "totp": hired.code()}
    return await client.post("/sign-in", json=body)


@pytest.fixture
def signed_in(client: httpx.AsyncClient, hire: Hire) -> SignedIn:
    """Hire somebody with these roles and sign them in."""

    async def one(*roles: Role, organisation: str | None = None) -> Person:
        hired = await hire(*roles, organisation=organisation)
        answered = await sign_in(client, hired)
        assert answered.status_code == 200, answered.text
        return Person(hired, answered.json(), client)

    return one
