"""From a draft to the shelf: each step of an offer is a row, and the last one counts."""

from __future__ import annotations

import datetime as dt
import json
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import staff
from backend.kit import clock
from merchant import contracts
from merchant.catalogue import queries, service
from merchant.catalogue.errors import (
    OfferReviewedByItself,
    OfferShopUnknown,
    OfferStepImpossible,
    OfferUnknown,
    OfferWithdrawn,
)
from merchant.catalogue.model import Offer, Step, Terms
from merchant.contracts import ContractTermUnknown, NoContract

# What each step may follow. An offer without steps, from before there were reviews, stands as published.
FOLLOWS: dict[Step, frozenset[Step]] = {
    Step.SUBMITTED: frozenset({Step.DRAFTED, Step.SENT_BACK}),
    Step.PUBLISHED: frozenset({Step.SUBMITTED}),
    Step.SENT_BACK: frozenset({Step.SUBMITTED}),
    Step.PAUSED: frozenset({Step.PUBLISHED, Step.RESUMED}),
    Step.RESUMED: frozenset({Step.PAUSED}),
}


PLAIN = Terms()


async def draft_offer(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    programme: str,
    title_zh: str,
    title_en: str,
    price_points: int,
    items: int | None,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    per_citizen: int | None = None,
    gives: str | None = None,
    terms: Terms = PLAIN,
    created_by: UUID,
) -> Offer:
    """Draft an offer for points of a programme, `items` times (None: without a limit), from today unless said otherwise.

    Nobody can redeem it before the operator publishes it. Raises ProgrammeUnknown, OfferDaysReversed, OfferNeedsMerchant,
    OfferShopUnknown.
    """
    offer = await service.add_offer(
        session,
        merchant_id=merchant_id,
        programme=programme,
        title_zh=title_zh,
        title_en=title_en,
        price_points=price_points,
        items=items,
        first_day=first_day,
        last_day=last_day,
        per_citizen=per_citizen,
        gives=gives,
        created_by=created_by,
    )
    await _say(session, offer=offer, terms=terms, by=created_by)
    return await service.offer_of(session, merchant_id=merchant_id, offer_id=offer.id)


async def _say(session: AsyncSession, *, offer: Offer, terms: Terms, by: UUID) -> None:
    await session.execute(
        queries.SAY_TERMS,
        {
            "offer_id": offer.id,
            "category": terms.category,
            "money_fen": terms.money_fen,
            "period": terms.period,
            "per_period": terms.per_period,
            "opening_hours": terms.opening_hours,
            "seasons": json.dumps([list(span) for span in terms.seasons]),
            "terms_zh": terms.terms_zh,
            "terms_en": terms.terms_en,
            "contract_term": terms.contract_term,
            "face_fen": terms.face_fen,
            "minimum_fen": terms.minimum_fen,
            "valid_days": terms.valid_days,
            "by": by,
            "at": clock.now(),
        },
    )
    shops = set(terms.shops)
    if shops:
        put = (await session.execute(queries.AT_SHOPS, {"offer_id": offer.id, "shops": list(shops)})).all()
        if len(put) != len(shops):
            raise OfferShopUnknown
    await _write(session, offer_id=offer.id, number=1, step=Step.DRAFTED, by=by, reason=None)


async def step(session: AsyncSession, *, merchant_id: UUID, offer_id: UUID, step: Step, by: UUID) -> Offer:
    """What the merchant does itself: submit, pause, resume. Raises OfferUnknown, OfferWithdrawn, OfferStepImpossible."""
    offer = await service.offer_of(session, merchant_id=merchant_id, offer_id=offer_id)
    if step not in {Step.SUBMITTED, Step.PAUSED, Step.RESUMED}:
        raise OfferStepImpossible(stands=step)
    await _take(session, offer=offer, step=step, by=by, reason=None)
    return await service.offer_of(session, merchant_id=merchant_id, offer_id=offer_id)


async def review(
    session: AsyncSession, *, programme: str, offer_id: UUID, publish: bool, by: UUID, reason: str | None
) -> Offer:
    """Publish an offer of a programme, or send it back with a reason. To publish, a contract has to be in force.

    Raises OfferUnknown, OfferReviewedByItself, OfferWithdrawn, OfferStepImpossible, NoContract,
    ContractTermUnknown.
    """
    given = {"programme": programme, "offer_id": offer_id}
    row = (await session.execute(queries.ONE_OF_PROGRAMME, given)).one_or_none()
    if row is None:
        raise OfferUnknown
    offer = Offer.of(row)
    reviewer = await staff.staff_member(session, staff_id=by)
    if reviewer.organisation_id == offer.merchant_id:
        raise OfferReviewedByItself
    if publish:
        edition = await contracts.in_force(
            session, merchant_id=offer.merchant_id, programme=programme, at=clock.now()
        )
        if edition is None:
            raise NoContract(programme=programme)
        if offer.terms.contract_term not in edition.terms:
            raise ContractTermUnknown(term=offer.terms.contract_term)
    await _take(
        session, offer=offer, step=Step.PUBLISHED if publish else Step.SENT_BACK, by=by, reason=reason
    )
    return await service.offer_of(session, merchant_id=offer.merchant_id, offer_id=offer_id)


async def still_draft(session: AsyncSession, *, merchant_id: UUID, offer_id: UUID) -> Offer:
    """A merchant's offer that nobody looks at yet, which takes no step until this transaction ends.

    Raises OfferUnknown, OfferStepImpossible once it was submitted.
    """
    await service.offer_of(session, merchant_id=merchant_id, offer_id=offer_id)
    await session.execute(queries.LOCK_STEPS, {"offer_id": str(offer_id)})
    offer = await service.offer_of(session, merchant_id=merchant_id, offer_id=offer_id)
    if offer.step not in FOLLOWS[Step.SUBMITTED]:
        raise OfferStepImpossible(stands=offer.step)
    return offer


async def waiting(
    session: AsyncSession, *, programme: str, limit: int = 50, after: service.Position | None = None
) -> list[Offer]:
    """Offers of a programme that wait for a review, newest first."""
    given = {"programme": programme, "limit": limit, **service.place_of(after)}
    return [Offer.of(row) for row in await session.execute(queries.SUBMITTED, given)]


async def _take(session: AsyncSession, *, offer: Offer, step: Step, by: UUID, reason: str | None) -> None:
    if offer.withdrawn_at is not None:
        raise OfferWithdrawn
    await session.execute(queries.LOCK_STEPS, {"offer_id": str(offer.id)})
    last = (await session.execute(queries.LAST_STEP, {"offer_id": offer.id})).one_or_none()
    now_at = Step.PUBLISHED if last is None else Step(last.step)
    if now_at not in FOLLOWS[step]:
        raise OfferStepImpossible(stands=now_at)
    number = 1 if last is None else last.number + 1
    await _write(session, offer_id=offer.id, number=number, step=step, by=by, reason=reason)


async def _write(
    session: AsyncSession, *, offer_id: UUID, number: int, step: Step, by: UUID, reason: str | None
) -> None:
    given = {
        "offer_id": offer_id,
        "number": number,
        "step": step,
        "by": by,
        "reason": reason,
        "at": clock.now(),
    }
    await session.execute(queries.STEP, given)
