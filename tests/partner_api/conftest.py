"""The partners' app on the real database, beside the staff's, and partners with registered keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

import operator_api
import partner_api
from backend.identity import organisations, partners
from backend.identity.organisations import Role
from backend.identity.partners import CallingPartner, PartnerKey
from backend.kit import clock
from backend.kit.access import PrincipalKind
from backend.kit.db import Database
from backend.kit.http import wire
from backend.kit.settings import Settings
from tests.identity.conftest import Hire, Hired, hire
from tests.partner_api.signing import Signer, public_bytes

__all__ = ["hire"]


@dataclass(frozen=True)
class Metro:
    """A partner: its code, two of its people, and the signers of a real key and a key of its sandbox."""

    id: UUID
    code: str
    first: Hired
    second: Hired
    live: Signer
    sandbox: Signer

    def calling(self, *, sandbox: bool = False) -> CallingPartner:
        """The caller as the services see it, for tests below HTTP."""
        return CallingPartner(
            kind=PrincipalKind.PARTNER,
            id=self.id,
            organisation_id=self.id,
            organisation=self.code,
            key_id=(self.sandbox if sandbox else self.live).key_id,
            sandbox=sandbox,
            usage=partners.Usage(events=0, quota=partners.DEFAULT),
        )


async def register(
    db: Database,
    first: UUID,
    second: UUID,
    *,
    sandbox: bool = False,
    key: Ed25519PrivateKey | None = None,
    **asked: Any,
) -> tuple[PartnerKey, Signer]:
    """Propose a key as one person and approve it as another."""
    made = key or Ed25519PrivateKey.generate()
    given = {
        "valid_from": None,
        "valid_until": clock.now() + timedelta(days=300),
        "overlap_days": 7,
    } | asked
    async with db.transaction() as session:
        act = await partners.propose_key(
            session,
            proposed_by=first,
            public_key=partners.written_key(public_bytes(made)),
            sandbox=sandbox,
            **given,
        )
    async with db.transaction() as session:
        registered = await partners.approve_key(
            session, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
        )
    return registered, Signer(registered.id, made)


NewPartner = Callable[..., Awaitable[Metro]]


@pytest.fixture
def new_partner(db: Database, hire: Hire) -> NewPartner:
    """Make a partner with two people and both sorts of keys."""

    async def one(code: str | None = None) -> Metro:
        name = code or f"metro-{uuid4().hex[:8]}"
        async with db.transaction() as session:
            made = await organisations.create_organisation(
                session, code=name, name_zh="地铁", name_en="Metro", roles=[Role.PARTNER]
            )
        first = await hire(Role.PARTNER, organisation=name)
        second = await hire(Role.PARTNER, organisation=name)
        _, live = await register(db, first.id, second.id)
        _, sandbox = await register(db, first.id, second.id, sandbox=True)
        return Metro(made.id, name, first, second, live, sandbox)

    return one


@pytest.fixture(scope="module")
def app(settings: Settings, db: Database) -> FastAPI:
    app = partner_api.build(settings)
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
