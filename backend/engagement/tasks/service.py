"""Take tasks on, see how far they are, reward them once a period, and take rewards back."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import following
from backend.engagement.following import Touched
from backend.engagement.tasks import queries
from backend.engagement.tasks.errors import TaskNotOpen, TaskUnknown
from backend.engagement.tasks.periods import Span, span_of, spans_within
from backend.kit import clock, ids
from backend.packs import ParameterUnknown
from backend.programmes import Registered, awards, budgets, expires_on, programme_of, require
from backend.programmes.features import Task, known


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody is with a task in the period that holds a day; `span` None: it has none now.

    `accepted_on` is the day from which acts count where the task has to be taken on. `finished_id` is what sharing it
    refers to. `given`: the points of the reward, 0 where the programme's budget was used up.
    """

    task: Task
    span: Span | None
    needed: int
    points: int
    amount: int
    accepted_on: dt.date | None
    finished_at: dt.datetime | None
    given: int | None
    finished_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a task: how often it was finished and undone, by how many people, and the points given that stand."""

    task: str
    finished: int
    undone: int
    people: int
    points: int


def task_of(programme: Registered, task_id: str) -> Task:
    """Raises FeatureOff, TaskUnknown."""
    require(programme, "tasks")
    for one in programme.pack.features.tasks:
        if one.id == task_id:
            return one
    raise TaskUnknown


def needed_of(programme: Registered, task: Task) -> int:
    """How much of its measure a task asks for. Raises ParameterUnknown."""
    return max(
        math.ceil(known(task.count, pack=programme.pack.id, parameter=f"task.{task.id}.count")),
        1,
    )


def points_of(programme: Registered, task: Task) -> int:
    """Its reward. Raises ParameterUnknown."""
    return math.floor(known(task.points, pack=programme.pack.id, parameter=f"task.{task.id}.points"))


async def accept(
    session: AsyncSession, *, programme: Registered, task_id: str, participant_id: UUID
) -> Progress:
    """Take a task on for the present period: acts count from today on, today's earlier ones included.

    Again changes nothing. Raises FeatureOff, TaskUnknown, TaskNotOpen, ParameterUnknown.
    """
    task, now = task_of(programme, task_id), clock.now()
    needed_of(programme, task)
    today = clock.day_of(now)
    span = span_of(task.period, today, programme.pack.features.seasons)
    if span is None:
        raise TaskNotOpen
    await session.execute(
        queries.ACCEPT,
        {
            "programme": programme.id,
            "participant": participant_id,
            "task": task.id,
            "first": span.first,
            "day": today,
            "at": now,
        },
    )
    await following.look_again(session, programme=programme, participant_id=participant_id, day=today)
    return await _progress(session, programme, task, participant_id, today)


async def progress_of(
    session: AsyncSession, *, programme: Registered, participant_id: UUID, day: dt.date | None = None
) -> list[Progress]:
    """How far somebody is with every task, in the periods that hold a day (today).

    Raises FeatureOff, and ParameterUnknown for the first figure that is unknown.
    """
    require(programme, "tasks")
    on = day or clock.today()
    return [
        await _progress(session, programme, task, participant_id, on)
        for task in programme.pack.features.tasks
    ]


async def _progress(
    session: AsyncSession, programme: Registered, task: Task, participant_id: UUID, day: dt.date
) -> Progress:
    needed, points = needed_of(programme, task), points_of(programme, task)
    span = span_of(task.period, day, programme.pack.features.seasons)
    if span is None:
        return Progress(task, None, needed, points, 0, None, None, None)
    row = (
        await session.execute(
            queries.PROGRESS,
            {
                "programme": programme.id,
                "participant": participant_id,
                "task": task.id,
                "first": span.first,
                "last": span.last,
                "measure": task.measure,
                "activities": list(task.activities),
                "accept": task.accept,
            },
        )
    ).one()
    given = None if row.finished_at is None else int(row.given or 0)
    return Progress(
        task, span, needed, points, int(row.amount), row.accepted_on, row.finished_at, given, row.id
    )


async def finished(
    session: AsyncSession, *, programme: Registered, task_id: str, participant_id: UUID, day: dt.date
) -> bool:
    """True when somebody finished a task in the period that holds the day, and that still stands."""
    task = task_of(programme, task_id)
    found = await session.execute(
        queries.FINISHED,
        {"programme": programme.id, "participant": participant_id, "task": task.id, "day": day},
    )
    return bool(found.scalar_one())


async def follow_touched(session: AsyncSession, touched: Touched) -> None:
    """Take back what is no longer done, then reward what newly is. A task with unknown figures is not rewarded yet."""
    programme = touched.programme
    if programme.pack.money:
        return
    await _undo(session, programme)
    if not programme.pack.features.on("tasks"):
        return
    for task in programme.pack.features.tasks:
        try:
            budgets.limit_of(programme.pack)
            needed, points = needed_of(programme, task), points_of(programme, task)
        except ParameterUnknown:
            continue
        await _finish(session, touched, task, needed=needed, points=points)


async def _undo(session: AsyncSession, programme: Registered) -> None:
    now = clock.now()
    rows = (await session.execute(queries.UNDO, {"programme": programme.id})).all()
    for row in rows:
        if row.points:
            await awards.take_back(
                session,
                programme=programme.code,
                participant_id=row.participant_id,
                cause=cause_of(row.task),
                points=row.points,
                posting_id=taken_id(row.id),
                happened_at=now,
            )
    if rows:
        await session.execute(queries.ADD_UNDONE, {"ids": [row.id for row in rows], "at": now})


async def _finish(session: AsyncSession, touched: Touched, task: Task, *, needed: int, points: int) -> None:
    programme, now = touched.programme, clock.now()
    since = await _since(session, programme, task)
    seasons = programme.pack.features.seasons
    spans = [
        span
        for span in spans_within(task.period, touched.first_day, touched.last_day, seasons)
        if span.last >= since
    ]
    if not spans:
        return
    terms: dict[str, Any] = {
        "programme": programme.id,
        "task": task.id,
        "measure": task.measure,
        "activities": list(task.activities),
        "needed": needed,
    }
    rows = (
        await session.execute(
            queries.FINISH,
            {
                **terms,
                "accept": task.accept,
                "firsts": [span.first for span in spans],
                "lasts": [span.last for span in spans],
            },
        )
    ).all()
    if not rows:
        return
    if points:
        due = expires_on(programme.pack, clock.day_of(now))
        await awards.award(
            session,
            programme=programme.code,
            awards=[
                awards.Award(row.id, row.participant_id, points, due, now, cause_of(task.id)) for row in rows
            ],
        )
    await session.execute(
        queries.ADD_FINISHED,
        {
            **terms,
            "points": points,
            "active_from": programme.active_from,
            "at": now,
            "ids": [row.id for row in rows],
            "participants": [row.participant_id for row in rows],
            "firsts": [row.first for row in rows],
            "lasts": [row.last for row in rows],
            "numbers": [row.number for row in rows],
            "counted": [row.counted_from for row in rows],
        },
    )


async def _since(session: AsyncSession, programme: Registered, task: Task) -> dt.date:
    """The Shanghai day on which the programme first had a task of this id: periods that ended before are not rewarded."""
    for begin in (await session.execute(queries.PACKS, {"programme": programme.id})).scalars().all():
        features = (await programme_of(session, code=programme.code, at=begin)).pack.features
        if features.on("tasks") and any(one.id == task.id for one in features.tasks):
            return clock.day_of(begin)
    return clock.today()


def taken_id(finished_id: UUID) -> UUID:
    """The posting that takes a task's reward back."""
    return ids.derive(finished_id, "undone")


def cause_of(task: str) -> str:
    """What an award for a task says it is for."""
    return f"task:{task}"


async def figures_of(session: AsyncSession, *, programme: Registered) -> list[Figures]:
    """What came of each task of a programme, by id."""
    rows = await session.execute(queries.FIGURES, {"programme": programme.id})
    return [Figures(*row) for row in rows]
