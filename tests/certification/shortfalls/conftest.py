"""A town in which acts are withdrawn."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.certification import Batch, Series, shortfalls
from backend.certification.shortfalls import Debt
from backend.intake.holding import take_back
from tests.certification.conftest import BIKE, PROJECT, Town

__all__ = ["BIKE", "PROJECT"]

_FREE = text("""
    SELECT a.claim_key FROM action a
    WHERE a.grams = :grams AND a.claim_key >= :low AND a.claim_key < :high
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
    ORDER BY a.claim_key LIMIT :many
""")
_EPOCH = dt.date(1970, 1, 1)


def series(year: int = 2026, *, demo: bool = False) -> Series:
    return Series(PROJECT, BIKE, year, demo)


async def acts(session: AsyncSession, month: str, *, grams: int, many: int = 1) -> list[UUID]:
    """Acts of a month with so many grams that were not withdrawn."""
    first = dt.date.fromisoformat(f"{month}-01")
    behind = (first + dt.timedelta(days=32)).replace(day=1)
    low, high = (UUID(f"{(day - _EPOCH).days:08x}" + "0" * 24) for day in (first, behind))
    rows = await session.execute(_FREE, {"grams": grams, "low": low, "high": high, "many": many})
    found = list(rows.scalars())
    assert len(found) == many
    return found


async def withdraw(town: Town, month: str, *, grams: int = 4_000, many: int = 1) -> list[UUID]:
    """Withdraw acts of a month, as the operator does who found that they should not count."""
    async with town.db.transaction() as session:
        return await withdraw_in(town, session, month, grams=grams, many=many)


async def withdraw_in(
    town: Town, session: AsyncSession, month: str, *, grams: int = 4_000, many: int = 1
) -> list[UUID]:
    """The same in a transaction that the test keeps open."""
    keys = await acts(session, month, grams=grams, many=many)
    for key in keys:
        await take_back(session, key=key, staff_id=town.staff["anna"], reason="no ride")
    return keys


async def open_g(town: Town, year: int = 2026, *, demo: bool = False) -> int:
    async with town.db.transaction() as session:
        return await shortfalls.open_g(session, series(year, demo=demo))


async def row(town: Town, statement: str, **given: object) -> tuple[object, ...]:
    async with town.db.transaction() as session:
        return tuple((await session.execute(text(statement), given)).one())


async def debt_of(town: Town, year: int = 2026) -> Debt:
    async with town.db.transaction() as session:
        found = await shortfalls.debts(session)
    return next(one for one in found if one.series == series(year))


async def closed(town: Town, month: str, grams: list[int], **stated: object) -> Batch:
    """A month's batch, up to its statement."""
    await town.ride(month, grams)
    batch = await town.close(month)
    await town.verify(batch, **stated)  # type: ignore[arg-type]
    return batch
