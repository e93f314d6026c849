"""The citizens' app on the real database, with a box in which codes for phones arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from backend.engagement import circle
from backend.identity import consent, doors
from backend.identity.doors import Provider, Shown
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from mobile_api import build


@dataclass
class PhoneBox:
    """A sender whose messages can be read: the phones of the tests."""

    codes: dict[str, str] = field(default_factory=dict)

    async def send(self, *, phone: str, code: str, request_id: UUID) -> None:
        del request_id
        self.codes[phone] = code


@dataclass
class FakeApp:
    """A provider's app whose codes say themselves whose they are, each good once."""

    provider: Provider
    spent: set[str] = field(default_factory=set)

    async def shown(self, code: str) -> Shown:
        if code in self.spent:
            raise doors.DoorCodeRefused
        self.spent.add(code)
        return Shown(self.provider, "app", code.partition(".")[0])

    def code(self, user: str) -> str:
        """A fresh code of a user."""
        return f"{user}.{uuid4().hex}"


@dataclass
class Citizen:
    """A signed-in citizen with a client of their own."""

    id: UUID
    phone: str
    tokens: dict[str, Any]
    client: httpx.AsyncClient

    async def get(self, path: str, **asked: Any) -> httpx.Response:
        return await self.client.get(path, headers=self._headers(), **asked)

    async def post(self, path: str, body: object = None, *, key: str | None = None) -> httpx.Response:
        headers = self._headers() | {"Idempotency-Key": key or str(uuid4())}
        return await self.client.post(path, json=body, headers=headers)

    async def put(self, path: str, body: object) -> httpx.Response:
        return await self.client.put(path, json=body, headers=self._headers())

    async def delete(self, path: str) -> httpx.Response:
        return await self.client.delete(path, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}


@pytest.fixture(scope="module")
def phones() -> PhoneBox:
    return PhoneBox()


@pytest.fixture(scope="module")
def wechat() -> FakeApp:
    return FakeApp(Provider.WECHAT)


@pytest.fixture(scope="module")
def app(settings: Settings, db: Database, phones: PhoneBox, wechat: FakeApp) -> FastAPI:
    app = build(settings, sender=phones, exchanges={Provider.WECHAT: wechat})
    wire(app, settings=settings, db=db)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    # each test comes from an address of its own, so that they do not share its daily limit
    address = f"2001:db8:{uuid4().int % 0xFFFF:x}:{uuid4().int % 0xFFFF:x}::1"
    transport = httpx.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


async def sign_in(
    client: httpx.AsyncClient,
    phones: PhoneBox,
    phone: str | None = None,
    *,
    headers: dict[str, str] | None = None,
    device_name: str | None = None,
) -> Citizen:
    """Go through the whole sign-in with a phone, a new one unless one is given."""
    phone = phone or f"+86139{uuid4().int % 10**8:08d}"
    asked = await client.post("/sign-in/codes", json={"phone": phone}, headers=headers)
    assert asked.status_code == 202, asked.text
    given = {"request_id": asked.json()["request_id"], "phone": phone, "code": phones.codes[phone]}
    given |= {} if device_name is None else {"device_name": device_name}
    answered = await client.post("/sign-in/tokens", json=given, headers=headers)
    assert answered.status_code == 200, answered.text
    pair = answered.json()
    return Citizen(UUID(pair["participant_id"]), phone, pair, client)


async def sign_in_by_door(client: httpx.AsyncClient, app: FakeApp, user: str) -> Citizen:
    """Sign in with an account of a provider, a new citizen the first time."""
    answered = await client.post(f"/sign-in/doors/{app.provider.value}", json={"code": app.code(user)})
    assert answered.status_code == 200, answered.text
    return Citizen(UUID(answered.json()["participant_id"]), "", answered.json(), client)


async def step_up_by_door(citizen: Citizen, app: FakeApp, user: str, purpose: str) -> None:
    """Show once more who they are, with a fresh code of their own door."""
    given = {"purpose": purpose, "code": app.code(user)}
    granted = await citizen.post(f"/step-up/doors/{app.provider.value}", given)
    assert granted.status_code == 200, granted.text


async def step_up(citizen: Citizen, phones: PhoneBox, purpose: str) -> None:
    """Show once more who they are: what `purpose` names may then be done once."""
    asked = await citizen.post("/step-up/codes", {"purpose": purpose})
    assert asked.status_code == 202, asked.text
    given = {"request_id": asked.json()["request_id"], "code": phones.codes[citizen.phone]}
    granted = await citizen.post("/step-up/grants", given)
    assert granted.status_code == 200, granted.text


@pytest.fixture
async def alice(client: httpx.AsyncClient, phones: PhoneBox) -> Citizen:
    return await sign_in(client, phones)


@pytest.fixture
async def bob(client: httpx.AsyncClient, phones: PhoneBox) -> Citizen:
    return await sign_in(client, phones)


RIGHT = consent.agreement(consent.RIGHT, purpose="assignment").sha256.hex()
WORDS = consent.agreement(consent.SCENARIO, purpose="consent").sha256.hex()
SHOWN = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE).sha256.hex()
