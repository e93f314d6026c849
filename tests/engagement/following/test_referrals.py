"""Levels, badges and referrals: what acts come to, and whom they bring along."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from backend.engagement import achievements, followers, levels, referrals
from backend.identity import means
from backend.kit import clock, ids
from backend.packs import ParameterUnknown
from backend.programmes import FeatureOff, Registered, spending
from tests.engagement.following.conftest import CODE, SOURCE, Run, sound, switches, task, value, withdraw
from tests.intake.test_pipeline import City, ride

RIDE = 48


def level(level_id: str, of: str, count: str) -> str:
    return f'\n[[level]]\nid = "{level_id}"\ntitle_zh = "级"\ntitle_en = "level"\nof = "{of}"\ncount = "{count}"\n{SOURCE}'


def ladder(count: str = "10") -> str:
    return level("leaf", "points", count) + level("tree", "leaf", "4") + level("forest", "tree", "4")


def badge(count: str, measure: str = "days") -> str:
    return (
        f'\n[[achievement]]\nid = "rider"\ntitle_zh = "骑手"\ntitle_en = "rider"\nmeasure = "{measure}"\n'
        f'count = "{count}"\n{SOURCE}'
    )


def referral(after: int = 2, days: int = 30, most: int = 2, points: str = "20") -> str:
    return (
        f'\n[referral]\nafter_acts = {after}\nwithin_days = {days}\nto_referrer = "{points}"\nto_referred = "5"\n'
        f"most = {most}\n{SOURCE}"
    )


async def test_levels_follow_what_was_earned_not_what_was_spent(city: City, run: Run) -> None:
    programme = await run(switches("levels", "tasks"), ladder(), task("bonus", count="1", points="32"))
    who = await city.rider("ladder")
    await city.ingest([ride("ladder")])
    await followers.follow(city.db)
    async with city.db.transaction() as session:
        now = clock.now()
        await spending.spend(
            session, participant_id=who, programme=CODE, points=60, posting_id=ids.uuid7(), happened_at=now
        )
    async with city.db.transaction() as session:
        standing = await levels.standing_of(session, programme=programme, participant_id=who)
    assert (standing.points, standing.highest and standing.highest.id) == (80, "tree")
    assert [count for _, count in standing.levels] == [8, 2, 0]
    await withdraw(city, who, day="2026-10-12")
    await followers.follow(city.db)
    async with city.db.transaction() as session:
        assert await levels.counts(session, programme=programme, participant_id=who) == {
            "leaf": 0, "tree": 0, "forest": 0,
        }  # fmt: skip


async def test_a_ladder_whose_figure_is_unknown_names_it(city: City, run: Run) -> None:
    programme = await run(switches("levels"), ladder("unknown"))
    who = await city.rider("nobody-knows")
    async with city.db.transaction() as session:
        with pytest.raises(ParameterUnknown) as refused:
            await levels.standing_of(session, programme=programme, participant_id=who)
        assert refused.value.parameter == "level.leaf.count"
        with pytest.raises(FeatureOff):
            await achievements.badges_of(session, programme=programme, participant_id=who)
        with pytest.raises(FeatureOff):
            await referrals.own(session, programme=programme, participant_id=who)


async def test_a_badge_comes_on_the_day_that_completed_it_and_goes_with_its_acts(
    city: City, run: Run
) -> None:
    programme = await run(switches("achievements"), badge("2"))
    who = await city.rider("badge")

    async def reached() -> dt.date | None:
        await followers.follow(city.db)
        async with city.db.transaction() as session:
            (found,) = await achievements.badges_of(session, programme=programme, participant_id=who)
            assert (found.reached_on is not None) == await achievements.held(
                session, programme=programme, participant_id=who, achievement_id="rider"
            )
            return found.reached_on

    await city.ingest([ride("badge"), ride("badge", 30)])
    assert await reached() is None
    await city.ingest([ride("badge", day="2026-10-15")])
    assert await reached() == dt.date(2026, 10, 15)
    await city.ingest([ride("badge", day="2026-10-10")])
    assert await reached() == dt.date(2026, 10, 12), "a late act moves the day"
    await withdraw(city, who, day="2026-10-10")
    await withdraw(city, who, day="2026-10-15")
    assert await reached() is None


async def redeem(city: City, programme: Registered, newcomer: UUID, referrer: UUID) -> None:
    async with city.db.transaction() as session:
        code = (await referrals.own(session, programme=programme, participant_id=referrer)).code
    async with city.db.transaction() as session:
        await referrals.redeem(session, programme=programme, participant_id=newcomer, code=code.lower())


async def given(city: City, who: UUID) -> int:
    ((points,),) = await value(
        city,
        """SELECT COALESCE((SELECT sum(points) FROM award WHERE participant_id = :who), 0)
                - COALESCE((SELECT sum(points) FROM award_taken WHERE participant_id = :who), 0)""",
        who=who,
    )
    return int(str(points))


async def test_both_are_rewarded_after_real_use_at_most_so_often_and_undone_with_the_acts(
    city: City, run: Run
) -> None:
    programme = await run(switches("referral"), referral())
    today = "2026-10-12"
    with clock.travel(dt.datetime(2026, 10, 11, 12, tzinfo=clock.SHANGHAI)):
        host = await city.rider("host")
        guests = [await city.rider(f"guest-{n}") for n in range(3)]
        for guest in guests:
            await redeem(city, programme, guest, host)
    await city.ingest([ride("guest-0", 0, day=today)])
    await followers.follow(city.db)
    assert await given(city, host) == 0, "one act is not enough"
    await city.ingest([ride("guest-0", 30, day=today)])
    await city.ingest([ride(f"guest-{n}", minute, day=today) for n in (1, 2) for minute in (60, 90)])
    await followers.follow(city.db)
    await followers.follow(city.db)
    assert await given(city, host) == 40, "the third is beyond the most"
    assert [await given(city, guest) for guest in guests] == [5, 5, 5]
    await sound(city)
    await withdraw(city, guests[0], day=today)
    await followers.follow(city.db)
    assert (await given(city, host), await given(city, guests[0])) == (20, 0)
    await city.ingest([ride("guest-0", 120, day=today)])
    await followers.follow(city.db)
    assert (await given(city, host), await given(city, guests[0])) == (40, 5)
    async with city.db.transaction() as session:
        mine = await referrals.own(session, programme=programme, participant_id=host)
    assert [one.points for one in mine.invited] == [20, 20, 0]
    await sound(city)


async def test_codes_that_are_not_ones_to_use_are_refused(city: City, run: Run) -> None:
    programme = await run(switches("referral"), referral())
    one, two, three = [await city.rider(name) for name in ("code-1", "code-2", "code-3")]
    with pytest.raises(referrals.ReferringRefused):
        await redeem(city, programme, one, one)
    await redeem(city, programme, one, two)
    with pytest.raises(referrals.ReferredAlready):
        await redeem(city, programme, one, three)
    with pytest.raises(referrals.ReferringRefused):
        await redeem(city, programme, two, one)
    async with city.db.transaction() as session:
        with pytest.raises(referrals.CodeUnknown):
            await referrals.redeem(session, programme=programme, participant_id=three, code="ZZZZZZZZ")
    with (
        clock.travel(clock.now() + dt.timedelta(days=30)),
        pytest.raises(referrals.ReferredTooLate),
    ):
        await redeem(city, programme, three, two)
    await redeem(city, programme, three, two)


async def test_people_who_held_the_same_card_do_not_refer_each_other(city: City, run: Run) -> None:
    programme = await run(switches("referral"), referral())
    one, two = await city.rider("shared-card"), await city.rider("another-card")
    async with city.db.transaction() as session:
        await means.close_all(session, participant_id=one)
    moved = clock.now()
    async with city.db.transaction() as session:
        await means.link_list(
            session, city.settings.keys, kind="bike_account", operator="gz-bikes", proof_reference="test",
            lines=[means.Listed(number="shared-card", participant_id=two, held_from=moved)],
        )  # fmt: skip
    with pytest.raises(referrals.ReferringRefused):
        await redeem(city, programme, one, two)
