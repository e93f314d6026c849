"""Redeeming an offer: one statement where nothing is in the way, with a fresh proof of who redeems where it is large."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import Request, Response
from pydantic import ValidationError

from backend import ledger
from backend.identity import step_up, tokens
from backend.identity.step_up import StepUpNeeded
from backend.identity.tokens import Audience
from backend.kit import idempotency, short
from backend.kit.access import Principal, PrincipalKind, SignedInCitizen, Unauthenticated
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.http import Router, database, settings_of
from backend.kit.idempotency import Claim, NamedKey
from backend.kit.keys import Keys
from backend.kit.problems import problems
from merchant import redemption, vouchers
from merchant.catalogue import OfferUnknown
from merchant.redemption import Issued
from mobile_api.redemptions_told import CodeTold, RedemptionAsked

router = Router(prefix="/redemptions", tags=["redemptions"])


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
    if not short.says_json(request) or key is None or token is None:
        return None
    try:
        asked = RedemptionAsked.model_validate_json(body)
    except ValidationError:
        return None
    try:
        bearer = tokens.verify_access(settings, Audience.CITIZEN, token)
    except tokens.TokenRefused:
        return None
    citizen = Principal(kind=PrincipalKind.CITIZEN, id=bearer.subject)
    found = None
    try:
        if not bearer.see_only:
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
        try:
            found = await redemption.redeem_once(
                db,
                keys,
                claim=self.claim,
                participant_id=self.citizen.id,
                offer_id=self.offer_id,
                actor_id=self.citizen.actor_id,
            )
        except redemption.VoucherCodeWanted:
            return await _redeemed_in_session(db, keys, self)
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
        return await _redeemed_in_session(db, keys, asking, large=True)


async def _redeemed_in_session(
    db: Database, keys: Keys, asking: Asking, *, large: bool = False
) -> tuple[Issued, bool]:
    """With the code of a voucher, should the offer give one; a large one with a fresh proof of who redeems, used up with it."""
    citizen = asking.citizen
    async with db.transaction() as session:
        kept = await idempotency.claim(session, keys, asking.claim)
        if kept is not None:
            return await redemption.issued_before(session, kept), True
        if large:
            assert citizen.session_id is not None
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
            actor_id=citizen.actor_id,
            stepped_up=large,
            voucher=vouchers.new_code(keys),
        )
        await idempotency.keep(session, keys, asking.claim, redemption.remembered(issued))
    return issued, False
