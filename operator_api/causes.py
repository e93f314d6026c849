"""What was given to public welfare, and telling everybody who got what of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from backend.engagement import causes, rewards
from backend.engagement.causes import Handed, Handover
from backend.engagement.rewards import Cause
from backend.kit import clock, idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import ProgrammeUnknown
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes/{code}/causes", tags=["rewards"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)
_NO_CAUSE = (rewards.RewardUnknown, rewards.RewardElsewhere)
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


def _not_to_come(day: date) -> date:
    if day > clock.today():
        raise ValueError("the day has not come yet")
    return day


class CauseTold(Told):
    """What was given to one cause of public welfare, and of that what was handed over."""

    reward: str
    gifts: int
    givers: int
    points: int
    handed_points: int
    handed_fen: int

    @classmethod
    def of(cls, one: Cause, over: Handed) -> CauseTold:
        return cls(
            reward=one.reward,
            gifts=one.gifts,
            givers=one.givers,
            points=one.points,
            handed_points=over.points,
            handed_fen=over.money_fen,
        )


class HandoverMade(Asked):
    """Money handed over for `points` of those that were given. Everybody reads it; `reference`: of the receipt we got for it."""

    points: Annotated[int, Field(strict=True, ge=1, le=10**12)]
    money_fen: Annotated[int, Field(strict=True, ge=0, le=10**12)]
    recipient_zh: Words
    recipient_en: Words
    reference: Words
    handed_on: Annotated[date, AfterValidator(_not_to_come)]


class Correction(Asked):
    """Why what was told is wrong; everybody reads it."""

    reason: Words


class HandoverTold(Told):
    """A hand-over; what `corrects` another one takes it back, with everything in the negative."""

    id: UUID
    reward: str
    points: int
    money_fen: int
    recipient_zh: str
    recipient_en: str
    reference: str
    handed_on: date
    noted_at: datetime
    corrects: UUID | None
    corrected_by: UUID | None

    @classmethod
    def of(cls, one: Handover) -> HandoverTold:
        return cls.model_validate(one)


@router.get("", responses=problems(*_NOT_LET_IN))
async def list_causes(code: Code, person: OperatorOrAuthority, session: ReadSession) -> list[CauseTold]:
    """What was given to public welfare, by cause, and what was handed over."""
    programme = await programme_in_sight(session, person, code)
    over = await causes.handed(session, programme=programme)
    return [
        CauseTold.of(one, over.get(one.reward, Handed()))
        for one in await rewards.causes(session, programme=programme)
    ]


@router.get("/{reward}/handovers", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_handovers(
    code: Code, reward: Code, person: OperatorOrAuthority, session: ReadSession, asked: Paging
) -> Page[HandoverTold]:
    """What was handed over to one cause, newest first."""
    programme = await programme_in_sight(session, person, code)
    after = asked.after(datetime, UUID)
    rows = await causes.handovers_of(
        session,
        programme=programme,
        reward=reward,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.noted_at, row.id), show=HandoverTold.of)


@router.post(
    "/{reward}/handovers",
    status_code=201,
    responses=problems(*_NOT_LET_IN, *_NO_CAUSE, causes.HandoverTooLarge, *idempotency.REFUSALS),
)
async def hand_over(
    code: Code, reward: Code, made: HandoverMade, person: Operator, session: WriteSession, _: IdempotencyKey
) -> HandoverTold:
    """Tell what was handed over for points that people gave. No more points than were given and are not handed over yet."""
    programme = await programme_in_sight(session, person, code)
    found = await causes.hand_over(
        session, programme=programme, reward=reward, noted_by=person.id, **dict(made)
    )
    return HandoverTold.of(found)


@router.post(
    "/{reward}/handovers/{handover_id}/correction",
    status_code=201,
    responses=problems(*_NOT_LET_IN, causes.HandoverUnknown, causes.HandoverCorrected, *idempotency.REFUSALS),
)
async def correct_handover(
    code: Code,
    reward: Code,
    handover_id: UUID,
    why: Correction,
    *,
    person: Operator,
    session: WriteSession,
    _: IdempotencyKey,
) -> HandoverTold:
    """Take back what was told of a hand-over, once; tell it again as it was."""
    programme = await programme_in_sight(session, person, code)
    found = await causes.correct(
        session,
        programme=programme,
        reward=reward,
        handover_id=handover_id,
        reason=why.reason,
        noted_by=person.id,
    )
    return HandoverTold.of(found)
