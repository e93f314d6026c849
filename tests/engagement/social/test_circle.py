"""Who is shown, under which name, and who are friends."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID

import pytest
from sqlalchemy import text

from backend.engagement import circle
from backend.identity import leaving, people
from backend.identity.people import ParticipantKind
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import FeatureOff, Registered
from backend.programmes.features import Features
from tests.engagement.social.conftest import TEXT, Arrive, agree, befriend, with_features


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "length"),
        ("   ", "length"),
        ("一" * 21, "length"),
        ("a\u202eb", "characters"),
        ("a\x00b", "characters"),
        ("...", "characters"),
        ("l" + "\u0301" * 9, "characters"),
        ("小林123456", "digits"),
        ("138-0013 800", "digits"),
        ("１２３４５６", "digits"),
        ("一三八零零一", "digits"),
        ("a@b", "contact"),
        ("微信见", "contact"),
        ("b.com", "contact"),
    ],
)
def test_a_name_that_is_refused_says_why(name: str, why: str) -> None:
    with pytest.raises(circle.NameRefused) as refused:
        circle.screened(name)
    assert refused.value.why == why


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("林" * 20, "林" * 20),
        (" 小林 ", "小林"),
        ("e\u0301", "é"),
        ("小林12345", "小林12345"),
        ("Zoé 2", "Zoé 2"),
    ],
)
def test_a_name_is_kept_in_one_form(name: str, kept: str) -> None:
    assert circle.screened(name) == kept


async def test_only_who_agrees_is_shown_and_a_return_has_another_handle(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    silent, who = await arrive(None), await arrive("小林")
    async with db.transaction() as session:
        first = await circle.shown(session, settings.keys, programme=programme, participants=[silent, who])
        assert {one: seen.display_name for one, seen in first.items()} == {who: "小林"}
        renamed = await agree(session, settings, programme, who, "老林")
        assert renamed.handle == first[who].handle
        await circle.hide(session, programme=programme, participant_id=who)
        assert await circle.shown(session, settings.keys, programme=programme, participants=[who]) == {}
        await circle.hide(session, programme=programme, participant_id=who)
        again = await agree(session, settings, programme, who, "老林")
        assert again.handle != first[who].handle
        said = await circle.history(session, programme=programme, participant_id=who)
        assert [one.kind for one in said] == ["shown", "named", "hidden", "shown"]
        assert [one.edition for one in said] == [TEXT.edition, None, None, TEXT.edition]
        with pytest.raises(circle.PersonUnknown):
            await circle.person_of(session, programme=programme, handle=first[who].handle)
        assert await circle.person_of(session, programme=programme, handle=again.handle) == who


async def test_erasing_a_person_hides_them_in_the_same_transaction(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    who, friend = await arrive(), await arrive()
    await befriend(db, settings, programme, who, friend)
    async with db.transaction() as session:
        await leaving.erase_person(session, participant_id=who)
        assert await circle.handles(session, programme=programme, participants=[who]) == {}
        assert await circle.friends_of(session, programme=programme, participant_id=friend) == set()
        said = await circle.history(session, programme=programme, participant_id=who)
        assert [one.kind for one in said] == ["shown", "erased"]
        with pytest.raises(circle.OnlyPeople):
            await agree(session, settings, programme, who, "又来")


async def test_the_name_is_nowhere_in_clear(db: Database, arrive: Arrive) -> None:
    await arrive("不留痕")
    async with db.transaction() as session:
        found = await session.execute(
            text("SELECT count(*) FROM circle_event WHERE position('不留痕'::bytea IN name_sealed) > 0")
        )
        assert found.scalar_one() == 0


async def test_firms_and_households_have_no_profile(
    db: Database, settings: Settings, programme: Registered
) -> None:
    async with db.transaction() as session:
        for kind in (ParticipantKind.FIRM, ParticipantKind.HOUSEHOLD):
            made = await people.register(session, kind=kind)
            with pytest.raises(circle.OnlyPeople):
                await agree(session, settings, programme, made.id, "公司")


async def test_a_programme_without_social_features_shows_nobody(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    who = await arrive(None)
    async with db.transaction() as session:
        with pytest.raises(FeatureOff):
            await agree(session, settings, with_features(programme, Features()), who, "小林")


async def test_a_code_makes_one_friendship_that_either_ends(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    one, other, third = await arrive(), await arrive(), await arrive()
    async with db.transaction() as session:
        made = await circle.invite(session, programme=programme, participant_id=one)
        with pytest.raises(circle.InvitationOwn):
            await circle.accept(
                session, settings.keys, programme=programme, participant_id=one, code=made.code
            )
        await circle.accept(
            session, settings.keys, programme=programme, participant_id=other, code=made.code.lower()
        )
        with pytest.raises(circle.InvitationUnknown):
            await circle.accept(
                session, settings.keys, programme=programme, participant_id=third, code=made.code
            )
        assert await circle.are_friends(session, programme=programme, one=other, other=one)
        again = await circle.invite(session, programme=programme, participant_id=other)
        with pytest.raises(circle.FriendsAlready):
            await circle.accept(
                session, settings.keys, programme=programme, participant_id=one, code=again.code
            )
        seen = await circle.handles(session, programme=programme, participants=[one])
        await circle.end(session, programme=programme, participant_id=other, handle=seen[one])
        assert not await circle.are_friends(session, programme=programme, one=one, other=other)
        with pytest.raises(circle.PersonUnknown):
            await circle.end(session, programme=programme, participant_id=other, handle=seen[one])


async def test_a_code_is_good_until_its_last_moment(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    one, other = await arrive(), await arrive()
    async with db.transaction() as session:
        made = await circle.invite(session, programme=programme, participant_id=one)
    with clock.travel(made.expires_at):
        async with db.transaction() as session:
            with pytest.raises(circle.InvitationUnknown):
                await circle.accept(
                    session, settings.keys, programme=programme, participant_id=other, code=made.code
                )
    with clock.travel(made.expires_at - dt.timedelta(seconds=30)):
        async with db.transaction() as session:
            await circle.accept(
                session, settings.keys, programme=programme, participant_id=other, code=made.code
            )


async def test_of_two_who_accept_at_once_one_becomes_a_friend(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive
) -> None:
    one, second, third = await arrive(), await arrive(), await arrive()
    async with db.transaction() as session:
        made = await circle.invite(session, programme=programme, participant_id=one)

    async def accept(who: UUID) -> circle.Friend:
        async with db.transaction() as session:
            return await circle.accept(
                session,
                settings.keys,
                programme=programme,
                participant_id=who,
                code=made.code,
            )

    async with db.transaction() as session:
        await circle.accept(
            session, settings.keys, programme=programme, participant_id=second, code=made.code
        )
        late = asyncio.create_task(accept(third))
        await asyncio.sleep(0.3)
        assert not late.done()
    with pytest.raises(circle.InvitationUnknown):
        await late


async def test_open_invitations_are_limited(db: Database, programme: Registered, arrive: Arrive) -> None:
    who = await arrive()
    async with db.transaction() as session:
        for _ in range(20):
            await circle.invite(session, programme=programme, participant_id=who)
        with pytest.raises(circle.TooManyInvitations):
            await circle.invite(session, programme=programme, participant_id=who)
