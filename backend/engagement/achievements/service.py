"""Which badges somebody has, and how far the others are."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.achievements import queries
from backend.kit.errors import DomainError, Kind
from backend.programmes import Registered, require
from backend.programmes.features import Achievement, known


class AchievementUnknown(DomainError):
    """The programme has no such achievement."""

    code = "achievements.not_found"
    kind = Kind.NOT_FOUND
    title_zh = "该计划没有这项成就。"


@dataclass(frozen=True, slots=True)
class Badge:
    """An achievement, how much of its measure was done of what is `needed`, and the day that completed it."""

    achievement: Achievement
    needed: int
    amount: int
    reached_on: dt.date | None


async def badges_of(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> list[Badge]:
    """Every achievement, reached or not, as far as acts were followed. Raises FeatureOff, ParameterUnknown."""
    require(programme, "achievements")
    return [
        await _badge(session, programme, one, participant_id) for one in programme.pack.features.achievements
    ]


async def held(
    session: AsyncSession, *, programme: Registered, participant_id: UUID, achievement_id: str
) -> bool:
    """True while somebody has the badge. Raises FeatureOff, AchievementUnknown, ParameterUnknown."""
    require(programme, "achievements")
    for one in programme.pack.features.achievements:
        if one.id == achievement_id:
            return (await _badge(session, programme, one, participant_id)).reached_on is not None
    raise AchievementUnknown


async def _badge(
    session: AsyncSession, programme: Registered, one: Achievement, participant_id: UUID
) -> Badge:
    count = known(one.count, pack=programme.pack.id, parameter=f"achievement.{one.id}.count")
    needed = max(math.ceil(count), 1)
    row = (
        await session.execute(
            queries.REACHED,
            {
                "programme": programme.id,
                "participant": participant_id,
                "measure": one.measure,
                "activities": list(one.activities),
                "needed": needed,
            },
        )
    ).one()
    return Badge(one, needed, int(row.amount), row.reached_on)
