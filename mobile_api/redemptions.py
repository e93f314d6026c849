"""Redeeming points: a code for the till, another one, giving it up, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import step_up, tokens
from backend.identity.step_up import StepUpNeeded
from backend.identity.tokens import Audience
from backend.kit import clock, i18n, idempotency, paging, short
from backend.kit.access import Principal, PrincipalKind, SignedInCitizen, Unauthenticated
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database, settings_of
from backend.kit.idempotency import Claim, IdempotencyKey, NamedKey
from backend.kit.keys import Keys
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from merchant import redemption
from merchant.catalogue import OfferUnknown
from merchant.redemption import Issued, Redemption, RedemptionEnded, RedemptionUnknown, State

router = Router(prefix="/redemptions", tags=["redemptions"])


class RedemptionAsked(Asked):
    """The offer that I want. An app that draws the code itself asks for none: a drawing takes longer than all the rest."""

    offer_id: UUID
    drawing: bool = True


class CodeAsked(Asked):
    """Whether the code is wanted as a drawing, too."""

    drawing: bool = True


_DRAWN = CodeAsked()


class Reply(Asked):
    """The question that I was shown."""

    scan_id: UUID


class CodeTold(Told):
    """The code to show at the till: as text, as a QR drawing (SVG) where asked for, and as digits to type.

    It is told once; show another one from `refresh_after` on. With `confirm`, the till will ask you on the phone.
    """

    redemption_id: UUID
    points: int
    code: str
    number: str
    refresh_after: datetime
    code_expires_at: datetime
    confirm: bool
    qr_svg: str | None

    @classmethod
    def of(cls, issued: Issued, *, drawing: bool) -> CodeTold:
        return cls(
            redemption_id=issued.redemption_id,
            points=issued.points,
            code=issued.code,
            number=issued.number,
            refresh_after=issued.refresh_after,
            code_expires_at=issued.code_expires_at,
            confirm=issued.confirm,
            qr_svg=redemption.qr_svg(issued.code) if drawing else None,
        )


class QuestionTold(Told):
    """A till asks: do you give so many points to this merchant? Answer until then."""

    scan_id: UUID
    merchant_name: str
    shop_id: UUID | None
    points: int
    until: datetime


class RedemptionTold(Told):
    """A redemption of mine, and its receipt. `stands_until` while it is held: then its points come back by themselves."""

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
    refunded_points: int
    shop_id: UUID | None
    confirm: bool
    question: QuestionTold | None

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
            refunded_points=one.refunded_points,
            shop_id=one.shop_id,
            confirm=one.confirm,
            question=cls._question(one, one.merchant_zh if chinese else one.merchant_en),
        )

    @staticmethod
    def _question(one: Redemption, merchant_name: str) -> QuestionTold | None:
        asked = one.question_at(clock.now())
        if asked is None:
            return None
        return QuestionTold(
            scan_id=asked.scan_id,
            merchant_name=merchant_name,
            shop_id=one.shop_id,
            points=one.points,
            until=asked.until,
        )


async def _lapsed(citizen: SignedInCitizen, request: Request) -> None:
    """What lapsed of mine is given back first, before anything is asked of my points, in transactions of its own."""
    await redemption.lapse_due(database(request), participant_id=citizen.id)


def actor_of(citizen: Principal) -> UUID | None:
    """Who acts, where it is for a household or a firm."""
    return citizen.actor_id


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
        redemption.AccountTooNew,
        redemption.NotRedeemable,
        redemption.RedeemingUnknown,
        ledger.InsufficientBalance,
        StepUpNeeded,
        *idempotency.REFUSALS,
    ),
)
async def redeem(
    asked: RedemptionAsked,
    citizen: SignedInCitizen,
    request: Request,
    response: Response,
    claim: NamedKey,
) -> CodeTold:
    """Set an offer's price aside and get a code for the till, good for 60 seconds.

    Points and item come back by themselves when no till has captured the code by then and no other was asked for.
    """
    db = database(request)
    who = Asking(citizen, asked.offer_id, claim)
    issued, before = await _redeemed(db, settings_of(request).keys, who)
    if before:
        response.headers["idempotent-replayed"] = "true"
    return CodeTold.of(issued, drawing=asked.drawing)


async def _redeem_shortly(request: Request, body: bytes) -> Response | None:
    """`redeem` where everything is in order."""
    settings, key, token = settings_of(request), idempotency.key_of(request), short.token_of(request)
    try:
        asked = RedemptionAsked.model_validate_json(body)
    except ValidationError:
        return None
    if key is None or token is None:
        return None
    try:
        bearer = tokens.verify_access(settings, Audience.CITIZEN, token)
    except tokens.TokenRefused:
        return None
    citizen = Principal(kind=PrincipalKind.CITIZEN, id=bearer.subject)
    try:
        found = await redemption.redeem_once(
            database(request),
            settings.keys,
            claim=idempotency.named(settings.keys, request, str(citizen), key, body),
            participant_id=bearer.subject,
            offer_id=asked.offer_id,
            actor_id=bearer.actor_id,
            session_id=bearer.session_id,
        )
    except DomainError:
        return None  # nothing was done, and the long way knows what to try before it refuses
    if found is None:
        return None
    issued, before = found
    told = short.answer(CodeTold.of(issued, drawing=asked.drawing), status=201)
    if before:
        told.headers["idempotent-replayed"] = "true"
    return told


SHORT: short.Handlers = {("POST", "/redemptions"): _redeem_shortly}


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants which offer, under which key."""

    citizen: Principal
    offer_id: UUID
    claim: Claim

    async def once(self, db: Database, keys: Keys) -> tuple[Issued, bool]:
        found = await redemption.redeem_once(
            db,
            keys,
            claim=self.claim,
            participant_id=self.citizen.id,
            offer_id=self.offer_id,
            actor_id=actor_of(self.citizen),
        )
        assert found is not None
        return found


_SHORT_OF = (ledger.InsufficientBalance, redemption.LimitReached, redemption.SoldOut)


async def _redeemed(db: Database, keys: Keys, asking: Asking) -> tuple[Issued, bool]:
    """One statement where nothing is in the way. What lapsed of mine is given back before a want of points is the answer."""
    try:
        return await asking.once(db, keys)
    except _SHORT_OF:
        if not await redemption.lapse_due(db, participant_id=asking.citizen.id):
            raise
        return await asking.once(db, keys)
    except redemption.CodeTaken:
        return await asking.once(db, keys)
    except redemption.StepUpWanted:
        return await _redeemed_large(db, keys, asking)


async def _redeemed_large(db: Database, keys: Keys, asking: Asking) -> tuple[Issued, bool]:
    """With a fresh proof of who redeems, used up in the same transaction."""
    citizen = asking.citizen
    assert citizen.session_id is not None
    async with db.transaction() as session:
        kept = await idempotency.claim(session, keys, asking.claim)
        if kept is not None:
            return await redemption.issued_before(session, kept), True
        await step_up.use(
            session,
            session_id=citizen.session_id,
            participant_id=citizen.id,
            purpose=step_up.Purpose.LARGE_REDEMPTION,
        )
        issued = await redemption.redeem(
            session,
            keys,
            participant_id=citizen.id,
            offer_id=asking.offer_id,
            actor_id=actor_of(citizen),
            stepped_up=True,
        )
        await idempotency.keep(session, keys, asking.claim, redemption.remembered(issued))
    return issued, False


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
        by=actor_of(citizen),
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
