"""A merchant's desk and an operator's two people over HTTP, who settle with each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx

from backend.identity import Role, organisations, staff, tokens
from backend.identity.tokens import Audience
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from merchant.app import build as build_merchant
from operator_api import build as build_operator
from tests.merchant.conftest import PROGRAMME, Shop

OPERATOR = "gd-operator"
SETTLING = f"/programmes/{PROGRAMME}/settlement"


@dataclass(frozen=True)
class Person:
    """Somebody with a surface; every request is signed in for itself, since these tests travel in time."""

    db: Database
    settings: Settings
    client: httpx.AsyncClient
    id: UUID

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        async with self.db.transaction() as session:
            pair = await tokens.start_session(session, self.settings, Audience.STAFF, subject=self.id)
        headers = {"Authorization": f"Bearer {pair.access_token}", "Idempotency-Key": str(uuid4())}
        return await self.client.request(method, path, json=body, headers=headers)

    async def get(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    async def post(self, path: str, body: object = None, status: int = 200) -> Any:
        """What is answered; `status` 0 where it does not matter."""
        answer = await self.ask("POST", path, body)
        assert status in (0, answer.status_code), answer.text
        return answer.json()

    async def refused(self, path: str, body: object = None) -> tuple[int, str]:
        answer = await self.ask("POST", path, body)
        return answer.status_code, answer.json()["code"]


@dataclass(frozen=True)
class Desk:
    """Both sides. `first` and `second` are the operator's."""

    first: Person
    second: Person
    at_merchants: httpx.AsyncClient

    def of(self, shop: Shop) -> Person:
        return Person(shop.db, self.first.settings, self.at_merchants, shop.clerk)

    async def agreed(self, path: str, body: object = None) -> Any:
        """What two people agree to: what came of it."""
        act = await self.first.post(f"{SETTLING}/{path}/proposals", body, 201)
        where = path if "disputes" not in path else "corrections"
        return await self.second.post(
            f"{SETTLING}/{where}/proposals/{act['id']}/approval", {"subject_sha256": act["subject_sha256"]}
        )

    async def close(self, shop: Shop) -> Any:
        return await self.agreed("closings", {"merchant": shop.code})


@asynccontextmanager
async def desk_of(db: Database, settings: Settings) -> AsyncIterator[Desk]:
    async with db.transaction() as session:
        try:
            await organisations.organisation_by_code(session, code=OPERATOR)
        except organisations.OrganisationUnknown:
            await organisations.create_organisation(
                session, code=OPERATOR, name_zh="运营方", name_en="Operator", roles=[Role.OPERATOR]
            )
        hired = [
            (await staff.create_staff(
                session, settings.keys, organisation_code=OPERATOR, login=f"o{uuid4().hex[:10]}",
                password="correct horse battery", roles=[Role.OPERATOR],
            )).staff.id
            for _ in range(2)
        ]  # fmt: skip
    async with AsyncExitStack() as stack:
        clients = []
        for app in (build_operator(settings), build_merchant(settings)):
            wire(app, settings=settings, db=db)
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            clients.append(
                await stack.enter_async_context(
                    httpx.AsyncClient(transport=transport, base_url="http://puhui.test")
                )
            )
        first, second = (Person(db, settings, clients[0], one) for one in hired)
        yield Desk(first, second, clients[1])
