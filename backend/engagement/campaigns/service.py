"""Give what campaigns promise for newly followed acts, and take it back with acts that are withdrawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.campaigns import queries
from backend.engagement.following import Touched
from backend.kit import clock, ids
from backend.packs import ParameterUnknown
from backend.programmes import Registered, awards, budgets, expires_on
from backend.programmes.features import Campaign, known


@dataclass(frozen=True, slots=True)
class Figures:
    """What a campaign gave: acts that were due something, people, points due, given, and come back."""

    campaign: str
    acts: int
    people: int
    wanted: int
    given: int
    returned: int


async def follow_touched(session: AsyncSession, touched: Touched) -> None:
    """Take back what belongs to withdrawn acts, then give each campaign's points in the order of the acts.

    A campaign whose figures are unknown gives nothing yet; nor does any while the programme's budget is unknown.
    """
    programme = touched.programme
    if programme.pack.money:
        return
    await _take_back(session, programme)
    if not programme.pack.features.on("campaigns"):
        return
    for campaign in programme.pack.features.campaigns:
        if campaign.first <= touched.last_day and touched.first_day <= campaign.last:
            try:
                await _give(session, touched, campaign)
            except ParameterUnknown:
                continue


async def _take_back(session: AsyncSession, programme: Registered) -> None:
    for row in (await session.execute(queries.RETURN, {"programme": programme.id})).all():
        await awards.take_back(
            session,
            programme=programme.code,
            participant_id=row.participant_id,
            cause=cause_of(row.campaign),
            points=row.points,
            posting_id=row.posting_id,
            happened_at=clock.now(),
        )
        await session.execute(
            queries.ADD_RETURNED,
            {
                "programme": programme.id,
                "campaign": row.campaign,
                "posting": row.posting_id,
                "keys": row.keys,
                "points": row.each,
            },
        )


async def _give(session: AsyncSession, touched: Touched, campaign: Campaign) -> None:
    programme, pack, now = touched.programme, touched.programme.pack, clock.now()
    multiplier = known(campaign.multiplier, pack=pack.id, parameter=f"campaign.{campaign.id}.multiplier")
    budget = known(campaign.budget, pack=pack.id, parameter=f"campaign.{campaign.id}.budget")
    budgets.limit_of(pack)  # raises where the programme's budget is unknown
    asked = {
        "programme": programme.id,
        "campaign": campaign.id,
        "above": multiplier.numerator,
        "below": multiplier.denominator,
        "first": campaign.first,
        "last": campaign.last,
        "activities": list(campaign.activities),
        "low_day": touched.first_day,
        "high_day": touched.last_day,
    }
    wanted = int((await session.execute(queries.WANTED, asked)).scalar_one())
    if not wanted:
        return
    stand = (await session.execute(queries.STAND, {"programme": programme.id, "campaign": campaign.id})).one()
    room = math.floor(budget) - stand.given
    programme_room = await budgets.room(session, programme=programme, at=now)
    given = min(wanted, max(room if programme_room is None else min(room, programme_room), 0))
    batch = ids.uuid7()
    await session.execute(
        queries.ADD_BATCH,
        {
            "id": batch,
            "programme": programme.id,
            "campaign": campaign.id,
            "number": stand.batches + 1,
            "active_from": programme.active_from,
            "room": room,
            "programme_room": programme_room,
            "wanted": wanted,
            "given": given,
            "at": now,
        },
    )
    people = (await session.execute(queries.GRANT, {**asked, "given": given})).all()
    due = expires_on(pack, clock.day_of(now))
    await awards.award(
        session,
        programme=programme.code,
        awards=[
            awards.Award(row.posting_id, row.participant_id, row.points, due, now, cause_of(campaign.id))
            for row in people
            if row.points
        ],
    )
    await session.execute(
        queries.ADD_GRANTS,
        {
            "programme": programme.id,
            "campaign": campaign.id,
            "batch": batch,
            "keys": [key for row in people for key in row.keys],
            "participants": [row.participant_id for row in people for _ in row.keys],
            "wanted": [wanted for row in people for wanted in row.wanted],
            "points": [points for row in people for points in row.each],
            "postings": [row.posting_id if points else None for row in people for points in row.each],
        },
    )


def cause_of(campaign: str) -> str:
    """What an award of a campaign says it is for."""
    return f"campaign:{campaign}"


async def figures_of(session: AsyncSession, *, programme: Registered) -> list[Figures]:
    """What each campaign of a programme gave, by id."""
    rows = await session.execute(queries.FIGURES, {"programme": programme.id})
    return [Figures(*row) for row in rows]
