"""Whether what a post tells of stands now, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import teams
from backend.engagement.feed import queries
from backend.kit.settings import Keys
from backend.packs import ParameterUnknown
from backend.programmes import Registered, awards
from backend.programmes.features import Name, known
from backend.programmes.reckoning import count_of

Told = tuple[UUID, str, str]  # participant, kind, reference

_A_TEAM = Name("一支队伍", "a team")


async def standing(
    session: AsyncSession, keys: Keys, *, programme: Registered, told: Sequence[Told]
) -> dict[Told, Name]:
    """Those of these that stand now, with the name of what was achieved. What cannot be reckoned does not stand."""
    features = programme.pack.features
    found: dict[Told, Name] = {}
    named: Mapping[str, tuple[TextClause, dict[str, Name]]] = {
        "task": (queries.TASKS, {one.id: one.title for one in features.tasks}),
        "tree": (queries.TREES, {one.id: one.title for one in features.rewards}),
    }
    for kind, (query, titles) in named.items():
        ids = [one for _, of, reference in told if of == kind and (one := _uuid(reference))]
        if ids:
            for row in await session.execute(query, {"programme": programme.id, "ids": ids}):
                if row.thing in titles:
                    found[row.participant_id, kind, row.reference] = titles[row.thing]
    found |= await _joined(session, keys, programme, [one for one in told if one[1] == "team"])
    found |= await _badges(session, programme, [one for one in told if one[1] == "achievement"])
    found |= await _levels(session, programme, [one for one in told if one[1] == "level"])
    return {one: found[one] for one in told if one in found}


async def _joined(
    session: AsyncSession, keys: Keys, programme: Registered, told: Sequence[Told]
) -> dict[Told, Name]:
    """Teams that others see, and that the person is still in."""
    ids = [one for _, _, reference in told if (one := _uuid(reference))]
    if not ids or not programme.pack.features.on("teams"):
        return {}
    seen = await teams.shown(session, keys, programme=programme, teams=ids)
    found = {}
    for who, kind, reference in told:
        team = _uuid(reference)
        if team in seen and await teams.team_of(session, programme=programme, participant_id=who) == team:
            name = seen[team].name
            found[who, kind, reference] = Name(name, name) if name else _A_TEAM
    return found


async def _badges(session: AsyncSession, programme: Registered, told: Sequence[Told]) -> dict[Told, Name]:
    if not programme.pack.features.on("achievements"):
        return {}
    found = {}
    for badge in programme.pack.features.achievements:
        whose = [who for who, _, reference in told if reference == badge.id]
        if not whose:
            continue
        try:
            count = known(badge.count, pack=programme.code, parameter=f"achievement.{badge.id}.count")
        except ParameterUnknown:
            continue
        amounts = await _amounts(session, programme, whose, badge.activities)
        for who in whose:
            if who in amounts and getattr(amounts[who], badge.measure) >= count:
                found[who, "achievement", badge.id] = badge.title
    return found


async def _levels(session: AsyncSession, programme: Registered, told: Sequence[Told]) -> dict[Told, Name]:
    """Levels count points that were ever earned and stand, those of acts and those of awards."""
    features = programme.pack.features
    titles = {one.id: one.title for one in features.levels}
    if not told or not features.on("levels"):
        return {}
    amounts = await _amounts(session, programme, [who for who, _, _ in told], ())
    found = {}
    for who, kind, reference in told:
        if reference not in titles:
            continue
        points = await awards.standing(session, programme_id=programme.id, participant_id=who)
        grams = 0
        if who in amounts:
            points += amounts[who].points
            grams = amounts[who].grams
        try:
            count = count_of(features.levels, reference, points=points, grams=grams, pack=programme.code)
        except ParameterUnknown:
            continue
        if count > 0:
            found[who, kind, reference] = titles[reference]
    return found


async def _amounts(
    session: AsyncSession, programme: Registered, participants: Sequence[UUID], activities: Sequence[str]
) -> dict[UUID, Row[Any]]:
    asked = {
        "programme": programme.id,
        "participants": list(participants),
        "activities": list(activities),
    }
    return {row.participant_id: row for row in await session.execute(queries.AMOUNTS, asked)}


def _uuid(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None
