"""News of a programme: what its pack says, and what its operator publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.engagement.news import queries
from backend.engagement.news.errors import NewsUnknown
from backend.kit import clock, ids
from backend.programmes import Registered
from backend.programmes.features import Name


@dataclass(frozen=True, slots=True)
class Item:
    """Something to read, from a day on. `published`: by the operator; else the programme's pack says it."""

    id: str
    on: date
    title: Name
    body: Name
    published: bool


async def items(
    session: AsyncSession, *, programme: Registered, limit: int, after: tuple[date, str] | None = None
) -> list[Item]:
    """What is to be read today, the newest first. Raises FeatureOff."""
    programmes.require(programme, "news")
    today = clock.today()
    rows = await session.execute(queries.STANDING, {"programme": programme.id, "until": today})
    found = [_item(row) for row in rows]
    found += [
        Item(one.id, one.on, one.title, one.body, published=False)
        for one in programme.pack.features.news
        if one.on <= today
    ]
    found.sort(key=lambda one: (one.on, one.id), reverse=True)
    return [one for one in found if after is None or (one.on, one.id) < after][:limit]


async def published(session: AsyncSession, *, programme: Registered) -> Sequence[Item]:
    """What the operator published and did not withdraw, also what is for later days, the newest first."""
    rows = await session.execute(queries.STANDING, {"programme": programme.id, "until": date.max})
    return [_item(row) for row in rows]


async def publish(
    session: AsyncSession, *, programme: Registered, on: date, title: Name, body: Name, staff_id: UUID
) -> Item:
    """Let this be read from a Shanghai day on. Raises FeatureOff."""
    programmes.require(programme, "news")
    item = ids.uuid7()
    await session.execute(
        queries.PUBLISH,
        {
            "id": item,
            "programme": programme.id,
            "on": on,
            "title_zh": title.zh,
            "title_en": title.en,
            "body_zh": body.zh,
            "body_en": body.en,
            "by": staff_id,
            "at": clock.now(),
        },
    )
    return Item(str(item), on, title, body, published=True)


async def withdraw(session: AsyncSession, *, programme: Registered, item_id: UUID, staff_id: UUID) -> None:
    """Let it be read no longer; once. Raises NewsUnknown."""
    asked = {"programme": programme.id, "id": item_id, "by": staff_id, "at": clock.now()}
    if (await session.execute(queries.WITHDRAW, asked)).first() is None:
        raise NewsUnknown


def _item(row: Row[Any]) -> Item:
    return Item(
        str(row.id),
        row.on_day,
        Name(row.title_zh, row.title_en),
        Name(row.body_zh, row.body_en),
        published=True,
    )
