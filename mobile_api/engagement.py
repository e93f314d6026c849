"""How far I am: tasks, levels, achievements, whom I brought along, and what I was given for it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend import packs, programmes
from backend.engagement import achievements, levels, referrals, tasks
from backend.kit import i18n, idempotency
from backend.kit.access import Principal, SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown, awards
from backend.programmes.features import Name

router = Router(prefix="/programmes/{programme}", tags=["engagement"])

_REFUSED = (Unauthenticated, ProgrammeUnknown, FeatureOff, packs.ParameterUnknown)
TaskId = Annotated[str, Path(max_length=130)]


def spoken(name: Name) -> str:
    """The name in the caller's language."""
    return name.zh if i18n.language() == "zh" else name.en


class TaskTold(Told):
    """A task in its present period (`first` and `last` are Shanghai days, both included; null between seasons).

    Acts that come later for a day of an earlier period still finish that one. A reward is taken back when the acts that
    finished the task are withdrawn.
    """

    id: str
    title: str
    measure: str = Field(description="What is counted: `acts`, `grams`, `points`, or `days` with an act.")
    activities: list[str] = Field(description="Which acts count; empty: all.")
    period: str
    first: date | None
    last: date | None
    needed: int
    done: int
    reward_points: int
    accept: bool = Field(
        description="True where only acts from the day of accepting on count, that day included."
    )
    accepted_on: date | None
    finished_at: datetime | None
    finished_id: UUID | None = Field(description="What sharing it in the feed refers to.")
    given_points: int | None = Field(description="Less than `reward_points` where the budget was used up.")

    @classmethod
    def of(cls, one: tasks.Progress) -> TaskTold:
        task = one.task
        return cls(
            id=task.id,
            title=spoken(task.title),
            measure=task.measure,
            activities=list(task.activities),
            period=task.period,
            first=one.span and one.span.first,
            last=one.span and one.span.last,
            needed=one.needed,
            done=one.amount,
            reward_points=one.points,
            accept=task.accept,
            accepted_on=one.accepted_on,
            finished_at=one.finished_at,
            finished_id=one.finished_id,
            given_points=one.given,
        )


class LevelTold(Told):
    """How many I have of one level; so many of the level below, points or grams make one."""

    id: str
    title: str
    of: str
    count: int


class LevelsTold(Told):
    """My place on the ladder: what I earned and still stands, whether I spent it or not."""

    points: int
    grams: int
    highest: str | None
    levels: list[LevelTold]


class BadgeTold(Told):
    """An achievement, and the day that completed it. It goes when its acts go."""

    id: str
    title: str
    measure: str
    activities: list[str]
    needed: int
    done: int
    reached_on: date | None


class InvitedTold(Told):
    """Somebody who came with my code; who it is, is not told."""

    redeemed_at: datetime
    rewarded_at: datetime | None
    points: int


class ReferralTold(Told):
    """My code, and what came of it."""

    code: str
    came_with_a_code: bool
    invited: list[InvitedTold]


class CodeAsked(Asked):
    """The code of whoever brought me along."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class AwardTold(Told):
    """Points for something else than an act, below zero where they were taken back. `cause` is `task:<id>`,
    `campaign:<id>`, `referral:…` or `event:<id>`; `due_points` is more than `points` where the budget was used up.
    """

    cause: str
    points: int
    due_points: int
    at: datetime


@router.get("/tasks", responses=problems(*_REFUSED))
async def list_tasks(programme: Code, citizen: SignedInCitizen, session: ReadSession) -> list[TaskTold]:
    """The programme's tasks, and how far I am in their present period."""
    running = await programmes.programme_of(session, code=programme)
    found = await tasks.progress_of(session, programme=running, participant_id=citizen.id)
    return [TaskTold.of(one) for one in found]


@router.post(
    "/tasks/{task}/accept",
    responses=problems(*_REFUSED, tasks.TaskUnknown, tasks.TaskNotOpen, *idempotency.REFUSALS),
)
async def accept_task(
    programme: Code, task: TaskId, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> TaskTold:
    """Take a task on for its present period: my acts count from today on, today's earlier ones included."""
    running = await programmes.programme_of(session, code=programme)
    found = await tasks.accept(session, programme=running, task_id=task, participant_id=citizen.id)
    return TaskTold.of(found)


@router.get("/levels", responses=problems(*_REFUSED))
async def show_levels(programme: Code, citizen: SignedInCitizen, session: ReadSession) -> LevelsTold:
    """My levels, from the lowest up."""
    running = await programmes.programme_of(session, code=programme)
    found = await levels.standing_of(session, programme=running, participant_id=citizen.id)
    return LevelsTold(
        points=found.points,
        grams=found.grams,
        highest=found.highest and found.highest.id,
        levels=[
            LevelTold(id=level.id, title=spoken(level.title), of=level.of, count=count)
            for level, count in found.levels
        ],
    )


@router.get("/achievements", responses=problems(*_REFUSED))
async def list_achievements(
    programme: Code, citizen: SignedInCitizen, session: ReadSession
) -> list[BadgeTold]:
    """The programme's achievements, mine with the day that completed them."""
    running = await programmes.programme_of(session, code=programme)
    found = await achievements.badges_of(session, programme=running, participant_id=citizen.id)
    return [
        BadgeTold(
            id=one.achievement.id,
            title=spoken(one.achievement.title),
            measure=one.achievement.measure,
            activities=list(one.achievement.activities),
            needed=one.needed,
            done=one.amount,
            reached_on=one.reached_on,
        )
        for one in found
    ]


@router.get("/referral", responses=problems(*_REFUSED))
async def show_referral(programme: Code, citizen: SignedInCitizen, session: WriteSession) -> ReferralTold:
    """My code, made when I first ask for it, and what came of it."""
    return await _referral(session, programme, citizen)


@router.post(
    "/referral/redeem",
    responses=problems(
        *_REFUSED,
        referrals.CodeUnknown,
        referrals.ReferredAlready,
        referrals.ReferredTooLate,
        referrals.ReferringRefused,
        *idempotency.REFUSALS,
    ),
)
async def redeem_referral(
    programme: Code, asked: CodeAsked, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> ReferralTold:
    """Say with whose code I came, once, soon after I joined. Both are rewarded once I really take part."""
    running = await programmes.programme_of(session, code=programme)
    await referrals.redeem(session, programme=running, participant_id=citizen.id, code=asked.code)
    return await _referral(session, programme, citizen)


@router.get("/awards", responses=problems(Unauthenticated, ProgrammeUnknown))
async def list_awards(programme: Code, citizen: SignedInCitizen, session: ReadSession) -> list[AwardTold]:
    """The last hundred awards of mine in this programme, and what was taken back, newest first."""
    running = await programmes.programme_of(session, code=programme)
    found = await awards.noted(session, programme_id=running.id, participant_id=citizen.id)
    return [AwardTold(cause=one.cause, points=one.points, due_points=one.wanted, at=one.at) for one in found]


async def _referral(session: AsyncSession, programme: str, citizen: Principal) -> ReferralTold:
    running = await programmes.programme_of(session, code=programme)
    found = await referrals.own(session, programme=running, participant_id=citizen.id)
    return ReferralTold(
        code=found.code,
        came_with_a_code=found.came_with_one,
        invited=[InvitedTold.model_validate(one) for one in found.invited],
    )
