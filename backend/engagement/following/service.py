"""Read what intake committed, make the touched days again, and tell the followers: a transaction per step.

A step reads what transactions wrote between the cursor and the oldest one that still runs (`xid8`), so nothing that
commits late is missed and nothing is read twice. Followers run in the step's own transaction, in the order in which they
registered, and the cursor moves with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.following import queries
from backend.engagement.following.model import ActedDay, Followed, Follower, Touched
from backend.kit.db import Database
from backend.programmes import Registered, programme_of, programmes

CHUNKS_AT_ONCE = 4

followers: dict[str, Follower] = {}


def register_follower(name: str, follower: Follower) -> None:
    """Let `follower` be told, inside the step's transaction, whose days were made again. A name is told once."""
    followers[name] = follower


def is_followed(programme: Registered) -> bool:
    """True where the programme switched on anything that acts lead to beyond points."""
    return bool(programme.pack.features.switches - {"earning"})


async def follow(db: Database) -> Followed:
    """Follow everything that is committed and that no running transaction may still precede."""
    steps = days = 0
    while True:
        async with db.transaction() as session:
            touched, more = await step(session)
        steps, days = steps + 1, days + touched
        if not more:
            return Followed(steps=steps, days=days)


async def rebuild(db: Database, *, programme: str) -> Followed:
    """Make all days of a programme again from its acts, and tell its followers of everybody. Raises ProgrammeUnknown."""
    async with db.transaction() as session:
        await _begin(session)
        running = await programme_of(session, code=programme)
        if not is_followed(running):
            return Followed(steps=0, days=0)
        await _make_whole(session, running)
        return Followed(steps=1, days=await _tell(session, [running]))


async def _begin(session: AsyncSession) -> None:
    await session.execute(queries.LOCK)
    await session.execute(queries.TOUCHED)


async def step(session: AsyncSession) -> tuple[int, bool]:
    await _begin(session)
    every = {one.id: one for one in await programmes(session)}
    running = {one.id: one for one in every.values() if is_followed(one)}
    known = {row.programme_id: row.active_from for row in await session.execute(queries.FOLLOWED_PROGRAMMES)}
    for gone in known.keys() - running.keys():
        await session.execute(queries.FORGET_DAYS, {"programme": gone})
        await session.execute(queries.FORGET_PROGRAMME, {"programme": gone})
    span = (await session.execute(queries.STEP, {"chunks": CHUNKS_AT_ONCE})).one()
    same = [one for one in running.values() if known.get(one.id) == one.active_from]
    await _make_touched(session, [one.id for one in same], low=span.low, high=span.high)
    for one in running.values():
        if one not in same:
            await _make_whole(session, one)
    touched = await _tell(session, list(running.values()))
    await session.execute(queries.ADVANCE, {"high": span.high})
    return touched, span.high != span.horizon


async def _make_touched(session: AsyncSession, programme_ids: Sequence[int], *, low: str, high: str) -> None:
    if not programme_ids:
        return
    await session.execute(queries.TOUCH, {"programmes": list(programme_ids), "low": low, "high": high})
    await session.execute(queries.TOUCH_AGAIN, {"programmes": list(programme_ids)})
    first, last, count = (await session.execute(queries.SPAN)).one()
    if count:
        await session.execute(queries.ANALYSE)
        await session.execute(queries.CLEAR_DAYS)
        await session.execute(queries.MAKE_DAYS, {"low_day": first, "high_day": last})


async def _make_whole(session: AsyncSession, programme: Registered) -> None:
    """All days again, and everybody told: the programme is new here, runs by another pack, or somebody asked for it."""
    await session.execute(queries.TOUCH_WHOLE, {"programme": programme.id})
    await session.execute(queries.FORGET_DAYS, {"programme": programme.id})
    await session.execute(queries.MAKE_WHOLE, {"programme": programme.id})
    await session.execute(queries.TOUCH_WHOLE, {"programme": programme.id})
    await session.execute(queries.TOUCH_AGAIN, {"programmes": [programme.id]})
    await session.execute(
        queries.NOTE_PROGRAMME, {"programme": programme.id, "active_from": programme.active_from}
    )


async def _tell(session: AsyncSession, running: Sequence[Registered]) -> int:
    days = int((await session.execute(queries.SPAN)).one()[2])
    if not days:
        return 0
    for programme in running:
        found = (await session.execute(queries.TOUCHED_OF, {"programme": programme.id})).one()
        if found.participants:
            touched = Touched(programme, found.participants, found.first_day, found.last_day)
            for follower in followers.values():
                await follower(session, touched)
    return days


async def look_again(
    session: AsyncSession, *, programme: Registered, participant_id: UUID, day: dt.date
) -> None:
    """Let the next run look at somebody's day although no act is new: what it leads to may have changed."""
    await session.execute(
        queries.LOOK_AGAIN, {"programme": programme.id, "participant": participant_id, "day": day}
    )


async def acted(
    session: AsyncSession,
    *,
    programme: Registered,
    participants: Collection[UUID],
    first: dt.date,
    last: dt.date,
    activities: Collection[str] = (),
) -> list[ActedDay]:
    """What these people's acts amount to on each day from `first` to `last`, as far as acts were followed."""
    rows = await session.execute(
        queries.ACTED,
        {
            "programme": programme.id,
            "participants": list(participants),
            "first": first,
            "last": last,
            "activities": list(activities),
        },
    )
    return [ActedDay(*row) for row in rows]
