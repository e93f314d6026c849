"""Bringing codes in, counting them, and telling a citizen theirs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import joining
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.keys import Keys
from merchant import catalogue, sealed_codes
from merchant.catalogue import Offer, OfferWithdrawn, Stand
from merchant.coupons import queries, reading
from merchant.coupons.errors import CouponUnknown, OfferGivesNoCoupons, TooManyCoupons
from merchant.coupons.reading import MOST_AT_ONCE, Coupon, Faults, Line

Position = tuple[dt.datetime, UUID]

_CODES = sealed_codes.Kind("merchant/coupon")


@dataclass(frozen=True, slots=True)
class Counts:
    """Codes of an offer: brought in, left to be given, given, past their last day unused, and given for points that went back."""

    imported: int
    left: int
    given: int
    expired: int
    retired: int


@dataclass(frozen=True, slots=True)
class Given:
    """A code that a redemption drew. `valid_until` is included; `retired`: its points went back, and the shop may refuse it."""

    redemption_id: UUID
    offer_id: UUID
    given_at: dt.datetime
    code: str
    valid_until: dt.date | None
    retired: bool
    title_zh: str
    title_en: str
    merchant_zh: str
    merchant_en: str


async def bring_in(
    session: AsyncSession,
    keys: Keys,
    *,
    merchant_id: UUID,
    offer_id: UUID,
    lines: Sequence[Line],
    valid_until: dt.date | None = None,
    imported_by: UUID,
) -> Counts:
    """Take codes in for an offer that gives coupons: all of them or none. `valid_until` is for lines that say none.

    Raises OfferUnknown, OfferWithdrawn, OfferGivesNoCoupons, TooManyCoupons, CouponsUnsound (each wrong line with its reason).
    """
    offer = await _coupon_offer(session, merchant_id=merchant_id, offer_id=offer_id)
    if offer.stand_on(clock.today()) is Stand.WITHDRAWN:
        raise OfferWithdrawn
    if len(lines) > MOST_AT_ONCE:
        raise TooManyCoupons(most=MOST_AT_ONCE)
    faults = Faults()
    coupons = reading.sound(lines, valid_until=valid_until, today=clock.today(), faults=faults)
    macs = {_mac(keys, merchant_id, one.code): one for one in coupons}
    await take_turns(session, f"coupons:{merchant_id}")
    stored = (await session.execute(queries.KNOWN, {"macs": list(macs)})).scalars()
    reading.known([macs[bytes(mac)] for mac in stored], faults=faults)
    faults.raise_any()
    await _store(session, keys, offer_id=offer_id, macs=macs, by=imported_by)
    return await counts(session, merchant_id=merchant_id, offer_id=offer_id)


async def _store(
    session: AsyncSession, keys: Keys, *, offer_id: UUID, macs: dict[bytes, Coupon], by: UUID
) -> None:
    import_id = ids.uuid7()
    given = {"id": import_id, "offer": offer_id, "codes": len(macs), "by": by, "at": clock.now()}
    await session.execute(queries.ADD_IMPORT, given)
    named = [ids.uuid7() for _ in macs]
    await session.execute(
        queries.ADD_CODES,
        {
            "import": import_id,
            "ids": named,
            "macs": list(macs),
            "sealed": [
                _CODES.sealed(keys, one.code, belongs_to=coupon_id.bytes)
                for coupon_id, one in zip(named, macs.values(), strict=True)
            ],
            "until": [one.valid_until for one in macs.values()],
        },
    )


async def counts(session: AsyncSession, *, merchant_id: UUID, offer_id: UUID) -> Counts:
    """How many codes an offer has and had. Raises OfferUnknown, OfferGivesNoCoupons."""
    await _coupon_offer(session, merchant_id=merchant_id, offer_id=offer_id)
    row = (await session.execute(queries.COUNTS, {"offer": offer_id, "today": clock.today()})).one()
    return Counts(**row._mapping)  # noqa: SLF001


async def retired(
    session: AsyncSession,
    keys: Keys,
    *,
    merchant_id: UUID,
    offer_id: UUID,
    limit: int = 50,
    after: Position | None = None,
) -> list[Given]:
    """Codes whose points went back, in full: for the shop to refuse. Raises OfferUnknown, OfferGivesNoCoupons."""
    await _coupon_offer(session, merchant_id=merchant_id, offer_id=offer_id)
    given = {"offer": offer_id, "limit": limit, **_place(after)}
    return [_opened(keys, row) for row in (await session.execute(queries.RETIRED, given)).all()]


async def coupons_of(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    limit: int = 50,
    after: Position | None = None,
) -> list[Given]:
    """The codes that redemptions of a citizen, or of accounts that ended in theirs, drew, newest first, behind the last one seen."""
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    given = {"people": people, "limit": limit, **_place(after)}
    return [_opened(keys, row) for row in (await session.execute(queries.OF_CITIZEN, given)).all()]


async def coupon_of(session: AsyncSession, keys: Keys, *, participant_id: UUID, redemption_id: UUID) -> Given:
    """The code that one redemption of a citizen drew; the same however often it is asked for. Raises CouponUnknown."""
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    given = {"people": people, "redemption": redemption_id}
    row = (await session.execute(queries.ONE_OF_CITIZEN, given)).one_or_none()
    if row is None:
        raise CouponUnknown
    return _opened(keys, row)


async def _coupon_offer(session: AsyncSession, *, merchant_id: UUID, offer_id: UUID) -> Offer:
    offer = await catalogue.offer_of(session, merchant_id=merchant_id, offer_id=offer_id)
    if offer.gives != "coupon":
        raise OfferGivesNoCoupons
    return offer


def _mac(keys: Keys, merchant_id: UUID, code: str) -> bytes:
    return _CODES.mac(keys, merchant_id.bytes + code.encode())


def _opened(keys: Keys, row: Any) -> Given:
    told = dict(row._mapping)  # noqa: SLF001
    coupon_id, sealed = told.pop("id"), bytes(told.pop("code_sealed"))
    return Given(**told, code=_CODES.opened(keys, sealed, belongs_to=coupon_id.bytes))


def _place(after: Position | None) -> dict[str, object]:
    at, redemption_id = after or (None, None)
    return {"after_at": at, "after_id": redemption_id}
