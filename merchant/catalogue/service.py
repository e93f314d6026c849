"""Making, withdrawing, restocking and finding offers."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, programmes
from backend.identity import Role, organisations
from backend.kit import clock, ids
from merchant.catalogue import queries
from merchant.catalogue.errors import (
    OfferDaysReversed,
    OfferNeedsMerchant,
    OfferUnknown,
    OfferUnlimited,
    OfferWithdrawn,
)
from merchant.catalogue.model import ANYTHING, Offer, Place, Stand, Wanted

Position = tuple[dt.datetime, UUID]

MOST_SHOPS = 500


async def add_offer(
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
    created_by: UUID,
) -> Offer:
    """Write down an offer without terms or steps, `items` times (None: without a limit), from today unless said otherwise.

    Raises ProgrammeUnknown, OfferDaysReversed, OfferNeedsMerchant.
    """
    running = await programmes.programme_of(session, code=programme)
    merchant = await organisations.organisation(session, organisation_id=merchant_id)
    if Role.MERCHANT not in merchant.roles:
        raise OfferNeedsMerchant
    first_day = first_day or clock.today()
    if last_day is not None and last_day < max(first_day, clock.today()):
        raise OfferDaysReversed
    offer_id = ids.uuid7()
    await session.execute(
        queries.ADD,
        {
            "id": offer_id,
            "merchant_id": merchant_id,
            "programme": running.code,
            "title_zh": title_zh,
            "title_en": title_en,
            "price_points": price_points,
            "limited": items is not None,
            "gives": gives,
            "per_citizen": per_citizen,
            "first_day": first_day,
            "last_day": last_day,
            "created_by": created_by,
            "created_at": clock.now(),
        },
    )
    await ledger.open_accounts(session, [programmes.codes.payable(merchant.code, running.code)])
    if items is not None:
        await _restock(session, offer_id=offer_id, items=items, restocked_by=created_by)
    return await offer_of(session, merchant_id=merchant_id, offer_id=offer_id)


async def restock(
    session: AsyncSession, *, merchant_id: UUID, offer_id: UUID, items: int, restocked_by: UUID
) -> Offer:
    """Put up more items. Raises OfferUnknown, OfferUnlimited, OfferWithdrawn."""
    offer = await offer_of(session, merchant_id=merchant_id, offer_id=offer_id)
    if offer.items_left is None:
        raise OfferUnlimited
    if offer.stand_on(clock.today()) is Stand.WITHDRAWN:
        raise OfferWithdrawn
    await _restock(session, offer_id=offer_id, items=items, restocked_by=restocked_by)
    return await offer_of(session, merchant_id=merchant_id, offer_id=offer_id)


async def _restock(session: AsyncSession, *, offer_id: UUID, items: int, restocked_by: UUID) -> None:
    restocking = {
        "id": ids.uuid7(),
        "offer_id": offer_id,
        "items": items,
        "by": restocked_by,
        "at": clock.now(),
    }
    await session.execute(queries.RESTOCK, restocking)


async def withdraw(session: AsyncSession, *, merchant_id: UUID, offer_id: UUID, withdrawn_by: UUID) -> Offer:
    """Let nobody redeem it any more; what is on hold can still be captured. Again changes nothing. Raises OfferUnknown."""
    await offer_of(session, merchant_id=merchant_id, offer_id=offer_id)
    await session.execute(queries.WITHDRAW, {"offer_id": offer_id, "by": withdrawn_by, "at": clock.now()})
    return await offer_of(session, merchant_id=merchant_id, offer_id=offer_id)


async def offer_of(session: AsyncSession, *, merchant_id: UUID, offer_id: UUID) -> Offer:
    """One offer of a merchant; another's is unknown. Raises OfferUnknown."""
    row = (
        await session.execute(queries.ONE_OF_MERCHANT, {"merchant_id": merchant_id, "offer_id": offer_id})
    ).one_or_none()
    if row is None:
        raise OfferUnknown
    return Offer.of(row)


async def offers_of(
    session: AsyncSession, *, merchant_id: UUID, limit: int = 50, after: Position | None = None
) -> list[Offer]:
    """A merchant's offers, newest first, behind the position of the last one seen."""
    given = {"merchant_id": merchant_id, "limit": limit, **place_of(after)}
    return [Offer.of(row) for row in await session.execute(queries.OF_MERCHANT, given)]


async def open_offer(session: AsyncSession, *, offer_id: UUID) -> Offer:
    """One offer that can be redeemed today. Raises OfferUnknown."""
    given = {"offer_id": offer_id, "day": clock.today()}
    row = (await session.execute(queries.ONE_OPEN, given)).one_or_none()
    if row is None:
        raise OfferUnknown
    return Offer.of(row)


async def open_offers(
    session: AsyncSession,
    *,
    programme: str | None = None,
    wanted: Wanted = ANYTHING,
    limit: int = 50,
    after: Position | None = None,
) -> list[Offer]:
    """What can be redeemed today, newest first, of one programme or of all. What is sold out is listed too."""
    lat_e2, lon_e2 = wanted.near_e2 or (None, None)
    asked = asdict(wanted)
    del asked["near_e2"]
    given = {
        **asked,
        "programme": programme,
        "lat_e2": lat_e2,
        "lon_e2": lon_e2,
        "somewhere": bool(wanted.district or wanted.shop_id or wanted.near_e2 or wanted.open_now),
        "now": clock.now(),
        "day": clock.today(),
        "limit": limit,
        **place_of(after),
    }
    return [Offer.of(row) for row in await session.execute(queries.OPEN, given)]


async def shops_of(session: AsyncSession, *, offer_id: UUID) -> list[Place]:
    """Where an offer is given: the shops of its merchant, or those it names, at most five hundred."""
    given = {"offer_id": offer_id, "now": clock.now(), "limit": MOST_SHOPS}
    return [Place(**row._mapping) for row in await session.execute(queries.SHOPS_OF, given)]  # noqa: SLF001


def place_of(after: Position | None) -> dict[str, object]:
    """The position in a list as its queries name it."""
    at, offer_id = after or (None, None)
    return {"after_at": at, "after_id": offer_id}
