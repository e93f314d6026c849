"""The sums of a citizen's first page, of which the database keeps what lies months back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import queries
from backend.intake.acts import Sums
from backend.kit import clock

REACH_KEPT_FOR = dt.timedelta(days=100)  # a kept sum is used in one month, and was read in it


@dataclass(frozen=True, slots=True)
class HomeSums:
    """What a participant's acts come to on one day, in its month up to then, and in all."""

    today: Sums
    month: Sums
    total: Sums


async def home_of(
    connection: asyncpg.Connection[asyncpg.Record], *, participant_id: UUID, day: date
) -> HomeSums:
    """The sums of a citizen's first page as of a Shanghai day, by one statement; benefits in money are not among the points."""
    row = await connection.fetchrow(
        queries.HOME_HOT,
        participant_id,
        datetime.combine(day, time(), clock.SHANGHAI),
        datetime.combine(day.replace(day=1), time(), clock.SHANGHAI),
        datetime.combine(day + timedelta(days=1), time(), clock.SHANGHAI),
    )
    assert row is not None

    def sums(part: str) -> Sums:
        return Sums(grams=row[f"{part}grams"], points=row[f"{part}points"], acts=row[f"{part}acts"])

    return HomeSums(today=sums("today_"), month=sums("month_"), total=sums(""))


async def forget_reach(session: AsyncSession) -> None:
    """Remove what says how far back acts reached, where no kept sum is as old."""
    await session.execute(queries.FORGET_REACH, {"before": clock.now() - REACH_KEPT_FOR})
