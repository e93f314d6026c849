"""A city whose sample programme has whatever features a test writes into its pack."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import intake, programmes
from backend.engagement import following
from backend.engagement.campaigns import checks as campaigned
from backend.engagement.following import checks
from backend.engagement.referrals import checks as referred
from backend.engagement.tasks import checks as finished
from backend.intake import posted
from backend.kit import clock, ids
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from backend.programmes import Registered, awarded
from backend.programmes import checks as points
from tests.intake.test_pipeline import City
from tests.unscreened import unscreened

CODE = "gd-green-travel"
SOURCE = 'source = "programme policy"\n'
CHECKS = (
    checks.days, posted.points, awarded.awards, campaigned.granted, finished.finished, referred.rewarded, points.points,
)  # fmt: skip
BEGUN = dt.datetime(2026, 10, 1, 12, tzinfo=SHANGHAI)
EXAMPLE = """

[[example]]
why = "100 g by metro are 10 points"
in  = { earn = "metro-distance", evidence = "operator_feed", grams = 100 }
out = { points = 10 }
"""
Run = Callable[..., Awaitable[Registered]]


def switches(*names: str) -> str:
    return "\n[switches]\nearning = true\n" + "".join(f"{name} = true\n" for name in names)


def task(task_id: str, *, measure: str = "acts", count: str = "3", period: str = "week", points: str = "10",
         more: str = "") -> str:  # fmt: skip
    return (
        f'\n[[task]]\nid = "{task_id}"\ntitle_zh = "任务"\ntitle_en = "A task"\nmeasure = "{measure}"\n'
        f'count = "{count}"\nperiod = "{period}"\npoints = "{points}"\n{more}{SOURCE}'
    )


def campaign(campaign_id: str, *, first: str, last: str, multiplier: str = "2", budget: str = "1000") -> str:
    return (
        f'\n[[campaign]]\nid = "{campaign_id}"\ntitle_zh = "活动"\ntitle_en = "A campaign"\nfirst = {first}\n'
        f'last = {last}\nmultiplier = "{multiplier}"\nbudget = "{budget}"\n{SOURCE}'
    )


@pytest.fixture
async def city(db: Database, settings: Settings, tmp_path: Path) -> City:
    made = City(db, settings, load_all(), tmp_path)
    with clock.travel(BEGUN):
        await made.open()
    return made


@pytest.fixture
def run(city: City) -> Run:
    """Let the sample programme run with these sections from now on."""

    async def changed(*sections: str) -> Registered:
        head, examples = "format = 1", "\n[[example]]"
        pack = city.library.find(CODE)
        title = 'title_en     = "Guangdong green travel (sample programme)"'
        at = pack.text.index(examples)
        made = unscreened(
            pack,
            (title, f'title_en     = "Sample {ids.uuid7().hex}"'),
            (head, "format = 2"),
            ('expires_at           = "month-end"', 'expires_at           = "month-end"\nexpiry = "rolling"'),
            (pack.text[at : at + 60], "".join(sections) + EXAMPLE + pack.text[at : at + 60]),
        )
        with clock.travel(BEGUN):
            async with city.db.transaction() as session:
                await programmes.register(session, pack=made)
        async with city.db.transaction() as session:
            return await programmes.programme_of(session, code=CODE)

    return changed


def moment(day: str, time: str = "08:00") -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=SHANGHAI)


async def withdraw(city: City, who: UUID, *, day: str, most: int = 1) -> list[UUID]:
    """Withdraw somebody's latest acts of a day."""
    query = text("""
        SELECT a.claim_key FROM action a LEFT JOIN action_withdrawn w USING (claim_key)
        WHERE a.participant_id = :who AND w.claim_key IS NULL
          AND CAST(a.happened_at AT TIME ZONE 'Asia/Shanghai' AS date) = :day
        ORDER BY a.happened_at DESC LIMIT :most
    """)
    async with city.db.transaction() as session:
        found = await session.execute(query, {"who": who, "day": dt.date.fromisoformat(day), "most": most})
        keys = list(found.scalars())
        await intake.holding.withdraw(session, keys=keys, cause="withdrawn", reference=ids.uuid7())
    return keys


async def days_of(city: City, programme: Registered, *people: UUID) -> list[tuple[str, int, int, int]]:
    """Day, acts, grams and points, as they were followed."""
    async with city.db.transaction() as session:
        found = await following.acted(
            session,
            programme=programme,
            participants=people,
            first=dt.date(2020, 1, 1),
            last=dt.date(2030, 1, 1),
        )
    return [(one.day.isoformat(), one.acts, one.grams, one.points) for one in found]


async def value(city: City, query: str, **parameters: object) -> list[tuple[object, ...]]:
    async with city.db.transaction() as session:
        return [tuple(row) for row in await session.execute(text(query), parameters)]


async def sound(city: City) -> None:
    """What the audit says of followed acts and of what they led to."""
    async with city.db.transaction() as session:
        for check in CHECKS:
            found = await check(session)
            assert not found.violations, [str(one) for one in found.violations[:3]]
