"""Opening, changing, closing and finding shops."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.locks import take_turns
from backend.kit import clock, ids
from merchant.shops import queries
from merchant.shops.errors import ShopHoursUnsound, ShopUnknown

MOST = 2_000  # shops of one merchant that are listed
_DAY_MINUTES = 24 * 60
WEEKDAYS = ("1", "2", "3", "4", "5", "6", "7")

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a shop. `place` is latitude and longitude in degrees, kept to two decimals. `hours` by ISO weekday (`"1"` is
    Monday) and `except_days` by date (`2026-10-01`): spans of minutes of the day, [from, until); a day that is not named
    is closed.
    """

    name_zh: str
    name_en: str
    address: str
    district: str
    place: tuple[float, float] | None
    hours: Mapping[str, Spans]
    except_days: Mapping[str, Spans]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop as it stands; `edition` counts what was said of it."""

    id: UUID
    merchant_id: UUID
    edition: int
    about: About
    made_at: dt.datetime


async def open_shop(session: AsyncSession, *, merchant_id: UUID, about: About, made_by: UUID) -> Shop:
    """A new shop. Raises ShopHoursUnsound."""
    shop_id = ids.uuid7()
    given = {"id": shop_id, "merchant": merchant_id, "by": made_by, "at": clock.now()}
    _check(about)
    await session.execute(queries.ADD, given)
    return await _say(session, merchant_id=merchant_id, shop_id=shop_id, about=about, said_by=made_by)


async def change_shop(
    session: AsyncSession, *, merchant_id: UUID, shop_id: UUID, about: About, said_by: UUID
) -> Shop:
    """Say something else of a shop from now on; what was said before stays on record. Raises ShopUnknown, ShopHoursUnsound."""
    await take_turns(session, f"shop:{shop_id}")
    before = await shop_of(session, merchant_id=merchant_id, shop_id=shop_id)
    _check(about)
    if before.about == about:
        return before
    return await _say(session, merchant_id=merchant_id, shop_id=shop_id, about=about, said_by=said_by)


async def _say(
    session: AsyncSession, *, merchant_id: UUID, shop_id: UUID, about: About, said_by: UUID
) -> Shop:
    given = {
        "id": shop_id,
        "name_zh": about.name_zh,
        "name_en": about.name_en,
        "address": about.address,
        "district": about.district,
        "lat": None if about.place is None else round(about.place[0] * 100),
        "lon": None if about.place is None else round(about.place[1] * 100),
        "hours": json.dumps({day: list(map(list, spans)) for day, spans in about.hours.items()}),
        "except_days": json.dumps({day: list(map(list, spans)) for day, spans in about.except_days.items()}),
        "closed": about.closed,
        "by": said_by,
        "at": clock.now(),
    }
    await session.execute(queries.SAY, given)
    return await shop_of(session, merchant_id=merchant_id, shop_id=shop_id)


def _check(about: About) -> None:
    for day, spans in [*about.hours.items(), *about.except_days.items()]:
        before = 0
        for start, end in spans:
            if not before <= start < end <= _DAY_MINUTES:
                raise ShopHoursUnsound(day=day)
            before = end
    for day in about.hours:
        if day not in WEEKDAYS:
            raise ShopHoursUnsound(day=day)
    for day in about.except_days:
        try:
            dt.date.fromisoformat(day)
        except ValueError:
            raise ShopHoursUnsound(day=day) from None


async def shop_of(session: AsyncSession, *, merchant_id: UUID, shop_id: UUID) -> Shop:
    """One shop of a merchant; another's is unknown. Raises ShopUnknown."""
    found = await session.execute(queries.ONE, {"merchant": merchant_id, "id": shop_id})
    row = found.one_or_none()
    if row is None:
        raise ShopUnknown
    return _shop(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def shops_of(session: AsyncSession, *, merchant_id: UUID) -> list[Shop]:
    """A merchant's shops, the oldest first, closed ones too."""
    rows = await session.execute(queries.OF_MERCHANT, {"merchant": merchant_id, "limit": MOST})
    return [_shop(dict(row._mapping)) for row in rows]  # noqa: SLF001


async def is_open(session: AsyncSession, *, shop_id: UUID, at: dt.datetime) -> bool:
    """Whether a shop is open at a moment, by its hours and their exceptions (Asia/Shanghai)."""
    return bool((await session.execute(queries.OPEN, {"id": shop_id, "now": at})).scalar_one_or_none())


def _shop(row: dict[str, Any]) -> Shop:
    placed = row["lat_e2"] is not None
    about = About(
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        address=row["address"],
        district=row["district"],
        place=(row["lat_e2"] / 100, row["lon_e2"] / 100) if placed else None,
        hours={day: tuple((start, end) for start, end in spans) for day, spans in row["hours"].items()},
        except_days={
            day: tuple((start, end) for start, end in spans) for day, spans in row["except_days"].items()
        },
        closed=row["closed"],
    )
    return Shop(row["id"], row["merchant_id"], row["number"], about, row["made_at"])
