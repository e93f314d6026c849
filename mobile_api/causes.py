"""Giving points to public welfare, and what became of them: everybody may read who got what, and nobody who gave it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from backend import ledger, packs, programmes
from backend.engagement import causes, rewards
from backend.engagement.causes import Handed, Handover
from backend.engagement.rewards import Cause, Grant
from backend.identity.proving import NotRedeemable
from backend.kit import i18n, idempotency, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import ProgrammeUnknown, Registered
from mobile_api.rewards import spoken

router = Router(prefix="/programmes/{programme}", tags=["rewards"])

_NO_SUCH_CAUSE = (ProgrammeUnknown, rewards.RewardUnknown, rewards.RewardElsewhere)


class Gift(Asked):
    """How many of my points I give."""

    points: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]


class GiftTold(Told):
    """The receipt of a gift of mine. It is complete at once: points that were given do not come back.

    `number` is which gift to this cause it is, counted from 1.
    """

    id: UUID
    programme: str
    reward: str
    title: str
    number: int
    points: int
    given_at: datetime

    @classmethod
    def of(cls, programme: Registered, one: Grant) -> GiftTold:
        return cls(
            id=one.id,
            programme=one.programme,
            reward=one.reward,
            title=_title(programme, one.reward),
            number=one.number,
            points=one.points,
            given_at=one.granted_at,
        )


class CauseTold(Told):
    """What people gave to one cause of public welfare, and of that what was handed over. Who gave is told to nobody."""

    reward: str
    title: str
    gifts: int
    givers: int
    points: int
    handed_points: int
    handed_fen: int

    @classmethod
    def of(cls, programme: Registered, one: Cause, over: Handed) -> CauseTold:
        return cls(
            reward=one.reward,
            title=_title(programme, one.reward),
            gifts=one.gifts,
            givers=one.givers,
            points=one.points,
            handed_points=over.points,
            handed_fen=over.money_fen,
        )


class HandoverTold(Told):
    """Money handed over for points that were given: to whom, when, under which reference. What `corrects` another takes it back."""

    id: UUID
    points: int
    money_fen: int
    recipient: str
    reference: str
    handed_on: date
    noted_at: datetime
    corrects: UUID | None
    corrected_by: UUID | None

    @classmethod
    def of(cls, one: Handover) -> HandoverTold:
        shown = {name: getattr(one, name) for name in cls.model_fields if name != "recipient"}
        return cls(**shown, recipient=one.recipient_zh if i18n.language() == "zh" else one.recipient_en)


def _title(programme: Registered, reward: str) -> str:
    titles = {one.id: spoken(one.title) for one in programme.pack.features.rewards}
    return titles.get(reward, reward)


@router.post(
    "/causes/{reward}/gifts",
    status_code=201,
    responses=problems(
        Unauthenticated,
        *_NO_SUCH_CAUSE,
        rewards.GiftTooSmall,
        rewards.RewardSoldOut,
        rewards.RewardLimitReached,
        packs.ParameterUnknown,
        ledger.InsufficientBalance,
        NotRedeemable,
        *idempotency.REFUSALS,
    ),
)
async def give_to_cause(
    programme: Code,
    reward: Code,
    gift: Gift,
    citizen: SignedInCitizen,
    session: WriteSession,
    _: IdempotencyKey,
) -> GiftTold:
    """Give points to public welfare, as many as I like from the smallest gift on. It is not given back."""
    running = await programmes.programme_of(session, code=programme)
    made = await rewards.take(
        session, programme=running, reward_id=reward, participant_id=citizen.id, points=gift.points
    )
    return GiftTold.of(running, made)


@router.get("/gifts", responses=problems(Unauthenticated, ProgrammeUnknown, paging.CursorUnusable))
async def list_gifts(
    programme: Code, citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[GiftTold]:
    """The receipts of my gifts, the newest first."""
    running = await programmes.programme_of(session, code=programme)
    after = asked.after(datetime, UUID)
    rows = await rewards.grants_of(
        session,
        programme=running,
        participant_id=citizen.id,
        kinds=rewards.CAUSES,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(
        rows, position=lambda row: (row.granted_at, row.id), show=lambda one: GiftTold.of(running, one)
    )


@router.get("/causes", responses=problems(ProgrammeUnknown))
async def list_causes(programme: Code, session: ReadSession) -> list[CauseTold]:
    """What was given to public welfare, by cause, and what was handed over. Everybody may read it."""
    running = await programmes.programme_of(session, code=programme)
    over = await causes.handed(session, programme=running)
    return [
        CauseTold.of(running, one, over.get(one.reward, Handed()))
        for one in await rewards.causes(session, programme=running)
    ]


@router.get("/causes/{reward}/handovers", responses=problems(*_NO_SUCH_CAUSE, paging.CursorUnusable))
async def list_handovers(
    programme: Code, reward: Code, session: ReadSession, asked: Paging
) -> Page[HandoverTold]:
    """Who got what of a cause's points, newest first. Everybody may read it."""
    running = await programmes.programme_of(session, code=programme)
    rewards.reward_of(running, reward_id=reward, kinds=rewards.CAUSES)
    after = asked.after(datetime, UUID)
    rows = await causes.handovers_of(
        session,
        programme=running,
        reward=reward,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.noted_at, row.id), show=HandoverTold.of)
