"""A citizen's redemptions: another code, an answer to a till, giving one up, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import idempotency, paging
from backend.kit.access import Principal, SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from merchant import redemption
from merchant.redemption import RedemptionEnded, RedemptionUnknown
from mobile_api.redemptions_told import CodeAsked, CodeTold, RedemptionTold, Reply

router = Router(prefix="/redemptions", tags=["redemptions"])
_DRAWN = CodeAsked()


async def _lapsed(citizen: SignedInCitizen, request: Request) -> None:
    """What lapsed of mine is given back first, before anything is asked of my points, in transactions of its own."""
    await redemption.lapse_due(database(request), participant_id=citizen.id)


LapsedGivenBack = Annotated[None, Depends(_lapsed)]


@router.get("", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_redemptions(
    citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[RedemptionTold]:
    """My redemptions, newest first."""
    after = asked.after(datetime, UUID)
    rows = await redemption.redemptions_of(
        session,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.made_at, row.id), show=RedemptionTold.of)


@router.get("/{redemption_id}", responses=problems(Unauthenticated, RedemptionUnknown))
async def get_redemption(
    redemption_id: UUID, citizen: SignedInCitizen, session: ReadSession
) -> RedemptionTold:
    """One redemption of mine."""
    found = await redemption.redemption_of(session, participant_id=citizen.id, redemption_id=redemption_id)
    return RedemptionTold.of(found)


@router.post(
    "/{redemption_id}/codes",
    status_code=201,
    responses=problems(Unauthenticated, RedemptionUnknown, RedemptionEnded, *idempotency.REFUSALS),
)
async def renew_code(
    redemption_id: UUID,
    citizen: SignedInCitizen,
    _given_back: LapsedGivenBack,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
    asked: CodeAsked = _DRAWN,
) -> CodeTold:
    """Another code for a redemption that stands, before its last one runs out; ten minutes in all at most."""
    issued = await redemption.renew(
        session, settings.keys, participant_id=citizen.id, redemption_id=redemption_id
    )
    return CodeTold.of(issued, drawing=asked.drawing)


async def _answered(
    session: AsyncSession, citizen: Principal, redemption_id: UUID, reply: Reply, *, yes: bool
) -> RedemptionTold:
    found = await redemption.answer(
        session,
        participant_id=citizen.id,
        redemption_id=redemption_id,
        scan_id=reply.scan_id,
        yes=yes,
        by=citizen.actor_id,
    )
    return RedemptionTold.of(found)


_NOT_ASKED = (redemption.QuestionUnknown, redemption.QuestionOver)


@router.post(
    "/{redemption_id}/confirmation",
    responses=problems(Unauthenticated, *_NOT_ASKED, *idempotency.REFUSALS),
)
async def confirm_redemption(
    redemption_id: UUID, reply: Reply, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> RedemptionTold:
    """Say yes to the till that asks: it captures the points. `question` of the redemption has merchant and amount."""
    return await _answered(session, citizen, redemption_id, reply, yes=True)


@router.post(
    "/{redemption_id}/refusal",
    responses=problems(Unauthenticated, *_NOT_ASKED, *idempotency.REFUSALS),
)
async def refuse_redemption(
    redemption_id: UUID, reply: Reply, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> RedemptionTold:
    """Say no to the till that asks. The redemption stands; another code can be asked for, or it can be given up."""
    return await _answered(session, citizen, redemption_id, reply, yes=False)


@router.post(
    "/{redemption_id}/cancellation",
    responses=problems(Unauthenticated, RedemptionUnknown, RedemptionEnded, *idempotency.REFUSALS),
)
async def cancel_redemption(
    redemption_id: UUID, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> RedemptionTold:
    """Give a redemption up: its points go back to the lots they came from. Again changes nothing."""
    found = await redemption.cancel(session, participant_id=citizen.id, redemption_id=redemption_id)
    return RedemptionTold.of(found)
