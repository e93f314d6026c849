"""What tasks, campaigns, referrals and rewards of my programme came to. Groups of fewer people than the pack says are not shown."""

from __future__ import annotations

from pydantic import Field

from backend.engagement import campaigns, referrals, rewards, tasks
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from backend.programmes import ProgrammeUnknown
from operator_api.access import OperatorOrAuthority
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes/{code}", tags=["engagement"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)


class TaskFiguresTold(Told):
    """What came of one task. All figures are null where too few people finished it."""

    task: str
    finished: int | None
    undone: int | None
    people: int | None
    points: int | None = Field(description="Points given that were not taken back.")


class CampaignFiguresTold(Told):
    """What came of one campaign. People and acts are null where too few people had a part in it."""

    campaign: str
    acts: int | None
    people: int | None
    due_points: int = Field(description="What its acts would have got had the budget held.")
    given_points: int
    returned_points: int = Field(description="What came back with withdrawn acts; it may be given again.")


class ReferralFiguresTold(Told):
    """What came of referrals. All figures are null where too few people came with a code."""

    referred: int | None
    rewarded: int | None
    undone: int | None
    points: int | None


class RewardFiguresTold(Told):
    """What came of one reward. All figures are null where too few people took it."""

    reward: str
    kind: str
    given: int | None
    delivered: int | None
    refused: int | None
    people: int | None
    points: int | None = Field(description="Points spent on it that were not given back.")


@router.get("/tasks/figures", responses=problems(*_NOT_LET_IN))
async def show_task_figures(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> list[TaskFiguresTold]:
    """What came of each task that somebody finished."""
    programme = await programme_in_sight(session, person, code)
    least = programme.pack.features.smallest_group
    return [
        TaskFiguresTold.model_validate(one)
        if one.people >= least
        else TaskFiguresTold(task=one.task, finished=None, undone=None, people=None, points=None)
        for one in await tasks.figures_of(session, programme=programme)
    ]


@router.get("/campaigns/figures", responses=problems(*_NOT_LET_IN))
async def show_campaign_figures(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> list[CampaignFiguresTold]:
    """What each campaign gave so far."""
    programme = await programme_in_sight(session, person, code)
    least = programme.pack.features.smallest_group
    return [
        CampaignFiguresTold(
            campaign=one.campaign,
            acts=one.acts if one.people >= least else None,
            people=one.people if one.people >= least else None,
            due_points=one.wanted,
            given_points=one.given,
            returned_points=one.returned,
        )
        for one in await campaigns.figures_of(session, programme=programme)
    ]


@router.get("/referrals/figures", responses=problems(*_NOT_LET_IN))
async def show_referral_figures(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> ReferralFiguresTold:
    """What came of referrals."""
    programme = await programme_in_sight(session, person, code)
    found = await referrals.figures_of(session, programme=programme)
    if found.referred < programme.pack.features.smallest_group:
        return ReferralFiguresTold(referred=None, rewarded=None, undone=None, points=None)
    return ReferralFiguresTold.model_validate(found)


@router.get("/rewards/figures", responses=problems(*_NOT_LET_IN))
async def show_reward_figures(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> list[RewardFiguresTold]:
    """What came of each reward that somebody took, and of each prize."""
    programme = await programme_in_sight(session, person, code)
    least = programme.pack.features.smallest_group
    hidden = dict.fromkeys(("given", "delivered", "refused", "people", "points"))
    return [
        RewardFiguresTold.model_validate(one)
        if one.people >= least
        else RewardFiguresTold.model_validate({"reward": one.reward, "kind": one.kind, **hidden})
        for one in await rewards.figures_of(session, programme=programme)
    ]
