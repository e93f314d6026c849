"""Telling a citizen their vouchers, and a merchant how many there are."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import joining
from backend.kit import clock
from backend.kit.keys import Keys
from merchant import catalogue
from merchant.vouchers import codes, queries
from merchant.vouchers.errors import OfferGivesNoVouchers, VoucherUnknown
from merchant.vouchers.model import Counts, State, Voucher

Position = tuple[dt.datetime, UUID]


async def vouchers_of(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    good: bool = False,
    limit: int = 50,
    after: Position | None = None,
) -> list[Voucher]:
    """A citizen's vouchers and those of accounts that ended in theirs, newest first, behind the position of the last one seen.

    `good`: only those that can be used today.
    """
    at, redemption_id = after or (None, None)
    given = {
        "people": await _people(session, participant_id),
        "today": clock.today(),
        "good": good,
        "limit": limit,
        "after_at": at,
        "after_id": redemption_id,
    }
    return [_opened(keys, row) for row in (await session.execute(queries.OF_CITIZEN, given)).all()]


async def voucher_of(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, redemption_id: UUID
) -> Voucher:
    """The voucher that one redemption of a citizen gave; the same however often it is asked for. Raises VoucherUnknown."""
    given = {
        "people": await _people(session, participant_id),
        "redemption": redemption_id,
        "today": clock.today(),
    }
    row = (await session.execute(queries.ONE_OF_CITIZEN, given)).one_or_none()
    if row is None:
        raise VoucherUnknown
    return _opened(keys, row)


async def _people(session: AsyncSession, participant_id: UUID) -> list[UUID]:
    return [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]


def _opened(keys: Keys, row: Any) -> Voucher:
    told = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns
    mac, sealed, state = bytes(told.pop("mac")), bytes(told.pop("code_sealed")), State(told.pop("state"))
    code = codes.written(codes.opened(keys, mac=mac, sealed=sealed)) if state is State.GOOD else None
    return Voucher(**told, state=state, code=code)


async def counts(session: AsyncSession, *, merchant_id: UUID, offer_id: UUID) -> Counts:
    """What became of an offer's vouchers. Raises OfferUnknown, OfferGivesNoVouchers."""
    offer = await catalogue.offer_of(session, merchant_id=merchant_id, offer_id=offer_id)
    if offer.gives != "voucher":
        raise OfferGivesNoVouchers
    row = (await session.execute(queries.COUNTS, {"offer": offer_id, "today": clock.today()})).one()
    return Counts(**row._mapping)  # noqa: SLF001
