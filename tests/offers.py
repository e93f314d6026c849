"""Offers of a test: drafted and submitted by their merchant's staff, published by somebody of an operator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from backend.kit.db import Database
from backend.kit.keys import Keys
from merchant import catalogue
from merchant.catalogue import Offer, Step
from tests import contracts


async def offer(db: Database, keys: Keys, *, by: UUID, reviewer: UUID | None = None, **said: Any) -> Offer:
    """An offer on the shelf; `said` is what `catalogue.draft_offer` takes. The merchant needs a contract."""
    async with db.transaction() as session:
        made = await catalogue.draft_offer(session, created_by=by, **said)
    return await publish(db, keys, offer=made, by=by, reviewer=reviewer)


async def publish(db: Database, keys: Keys, *, offer: Offer, by: UUID, reviewer: UUID | None = None) -> Offer:
    """Put a draft on the shelf."""
    reviewer = reviewer or (await contracts.operators(db, keys))[0]
    async with db.transaction() as session:
        await catalogue.step(
            session, merchant_id=offer.merchant_id, offer_id=offer.id, step=Step.SUBMITTED, by=by
        )
        return await catalogue.review(
            session, programme=offer.programme, offer_id=offer.id, publish=True, by=reviewer, reason=None
        )
