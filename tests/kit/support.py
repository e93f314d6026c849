"""A small app on the kit alone, for the tests of the kit's HTTP side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
from fastapi import FastAPI, Request

from backend.kit import http
from backend.kit.access import Principal, PrincipalKind, Unauthenticated
from backend.kit.db import Database
from backend.kit.settings import Settings


def app_on(settings: Settings, db: Database, *routers: http.Router) -> FastAPI:
    """An app with these routers, whose bearer tokens are `<kind>:<uuid>[:<role>…]` in clear."""
    app = http.new_app(title="test")
    for router in routers:
        app.include_router(router)
    http.wire(app, settings=settings, db=db)
    app.state.authenticate = _plain_tokens
    return app


async def _plain_tokens(_request: Request, token: str) -> Principal:
    try:
        kind, identity, *roles = token.split(":")
        return Principal(kind=PrincipalKind(kind), id=UUID(identity), roles=frozenset(roles))
    except ValueError:
        raise Unauthenticated from None


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks to the app without a network; an exception that leaves the app fails the test."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://puhui.test") as client:
        yield client


def bearer(kind: str, identity: UUID, *roles: str) -> dict[str, str]:
    return {"authorization": "Bearer " + ":".join((kind, str(identity), *roles))}
