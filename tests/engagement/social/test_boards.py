"""A shown rank is what the rows give, whatever happens to Redis, to acts, and to who agrees."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from backend.engagement import boards, circle, teams
from backend.engagement.boards.held import top_of
from backend.identity import leaving
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import FeatureOff, Registered
from backend.programmes.features import Board, Features, Name, Season
from tests.engagement.social.conftest import FEATURES, Arrive, agree, with_features

MONDAY = dt.date(2026, 6, 1)  # also the first of a month

Did = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def did(db: Database, programme: Registered) -> Did:
    """So many grams of somebody on a day; what stood there before is gone."""

    async def one(who: UUID, grams: int, day: dt.date = MONDAY) -> None:
        whose = {"programme": programme.id, "who": who, "day": day}
        async with db.transaction() as session:
            await session.execute(
                text(
                    "DELETE FROM acted_day WHERE programme_id = :programme AND participant_id = :who AND day = :day"
                ),
                whose,
            )
            if grams:
                await session.execute(
                    text("INSERT INTO acted_day VALUES (:programme, :who, :day, 'bus', 1, :grams, 1)"),
                    {**whose, "grams": grams},
                )

    return one


def at(day: dt.date, hour: int = 12) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), clock.SHANGHAI)


async def read(
    db: Database,
    settings: Settings,
    programme: Registered,
    board: str = "person-week",
    *,
    who: UUID | None = None,
    day: dt.date = MONDAY,
) -> boards.Ranking:
    with clock.travel(at(day)):
        async with db.transaction() as session:
            return await boards.ranking(
                session, settings, programme=programme, board_id=board, participant_id=who
            )


async def by_rows(
    db: Database, programme: Registered, first: dt.date, last: dt.date
) -> list[tuple[int, str, int]]:
    """Ranks of people, by a window function and the events themselves."""
    async with db.transaction() as session:
        rows = await session.execute(
            text("""
                WITH agreeing AS (
                    SELECT e.participant_id, e.handle FROM circle_event e
                    WHERE e.programme_id = :programme AND e.kind IN ('shown', 'named') AND NOT EXISTS (
                        SELECT FROM circle_event l WHERE l.programme_id = e.programme_id
                            AND l.participant_id = e.participant_id AND l.seq > e.seq)),
                done AS (SELECT handle, sum(grams) AS grams FROM agreeing JOIN acted_day USING (participant_id)
                         WHERE programme_id = :programme AND day >= :first AND day <= :last GROUP BY handle)
                SELECT CAST(rank() OVER (ORDER BY grams DESC) AS integer), handle, CAST(grams AS bigint) FROM done
                WHERE grams > 0 ORDER BY grams DESC, handle
            """),
            {"programme": programme.id, "first": first, "last": last},
        )
        return [(row[0], row[1], row[2]) for row in rows]


def shown(ranking: boards.Ranking) -> list[tuple[int, str, int]]:
    return [(one.rank, one.member, one.value) for one in ranking.places]


async def names(ranking: boards.Ranking) -> list[str | None]:
    return [one.name for one in ranking.places]


@pytest.fixture(autouse=True)
async def _nobody_before(db: Database, programme: Registered) -> None:
    """Whoever earlier tests showed agrees no longer."""
    async with db.transaction() as session:
        rows = await session.execute(
            text("SELECT participant_id FROM circle_now WHERE programme_id = :programme"),
            {"programme": programme.id},
        )
        for (who,) in rows.all():
            await circle.hide(session, programme=programme, participant_id=who)
        await session.execute(text("DELETE FROM acted_day"))


async def test_nobody_is_shown_until_five_are_and_ties_share_a_rank(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    crowd = [await arrive(f"骑手{n}") for n in range(4)]
    for who, grams in zip(crowd, (10, 30, 30, 20), strict=True):
        await did(who, grams)
    four = await read(db, settings, programme, who=crowd[0])
    assert (four.places, four.shown, four.own_value, four.own_rank) == ((), 0, 10, None)
    fifth = await arrive("骑手4")
    await did(fifth, 5)
    five = await read(db, settings, programme, who=crowd[0])
    assert [(one.rank, one.value) for one in five.places] == [(1, 30), (1, 30), (3, 20), (4, 10), (5, 5)]
    assert (five.own_value, five.own_rank, five.shown) == (10, 4, 5)
    assert [one.mine for one in five.places] == [False, False, False, True, False]
    assert shown(five) == await by_rows(db, programme, MONDAY, MONDAY)
    hidden = await arrive(None)  # does most, agrees to nothing: sees where that would stand
    await did(hidden, 25)
    own = await read(db, settings, programme, who=hidden)
    assert (own.own_value, own.own_rank, own.shown) == (25, 3, 5)
    assert shown(own) == shown(five)
    async with db.transaction() as session:
        await agree(session, settings, programme, hidden, "后来")
    six = await read(db, settings, programme)
    assert six.shown == 6  # nothing else has changed
    assert shown(six) == await by_rows(db, programme, MONDAY, MONDAY)


async def test_late_acts_and_acts_taken_back_move_ranks(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    crowd = [await arrive(f"骑手{n}") for n in range(6)]
    for n, who in enumerate(crowd, start=1):
        await did(who, 10 * n)
    assert await names(await read(db, settings, programme)) == [f"骑手{n}" for n in (5, 4, 3, 2, 1, 0)]
    await did(crowd[0], 1000, MONDAY - dt.timedelta(days=1))  # the week before
    assert (await read(db, settings, programme)).places[0].name == "骑手5"
    await did(crowd[5], 0)
    await did(crowd[1], 45)
    moved = await read(db, settings, programme)
    assert await names(moved) == ["骑手4", "骑手1", "骑手3", "骑手2", "骑手0"]
    assert shown(moved) == await by_rows(db, programme, MONDAY, MONDAY)


async def test_whoever_opts_out_between_ranking_and_reading_is_not_shown(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    crowd = [await arrive(f"骑手{n}") for n in range(6)]
    for n, who in enumerate(crowd, start=1):
        await did(who, 10 * n)
    assert len((await read(db, settings, programme)).places) == 6
    async with db.transaction() as session:
        await circle.hide(session, programme=programme, participant_id=crowd[5])
    five = await read(db, settings, programme)
    assert next((one.rank, one.name) for one in five.places) == (1, "骑手4")
    assert len(five.places) == 5
    async with db.transaction() as session:
        await leaving.erase_person(session, participant_id=crowd[4])
    assert (await read(db, settings, programme)).places == ()


async def test_a_forged_board_in_redis_shows_nobody_who_does_not_agree(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    crowd = [await arrive(f"骑手{n}") for n in range(6)]
    for who in crowd:
        await did(who, 10)
    handles = {}
    async with db.transaction() as session:
        handles = await circle.handles(session, programme=programme, participants=crowd)
        await circle.hide(session, programme=programme, participant_id=crowd[0])
    expected = shown(await read(db, settings, programme))
    async with boards.opened(settings) as redis:
        for key in map(str, await redis.keys("puhui:board:*:person-week:*:size")):
            await redis.zadd(key.removesuffix(":size"), {handles[crowd[0]]: -999})
            await redis.incr(key)
    assert shown(await read(db, settings, programme)) == expected


async def test_redis_may_lose_everything_at_any_moment(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    crowd = [await arrive(f"骑手{n}") for n in range(5)]
    for n, who in enumerate(crowd, start=1):
        await did(who, 10 * n)
    before = await read(db, settings, programme)
    async with boards.opened(settings) as redis:
        keys = await redis.keys("puhui:board:*:person-week:*")
        assert keys
        await redis.flushdb()
        assert shown(await read(db, settings, programme)) == shown(before)
        assert await redis.keys("puhui:board:*:person-week:*")  # it healed itself
        for key in map(str, await redis.keys("puhui:board:*:person-week:*")):
            if not key.endswith(":size"):
                await redis.zrem(key, before.places[0].member)  # half of it is lost
        assert shown(await read(db, settings, programme)) == shown(before)
        await redis.flushdb()
        with clock.travel(at(MONDAY)):
            assert (
                await boards.rebuild(db, redis, programme) == 5
            )  # groups count nothing before a week's first day is over
        assert len(await redis.keys("puhui:board:*:size")) == 5
        assert shown(await read(db, settings, programme)) == shown(before)


async def test_without_redis_the_rows_answer(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    for n in range(5):
        await did(await arrive(f"骑手{n}"), 10 + n)
    before = shown(await read(db, settings, programme))
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    assert shown(await read(db, away, programme)) == before == await by_rows(db, programme, MONDAY, MONDAY)


async def test_neither_of_two_updates_at_once_is_lost(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    crowd = [await arrive(f"骑手{n}") for n in range(6)]
    for who in crowd:
        await did(who, 10)
    raise_to = text("UPDATE acted_day SET grams = :grams WHERE participant_id = :who")
    async with db.transaction() as session:
        await session.execute(raise_to, {"grams": 70, "who": crowd[0]})
        second = asyncio.create_task(did(crowd[1], 60))
        await asyncio.sleep(0.2)
        assert not second.done()  # versions of acts change one after the other
        await circle_hide_while_acts_are_followed(db, programme, crowd[5])
        during = await read(db, settings, programme)
        assert [one.value for one in during.places] == [10] * 5
    await second
    after = await read(db, settings, programme)
    assert [one.value for one in after.places] == [70, 60, 10, 10, 10]
    assert shown(after) == await by_rows(db, programme, MONDAY, MONDAY)


async def circle_hide_while_acts_are_followed(db: Database, programme: Registered, who: UUID) -> None:
    async with asyncio.timeout(2), db.transaction() as session:
        await circle.hide(session, programme=programme, participant_id=who)


async def test_a_team_counts_from_joining_to_leaving_and_from_five_active_people(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    days = [MONDAY + dt.timedelta(days=n) for n in range(7)]
    with clock.travel(at(days[0], 8)):
        crowd = [await arrive(f"队员{n}") for n in range(6)]
        async with db.transaction() as session:
            team = await teams.found(
                session, settings.keys, programme=programme, participant_id=crowd[0], name="绿队"
            )
            for who in crowd[1:5]:
                await teams.join(
                    session, settings.keys, programme=programme, participant_id=who, code=team.code
                )
    for who in crowd[:4]:
        await did(who, 10, days[0])
    await did(crowd[5], 500, days[0])
    assert (
        await read(db, settings, programme, "team-week", who=crowd[0], day=days[1])
    ).places == ()  # four were active
    await did(crowd[4], 10, days[0])
    assert (
        await read(db, settings, programme, "team-week", who=crowd[0], day=days[0])
    ).places == ()  # not before the day is over
    seen = await read(db, settings, programme, "team-week", who=crowd[0], day=days[1])
    assert [(one.name, one.value, one.mine) for one in seen.places] == [("绿队", 50, True)]
    assert (seen.own_value, seen.own_rank) == (50, 1)
    with clock.travel(at(days[2])):
        async with db.transaction() as session:
            await teams.join(
                session, settings.keys, programme=programme, participant_id=crowd[5], code=team.code
            )
            await teams.leave(session, programme=programme, participant_id=crowd[0])
    await did(crowd[5], 1, days[2])
    await did(crowd[0], 3, days[1])
    await did(crowd[0], 700, days[2])
    later = await read(db, settings, programme, "team-week", who=crowd[1], day=days[4])
    assert [one.value for one in later.places] == [54]
    with clock.travel(at(days[4])):
        async with db.transaction() as session:
            await circle.hide(session, programme=programme, participant_id=crowd[1])
    assert (
        await read(db, settings, programme, "team-week", who=crowd[2], day=days[5])
    ).places == ()  # four agree


async def test_a_sum_does_not_tell_what_somebody_did_who_leaves_or_hides(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    with clock.travel(at(MONDAY, 8)):
        crowd = [await arrive(f"队员{n}") for n in range(7)]
        async with db.transaction() as session:
            team = await teams.found(
                session, settings.keys, programme=programme, participant_id=crowd[0], name="绿队"
            )
            for who in crowd[1:]:
                await teams.join(
                    session, settings.keys, programme=programme, participant_id=who, code=team.code
                )
    for n, who in enumerate(crowd):
        await did(who, 10**n)
    tuesday = MONDAY + dt.timedelta(days=1)
    assert [one.value for one in (await read(db, settings, programme, "team-week", day=tuesday)).places] == [
        1111111
    ]
    with clock.travel(at(tuesday)):
        async with db.transaction() as session:
            await teams.leave(session, programme=programme, participant_id=crowd[6])
            await circle.hide(session, programme=programme, participant_id=crowd[5])
    assert [one.value for one in (await read(db, settings, programme, "team-week", day=tuesday)).places] == [
        1111111
    ]
    with clock.travel(at(tuesday)):
        async with db.transaction() as session:
            await circle.hide(session, programme=programme, participant_id=crowd[4])
    assert (await read(db, settings, programme, "team-week", day=tuesday)).places == ()


async def test_periods_begin_at_midnight_in_shanghai() -> None:
    season = Season("summer", Name("夏", "Summer"), dt.date(2026, 6, 10), dt.date(2026, 8, 31))
    features = Features(seasons=(season,))

    def days(period: str, by: str, on: dt.date, today: dt.date) -> tuple[dt.date, dt.date] | None:
        board = Board("b", Name("榜", "Board"), "acts", by, period)  # type: ignore[arg-type]
        span = boards.span_of(board, features, on=on, today=today)
        return None if span is None else (span.first, span.last)

    sunday = dt.date(2026, 6, 7)
    assert days("week", "person", sunday, sunday) == (MONDAY, sunday)
    assert days("week", "team", sunday, sunday) == (MONDAY, dt.date(2026, 6, 6))
    assert (
        days("week", "person", sunday + dt.timedelta(1), sunday + dt.timedelta(1))
        == (dt.date(2026, 6, 8),) * 2
    )
    assert days("month", "person", sunday, dt.date(2026, 7, 9)) == (MONDAY, dt.date(2026, 6, 30))
    assert days("season", "person", dt.date(2026, 6, 9), sunday) is None
    assert days("season", "person", dt.date(2026, 6, 10), dt.date(2026, 6, 11)) == (
        dt.date(2026, 6, 10),
        dt.date(2026, 6, 11),
    )
    assert clock.day_of(dt.datetime(2026, 5, 31, 16, tzinfo=dt.UTC)) == MONDAY


async def test_a_board_that_is_off_or_unknown_is_refused(
    db: Database, settings: Settings, programme: Registered
) -> None:
    with pytest.raises(boards.BoardUnknown):
        await read(db, settings, programme, "nothing")
    with pytest.raises(FeatureOff):
        await read(db, settings, with_features(programme, Features(boards=FEATURES.boards)))


def test_ties_share_a_rank_and_the_next_counts_all_before_it() -> None:
    top = top_of([("a", 5), ("b", 9), ("c", 7), ("d", 7), ("e", 1)], limit=4)
    assert top.places == ((1, "b", 9), (2, "c", 7), (2, "d", 7), (4, "a", 5))
    assert top.size == 5


async def test_a_new_handle_takes_the_place_of_the_old_one(
    db: Database, settings: Settings, programme: Registered, arrive: Arrive, did: Did
) -> None:
    crowd = [await arrive(f"骑手{n}") for n in range(5)]
    for who in crowd:
        await did(who, 10)
    before = {one.member for one in (await read(db, settings, programme)).places}
    async with db.transaction() as session:
        await circle.hide(session, programme=programme, participant_id=crowd[0])
        await agree(session, settings, programme, crowd[0], "新名")
    after = {one.member for one in (await read(db, settings, programme)).places}
    assert len(before & after) == 4
    assert len(after) == 5


async def test_a_district_is_where_somebodys_acts_came_from_at_the_finest_level_known(
    db: Database,
    settings: Settings,
    programme: Registered,
    arrive: Arrive,
    did: Did,
    *,
    superuser: asyncpg.Connection[asyncpg.Record],
) -> None:
    with clock.travel(at(MONDAY, 8)):
        crowd = [await arrive(f"居民{n}") for n in range(6)]
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("SELECT action_partition('2026-06-01')")
    sources = {
        region: await superuser.fetchval(
            """INSERT INTO intake_source (code, programme_id, partner_code, region, evidence, mapping)
               VALUES ($1, $2, 'somebody', $3, 'operator_feed', 'm') RETURNING id""",
            f"s-{region.lower()}", programme.id, region,
        )
        for region in ("CN-GD", "CN-GD-SZ")
    }  # fmt: skip

    async def act(who: UUID, region: str, number: int) -> None:
        await superuser.execute(
            """INSERT INTO action (claim_key, happened_at, source_id, method_id, means_token, participant_id, inputs, grams,
                   points, credit, job_id, seq, line)
               VALUES ((left(acted_key($1::date)::text, 8) || right(gen_random_uuid()::text, 28))::uuid, $2, $3, 1,
                       gen_random_uuid(), $4, '{}', 10, 1, 'evidence', gen_random_uuid(), 1, $5)""",
            MONDAY, at(MONDAY), sources[region], who, number,
        )  # fmt: skip

    for n, who in enumerate(crowd):
        await did(who, 10)
        for _ in range(2):
            await act(who, "CN-GD", n)
        if n < 4:
            await act(who, "CN-GD-SZ", n)
    tuesday = MONDAY + dt.timedelta(days=1)
    # Four in Shenzhen, by one finer act each; two in the province at large: neither is shown.
    assert (await read(db, settings, programme, "district-week", who=crowd[0], day=tuesday)).places == ()
    await act(crowd[4], "CN-GD-SZ", 9)
    await did(crowd[4], 10)
    found = await read(db, settings, programme, "district-week", who=crowd[0], day=tuesday)
    assert [(one.member, one.value, one.mine) for one in found.places] == [("CN-GD-SZ", 50, True)]
    assert (await read(db, settings, programme, "district-week", who=crowd[5], day=tuesday)).own_value is None
    with clock.travel(at(tuesday)):
        async with db.transaction() as session:
            await circle.hide(session, programme=programme, participant_id=crowd[0])
    assert (await read(db, settings, programme, "district-week", who=crowd[1], day=tuesday)).places == ()
