"""Every operation of the document, asked for by those who may not."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from fastapi import FastAPI

from backend.identity import tokens
from backend.identity.tokens import Audience
from backend.kit.db import Database
from backend.kit.settings import Settings

OPEN_TO_ALL = {
    "request_sign_in_code",
    "exchange_sign_in_code",
    "refresh_tokens",
    "sign_in_by_door",
    "list_agreements",
    "get_image",
    "list_causes",
    "list_handovers",
}


def _with_values(path: str) -> str:
    values = {
        "holding_id": "1",
        "scenario": "bus",
        "act_id": str(uuid4()),
        "job_id": str(uuid4()),
        "line": "1",
        "entry_id": str(uuid4()),
        "programme": "gd-green-travel",
        "offer_id": str(uuid4()),
        "redemption_id": str(uuid4()),
        "reward": "bag",
        "task": "two-rides",
        "lottery_id": str(uuid4()),
        "tree_id": str(uuid4()),
        "event_id": str(uuid4()),
        "handle": "0123456789abcdef",
        "board": "week",
        "post_id": str(uuid4()),
        "item_id": str(uuid4()),
        "topic": "points",
        "device_id": str(uuid4()),
        "provider": "wechat",
        "door_id": str(uuid4()),
        "group_id": str(uuid4()),
        "membership_id": str(uuid4()),
        "child_id": str(uuid4()),
        "scope": "social",
        "name": "0" * 64,
        "takeover_id": str(uuid4()),
    }
    return re.sub(r"\{([a-z_]+)\}", lambda name: values[name[1]], path)


def operations(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Method, path with plausible values, and operation id of all that a document lists."""
    return [
        (
            method.upper(),
            _with_values(path),
            operation["operationId"],
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def _bad_headers(settings: Settings, db: Database) -> list[dict[str, str]]:
    async with db.transaction() as session:
        staff = await tokens.start_session(session, settings, Audience.STAFF, subject=uuid4())
    unknown, _ = tokens.sign_access(settings, Audience.CITIZEN, subject=uuid4(), session_id=uuid4())
    claims = jwt.decode(unknown, options={"verify_signature": False})
    return [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": f"Bearer {staff.access_token}"},
        {"Authorization": f"Bearer {jwt.encode(claims, '', algorithm='none')}"},
        {"Authorization": "Bearer " + "x" * 5000},
    ]


async def test_every_operation_but_signing_in_needs_a_citizens_token(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings, db: Database
) -> None:
    listed = operations(app.openapi())
    assert {name for _, _, name in listed} > OPEN_TO_ALL
    for headers in await _bad_headers(settings, db):
        for method, path, name in listed:
            if name in OPEN_TO_ALL:
                continue
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == 401, (name, headers, answer.text)
            assert answer.json()["code"] == "kit.unauthenticated"
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_operation_ids_are_unique_and_every_operation_says_what_it_is(app: FastAPI) -> None:
    document = app.openapi()
    names = [name for _, _, name in operations(document)]
    assert len(names) == len(set(names))
    for methods in document["paths"].values():
        for operation in methods.values():
            assert len(operation["description"]) > 10
            assert "default" in operation["responses"]


async def test_no_route_is_undocumented(app: FastAPI) -> None:
    from fastapi.routing import APIRoute

    assert all(route.include_in_schema for route in app.routes if isinstance(route, APIRoute))


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/nothing", "/means/1/more"])
async def test_what_is_not_there_is_a_problem_too(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
