"""Friends collect a part of what is ripe: within its share, and within their own limits, whoever comes at once."""

from __future__ import annotations

import asyncio
import datetime as dt
from fractions import Fraction

import pytest

from backend.engagement import circle, collecting, rewards
from backend.engagement.collecting import DayLimitReached, Protected, ShareTaken
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import ParameterUnknown
from backend.packs.figures import UNKNOWN
from backend.programmes import FeatureOff, Registered
from backend.programmes.errors import NothingToCollect
from backend.programmes.features import Sharing
from backend.programmes.pending import Collected
from tests.engagement.collecting.conftest import DAY, Arrive, Befriend, Gardener, at, with_features

TOMORROW = DAY + dt.timedelta(days=1)


async def take(
    taker: Gardener,
    owner: Gardener,
    *,
    programme: Registered | None = None,
    ripe_on: dt.date | None = None,
) -> Collected:
    async with taker.db.transaction() as session:
        return await collecting.take(
            session,
            programme=programme or taker.programme,
            owner=owner.id,
            taker=taker.id,
            ripe_on=ripe_on,
        )


@pytest.fixture
async def friend(arrive: Arrive, befriend: Befriend, owner: Gardener) -> Gardener:
    one = await arrive()
    await befriend(owner, one)
    return one


@pytest.fixture
async def second(arrive: Arrive, befriend: Befriend, owner: Gardener) -> Gardener:
    one = await arrive()
    await befriend(owner, one)
    return one


async def test_a_friend_takes_up_to_the_limit_of_one_friend_and_the_next_what_the_share_leaves(
    owner: Gardener, friend: Gardener, second: Gardener
) -> None:
    with clock.travel(at(1)):
        assert (await take(friend, owner)).points == 20
        assert (await take(second, owner)).points == 10
        for one in (friend, second):
            with pytest.raises(ShareTaken):
                await take(one, owner)
        assert (await owner.collect()).points == 70
    assert await friend.has() == {"wallet": 20}


async def test_nobody_but_a_friend_sees_or_takes_anything(
    db: Database, arrive: Arrive, owner: Gardener, friend: Gardener, programme: Registered
) -> None:
    stranger = await arrive()
    with clock.travel(at(1)):
        with pytest.raises(circle.PersonUnknown):
            await take(stranger, owner)
        async with db.transaction() as session:
            with pytest.raises(circle.PersonUnknown):
                await collecting.garden_of(session, programme=programme, owner=owner.id, viewer=stranger.id)
            seen = await collecting.garden_of(session, programme=programme, owner=owner.id, viewer=friend.id)
        assert [(lot.ripe_on, lot.points, lot.may_take) for lot in seen.lots] == [(TOMORROW, 100, 20)]
    async with db.transaction() as session:
        await circle.hide(session, programme=programme, participant_id=owner.id)
    with clock.travel(at(1)), pytest.raises(circle.PersonUnknown):
        await take(friend, owner)


async def test_nothing_is_taken_before_it_is_ripe_nor_after_its_last_day(
    owner: Gardener, friend: Gardener
) -> None:
    with clock.travel(at(0, 23, 59)), pytest.raises(NothingToCollect):
        await take(friend, owner)
    with clock.travel(at(4, 0)), pytest.raises(NothingToCollect):
        await take(friend, owner)
    with clock.travel(at(3, 23, 59)):
        assert (await take(friend, owner)).points == 20


async def test_a_share_that_rounds_to_nothing_is_nothing(
    arrive: Arrive, befriend: Befriend, friend: Gardener
) -> None:
    for points, may in ((1, 0), (3, 0), (4, 1)):
        poor = await arrive(points)
        await befriend(poor, friend)
        with clock.travel(at(1)):
            if may:
                assert (await take(friend, poor)).points == may
            else:
                with pytest.raises(ShareTaken):
                    await take(friend, poor)


async def test_one_point_that_is_left_is_taken_once(owner: Gardener, friend: Gardener) -> None:
    with clock.travel(at(1)):
        await owner.claw_back(99)
        with pytest.raises(ShareTaken):  # three tenths of the one that stands
            await take(friend, owner)
        assert (await owner.collect()).points == 1


async def test_what_is_taken_back_makes_the_share_smaller(
    owner: Gardener, friend: Gardener, second: Gardener
) -> None:
    with clock.travel(at(1)):
        assert (await take(friend, owner)).points == 20
        await owner.claw_back(50)  # fifty stand, of which fifteen may go
        with pytest.raises(ShareTaken):
            await take(second, owner)
    assert await owner.has() == {"pending": 30}


async def test_the_owner_bears_what_is_withdrawn_after_a_friend_took_a_part(
    owner: Gardener, friend: Gardener
) -> None:
    with clock.travel(at(1)):
        await take(friend, owner)
        await owner.collect()
        taken = await owner.claw_back(100)
    assert (taken.drawn, taken.owed) == (80, 20)
    assert await friend.has() == {"wallet": 20}


async def test_the_limit_of_a_day_holds_over_all_friends_and_begins_anew_at_midnight(
    arrive: Arrive, befriend: Befriend, owner: Gardener, friend: Gardener
) -> None:
    other = await arrive(100)
    await befriend(other, friend)
    with clock.travel(at(1, 23, 59)):
        assert (await take(friend, owner)).points == 20
        assert (await take(friend, other)).points == 5
        with pytest.raises(DayLimitReached):
            await take(friend, other)
    with clock.travel(at(2, 0)):
        assert (await take(friend, other)).points == 15


async def test_several_days_are_taken_oldest_first_and_each_has_its_own_share(
    owner: Gardener, friend: Gardener
) -> None:
    with clock.travel(at(1)):
        await owner.earn(20)
    with clock.travel(at(2)):
        assert (await take(friend, owner, ripe_on=TOMORROW + dt.timedelta(days=1))).points == 6
        got = await take(friend, owner)
    assert list(got.by_lot.values()) == [19]  # twenty-five a day


async def test_a_friends_debt_is_repaid_first(owner: Gardener, friend: Gardener) -> None:
    await friend.claw_back(8)
    with clock.travel(at(1)):
        got = await take(friend, owner)
    assert (got.points, got.repaid) == (20, 8)
    assert await friend.has() == {"wallet": 12}


async def test_a_prop_keeps_friends_out_and_not_its_owner(
    db: Database, programme: Registered, owner: Gardener, friend: Gardener
) -> None:
    with clock.travel(at(1)):
        async with db.transaction() as session:
            await rewards.take(session, programme=programme, reward_id="shield", participant_id=owner.id)
        with pytest.raises(Protected):
            await take(friend, owner)
    with clock.travel(at(2, 12, 1)):
        assert (await take(friend, owner)).points == 20


async def test_a_prop_taken_at_the_same_moment_waits_for_the_friend_who_was_first(
    db: Database, programme: Registered, owner: Gardener, friend: Gardener, second: Gardener
) -> None:
    with clock.travel(at(1)):
        async with db.transaction() as session:
            await collecting.take(session, programme=programme, owner=owner.id, taker=friend.id)

            async def shield() -> None:
                async with db.transaction() as other:
                    await rewards.take(
                        other, programme=programme, reward_id="shield", participant_id=owner.id
                    )

            waiting = asyncio.create_task(shield())
            await asyncio.sleep(0.3)
            assert not waiting.done()
        await waiting
        with pytest.raises(Protected):
            await take(second, owner)


async def test_two_friends_the_owner_and_a_withdrawal_at_once_share_every_point_exactly(
    db: Database, owner: Gardener, friend: Gardener, second: Gardener
) -> None:
    """The first friend's transaction is held open in the last minute; everybody else waits for it."""
    with clock.travel(at(3, 23, 59)):
        async with db.transaction() as session:
            first = await collecting.take(session, programme=owner.programme, owner=owner.id, taker=friend.id)
            others = [
                asyncio.create_task(take(second, owner)),
                asyncio.create_task(owner.collect()),
                asyncio.create_task(owner.claw_back(5)),
            ]
            await asyncio.sleep(0.4)
            assert not any(one.done() for one in others)
        await asyncio.gather(*others, return_exceptions=True)
    assert first.points == 20
    friends = (await friend.has())["wallet"] + (await second.has()).get("wallet", 0)
    rest = await owner.has()
    assert friends in {20, 30}
    assert friends + rest.get("wallet", 0) + rest.get("pending", 0) == 95


async def test_one_friend_in_two_gardens_at_once_keeps_the_limit_of_the_day(
    db: Database, arrive: Arrive, befriend: Befriend, owner: Gardener, friend: Gardener
) -> None:
    other = await arrive(100)
    await befriend(other, friend)
    with clock.travel(at(1)):
        async with db.transaction() as session:
            await collecting.take(session, programme=owner.programme, owner=owner.id, taker=friend.id)
            elsewhere = asyncio.create_task(take(friend, other))
            await asyncio.sleep(0.3)
            assert not elsewhere.done()
        assert (await elsewhere).points == 5


async def test_two_who_collect_from_each_other_at_once_do_not_block_each_other(
    arrive: Arrive, befriend: Befriend
) -> None:
    one, other = await arrive(100), await arrive(100)
    await befriend(one, other)
    with clock.travel(at(1)):
        done = await asyncio.gather(take(one, other), take(other, one))
    assert [got.points for got in done] == [20, 20]


async def test_the_owner_is_told_who_took_what_as_far_as_that_person_is_shown(
    db: Database, settings: Settings, owner: Gardener, friend: Gardener, second: Gardener
) -> None:
    with clock.travel(at(1)):
        await take(friend, owner)
        await take(second, owner)
    async with db.transaction() as session:
        await circle.hide(session, programme=owner.programme, participant_id=second.id)
    async with db.transaction() as session:
        told = await collecting.taken_of(session, settings.keys, programme=owner.programme, owner=owner.id)
    assert [(one.points, one.by.display_name if one.by else None) for one in told] == [
        (10, None),
        (20, "小林"),
    ]


async def test_a_figure_that_nobody_published_is_named_and_nothing_is_taken(
    programme: Registered, owner: Gardener, friend: Gardener
) -> None:
    unknown = with_features(programme, sharing=Sharing(UNKNOWN, Fraction(1), Fraction(1)))
    with clock.travel(at(1)), pytest.raises(ParameterUnknown) as refused:
        await take(friend, owner, programme=unknown)
    assert refused.value.parameter == "sharing.share"


async def test_where_nothing_is_shared_friends_collect_nothing(
    programme: Registered, owner: Gardener, friend: Gardener
) -> None:
    for off in (
        with_features(programme, sharing=None),
        with_features(programme, switches=frozenset({"teams"})),
    ):
        with clock.travel(at(1)), pytest.raises(FeatureOff):
            await take(friend, owner, programme=off)
