"""Events: seats in order, a waiting list that moves up, a code that lives for half a minute, points that come back."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from backend import ledger
from backend.engagement import events
from backend.engagement.events import Event, SignUp, codes
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import Registered
from tests.concurrency.conftest import no_deadlock
from tests.concurrency.test_many_at_once import all_of
from tests.engagement.games.conftest import Arrive, Player

__all__ = ["no_deadlock"]

HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)


class Evening:
    """One event, and what people do about it, each in a transaction of its own."""

    def __init__(self, db: Database, settings: Settings, programme: Registered, clerk: UUID) -> None:
        self.db, self.settings, self.programme, self.clerk = db, settings, programme, clerk
        self.begins = clock.now() + 3 * HOUR
        self.event: Event

    async def publish(
        self, *, capacity: int | None = 2, award: int = 0, reward: str | None = "concert"
    ) -> Event:
        async with self.db.transaction() as session:
            self.event = await events.publish(
                session,
                programme=self.programme,
                title_zh="骑行讲座",
                title_en="A talk on cycling",
                place="市民中心",
                starts_at=self.begins,
                ends_at=self.begins + HOUR,
                capacity=capacity,
                points=0,
                award=award,
                published_by=self.clerk,
                reward_id=reward,
            )
        return self.event

    async def sign_up(self, player: Player) -> SignUp:
        async with self.db.transaction() as session:
            return await events.sign_up(
                session, programme=self.programme, event_id=self.event.id, participant_id=player.id
            )

    async def cancel(self, player: Player) -> SignUp:
        async with self.db.transaction() as session:
            return await events.cancel(
                session, programme=self.programme, event_id=self.event.id, participant_id=player.id
            )

    async def state(self, player: Player) -> str:
        async with self.db.transaction() as session:
            found = await events.sign_up_of(session, event_id=self.event.id, participant_id=player.id)
        return found.state

    async def screen(self) -> str:
        async with self.db.transaction() as session:
            event = await events.event_of(session, programme=self.programme.code, event_id=self.event.id)
        return (await events.screen_code(self.settings.keys, event))[0]

    async def check_in(self, player: Player, code: str) -> SignUp:
        async with self.db.transaction() as session:
            return await events.check_in(
                session,
                self.settings.keys,
                programme=self.programme,
                event_id=self.event.id,
                participant_id=player.id,
                code=code,
            )

    async def call_off(self) -> Event:
        async with self.db.transaction() as session:
            return await events.call_off(
                session,
                programme=self.programme,
                event_id=self.event.id,
                reason="storm",
                called_off_by=self.clerk,
            )


@pytest.fixture
def evening(db: Database, settings: Settings, programme: Registered, clerk: UUID) -> Evening:
    return Evening(db, settings, programme, clerk)


async def test_who_cancels_gets_the_exact_lots_back_and_who_waits_moves_up(
    evening: Evening, arrive: Arrive
) -> None:
    await evening.publish()
    crowd = [await arrive() for _ in range(4)]
    before = await crowd[0].lots()
    assert [(await evening.sign_up(one)).state for one in crowd] == ["seat", "seat", "waiting", "waiting"]
    assert await crowd[0].points() == 94
    with pytest.raises(events.SignedUpAlready):
        await evening.sign_up(crowd[0])
    for _ in range(2):
        assert (await evening.cancel(crowd[0])).state == "cancelled"
    assert await crowd[0].lots() == before
    assert [await evening.state(one) for one in crowd[1:]] == ["seat", "seat", "waiting"]
    assert (await evening.sign_up(crowd[0])).state == "waiting", "again, but behind the others"


async def test_who_still_waits_when_it_begins_gets_the_points_back(
    db: Database, evening: Evening, arrive: Arrive
) -> None:
    await evening.publish(capacity=1)
    seated, waiting = await arrive(), await arrive()
    for one in (seated, waiting):
        await evening.sign_up(one)
    with clock.travel(evening.begins - SECOND * 20):
        await events.settle_begun(db)
    assert await waiting.points() == 94
    with clock.travel(evening.begins):
        await events.settle_begun(db)
        await events.settle_begun(db)
        with pytest.raises(events.EventBegun):
            await evening.cancel(seated)
        with pytest.raises(events.EventBegun):
            await evening.sign_up(await arrive())
    assert (await waiting.points(), await evening.state(waiting)) == (100, "no_seat")
    assert (await seated.points(), await evening.state(seated)) == (94, "seat")


async def test_a_code_is_good_while_it_is_shown_and_for_the_half_minute_after_and_once_a_person(
    evening: Evening, arrive: Arrive
) -> None:
    await evening.publish(capacity=1)
    seated, waiting = await arrive(), await arrive()
    for one in (seated, waiting):
        await evening.sign_up(one)
    with pytest.raises(events.CheckInRefused):
        await evening.screen()
    shown = codes.shown_at(evening.begins)
    moment = dt.datetime.fromtimestamp(shown * codes.SHOWN_FOR_S, dt.UTC) + SECOND
    with clock.travel(moment):
        code = await evening.screen()
    with clock.travel(moment + 2 * SECOND * codes.SHOWN_FOR_S), pytest.raises(events.CheckInRefused):
        await evening.check_in(seated, code)
    with clock.travel(moment + SECOND * codes.SHOWN_FOR_S):
        assert await evening.screen() != code
        with pytest.raises(events.CheckInRefused):
            await evening.check_in(waiting, code)
        with pytest.raises(events.NotSignedUp):
            await evening.check_in(await arrive(), code)
        done = [(await evening.check_in(seated, code.lower())).state for _ in range(2)]
        with pytest.raises(events.EventBegun):
            await evening.cancel(seated)
    assert done == ["checked_in", "checked_in"]
    with clock.travel(evening.begins + HOUR + SECOND), pytest.raises(events.CheckInRefused):
        await evening.screen()


async def test_an_event_that_is_called_off_gives_everybody_the_points_back(
    evening: Evening, arrive: Arrive
) -> None:
    await evening.publish()
    crowd = [await arrive() for _ in range(3)]
    for one in crowd:
        await evening.sign_up(one)
    off = await evening.call_off()
    assert off.called_off_because == "storm"
    assert [await one.points() for one in crowd] == [100, 100, 100]
    for verb in (evening.call_off, lambda: evening.sign_up(crowd[0])):
        with pytest.raises(events.EventBegun):
            await verb()


async def test_checking_in_earns_the_award_once(evening: Evening, arrive: Arrive) -> None:
    await evening.publish(award=9, reward=None)
    player = await arrive()
    await evening.sign_up(player)
    with clock.travel(evening.begins):
        code = await evening.screen()
        await all_of([evening.check_in(player, code) for _ in range(5)])
    assert await player.points() == 109


@pytest.mark.usefixtures("no_deadlock")
async def test_however_many_sign_up_at_once_seats_are_given_once(evening: Evening, arrive: Arrive) -> None:
    await evening.publish(capacity=3)
    crowd = [await arrive() for _ in range(5)]
    answers = await all_of([evening.sign_up(one) for one in crowd for _ in range(2)])
    assert sorted(one.number for one in answers if isinstance(one, SignUp)) == [1, 2, 3, 4, 5]
    states = sorted([await evening.state(one) for one in crowd])
    assert states == ["seat"] * 3 + ["waiting"] * 2


async def test_times_out_of_order_and_too_few_points_are_refused(evening: Evening, arrive: Arrive) -> None:
    evening.begins = clock.now() - SECOND
    with pytest.raises(events.EventTimesOutOfOrder):
        await evening.publish()
    evening.begins = clock.now() + HOUR
    await evening.publish()
    poor = await arrive(5)
    with pytest.raises(ledger.InsufficientBalance):
        await evening.sign_up(poor)
    with pytest.raises(events.NotSignedUp):
        await evening.state(poor)
    evening.event = evening.event.__class__(
        **{name: getattr(evening.event, name) for name in Event.__slots__} | {"id": ids.uuid7()}
    )
    with pytest.raises(events.EventUnknown):
        await evening.sign_up(poor)
