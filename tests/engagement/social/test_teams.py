"""Teams: who is in one, who leads it, and when others see it."""

from __future__ import annotations

import asyncio

import pytest

from backend.engagement import circle, teams
from backend.identity import leaving
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import FeatureOff, Registered
from backend.programmes.features import Features
from tests.engagement.social.conftest import Arrive, with_features


async def test_a_team_is_seen_by_others_from_five_agreeing_members_on(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    crowd = [await arrive(f"队员{n}") for n in range(5)]
    async with db.transaction() as session:
        team = await teams.found(
            session, settings.keys, programme=programme, participant_id=crowd[0], name="绿队"
        )
        for one in crowd[1:4]:
            await teams.join(session, settings.keys, programme=programme, participant_id=one, code=team.code)
        assert await teams.shown(session, settings.keys, programme=programme, teams=[team.id]) == {}
        own = await teams.join(
            session, settings.keys, programme=programme, participant_id=crowd[4], code=team.code.lower()
        )
        assert own.public
        seen = await teams.shown(session, settings.keys, programme=programme, teams=[team.id])
        assert seen == {team.id: teams.TeamShown(team.id, "绿队", 5)}
        await circle.hide(session, programme=programme, participant_id=crowd[2])
        assert await teams.shown(session, settings.keys, programme=programme, teams=[team.id]) == {}
        own = await teams.own_team(session, settings.keys, programme=programme, participant_id=crowd[0])
        assert [one.shown.display_name for one in own.members] == ["队员0", "队员1", "队员3", "队员4"]
        with pytest.raises(circle.ProfileMissing):
            await teams.own_team(session, settings.keys, programme=programme, participant_id=crowd[2])


async def test_a_person_is_in_one_team_and_needs_a_profile(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    one, other, hidden = await arrive(), await arrive(), await arrive(None)
    async with db.transaction() as session:
        first = await teams.found(
            session, settings.keys, programme=programme, participant_id=one, name="甲队"
        )
        await teams.found(session, settings.keys, programme=programme, participant_id=other, name="乙队")
        with pytest.raises(teams.InTeamAlready):
            await teams.join(
                session, settings.keys, programme=programme, participant_id=other, code=first.code
            )
        with pytest.raises(circle.ProfileMissing):
            await teams.join(
                session, settings.keys, programme=programme, participant_id=hidden, code=first.code
            )
        with pytest.raises(FeatureOff):
            await teams.join(
                session,
                settings.keys,
                programme=with_features(programme, Features()),
                participant_id=other,
                code=first.code,
            )
        await teams.leave(session, programme=programme, participant_id=one)
        with pytest.raises(teams.TeamUnknown):
            await teams.leave(session, programme=programme, participant_id=one)
        await teams.leave(session, programme=programme, participant_id=other)
        with pytest.raises(teams.TeamUnknown):  # nobody is in it any more
            await teams.join(
                session, settings.keys, programme=programme, participant_id=other, code=first.code
            )


async def test_the_leader_hands_over_and_the_longest_member_follows_one_who_left(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    one, second, third = await arrive("甲"), await arrive("乙"), await arrive("丙")
    async with db.transaction() as session:
        team = await teams.found(session, settings.keys, programme=programme, participant_id=one, name="绿队")
        for who in (second, third):
            await teams.join(session, settings.keys, programme=programme, participant_id=who, code=team.code)
        handle = await circle.handles(session, programme=programme, participants=[one, second, third])
        with pytest.raises(teams.NotLeader):
            await teams.hand_over(session, programme=programme, participant_id=second, handle=handle[third])
        await teams.hand_over(session, programme=programme, participant_id=one, handle=handle[third])
        await teams.rename(session, settings.keys, programme=programme, participant_id=third, name="蓝队")
        own = await teams.own_team(session, settings.keys, programme=programme, participant_id=one)
        assert (own.leader, own.name) == (handle[third], "蓝队")
        await leaving.erase_person(session, participant_id=third)
        own = await teams.own_team(session, settings.keys, programme=programme, participant_id=one)
        assert (own.leader, own.name, len(own.members)) == (handle[one], None, 2)


async def test_the_last_place_of_a_team_is_taken_once(
    db: Database,
    settings: Settings,
    programme: Registered,
    arrive: Arrive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("backend.engagement.teams.service.MOST_MEMBERS", 2)
    one, second, third = await arrive(), await arrive(), await arrive()
    async with db.transaction() as session:
        team = await teams.found(session, settings.keys, programme=programme, participant_id=one, name="绿队")

    async def join_late() -> None:
        async with db.transaction() as session:
            await teams.join(
                session, settings.keys, programme=programme, participant_id=third, code=team.code
            )

    async with db.transaction() as session:
        await teams.join(session, settings.keys, programme=programme, participant_id=second, code=team.code)
        late = asyncio.create_task(join_late())
        await asyncio.sleep(0.3)
        assert not late.done()
    with pytest.raises(teams.TeamFull):
        await late
