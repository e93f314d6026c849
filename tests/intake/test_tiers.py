"""Acts that earn by tiers of one of their inputs, in a programme whose points lapse with a year or never."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from backend import intake, programmes
from backend.intake import checks, posted, recomputed
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import ParameterUnknown, load_all
from backend.packs.pack import Pack
from tests.intake.test_pipeline import City
from tests.programmes.seconds import second

DAY = clock.today() - dt.timedelta(days=3)
_NEXT = '[[example]]\nwhy = "9 g are below'
_TIER = """[[example]]
why = "a tier"
in = { earn = "cycling", evidence = "operator_feed", distance_m = 10000 }
out = { points = 2 }

"""
EXPIRY = """expires_after_months = 24                # rolling; to the end of the month 24 months after the month of earning
expires_at           = "month-end"
"""
LAPSED = {"calendar": "expires_on = 2019-12-31", "none": 'expires_on = "never"'}
ENDS = {
    "calendar": 'expiry = "calendar"\nexpires_on = "12-31"\nyears = 1\n',
    "none": 'expiry = "none"\n',
}


def pack(*, high: str = "10000", expiry: str = "calendar", switched_on: bool = True) -> Pack:
    """Cycling earns 1 from 5 km on and 2 from `high` metres on, and nothing below."""
    tiers = f'[{{ at_least = "5000", points = "1" }}, {{ at_least = "{high}", points = "2" }}]'
    example = _TIER
    if high == "unknown":
        told = '{ error = "packs.unknown_parameter", parameter = "earn.cycling.tiers.1.at_least" }'
        example = _TIER.replace("{ points = 2 }", told)
    return second(
        ('in  = { earn = "cycling"', 'in  = { earn = "metro-distance"'),
        (_NEXT, example + _NEXT),
        (
            'activity    = "cycling"\nper         = "gram"\npoints      = "1/10"',
            f'activity = "cycling"\nper = "tier"\ninput = "distance_m"\ntiers = {tiers}',
        ),
        (EXPIRY, ENDS[expiry]),
        ("expires_on = 2020-08-31", LAPSED[expiry]),
        ("expires_on = 2020-02-29", LAPSED[expiry]),
        *([] if switched_on else [("earning = true", "earning = false")]),
        mark=ids.uuid7().hex,
    )


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> City:
    made = City(db, settings, load_all(), tmp_path)
    await made.open()
    return made


async def take(city: City, account: str, *metres: int) -> list[int]:
    started = dt.datetime.combine(DAY, dt.time(0), clock.SHANGHAI)
    rows = [
        {
            "account_no": account,
            "started_at": (started + dt.timedelta(hours=hour)).isoformat(),
            "ended_at": (started + dt.timedelta(hours=hour, minutes=50)).isoformat(),
            "distance_m": distance,
        }
        for hour, distance in enumerate(metres)
    ]
    taken = await intake.take(city.db, city.settings, source=city.source, rows=rows, library=city.library)
    return [answer.points for answer in taken.answers]


async def run(city: City, one: Pack) -> None:
    async with city.db.transaction() as session:
        await programmes.register(session, pack=one)


async def sound(city: City) -> None:
    async with city.db.transaction() as session:
        for check in (posted.points, recomputed.grams_and_points, checks.chunks):
            found = await check(session)
            assert not found.violations, found.violations[:3]


async def test_the_highest_tier_reached_counts_and_nothing_below_the_first(city: City) -> None:
    rider = await city.rider("tiers")
    await run(city, pack())
    assert await take(city, "tiers", 4_999, 5_000, 9_999, 10_000, 20_000) == [0, 1, 1, 2, 2]
    assert list(await city.balances(f"wallet:{rider}:")) == [
        f"wallet:{rider}:gd-green-travel:{clock.today().year + 1}-12-31"
    ]
    await sound(city)


async def test_an_unknown_tier_refuses_the_file_and_names_it(city: City) -> None:
    await run(city, pack(high="unknown"))
    with pytest.raises(ParameterUnknown) as refused:
        await take(city, "nobody", 6_000)
    assert refused.value.parameter == "earn.cycling.tiers.1.at_least"


async def test_points_that_never_lapse_lie_in_a_lot_of_their_own(city: City) -> None:
    rider = await city.rider("for-ever")
    await run(city, pack(expiry="none"))
    assert await take(city, "for-ever", 12_000) == [2]
    assert list(await city.balances(f"wallet:{rider}:")) == [f"wallet:{rider}:gd-green-travel:never"]
    await sound(city)


async def test_a_programme_that_does_not_give_yet_takes_acts_for_nothing(city: City) -> None:
    await city.rider("not-yet")
    await run(city, pack(switched_on=False))
    assert await take(city, "not-yet", 12_000) == [0]
    await sound(city)
