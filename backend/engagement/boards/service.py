"""Leaderboards: who did most among those who agree to be shown. The rows decide; Redis holds what was made of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.engagement import circle, teams
from backend.engagement.boards import held, queries
from backend.engagement.boards.errors import BoardUnknown
from backend.engagement.boards.held import Top, Values
from backend.engagement.boards.model import Place, Ranking, Span
from backend.engagement.boards.periods import span_of
from backend.kit import clock, logging
from backend.kit.db import Database
from backend.kit.settings import Keys, Settings
from backend.programmes import Registered
from backend.programmes.features import Board

MOST_PLACES = 100  # of one answer

_log = logging.get("puhui.boards")


def boards(programme: Registered) -> Sequence[Board]:
    """The leaderboards of the programme's pack. Raises FeatureOff."""
    programmes.require(programme, "leaderboards")
    return programme.pack.features.boards


def board_of(programme: Registered, board_id: str) -> Board:
    """One of them. Raises FeatureOff, BoardUnknown."""
    found = next((one for one in boards(programme) if one.id == board_id), None)
    if found is None:
        raise BoardUnknown
    return found


async def ranking(
    session: AsyncSession,
    settings: Settings,
    *,
    programme: Registered,
    board_id: str,
    participant_id: UUID | None,
    on: dt.date | None = None,
    limit: int = MOST_PLACES,
) -> Ranking:
    """The board's period that holds the day `on` (today), the first `limit` places and the caller's own.

    Fewer shown people than the programme's smallest group show nobody. Whether somebody agrees is asked of the rows
    again at the end, whatever Redis said. Without Redis the rows answer alone.
    """
    board = board_of(programme, board_id)
    today = clock.today()
    span = span_of(board, programme.pack.features, on=min(on or today, today), today=today)
    if span is None or span.empty:
        return Ranking(board, span, (), 0, None, None)
    own_member, own_value = await _own(session, programme, board, span, participant_id)
    whose: dict[str, Any] = {
        "own_member": own_member,
        "own_value": own_value,
        "smallest": programme.pack.features.smallest_group,
    }
    found = await _from_redis(session, settings, programme, board, span, limit=limit, value=own_value)
    if found is not None:
        names = await _names(session, settings.keys, programme, board, found[0])
        if len(names) == len(found[0].places):
            return _ranking(board, span, found=found, names=names, **whose)
    values = await computed(session, programme=programme, board=board, span=span)
    first = held.top_of(values, limit=limit)
    found = first, None if own_value is None else held.rank_in(values, own_value)
    names = await _names(session, settings.keys, programme, board, first)
    return _ranking(board, span, found=found, names=names, **whose)


async def computed(session: AsyncSession, *, programme: Registered, board: Board, span: Span) -> Values:
    """Every member of a board with its value, from the rows."""
    rows = await session.execute(
        queries.ranked(board),
        {
            "programme": programme.id,
            "first": span.first,
            "last": span.last,
            **(_group(programme, board, span) if board.by != "person" else {}),
        },
    )
    return [(row.member, row.value) for row in rows]


async def rebuild(db: Database, redis: Redis, programme: Registered) -> int:
    """Make every board of the programme's present periods again, from the rows; how many there were."""
    made = 0
    async with db.transaction() as session:
        version = await _version(session, programme)
        today = clock.today()
        for board in boards(programme):
            span = span_of(board, programme.pack.features, on=today, today=today)
            if version is not None and span is not None and not span.empty:
                values = await computed(session, programme=programme, board=board, span=span)
                await held.put(redis, _key(version, board, span), values)
                made += 1
    return made


async def _from_redis(
    session: AsyncSession,
    settings: Settings,
    programme: Registered,
    board: Board,
    span: Span,
    *,
    limit: int,
    value: int | None,
) -> tuple[Top, int | None] | None:
    # The version is read before the rows: what is held under it is never older than it.
    version = await _version(session, programme)
    if version is None or settings.redis_url is None:
        return None
    key = _key(version, board, span)
    try:
        async with held.opened(settings) as redis:
            first = await held.top(redis, key, limit=limit)
            if first is None:
                values = await computed(session, programme=programme, board=board, span=span)
                await held.put(redis, key, values)
                return held.top_of(values, limit=limit), (
                    None if value is None else held.rank_in(values, value)
                )
            return first, None if value is None else await held.rank(redis, key, value)
    except (RedisError, OSError, TimeoutError) as error:
        _log.warning("redis is away; a leaderboard is made from the rows", exc_info=error)
        return None


def _ranking(
    board: Board,
    span: Span,
    *,
    found: tuple[Top, int | None],
    names: dict[str, str | None],
    own_member: str | None,
    own_value: int | None,
    smallest: int,
) -> Ranking:
    first, own_rank = found
    if board.by == "person" and first.size < smallest:
        return Ranking(board, span, (), 0, own_value, None)
    places = tuple(
        Place(rank, member, names[member], value, member == own_member)
        for rank, member, value in first.places
        if member in names
    )
    if board.by != "person":  # a group's sum is nobody's own: it is told where everybody sees it
        own = next((one for one in places if one.mine), None)
        return Ranking(board, span, places, first.size, own.value if own else None, own.rank if own else None)
    return Ranking(board, span, places, first.size, own_value, own_rank if own_value else None)


async def _own(
    session: AsyncSession, programme: Registered, board: Board, span: Span, participant_id: UUID | None
) -> tuple[str | None, int | None]:
    """The caller's member of the board, and on a board of people the caller's own value."""
    if participant_id is None:
        return None, None
    whose = {"programme": programme.id, "participant": participant_id}
    if board.by == "team":
        team = await teams.team_of(session, programme=programme, participant_id=participant_id)
        return (str(team) if team else None), None
    if board.by == "district":
        asked = {**whose, **_bounds(span)}
        return (await session.execute(queries.DISTRICT_OF, asked)).scalar_one_or_none(), None
    handles = await circle.handles(session, programme=programme, participants=[participant_id])
    asked = {**whose, "first": span.first, "last": span.last}
    return handles.get(participant_id), (await session.execute(queries.own(board), asked)).scalar_one()


async def _names(
    session: AsyncSession, keys: Keys, programme: Registered, board: Board, top: Top
) -> dict[str, str | None]:
    """The names of the members who may be shown at this moment; who may not is missing."""
    members = [member for _, member, _ in top.places]
    if board.by == "district":
        return dict.fromkeys(members)
    if board.by == "team":
        seen = await teams.shown(session, keys, programme=programme, teams=[UUID(one) for one in members])
        return {str(team): one.name for team, one in seen.items()}
    rows = await session.execute(queries.BY_HANDLES, {"programme": programme.id, "handles": members})
    people = await circle.shown(
        session, keys, programme=programme, participants=[row.participant_id for row in rows]
    )
    asked = set(members)
    return {one.handle: one.display_name for one in people.values() if one.handle in asked}


async def _version(session: AsyncSession, programme: Registered) -> str | None:
    """What the rows of the programme's boards are at; None before anybody was ever shown or did anything."""
    version: str | None = (
        await session.execute(queries.VERSION, {"programme": programme.id})
    ).scalar_one_or_none()
    return version


def _key(version: str, board: Board, span: Span) -> str:
    return f"puhui:board:{version}:{board.id}:{board.by}:{board.measure}:{span.first}:{span.last}"


def _group(programme: Registered, board: Board, span: Span) -> dict[str, Any]:
    smallest = {"smallest": programme.pack.features.smallest_group}
    return smallest | (_bounds(span) if board.by == "district" else {})


def _bounds(span: Span) -> dict[str, dt.datetime]:
    """The span as moments: from its first midnight in Shanghai to before the one after its last day."""
    return {
        "since": dt.datetime.combine(span.first, dt.time(), clock.SHANGHAI),
        "before": dt.datetime.combine(span.last + dt.timedelta(days=1), dt.time(), clock.SHANGHAI),
    }
