"""The people of the demo, each with nothing but the platform's HTTP interface and their own secrets."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pyotp
from fastapi import FastAPI
from starlette.routing import Mount

from backend.kit import clock, http
from backend.kit.db import Database
from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings
from puhui.app import create_app


@dataclass(eq=False)
class StepRefused(DomainError):
    """The platform refused a step of the demo, which it should not have."""

    code = "puhui.demo_step_refused"
    kind = Kind.CONFLICT
    title_zh = "平台拒绝了演示中本应成功的一步。"

    step: str
    status: int
    refusal: str


@dataclass
class Phones:
    """The sender of the demo's sign-in codes: phones that can be read."""

    codes: dict[str, str] = field(default_factory=dict)

    async def send(self, *, phone: str, code: str, request_id: UUID) -> None:
        del request_id
        self.codes[phone] = code


@dataclass
class Caller:
    """Somebody with a bearer token."""

    client: httpx.AsyncClient
    token: str

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: int | None = None,
        word: str | None = None,
    ) -> Any:
        """Send a request and answer the body; with `expect`, a refusal of that status is the answer wanted.

        `word`: a fresh one-time code, where a merchant's staff have to give one.
        """
        headers = {"Authorization": f"Bearer {self.token}"} | ({} if word is None else {"Manager-Code": word})
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid4())
        answer = await self.client.request(method, path, json=body, headers=headers)
        return answered(answer, expect=expect)

    async def fetch(self, path: str) -> bytes:
        """A file, byte for byte."""
        answer = await self.client.get(path, headers={"Authorization": f"Bearer {self.token}"})
        if not answer.is_success:
            answered(answer)
        return answer.content


def answered(answer: httpx.Response, *, expect: int | None = None) -> Any:
    """The body of an answer. Raises StepRefused unless it is a success, or has the expected status."""
    body = answer.json() if answer.content else None
    wanted = answer.is_success if expect is None else answer.status_code == expect
    if not wanted:
        refusal = body.get("code", "") if isinstance(body, dict) else ""
        step = f"{answer.request.method} {answer.request.url.path}"
        raise StepRefused(step=step, status=answer.status_code, refusal=refusal)
    return body


@dataclass
class StaffMember:
    """A login with a password and an authenticator."""

    login: str
    password: str
    totp_uri: str

    def code(self, *, ahead: int = 0) -> str:
        """What the authenticator shows, or will show so many half minutes later."""
        secret = parse_qs(urlsplit(self.totp_uri).query)["secret"][0]
        return pyotp.TOTP(secret).at(clock.now(), counter_offset=ahead)

    async def sign_in(self, client: httpx.AsyncClient) -> Caller:
        given = {"login": self.login, "password": self.password, "totp": self.code()}
        tokens = answered(await client.post("/operator/v1/sign-in", json=given))
        return Caller(client, tokens["access_token"])


@dataclass
class Phone:
    """A citizen's phone."""

    number: str

    async def sign_in(self, client: httpx.AsyncClient, phones: Phones) -> tuple[Caller, UUID]:
        """Ask for a code, read it, exchange it. Answers the caller and the participant's pseudonym."""
        asked = answered(await client.post("/mobile/v1/sign-in/codes", json={"phone": self.number}))
        given = {
            "request_id": asked["request_id"],
            "phone": self.number,
            "code": phones.codes["+86" + self.number],
        }
        tokens = answered(await client.post("/mobile/v1/sign-in/tokens", json=given))
        return Caller(client, tokens["access_token"]), UUID(tokens["participant_id"])


def city_app(settings: Settings, db: Database, phones: Phones) -> FastAPI:
    """The one app as `puhui up` serves it, except that codes go to phones that can be read."""
    app = create_app(settings)
    http.wire(app, settings=settings, db=db)
    for route in app.routes:
        if isinstance(route, Mount) and route.path == "/mobile/v1":
            assert isinstance(route.app, FastAPI)
            route.app.state.sender = phones
    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client that reaches the app in this process, through all of its middleware."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url="http://puhui.demo", headers={"Accept-Language": "zh-CN"}, timeout=60
    )


def keep_logins(staff: list[StaffMember], phones: dict[str, str], path: Path) -> None:
    """Write what is needed to sign in where only the owner of the data folder can read it."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        facts = {
            "staff": [
                {"login": one.login, "password": one.password, "totp_uri": one.totp_uri} for one in staff
            ],
            "citizens": [{"name": name, "phone": number} for name, number in phones.items()],
        }
        json.dump(facts, file, ensure_ascii=False, indent=2)
