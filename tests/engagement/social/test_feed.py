"""Who sees what was achieved, and until when."""

from __future__ import annotations

from fractions import Fraction
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.engagement import circle, feed, teams
from backend.identity import Role, leaving, organisations, staff
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs.figures import UNKNOWN
from backend.programmes import FeatureOff, Registered
from backend.programmes.features import Achievement, Features, Level, Name, Task
from tests.engagement.social.conftest import FEATURES, Arrive, agree, befriend, with_features

RIDER = Name("骑手", "Rider")


@pytest.fixture(scope="module")
async def programme(programme: Registered) -> Registered:
    features = Features(
        switches=FEATURES.switches | {"achievements", "levels", "tasks"},
        achievements=(
            Achievement("rider", RIDER, "grams", Fraction(100), ()),
            Achievement("secret", RIDER, "grams", UNKNOWN, ()),
        ),
        levels=(Level("leaf", Name("叶", "Leaf"), "points", Fraction(10)),),
        tasks=(
            Task("month", Name("月", "Month"), "acts", Fraction(1), "month", (), Fraction(1), accept=False),
        ),
    )
    return with_features(programme, features)


class World:
    """One programme, and what people do in it."""

    def __init__(self, db: Database, settings: Settings, programme: Registered) -> None:
        self.db, self.settings, self.programme = db, settings, programme

    async def did(self, who: UUID, grams: int, points: int = 0) -> None:
        async with self.db.transaction() as session:
            whose = {"programme": self.programme.id, "who": who, "grams": grams, "points": points}
            await session.execute(text("DELETE FROM acted_day WHERE participant_id = :who"), whose)
            if grams:
                await session.execute(
                    text(
                        "INSERT INTO acted_day VALUES (:programme, :who, '2026-06-01', 'bus', 1, :grams, :points)"
                    ),
                    whose,
                )

    async def share(
        self, who: UUID, kind: feed.PostKind, reference: str, audience: feed.Audience = "programme"
    ) -> UUID:
        async with self.db.transaction() as session:
            return await feed.share(
                session, self.settings.keys, programme=self.programme, participant_id=who,
                kind=kind, reference=reference, audience=audience,
            )  # fmt: skip

    async def seen(self, who: UUID, limit: int = 50) -> list[feed.Post]:
        async with self.db.transaction() as session:
            return await feed.read(
                session, self.settings.keys, programme=self.programme, participant_id=who, limit=limit
            )

    async def ids(self, who: UUID) -> list[UUID]:
        return [one.id for one in await self.seen(who)]

    async def states(self, who: UUID) -> list[str]:
        async with self.db.transaction() as session:
            return [
                one.state
                for one in await feed.own(
                    session, self.settings.keys, programme=self.programme, participant_id=who, limit=50
                )
            ]


@pytest.fixture
def world(db: Database, settings: Settings, programme: Registered) -> World:
    return World(db, settings, programme)


@pytest.fixture
async def author(world: World, arrive: Arrive) -> UUID:
    who = await arrive("作者")
    await world.did(who, 100, 10)
    return who


async def test_only_what_was_achieved_is_shared_and_it_goes_with_its_acts(
    world: World, author: UUID, arrive: Arrive
) -> None:
    reader = await arrive("读者")
    badge = await world.share(author, "achievement", "rider")
    level = await world.share(author, "level", "leaf")
    assert await world.share(author, "achievement", "rider") == badge
    for kind, reference in (
        ("achievement", "secret"), ("achievement", "nothing"), ("level", "tree"), ("task", str(ids.uuid7())),
        ("tree", "no id"), ("team", str(ids.uuid7())),
    ):  # fmt: skip
        with pytest.raises(feed.NothingToShare):
            await world.share(author, kind, reference)  # type: ignore[arg-type]
    with pytest.raises(feed.NothingToShare):
        await world.share(reader, "achievement", "rider")
    assert await world.ids(reader) == [level, badge]
    assert [(one.title.en, one.author.display_name, one.mine) for one in await world.seen(reader)] == [
        ("Leaf", "作者", False),
        ("Rider", "作者", False),
    ]
    await world.did(author, 99, 9)  # acts were taken back
    assert await world.ids(reader) == []
    assert await world.states(author) == ["lapsed", "lapsed"]


async def test_a_task_that_is_undone_is_seen_no_longer(world: World, author: UUID) -> None:
    task = ids.uuid7()
    async with world.db.transaction() as session:
        await session.execute(
            text("""
                INSERT INTO task_finished VALUES (:id, :programme, :who, 'month', '2026-06-01', '2026-06-30', 1,
                    '2026-06-01', 'acts', '{}', 1, 0, now(), now())
            """),
            {"id": task, "programme": world.programme.id, "who": author},
        )
    post = await world.share(author, "task", str(task))
    assert await world.ids(author) == [post]
    async with world.db.transaction() as session:
        await session.execute(text("INSERT INTO task_undone VALUES (:id, now())"), {"id": task})
    assert await world.ids(author) == []


async def test_friends_see_what_is_for_friends(world: World, author: UUID, arrive: Arrive) -> None:
    friend, stranger = await arrive("友"), await arrive("客")
    await befriend(world.db, world.settings, world.programme, author, friend)
    post = await world.share(author, "achievement", "rider", "friends")
    assert post in await world.ids(friend)
    assert post in await world.ids(author)
    assert post not in await world.ids(stranger)
    async with world.db.transaction() as session:
        with pytest.raises(feed.PostUnknown):
            await feed.like(
                session, programme=world.programme, participant_id=stranger, post_id=post, liked=True
            )
        with pytest.raises(feed.PostUnknown):
            await feed.report(
                session, programme=world.programme, participant_id=stranger, post_id=post, cause="other"
            )
        seen = await circle.handles(session, programme=world.programme, participants=[friend])
        await circle.end(session, programme=world.programme, participant_id=author, handle=seen[friend])
    assert post not in await world.ids(friend)
    wider = await world.share(author, "achievement", "rider", "programme")
    assert wider in await world.ids(stranger)
    assert await world.states(author) == ["shown", "taken_back"]


async def test_who_hides_or_is_erased_vanishes_with_posts_and_likes(
    world: World, author: UUID, arrive: Arrive
) -> None:
    fan, reader = await arrive("粉"), await arrive("读")
    post = await world.share(author, "achievement", "rider")

    async def likes() -> list[tuple[int, bool]]:
        return [(one.likes, one.liked) for one in await world.seen(reader) if one.id == post]

    async with world.db.transaction() as session:
        for who in (fan, fan, reader):
            await feed.like(session, programme=world.programme, participant_id=who, post_id=post, liked=True)
    assert await likes() == [(2, True)]
    async with world.db.transaction() as session:
        await feed.like(session, programme=world.programme, participant_id=reader, post_id=post, liked=False)
    assert await likes() == [(1, False)]
    async with world.db.transaction() as session:
        await leaving.erase_person(session, participant_id=fan)
    assert await likes() == [(0, False)]
    async with world.db.transaction() as session:
        await circle.hide(session, programme=world.programme, participant_id=author)
    assert await likes() == []
    async with world.db.transaction() as session:
        await agree(session, world.settings, world.programme, author, "作者")
    assert await likes() == []  # another handle does not bring it back
    assert await world.states(author) == ["lapsed"]


async def test_the_operator_hides_for_a_reason_that_the_author_reads(
    world: World, author: UUID, arrive: Arrive
) -> None:
    reader = await arrive("读")
    post = await world.share(author, "achievement", "rider")
    reason = Name("名称不当", "The name may not stay")
    async with world.db.transaction() as session:
        await organisations.create_organisation(
            session, code="gd-operator", name_zh="运营", name_en="Operator", roles=[Role.OPERATOR]
        )
        made = await staff.create_staff(
            session,
            world.settings.keys,
            organisation_code="gd-operator",
            login="clerk",
            password="correct horse battery",
            roles=[Role.OPERATOR],
        )
        for _ in range(2):
            await feed.report(
                session, programme=world.programme, participant_id=reader, post_id=post, cause="name"
            )
        told = await feed.reported(session, world.settings.keys, programme=world.programme)
        assert [(one.id, one.reports, one.causes) for one in told] == [(post, 1, ("name",))]
        await feed.hide(
            session, programme=world.programme, post_id=post, reason=reason, staff_id=made.staff.id
        )
        assert await feed.reported(session, world.settings.keys, programme=world.programme) == []
        with pytest.raises(feed.PostRemovedAlready):
            await feed.take_back(session, programme=world.programme, participant_id=author, post_id=post)
        own = await feed.own(
            session, world.settings.keys, programme=world.programme, participant_id=author, limit=9
        )
        assert [(one.state, one.reason) for one in own] == [("hidden", reason)]
    assert post not in await world.ids(reader)
    with pytest.raises(feed.PostHidden):
        await world.share(author, "achievement", "rider")


async def test_a_team_is_told_of_while_others_see_it(world: World, arrive: Arrive) -> None:
    crowd = [await arrive(f"队员{n}") for n in range(5)]
    async with world.db.transaction() as session:
        team = await teams.found(
            session, world.settings.keys, programme=world.programme, participant_id=crowd[0], name="绿队"
        )
        for who in crowd[1:]:
            await teams.join(
                session, world.settings.keys, programme=world.programme, participant_id=who, code=team.code
            )
    post = await world.share(crowd[1], "team", str(team.id))
    assert [one.title.zh for one in await world.seen(crowd[0]) if one.id == post] == ["绿队"]
    async with world.db.transaction() as session:
        await teams.leave(session, programme=world.programme, participant_id=crowd[4])
    assert post not in await world.ids(crowd[0])


async def test_sharing_needs_the_feature_and_a_profile(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    silent = await arrive(None)
    world = World(db, settings, programme)
    await world.did(silent, 100)
    with pytest.raises(circle.ProfileMissing):
        await world.share(silent, "achievement", "rider")
    off = World(db, settings, with_features(programme, Features()))
    with pytest.raises(FeatureOff):
        await off.share(silent, "achievement", "rider")
    with pytest.raises(FeatureOff):
        await off.seen(silent)


async def test_posts_that_lapsed_do_not_empty_a_page(world: World, arrive: Arrive) -> None:
    reader = await arrive("读")
    kept = await arrive("留")
    await world.did(kept, 100)
    post = await world.share(kept, "achievement", "rider")
    for n in range(4):
        other = await arrive(f"退{n}")
        await world.did(other, 100)
        await world.share(other, "achievement", "rider")
        await world.did(other, 0)
    assert (await world.seen(reader, limit=2))[0].id == post
    assert clock.now() >= (await world.seen(reader, limit=2))[0].posted_at
