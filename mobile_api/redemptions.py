"""Redeeming points: a code for the till, another one, giving it up, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from backend import ledger
from backend.kit import clock, i18n, idempotency, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from merchant import redemption
from merchant.catalogue import OfferUnknown
from merchant.redemption import Issued, Redemption, RedemptionEnded, RedemptionUnknown, State

router = Router(prefix="/redemptions", tags=["redemptions"])


class RedemptionAsked(Asked):
    """The offer that I want."""

    offer_id: UUID


class CodeTold(Told):
    """The code to show at the till, as text and as a QR drawing (SVG). It is told once; a later one can be asked for."""

    redemption_id: UUID
    points: int
    code: str
    code_expires_at: datetime
    qr_svg: str

    @classmethod
    def of(cls, issued: Issued) -> CodeTold:
        return cls(
            redemption_id=issued.redemption_id,
            points=issued.points,
            code=issued.code,
            code_expires_at=issued.code_expires_at,
            qr_svg=redemption.qr_svg(issued.code),
        )


class RedemptionTold(Told):
    """A redemption of mine. `stands_until` while it is held: then its points come back by themselves."""

    redemption_id: UUID
    offer_id: UUID
    programme: str
    merchant: str
    merchant_name: str
    title: str
    points: int
    state: State
    made_at: datetime
    stands_until: datetime | None
    ended_at: datetime | None
    refunded_at: datetime | None

    @classmethod
    def of(cls, one: Redemption) -> RedemptionTold:
        chinese = i18n.language() == "zh"
        return cls(
            redemption_id=one.id,
            offer_id=one.offer_id,
            programme=one.programme,
            merchant=one.merchant,
            merchant_name=one.merchant_zh if chinese else one.merchant_en,
            title=one.title_zh if chinese else one.title_en,
            points=one.points,
            state=one.state_at(clock.now()),
            made_at=one.made_at,
            stands_until=one.stands_until,
            ended_at=one.ended_at,
            refunded_at=one.refunded_at,
        )


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


@router.post(
    "",
    status_code=201,
    responses=problems(
        Unauthenticated,
        OfferUnknown,
        redemption.OfferClosed,
        redemption.SoldOut,
        redemption.LimitReached,
        ledger.InsufficientBalance,
        *idempotency.REFUSALS,
    ),
)
async def redeem(
    asked: RedemptionAsked,
    citizen: SignedInCitizen,
    _given_back: LapsedGivenBack,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> CodeTold:
    """Set an offer's price aside and get a code for the till, good for 60 seconds.

    Points and item come back by themselves when no till has captured the code by then and no other was asked for.
    """
    issued = await redemption.redeem(
        session, settings.keys, participant_id=citizen.id, offer_id=asked.offer_id
    )
    return CodeTold.of(issued)


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
) -> CodeTold:
    """Another code for a redemption that stands, before its last one runs out; ten minutes in all at most."""
    issued = await redemption.renew(
        session, settings.keys, participant_id=citizen.id, redemption_id=redemption_id
    )
    return CodeTold.of(issued)


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
