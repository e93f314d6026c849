"""What I am told, and what I want to be told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from backend import inbox
from backend.inbox import Item, Topic
from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told

router = Router(prefix="/inbox", tags=["inbox"])


class ItemTold(Told):
    """A message, worded in my language. `kind` and `facts` are for an app that words it itself; `refers_to` is what it is about."""

    item_id: UUID
    kind: str
    topic: Topic | None
    text: str
    refers_to: str
    facts: dict[str, str | int]
    told_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, one: Item) -> ItemTold:
        kind = inbox.kind_of(one.kind)
        return cls(
            item_id=one.id,
            kind=one.kind,
            topic=kind.topic if kind else None,
            text=kind.worded(one.facts, i18n.language()) if kind else one.kind,
            refers_to=one.refers_to,
            facts=dict(one.facts),
            told_at=one.told_at,
            read_at=one.read_at,
        )


class UnreadTold(Told):
    """How many messages I have not read."""

    unread: int


class ChoiceTold(Told):
    """Whether I am told of a topic."""

    topic: Topic
    wanted: bool


class Choice(Asked):
    """Whether I want to be told of a topic."""

    wanted: bool


@router.get("", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_inbox(
    citizen: SignedInCitizen,
    session: ReadSession,
    asked: Paging,
    unread: Annotated[bool, Query(description="Only what I have not read.")] = False,
) -> Page[ItemTold]:
    """What I was told in the last half year, newest first."""
    after = asked.after(datetime, UUID)
    rows = await inbox.items_of(
        session,
        participant_id=citizen.id,
        unread=unread,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.told_at, row.id), show=ItemTold.of)


@router.get("/unread", responses=problems(Unauthenticated))
async def count_unread(citizen: SignedInCitizen, session: ReadSession) -> UnreadTold:
    """How many messages I have not read."""
    return UnreadTold(unread=await inbox.unread_of(session, participant_id=citizen.id))


@router.post("/read", status_code=204, responses=problems(Unauthenticated))
async def read_all(citizen: SignedInCitizen, session: WriteSession) -> None:
    """I have read everything."""
    await inbox.read_all(session, participant_id=citizen.id)


@router.post("/{item_id}/read", status_code=204, responses=problems(Unauthenticated, inbox.ItemUnknown))
async def read_item(item_id: UUID, citizen: SignedInCitizen, session: WriteSession) -> None:
    """I have read this one. Again changes nothing."""
    await inbox.read(session, participant_id=citizen.id, item_id=item_id)


@router.get("/settings", responses=problems(Unauthenticated))
async def list_choices(citizen: SignedInCitizen, session: ReadSession) -> list[ChoiceTold]:
    """What I am told of, by topic."""
    found = await inbox.choices_of(session, participant_id=citizen.id)
    return [ChoiceTold(topic=topic, wanted=wanted) for topic, wanted in found.items()]


@router.put("/settings/{topic}", responses=problems(Unauthenticated, inbox.TopicNeeded))
async def choose_topic(
    topic: Topic, said: Choice, citizen: SignedInCitizen, session: WriteSession
) -> ChoiceTold:
    """Be told of a topic from now on, or not. Messages about the account cannot be switched off."""
    await inbox.choose(session, participant_id=citizen.id, topic=topic, wanted=said.wanted)
    return ChoiceTold(topic=topic, wanted=said.wanted)
