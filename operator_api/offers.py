"""Merchants' offers, published or sent back by the operator."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from backend.kit import paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code
from backend.programmes import ProgrammeUnknown
from merchant import catalogue
from merchant.catalogue.schemas import OfferTold
from merchant.contracts import ContractTermUnknown, NoContract
from operator_api.access import Operator
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes", tags=["offers"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)
_REFUSED = (
    catalogue.OfferUnknown,
    catalogue.OfferReviewedByItself,
    catalogue.OfferWithdrawn,
    catalogue.OfferStepImpossible,
)


class SentBack(Asked):
    """Why an offer cannot be published as it is."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


@router.get("/{code}/offers/submitted", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_submitted_offers(
    code: Code, person: Operator, session: ReadSession, asked: Paging
) -> Page[OfferTold]:
    """Offers that wait for a review, newest first."""
    programme = await programme_in_sight(session, person, code)
    after = asked.after(datetime, UUID)
    rows = await catalogue.waiting(
        session, programme=programme.code, limit=asked.fetch, after=(after[0], after[1]) if after else None
    )
    return asked.page(rows, position=lambda row: (row.created_at, row.id), show=OfferTold.of)


@router.post(
    "/{code}/offers/{offer_id}/publication",
    responses=problems(*_NOT_LET_IN, *_REFUSED, NoContract, ContractTermUnknown),
)
async def publish_offer(code: Code, offer_id: UUID, person: Operator, session: WriteSession) -> OfferTold:
    """Let citizens redeem it. Its merchant needs a contract in force, or nothing could be captured."""
    programme = await programme_in_sight(session, person, code)
    offer = await catalogue.review(
        session, programme=programme.code, offer_id=offer_id, publish=True, by=person.id, reason=None
    )
    return OfferTold.of(offer)


@router.post("/{code}/offers/{offer_id}/return", responses=problems(*_NOT_LET_IN, *_REFUSED))
async def send_offer_back(
    code: Code, offer_id: UUID, back: SentBack, person: Operator, session: WriteSession
) -> OfferTold:
    """Send it back to its merchant, who may submit it again."""
    programme = await programme_in_sight(session, person, code)
    offer = await catalogue.review(
        session, programme=programme.code, offer_id=offer_id, publish=False, by=person.id, reason=back.reason
    )
    return OfferTold.of(offer)
