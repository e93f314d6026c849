"""Friends who collect a part of what waits: who may, how much of each lot, and who took what.

Locks come in one order: the two people's circles, the owner's props, the issuer, accounts.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.engagement import circle, rewards
from backend.engagement.collecting import queries
from backend.engagement.collecting.errors import DayLimitReached, Protected, ShareTaken
from backend.engagement.collecting.model import Garden, Limits, Ripe, Taken
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.settings import Keys
from backend.programmes import FeatureOff, Registered, codes, features, pending, require
from backend.programmes.errors import NothingToCollect
from backend.programmes.pending import Collected, PendingLot
from backend.programmes.rules import Programme

Position = tuple[dt.datetime, UUID]


@dataclass(frozen=True, slots=True)
class _Room:
    """What one friend may still take of one lot, beside what the limit rests on."""

    lot: PendingLot
    ripened: int
    taken: int
    most: int


def limits_of(programme: Programme) -> Limits | None:
    """What friends may collect; None where nothing is shared. ParameterUnknown when a figure was not published."""
    sharing = programme.features.sharing
    if sharing is None:
        return None
    share, per_friend, per_day = (
        features.known(getattr(sharing, name), pack=programme.id, parameter=f"sharing.{name}")
        for name in ("share", "most_per_friend", "most_per_day")
    )
    return Limits(share, math.floor(per_friend), math.floor(per_day))


def room_in_lot(limits: Limits, *, ripened: int, taken: int, own: int) -> int:
    """What one friend may still take of a lot, before the limit of the day: `own` of `taken` were this friend's."""
    return max(0, min(math.floor(limits.share * ripened) - taken, limits.most_per_friend - own))


async def garden_of(session: AsyncSession, *, programme: Registered, owner: UUID, viewer: UUID) -> Garden:
    """What of a friend's is ripe, and what the viewer may take of it now.

    PersonUnknown unless they are friends who both agree to be shown; FeatureOff, ParameterUnknown.
    """
    limits = _limits(programme)
    if not await circle.are_friends(session, programme=programme, one=viewer, other=owner):
        raise circle.PersonUnknown
    now = clock.now()
    is_protected = await rewards.protected(session, programme, owner, now)
    left = limits.most_per_day - await _taken_today(session, programme, viewer, now)
    return Garden(
        is_protected,
        tuple(
            Ripe(
                one.lot.ripe_on,
                one.lot.last_day,
                one.lot.points,
                0 if is_protected else max(0, min(one.most, left)),
            )
            for one in await _rooms(session, programme, limits, owner=owner, taker=viewer)
        ),
    )


async def take(
    session: AsyncSession,
    *,
    programme: Registered,
    owner: UUID,
    taker: UUID,
    ripe_on: dt.date | None = None,
) -> Collected:
    """Collect from a friend all that the programme lets one take: of every ripe lot, or of one day's, oldest first.

    Raises PersonUnknown (no friend), Protected, NothingToCollect, ShareTaken, DayLimitReached, FeatureOff, ParameterUnknown.
    """
    limits = _limits(programme)
    # Of two people in one call, so that everybody takes them in one order. The taker's own keeps the limit of the day.
    await take_turns(session, *(f"circle:{programme.id}:{one}" for one in (owner, taker)))
    if not await circle.are_friends(session, programme=programme, one=taker, other=owner):
        raise circle.PersonUnknown
    await rewards.hold_props(session, programme=programme, participant_id=owner)
    issuer = codes.issuer(programme.code)
    opened = await ledger.open_accounts(session, [issuer])
    await ledger.share_source(session, opened[issuer.code])  # from here on nothing is taken back from a lot
    now = clock.now()
    if await rewards.protected(session, programme, owner, now):
        raise Protected
    rooms = [
        one
        for one in await _rooms(session, programme, limits, owner=owner, taker=taker)
        if ripe_on is None or one.lot.ripe_on == ripe_on
    ]
    if not rooms:
        raise NothingToCollect
    if not any(one.most for one in rooms):
        raise ShareTaken
    left = limits.most_per_day - await _taken_today(session, programme, taker, now)
    if left <= 0:
        raise DayLimitReached(most_per_day=limits.most_per_day)
    posting_id = ids.uuid7()
    done = await pending.take_from(
        session,
        programme=programme,
        of=owner,
        by=taker,
        most=_within(rooms, left),
        posting_id=posting_id,
        now=now,
    )
    by_code = {one.lot.code: one for one in rooms}
    for code, points in done.by_lot.items():
        room = by_code[code]
        await session.execute(
            queries.ADD,
            {
                "id": ids.uuid7(),
                "programme": programme.id,
                "owner": owner,
                "taker": taker,
                "lot": code,
                "ripe_on": room.lot.ripe_on,
                "posting": posting_id,
                "points": points,
                "ripened": room.ripened,
                "taken_before": room.taken,
                "at": now,
            },
        )
    return done


async def taken_of(
    session: AsyncSession,
    keys: Keys,
    *,
    programme: Registered,
    owner: UUID,
    limit: int = 50,
    after: Position | None = None,
) -> list[Taken]:
    """What friends took of somebody's points, the newest first; who it was only where that person agrees to be shown."""
    before, before_id = after or (None, None)
    asked = {
        "owner": owner,
        "programme": programme.id,
        "limit": limit,
        "before": before,
        "before_id": before_id,
    }
    rows = (await session.execute(queries.TAKEN_OF, asked)).all()
    seen = await circle.shown(session, keys, programme=programme, participants=[row.taker_id for row in rows])
    return [Taken(row.id, row.ripe_on, row.points, row.taken_at, seen.get(row.taker_id)) for row in rows]


def _limits(programme: Registered) -> Limits:
    require(programme, "collecting")
    limits = limits_of(programme.pack)
    if limits is None:
        raise FeatureOff(programme=programme.code, feature="sharing")
    return limits


def _within(rooms: Sequence[_Room], left: int) -> Mapping[str, int]:
    """What is taken of each lot, the oldest first, when `left` is all that may be taken."""
    most = {}
    for one in rooms:
        most[one.lot.code] = min(one.most, left)
        left -= most[one.lot.code]
    return most


async def _rooms(
    session: AsyncSession, programme: Registered, limits: Limits, *, owner: UUID, taker: UUID
) -> list[_Room]:
    lots = [
        lot
        for lot in await pending.pending_of(session, participant_id=owner, programme=programme.code)
        if lot.ripe
    ]
    asked: dict[str, Any] = {"lots": [lot.code for lot in lots], "taker": taker}
    rows = {row.lot: row for row in await session.execute(queries.LOTS, asked)}
    return [
        _Room(
            lot,
            ripened=row.ripened,
            taken=row.taken,
            most=min(lot.points, room_in_lot(limits, ripened=row.ripened, taken=row.taken, own=row.own)),
        )
        for lot in lots
        for row in (rows[lot.code],)
    ]


async def _taken_today(session: AsyncSession, programme: Registered, taker: UUID, now: dt.datetime) -> int:
    start = dt.datetime.combine(clock.day_of(now), dt.time(), clock.SHANGHAI)
    asked = {
        "taker": taker,
        "programme": programme.id,
        "from": start,
        "before": start + dt.timedelta(days=1),
    }
    return int((await session.execute(queries.TAKEN_BY, asked)).scalar_one())
