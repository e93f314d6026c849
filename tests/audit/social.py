"""A programme in which people are shown, friends, a team, share and like, and read news."""

from __future__ import annotations

from uuid import UUID

from backend import packs, programmes
from backend.engagement import circle, feed, news, teams
from backend.identity import Role, consent, leaving, people, staff
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes.features import Name
from tests.audit import games

CODE = "audited-circle"
TEXT = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE)
PACK = (
    games.PACK.split("[switches]", maxsplit=1)[0]
    .replace("audited-games", CODE)
    .replace("Audited games", "Audited circle")
    + """
[switches]
earning      = true
teams        = true
feed         = true
leaderboards = true
news         = true

[[board]]
id       = "week"
title_zh = "周榜"
title_en = "The week"
measure  = "grams"
by       = "person"
period   = "week"
source   = "programme policy"

[[example]]
"""
    + games.PACK.split("[[example]]", maxsplit=1)[1]
)


class Social:
    """Seven people and somebody of the operator."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.db, self.settings = db, settings

    async def build(self) -> None:
        async with self.db.transaction() as session:
            self.programme = await programmes.register(session, pack=packs.parse(PACK.encode()))
            made = await staff.create_staff(
                session, self.settings.keys, organisation_code="gd-operator", login="social-clerk",
                password="correct horse battery", roles=[Role.OPERATOR],
            )  # fmt: skip
            crowd = [
                await people.citizen_with_phone(session, self.settings.keys, phone=f"1390000000{n}")
                for n in range(7)
            ]
        for n, who in enumerate(crowd):
            await self.show(who, f"路人{n}")
        await self.show(crowd[0], "领队")
        await self.friends(crowd)
        await self.team(crowd)
        async with self.db.transaction() as session:
            await circle.hide(session, programme=self.programme, participant_id=crowd[5])
            await leaving.erase_person(session, participant_id=crowd[6])
        await self.show(crowd[5], "回来")
        await self.posts(crowd, made.staff.id)

    async def show(self, who: UUID, name: str) -> None:
        async with self.db.transaction() as session:
            await circle.show(
                session, self.settings.keys, programme=self.programme, participant_id=who, display_name=name,
                text_sha256=TEXT.sha256,
            )  # fmt: skip

    async def friends(self, crowd: list[UUID]) -> None:
        """Two friendships, one ended, and an invitation that nobody used."""
        async with self.db.transaction() as session:
            for one, other in ((0, 1), (0, 2)):
                code = (
                    await circle.invite(session, programme=self.programme, participant_id=crowd[one])
                ).code
                await circle.accept(
                    session,
                    self.settings.keys,
                    programme=self.programme,
                    participant_id=crowd[other],
                    code=code,
                )
            await circle.invite(session, programme=self.programme, participant_id=crowd[3])
            seen = await circle.handles(session, programme=self.programme, participants=crowd)
            await circle.end(
                session, programme=self.programme, participant_id=crowd[2], handle=seen[crowd[0]]
            )

    async def team(self, crowd: list[UUID]) -> None:
        """A team of five with another leader and another name, and one of whom its founder left."""
        keys, running = self.settings.keys, self.programme
        async with self.db.transaction() as session:
            code = (
                await teams.found(session, keys, programme=running, participant_id=crowd[0], name="绿队")
            ).code
            for who in crowd[1:6]:
                await teams.join(session, keys, programme=running, participant_id=who, code=code)
            seen = await circle.handles(session, programme=running, participants=crowd)
            await teams.hand_over(session, programme=running, participant_id=crowd[0], handle=seen[crowd[1]])
            await teams.rename(session, keys, programme=running, participant_id=crowd[1], name="蓝队")
            await teams.leave(session, programme=running, participant_id=crowd[5])
            await teams.found(session, keys, programme=running, participant_id=crowd[5], name="独行")

    async def posts(self, crowd: list[UUID], clerk: UUID) -> None:
        """Posts that stand, were taken back, and were hidden; likes of two minds; news."""
        keys, running = self.settings.keys, self.programme
        async with self.db.transaction() as session:
            team = await teams.team_of(session, programme=running, participant_id=crowd[0])
            made = [
                await feed.share(
                    session, keys, programme=running, participant_id=who, kind="team", reference=str(team),
                    audience="programme",
                )
                for who in crowd[:3]
            ]  # fmt: skip
            for liked in (True, False, True):
                await feed.like(
                    session, programme=running, participant_id=crowd[3], post_id=made[0], liked=liked
                )
            await feed.report(
                session, programme=running, participant_id=crowd[3], post_id=made[1], cause="other"
            )
            await feed.hide(
                session, programme=running, post_id=made[1], reason=Name("不当", "Not fit"), staff_id=clerk
            )
            await feed.take_back(session, programme=running, participant_id=crowd[2], post_id=made[2])
            words = Name("消息", "News")
            items = [
                await news.publish(
                    session, programme=running, on=clock.today(), title=words, body=words, staff_id=clerk
                )
                for _ in range(2)
            ]
            await news.withdraw(session, programme=running, item_id=UUID(items[0].id), staff_id=clerk)
