"""Pages by cursor: complete, in order, and only with cursors that we gave."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from backend.kit import http, paging
from backend.kit.db import Database
from backend.kit.paging import Page, Paging
from backend.kit.settings import Settings
from tests.kit.support import app_on, client_of

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [(BEGAN + timedelta(minutes=number // 3), UUID(int=number)) for number in range(25)]

router = http.Router()


@router.get("/rows")
async def rows(paging: Paging) -> Page[int]:
    after = paging.after(datetime, UUID)
    found = [row for row in ROWS if after is None or row > after][: paging.fetch]
    return paging.page(found, position=lambda row: row, show=lambda row: row[1].int)


@router.get("/others")
async def others(paging: Paging) -> Page[int]:
    paging.after(int)
    return Page(items=[])


@pytest.fixture
async def client(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_on(settings, db, router)) as client:
        yield client


@pytest.mark.parametrize("limit", [1, 7, 24, 25, 26])
async def test_the_pages_together_are_everything_once(client: httpx.AsyncClient, limit: int) -> None:
    seen: list[int] = []
    cursor: str | None = None
    while True:
        asked = {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
        page = (await client.get("/rows", params=asked)).json()
        assert len(page["items"]) <= limit
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == list(range(25))


async def test_a_page_that_is_exactly_full_is_the_last(client: httpx.AsyncClient) -> None:
    page = (await client.get("/rows", params={"limit": 25})).json()
    assert (len(page["items"]), page["next_cursor"]) == (25, None)


@pytest.mark.parametrize(("limit", "status"), [(0, 422), (1, 200), (200, 200), (201, 422)])
async def test_the_limit_has_limits(client: httpx.AsyncClient, limit: int, status: int) -> None:
    assert (await client.get("/rows", params={"limit": limit})).status_code == status


async def test_only_our_own_cursor_for_this_address_is_taken(client: httpx.AsyncClient) -> None:
    cursor = (await client.get("/rows", params={"limit": 3})).json()["next_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    changed = base64.urlsafe_b64encode(raw[:-3] + b"9" + raw[-2:]).decode()
    for address, bad in [
        ("/rows", changed),
        ("/rows", cursor[:-2]),
        ("/rows", ""),
        ("/rows", "é中"),
        ("/rows", "!" * 40),
        ("/others", cursor),
    ]:
        answer = await client.get(address, params={"cursor": bad})
        assert (answer.status_code, answer.json()["code"]) == (422, "kit.cursor_unusable"), (address, bad)
    assert (await client.get("/rows", params={"cursor": cursor})).status_code == 200


def test_a_cursor_of_another_shape_is_refused() -> None:
    key = b"k" * 32
    asked = paging.PageRequest(
        limit=5,
        position=paging.decode(paging.encode(("x", 1), key=key, address="/a"), key=key, address="/a"),
        key=key,
        address="/a",
    )
    assert asked.after(str, int) == ("x", 1)
    with pytest.raises(paging.CursorUnusable):
        asked.after(str)
    with pytest.raises(paging.CursorUnusable):
        asked.after(UUID, int)
