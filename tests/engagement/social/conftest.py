"""A programme with every social feature, and people with phones who agree to be shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from itertools import count
from uuid import UUID

import pytest

from backend import packs, programmes
from backend.engagement import circle
from backend.identity import consent, people
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import Registered
from backend.programmes.features import Board, Features, Name

CODE = "gd-green-travel"
TEXT = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE)
BOARDS = tuple(
    Board(f"{by}-{period}", Name("榜", "Board"), "grams", by, period)
    for by in ("person", "team", "district")
    for period in ("week", "month", "all")
)
FEATURES = Features(switches=frozenset({"earning", "teams", "leaderboards", "feed", "news"}), boards=BOARDS)

_phones = count(13_800_000_000)

Arrive = Callable[..., Awaitable[UUID]]


def with_features(registered: Registered, features: Features) -> Registered:
    return dataclasses.replace(registered, pack=dataclasses.replace(registered.pack, features=features))


@pytest.fixture(scope="module")
async def programme(db: Database) -> Registered:
    """The sample programme, with social features that its own pack does not have."""
    async with db.transaction() as session:
        registered = await programmes.register(session, pack=packs.load_all().find(CODE))
    return with_features(registered, FEATURES)


@pytest.fixture
def arrive(db: Database, settings: Settings, programme: Registered) -> Arrive:
    """A new citizen, shown under a name unless it is None."""

    async def one(name: str | None = "小林") -> UUID:
        async with db.transaction() as session:
            made = await people.citizen_with_phone(session, settings.keys, phone=str(next(_phones)))
            if name is not None:
                await agree(session, settings, programme, made, name)
        return made

    return one


async def agree(session, settings: Settings, programme: Registered, who: UUID, name: str) -> circle.Shown:  # type: ignore[no-untyped-def]
    return await circle.show(
        session,
        settings.keys,
        programme=programme,
        participant_id=who,
        display_name=name,
        text_sha256=TEXT.sha256,
    )


async def befriend(db: Database, settings: Settings, programme: Registered, one: UUID, other: UUID) -> None:
    async with db.transaction() as session:
        made = await circle.invite(session, programme=programme, participant_id=one)
        await circle.accept(session, settings.keys, programme=programme, participant_id=other, code=made.code)
