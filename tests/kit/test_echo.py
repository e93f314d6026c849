"""A refusal's facts over HTTP: ours are told, the caller's own words are not."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from backend.kit import http
from backend.kit.db import Database
from backend.kit.errors import DomainError, Kind
from backend.kit.settings import Settings
from tests.kit.support import app_on, client_of

WORD = "<script>雪"


class Season(enum.StrEnum):
    WINTER = "winter"


@dataclass(eq=False)
class Told(DomainError):
    """These are the facts."""

    code = "test.told"
    kind = Kind.CONFLICT
    title_zh = "事实如下。"

    what: Any


@dataclass(eq=False)
class Lost(Told):
    """There is no such thing."""

    code = "test.lost"
    kind = Kind.NOT_FOUND
    title_zh = "没有。"


@dataclass(eq=False)
class Named(Told):
    """These are names of ours."""

    code = "test.named"
    title_zh = "名称如下。"
    ours = True


router = http.Router()


@router.post("/told/{how}")
async def tell(how: str, body: dict[str, Any], q: str = "") -> None:
    word = str(body.get("word"))
    facts: dict[str, Any] = {
        "query": q,
        "body": word,
        "inside": f"row 3 holds {word}!",
        "folded": word.upper(),
        "part": word[1:-1],
        "list": ["ours", word],
        "dict": {word: 1, "ours": 2},
        "ours": "nothing you said",
        "id": UUID(int=5),
        "number": 7,
        "season": Season.WINTER,
    }
    raise Told(what=facts.get(how, how))


@router.post("/named")
async def name_ours(body: dict[str, Any]) -> None:
    del body
    raise Named(what="earn.metro.points")


@router.get("/lost/{name}")
async def lose(name: str) -> None:
    raise Lost(what=name)


@pytest.fixture
async def client(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_on(settings, db, router)) as client:
        yield client


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("query", "*"),
        ("body", "*"),
        ("inside", "*"),
        ("folded", "*"),
        ("part", "*"),
        ("list", ["ours", "*"]),
        ("dict", {"*": 1, "ours": 2}),
        ("a-word-in-the-path", "*"),
        ("ours", "nothing you said"),
        ("id", str(UUID(int=5))),
        ("number", 7),
        ("season", "winter"),
    ],
)
async def test_a_text_of_the_caller_is_a_star_and_the_rest_is_told(
    client: httpx.AsyncClient, how: str, what: object
) -> None:
    answer = await client.post(f"/told/{how}", params={"q": "asked <b>"}, json={"word": WORD})
    assert (answer.status_code, answer.json()["code"]) == (409, "test.told")
    assert answer.json()["what"] == what


async def test_names_of_ours_are_told_though_the_caller_used_their_words(client: httpx.AsyncClient) -> None:
    answer = await client.post("/named", json={"kind": "metro"})
    assert answer.json()["what"] == "earn.metro.points"


async def test_what_is_not_there_is_not_named(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lost/anything")
    assert answer.status_code == 404
    assert "what" not in answer.json()
    assert "anything" not in answer.text
