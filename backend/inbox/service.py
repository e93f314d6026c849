"""Telling citizens something, and what they read and want."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.inbox import queries
from backend.inbox.errors import ItemUnknown, TopicNeeded
from backend.inbox.kinds import Topic, kind_of
from backend.kit import clock

KEPT_FOR = dt.timedelta(days=180)

Facts = Mapping[str, str | int]
Position = tuple[dt.datetime, UUID]


@dataclass(frozen=True, slots=True)
class Item:
    """A message: what happened, not yet worded."""

    id: UUID
    kind: str
    refers_to: str
    facts: Facts
    told_at: dt.datetime
    read_at: dt.datetime | None


async def tell(
    session: AsyncSession, *, participant_id: UUID, kind: str, refers_to: str, facts: Facts
) -> bool:
    """Tell somebody something, in the transaction of what happened; False where they do not want to hear of its topic.

    The same (participant, kind, refers_to) again tells nothing new. Facts hold nothing about anybody else.
    """
    return await tell_many(session, kind=kind, told=[(participant_id, refers_to, facts)]) == 1


async def tell_many(session: AsyncSession, *, kind: str, told: Sequence[tuple[UUID, str, Facts]]) -> int:
    """The same to many at once, each with their own facts; how many were told."""
    known = kind_of(kind)
    if known is None:
        raise ValueError(f"nobody registered messages of the kind {kind}")
    given = {
        "kind": kind,
        "topic": known.topic.value,
        "participants": [who for who, _, _ in told],
        "refers_to": [refers_to for _, refers_to, _ in told],
        "facts": [json.dumps(dict(facts)) for _, _, facts in told],
        "at": clock.now(),
    }
    return len((await session.execute(queries.TELL, given)).all())


async def items_of(
    session: AsyncSession,
    *,
    participant_id: UUID,
    unread: bool = False,
    limit: int = 50,
    after: Position | None = None,
) -> list[Item]:
    """Somebody's messages, the newest first, behind the position of the last one seen."""
    at, item_id = after or (None, None)
    given = {
        "participant": participant_id,
        "unread": unread,
        "limit": limit,
        "after_at": at,
        "after_id": item_id,
    }
    return [Item(**row._mapping) for row in await session.execute(queries.ITEMS, given)]  # noqa: SLF001 - SQLAlchemy's public name


async def unread_of(session: AsyncSession, *, participant_id: UUID) -> int:
    """How many messages somebody has not read."""
    return int((await session.execute(queries.UNREAD, {"participant": participant_id})).scalar_one())


async def read(session: AsyncSession, *, participant_id: UUID, item_id: UUID) -> None:
    """Note that a message was read. Again changes nothing. Raises ItemUnknown."""
    given = {"participant": participant_id, "id": item_id, "at": clock.now()}
    if (await session.execute(queries.READ, given)).first() is None:
        raise ItemUnknown


async def read_all(session: AsyncSession, *, participant_id: UUID) -> None:
    """Note that everything was read."""
    await session.execute(queries.READ_ALL, {"participant": participant_id, "at": clock.now()})


async def choices_of(session: AsyncSession, *, participant_id: UUID) -> dict[Topic, bool]:
    """What somebody wants to be told of; everything, unless they said otherwise."""
    rows = await session.execute(queries.CHOICES, {"participant": participant_id})
    said = {row.topic: row.wanted for row in rows}
    return {topic: said.get(topic.value, True) for topic in Topic}


async def choose(session: AsyncSession, *, participant_id: UUID, topic: Topic, wanted: bool) -> None:
    """Say whether to be told of a topic, from now on. Raises TopicNeeded for what must be told."""
    if topic is Topic.ACCOUNT and not wanted:
        raise TopicNeeded
    given = {"participant": participant_id, "topic": topic.value, "wanted": wanted, "at": clock.now()}
    await session.execute(queries.CHOOSE, given)


async def count_of(session: AsyncSession, *, participant_id: UUID) -> int:
    """How many messages somebody has, read or not."""
    return int((await session.execute(queries.COUNT, {"participant": participant_id})).scalar_one())


async def forget_old(session: AsyncSession) -> int:
    """Remove messages of half a year ago; how many."""
    removed = await session.execute(queries.FORGET, {"before": clock.now() - KEPT_FOR})
    return removed.rowcount  # type: ignore[attr-defined,no-any-return]


async def forget(session: AsyncSession, *, participant_id: UUID) -> None:
    """Remove everything that somebody was told, and what they chose: they leave."""
    await session.execute(queries.FORGET_OF, {"participant": participant_id})
    await session.execute(queries.FORGET_CHOICES_OF, {"participant": participant_id})
