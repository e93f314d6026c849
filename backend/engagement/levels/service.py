"""Somebody's place on the ladder."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.levels import queries
from backend.programmes import Registered, awards, reckoning, require
from backend.programmes.features import Level


@dataclass(frozen=True, slots=True)
class Standing:
    """`points` that were earned, awards included, and stand; `grams` of standing acts; how many of each level they make,
    from the lowest up; the highest level of which there is one.
    """

    points: int
    grams: int
    levels: tuple[tuple[Level, int], ...]
    highest: Level | None


async def standing_of(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> Standing:
    """Where somebody stands now, as far as acts were followed. Raises FeatureOff, ParameterUnknown (`level.leaf.count`)."""
    require(programme, "levels")
    row = (
        await session.execute(queries.EARNED, {"programme": programme.id, "participant": participant_id})
    ).one()
    awarded = await awards.standing(session, programme_id=programme.id, participant_id=participant_id)
    points, levels = row.points + awarded, programme.pack.features.levels
    found = reckoning.counts_of(levels, points=points, grams=row.grams, pack=programme.pack.id)
    reached = [level for level in levels if found[level.id]]
    return Standing(
        points=points,
        grams=row.grams,
        levels=tuple((level, found[level.id]) for level in levels),
        highest=reached[-1] if reached else None,
    )


async def counts(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> dict[str, int]:
    """How many of each level somebody has now. Raises FeatureOff, ParameterUnknown."""
    standing = await standing_of(session, programme=programme, participant_id=participant_id)
    return {level.id: count for level, count in standing.levels}
