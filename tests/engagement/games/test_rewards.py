"""Rewards that the programme gives itself: numbered, limited, refused, protecting, summed by cause."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from backend import ledger, packs
from backend.engagement import causes, rewards
from backend.engagement.rewards import Grant
from backend.engagement.rewards.model import Outcome
from backend.kit import clock
from backend.kit.db import Database
from backend.programmes import Registered
from tests.concurrency.conftest import Pause, Superuser, done_or_waiting, no_deadlock, transaction
from tests.concurrency.test_many_at_once import all_of
from tests.engagement.games.conftest import Arrive, Player

__all__ = ["no_deadlock"]


async def take(programme: Registered, player: Player, reward: str) -> Grant:
    async with player.db.transaction() as session:
        return await rewards.take(session, programme=programme, reward_id=reward, participant_id=player.id)


async def decide(db: Database, programme: Registered, grant: Grant, outcome: Outcome, by: UUID) -> Grant:
    async with db.transaction() as session:
        return await rewards.decide(
            session, programme=programme, grant_id=grant.id, outcome=outcome, words="why", decided_by=by
        )


async def test_a_refused_reward_gives_the_points_back_to_the_exact_lots_and_to_the_stock_once(
    db: Database, programme: Registered, arrive: Arrive, clerk: UUID
) -> None:
    player = await arrive(11)
    before = await player.lots()
    first = await take(programme, player, "bag")
    assert (first.number, first.points, first.state) == (1, 10, "waiting")
    assert await player.lots() == {"2030-12-31": 1}
    refused = await decide(db, programme, first, "refused", clerk)
    assert (refused.state, await player.lots()) == ("refused", before)
    with pytest.raises(rewards.GrantDecided):
        await decide(db, programme, first, "delivered", clerk)
    second = await take(programme, player, "bag")
    assert second.number == 2, "numbers are not given again"
    assert (await decide(db, programme, second, "delivered", clerk)).state == "delivered"
    with pytest.raises(rewards.GrantDecided):
        await decide(db, programme, second, "refused", clerk)


@pytest.mark.usefixtures("no_deadlock")
async def test_stock_and_limit_are_exact_however_many_ask_at_once(
    db: Database, programme: Registered, arrive: Arrive
) -> None:
    async with db.transaction() as session:
        left = await rewards.left_of(
            session,
            programme=programme,
            rewards=programme.pack.features.rewards,
            participant_id=UUID(int=0),
        )
    crowd = [await arrive(100) for _ in range(4)]
    answers = await all_of(take(programme, one, "bag") for one in crowd for _ in range(4))
    granted = [one for one in answers if isinstance(one, Grant)]
    assert len(granted) == left["bag"].left
    assert {one for one in answers if isinstance(one, str)} <= {"rewards.sold_out", "rewards.limit_reached"}
    assert len({one.number for one in granted}) == len(granted)
    for one in crowd:
        own = [grant for grant in granted if grant.participant_id == one.id]
        assert len(own) <= 2
        assert await one.points() == 100 - 10 * len(own)


async def test_the_second_one_waits_for_the_last_piece(
    db: Database, programme: Registered, arrive: Arrive, superuser: Superuser
) -> None:
    first, second = await arrive(), await arrive()
    pause = Pause(after=1)

    async def taken() -> None:
        async with transaction(db, pause) as session:
            await rewards.take(session, programme=programme, reward_id="shield", participant_id=first.id)

    holding = asyncio.create_task(taken())
    await pause.reached.wait()
    waiting = asyncio.create_task(take(programme, second, "shield"))
    assert await done_or_waiting(waiting, superuser)
    pause.go.set()
    await holding
    assert (await waiting).number > 1


async def test_what_is_not_given_here_is_refused_and_an_unknown_price_is_named(
    programme: Registered, player: Player
) -> None:
    with pytest.raises(rewards.RewardElsewhere) as elsewhere:
        await take(programme, player, "tea")
    assert elsewhere.value.merchant == "teahouse"
    for other in ("spring", "saxaul", "concert"):
        with pytest.raises(rewards.RewardElsewhere):
            await take(programme, player, other)
    with pytest.raises(rewards.RewardUnknown):
        await take(programme, player, "moon")
    with pytest.raises(packs.ParameterUnknown) as unknown:
        await take(programme, player, "ride")
    assert unknown.value.parameter == "reward.ride.price"
    assert await player.points() == 100


async def test_too_few_points_grant_nothing_and_a_reward_may_cost_nothing(
    db: Database, programme: Registered, arrive: Arrive
) -> None:
    poor = await arrive(6)
    with pytest.raises(ledger.InsufficientBalance):
        await take(programme, poor, "reed-bed")
    assert (await take(programme, poor, "library")).points == 0
    async with db.transaction() as session:
        own = await rewards.grants_of(session, programme=programme, participant_id=poor.id)
    assert [one.reward for one in own] == ["library"]


async def test_a_prop_protects_for_its_hours_and_a_second_one_goes_on_from_there(
    db: Database, programme: Registered, player: Player
) -> None:
    async def protected(at: dt.datetime) -> bool:
        async with db.transaction() as session:
            return await rewards.protected(session, programme, player.id, at)

    before = clock.now()
    first = await take(programme, player, "shield")
    assert first.protects_from is not None
    assert first.protects_until == first.protects_from + dt.timedelta(hours=24)
    second = await take(programme, player, "shield")
    assert second.protects_from == first.protects_until
    assert second.protects_until is not None
    moment = dt.timedelta(microseconds=1)
    assert [
        await protected(at)
        for at in (
            before - moment,
            first.protects_from,
            second.protects_until - moment,
            second.protects_until,
        )
    ] == [False, True, True, False]


async def test_gifts_add_up_by_cause_and_nobody_has_to_fulfil_them(
    db: Database, programme: Registered, arrive: Arrive, clerk: UUID
) -> None:
    giver, other = await arrive(), await arrive()
    grants = [await take(programme, one, "reed-bed") for one in (giver, giver, other)]
    async with db.transaction() as session:
        (cause,) = await rewards.causes(session, programme=programme)
        waiting = await rewards.grants(session, programme=programme, waiting=True, reward="reed-bed")
        figures = {one.reward: one for one in await rewards.figures_of(session, programme=programme)}
    of_bed = figures["reed-bed"]
    assert (of_bed.given, of_bed.refused, of_bed.people, of_bed.points) == (3, 0, 2, 21)
    assert (cause.reward, cause.gifts, cause.givers, cause.points) == ("reed-bed", 3, 2, 21)
    assert waiting == []
    with pytest.raises(rewards.GrantDecided):
        await decide(db, programme, grants[0], "refused", clerk)


async def test_a_second_hand_over_waits_for_the_first_and_finds_nothing_left(
    db: Database, programme: Registered, player: Player, clerk: UUID
) -> None:
    await take(programme, player, "reed-bed")
    about: dict[str, Any] = {
        "programme": programme, "reward": "reed-bed", "money_fen": 0, "recipient_zh": "甲", "recipient_en": "A",
        "reference": "R", "handed_on": clock.today(), "noted_by": clerk,
    }  # fmt: skip

    async def left() -> int:
        async with db.transaction() as session:
            (cause,) = await rewards.causes(session, programme=programme)
            handed = await causes.handed(session, programme=programme)
        return cause.points - handed.get("reed-bed", causes.Handed()).points

    async def hand_over(points: int) -> causes.Handover:
        async with db.transaction() as session:
            return await causes.hand_over(session, **about, points=points)

    every = await left()
    async with db.transaction() as session:
        await causes.hand_over(session, **about, points=every)
        waiting = asyncio.create_task(hand_over(1))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    with pytest.raises(causes.HandoverTooLarge):
        await waiting
    assert await left() == 0
