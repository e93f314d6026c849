"""A copy of the audited city behind the whole app, and somebody of every role to ask it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from backend.identity import Role, organisations, people, staff, tokens
from backend.identity.tokens import Audience, sign_access
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from merchant import shops, tills
from merchant.tills import queries
from puhui import embedded
from puhui.app import create_app
from puhui.surfaces import SURFACES
from tests.audit.conftest import Copy, city, copy_of
from tests.authorisation.plausible import UUID_NOBODY_HAS, value_of
from tests.partner_api.conftest import register
from tests.partner_api.signing import Signer

__all__ = ["city"]

NOTHING = "nothing-here"
STAFF = {
    "merchant": Role.MERCHANT,
    "operator": Role.OPERATOR,
    "verifier": Role.VERIFICATION_BODY,
    "authority": Role.AUTHORITY,
    "partner": Role.PARTNER,
    "enterprise": Role.ENTERPRISE,
}


@dataclass(frozen=True)
class Operation:
    """One operation of one document."""

    surface: str
    method: str
    path: str
    name: str
    parameters: list[dict[str, Any]] = field(repr=False)
    body: dict[str, Any] | None = field(repr=False)
    schemas: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.surface}{self.path}"

    @property
    def names(self) -> list[str]:
        """The parameters of its path, in order."""
        return re.findall(r"\{([a-z0-9_]+)\}", self.path)

    def request(self, values: dict[str, Any]) -> dict[str, Any]:
        """What httpx needs to send it, with these values in its path and plausible ones elsewhere."""
        path, query = self.path, {}
        for one in self.parameters:
            name, schema = one["name"], one.get("schema", {})
            if one["in"] == "path":
                value = values.get(name, _missing(schema, self.schemas))
                path = path.replace(f"{{{name}}}", str(value))
            elif one["in"] == "query" and one.get("required"):
                query[name] = value_of(schema, self.schemas)
        sent: dict[str, Any] = {"method": self.method, "url": self.surface + path, "params": query}
        if self.body is not None:
            sent["json"] = value_of(self.body, self.schemas)
        return sent


def _missing(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A value of its kind that names nothing."""
    if schema.get("format") == "uuid":
        return UUID_NOBODY_HAS
    plain = schema.get("type") == "string" and "enum" not in schema
    fits = re.search(schema.get("pattern", ""), NOTHING) and len(NOTHING) <= schema.get("maxLength", 99)
    return NOTHING if plain and fits else value_of(schema, schemas)


def operations(app: FastAPI) -> list[Operation]:
    """Every operation of every document."""
    found = []
    for mounted in app.routes:
        prefix = getattr(mounted, "path", "")
        if prefix not in SURFACES:
            continue
        document = mounted.app.openapi()  # type: ignore[attr-defined]
        for path, methods in document["paths"].items():
            for method, told in methods.items():
                content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
                found.append(
                    Operation(
                        prefix,
                        method.upper(),
                        path,
                        told["operationId"],
                        told.get("parameters", []),
                        content.get("schema"),
                        document.get("components", {}).get("schemas", {}),
                    )
                )
    return found


@dataclass
class Town:
    """The app over the city, and the people who ask."""

    app: FastAPI
    client: httpx.AsyncClient
    db: Database
    settings: Settings
    signer: Signer
    who: dict[str, tuple[Audience, UUID]]
    standing: tuple[UUID, UUID]  # a till and a clerk of it, of another merchant's shop

    async def headers(self, role: str) -> dict[str, str]:
        """The headers of somebody of this role, who has just signed in: what one request ends, the next has again."""
        if role == "clerk":
            return await self._at_the_till()
        if role not in self.who:
            return {}
        return await self.headers_of(*self.who[role])

    async def headers_of(self, audience: Audience, subject: UUID) -> dict[str, str]:
        async with self.db.transaction() as session:
            pair = await tokens.start_session(session, self.settings, audience, subject=subject)
        return {"authorization": f"Bearer {pair.access_token}"}

    async def _at_the_till(self) -> dict[str, str]:
        """The headers of a clerk who has just begun at a till."""
        (till_id, clerk_id), session_id, now = self.standing, ids.uuid7(), clock.now()
        begun = {
            "id": session_id,
            "till": till_id,
            "clerk": clerk_id,
            "at": now,
            "ends_at": now + timedelta(hours=1),
        }
        async with self.db.transaction() as session:
            await session.execute(queries.BEGIN, begun)
        token, _ = sign_access(self.settings, Audience.TILL, subject=clerk_id, session_id=session_id)
        return {"authorization": f"Bearer {token}"}

    async def staff_of(self, organisation_id: UUID, names: list[str]) -> UUID:
        """Somebody who works there, in those of the roles that the organisation has."""
        async with self.db.transaction() as session:
            employer = await organisations.organisation(session, organisation_id=organisation_id)
            roles = [STAFF[name] for name in names if name in STAFF and STAFF[name] in employer.roles]
            made = await staff.create_staff(
                session, self.settings.keys, organisation_code=employer.code, login=f"w{uuid4().hex[:12]}",
                password="correct horse battery", roles=roles,
            )  # fmt: skip
        return made.staff.id

    async def ask(
        self, operation: Operation, values: dict[str, Any], headers: dict[str, str], *, signed: bool = False
    ) -> httpx.Response:
        sent = operation.request(values)
        asked = self.client.build_request(
            **sent, headers=headers | {"idempotency-key": str(uuid4()), "accept-language": "en"}
        )
        return await self.client.send(asked, auth=self.signer if signed else httpx.USE_CLIENT_DEFAULT)


@pytest.fixture(scope="module")
async def town(servers: embedded.Servers, city: str) -> AsyncIterator[Town]:
    async with copy_of(servers, city) as copy:
        settings = copy.settings.model_copy(update={"rate_limit_factor": 10_000})
        app = create_app(settings)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client,
        ):
            yield await _people(app, client, copy, settings)


async def _people(app: FastAPI, client: httpx.AsyncClient, copy: Copy, settings: Settings) -> Town:
    who: dict[str, tuple[Audience, UUID]] = {}
    machines: list[UUID] = []
    async with copy.db.transaction() as session:
        who["citizen"] = Audience.CITIZEN, (await people.register(session)).id
        for name, role in STAFF.items():
            await organisations.create_organisation(
                session, code=f"other-{name}", name_zh="另一家", name_en="Another", roles=[role]
            )
            for login in (f"other-{name}-a", f"other-{name}-b"):
                made = await staff.create_staff(
                    session, settings.keys, organisation_code=f"other-{name}", login=login,
                    password="correct horse battery", roles=[role],
                )  # fmt: skip
                who[name] = Audience.STAFF, made.staff.id
                if role is Role.PARTNER:
                    machines.append(made.staff.id)
    _, signer = await register(copy.db, machines[0], machines[1])
    standing = await _a_till(copy.db, settings, who["merchant"][1])
    return Town(app, client, copy.db, settings, signer, who, standing)


async def _a_till(db: Database, settings: Settings, manager: UUID) -> tuple[UUID, UUID]:
    """A till and a clerk of a shop."""
    key = Ed25519PrivateKey.generate()
    about = shops.About("另一店", "Another", "", "天河区", None, {}, {})
    async with db.transaction() as session:
        merchant_id = (await staff.staff_member(session, staff_id=manager)).organisation_id
        shop = await shops.open_shop(session, merchant_id=merchant_id, about=about, made_by=manager)
        of_it: dict[str, Any] = {"merchant_id": merchant_id, "shop_id": shop.id, "made_by": manager}
        clerk = await tills.add_clerk(session, **of_it, label="01", pin="592781")
        code, _ = await tills.invite_till(session, settings.keys, **of_it, label="till")
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    async with db.transaction() as session:
        till = await tills.enrol(
            session, settings.keys, code=code, public_key=public, signature=key.sign(b"puhui-till:" + code.encode())
        )  # fmt: skip
    return till.id, clerk.id
