"""What citizens are told: once, in their language, unless they do not want to hear of it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from uuid import UUID, uuid4

import pytest

from backend import inbox, packs, programmes
from backend.identity import people
from backend.inbox import Kind, Topic
from backend.kit import clock
from backend.kit.db import Database
from backend.programmes import lapsing, wallets

HEARD = Kind("test.heard", Topic.POINTS, zh="$points 积分", en="$points points")
inbox.register(HEARD)
PROGRAMME = "gd-green-travel"


@pytest.fixture
async def who(db: Database) -> UUID:
    async with db.transaction() as session:
        return (await people.register(session)).id


async def tell(db: Database, who: UUID, refers_to: str = "one") -> bool:
    async with db.transaction() as session:
        return await inbox.tell(
            session, participant_id=who, kind=HEARD.name, refers_to=refers_to, facts={"points": 3}
        )


async def items(db: Database, who: UUID) -> list[inbox.Item]:
    async with db.transaction() as session:
        return await inbox.items_of(session, participant_id=who)


async def test_the_same_thing_is_told_once_however_many_tell_it(db: Database, who: UUID) -> None:
    told = await asyncio.gather(*(tell(db, who) for _ in range(8)))
    assert sum(told) == 1
    assert await tell(db, who, "two")
    assert [one.refers_to for one in await items(db, who)] == ["two", "one"]


async def test_what_is_rolled_back_was_never_told(db: Database, who: UUID) -> None:
    with contextlib.suppress(RuntimeError):
        async with db.transaction() as session:
            await inbox.tell(session, participant_id=who, kind=HEARD.name, refers_to="x", facts={"points": 1})
            raise RuntimeError
    assert await items(db, who) == []


async def test_a_topic_that_is_switched_off_is_not_told_and_the_account_always_is(
    db: Database, who: UUID
) -> None:
    async with db.transaction() as session:
        await inbox.choose(session, participant_id=who, topic=Topic.POINTS, wanted=False)
    assert not await tell(db, who)
    async with db.transaction() as session:
        await inbox.choose(session, participant_id=who, topic=Topic.POINTS, wanted=True)
        with pytest.raises(inbox.TopicNeeded):
            await inbox.choose(session, participant_id=who, topic=Topic.ACCOUNT, wanted=False)
    assert await tell(db, who)


async def test_reading_is_ones_own(db: Database, who: UUID) -> None:
    await tell(db, who)
    [one] = await items(db, who)
    async with db.transaction() as session:
        with pytest.raises(inbox.ItemUnknown):
            await inbox.read(session, participant_id=uuid4(), item_id=one.id)
        assert await inbox.unread_of(session, participant_id=who) == 1
        await inbox.read(session, participant_id=who, item_id=one.id)
        assert await inbox.unread_of(session, participant_id=who) == 0
    first = (await items(db, who))[0].read_at
    async with db.transaction() as session:
        await inbox.read(session, participant_id=who, item_id=one.id)
    assert (await items(db, who))[0].read_at == first


async def test_messages_are_worded_in_both_languages_and_forgotten_after_half_a_year(
    db: Database, who: UUID
) -> None:
    assert (HEARD.worded({"points": 3}, "zh"), HEARD.worded({"points": 3}, "en")) == (
        "3 积分",
        "3 points",
    )
    await tell(db, who)
    with clock.travel(clock.now() + dt.timedelta(days=179)):
        async with db.transaction() as session:
            await inbox.forget_old(session)
        assert len(await items(db, who)) == 1
    with clock.travel(clock.now() + dt.timedelta(days=181)):
        async with db.transaction() as session:
            await inbox.forget_old(session)
        assert await items(db, who) == []


async def test_points_that_lapse_within_thirty_days_are_told_once(db: Database, who: UUID) -> None:
    async with db.transaction() as session:
        await programmes.register(session, pack=packs.load_all().find(PROGRAMME))
    today = clock.today()
    for days, points in ((30, 5), (31, 7), (0, 2)):
        async with db.transaction() as session:
            await wallets.earn(
                session,
                participant_id=who,
                programme=PROGRAMME,
                points=points,
                expires_on=today + dt.timedelta(days=days),
                posting_id=uuid4(),
                happened_at=clock.now(),
            )
    assert await lapsing.warn_all(db, batch=1) == 2
    assert await lapsing.warn_all(db) == 0
    assert sorted(one.facts["points"] for one in await items(db, who)) == [2, 5]
