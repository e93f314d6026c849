"""Setting, ending and finding budgets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import Role, organisations
from backend.kit import clock, ids
from merchant.budgets import queries
from merchant.budgets.errors import BudgetInvalid, BudgetUnknown

Position = tuple[dt.datetime, UUID]


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget as it stands: `merchant_id`, or the `offers` of a campaign. Both days are included."""

    id: UUID
    programme: str
    merchant_id: UUID | None
    name_zh: str
    name_en: str
    points: int
    used_points: int
    first_day: dt.date
    last_day: dt.date
    set_at: dt.datetime
    ended_at: dt.datetime | None
    offers: Sequence[UUID]


async def set_budget(
    session: AsyncSession,
    *,
    programme: str,
    merchant_id: UUID | None = None,
    offers: Sequence[UUID] = (),
    name_zh: str,
    name_en: str,
    points: int,
    first_day: dt.date,
    last_day: dt.date,
    set_by: UUID,
) -> Budget:
    """Let offers of one merchant, or these offers, take so many points from one day to another. It counts from now on.

    Raises BudgetInvalid, OrganisationUnknown.
    """
    if (merchant_id is None) == (not offers):
        raise BudgetInvalid(field="merchant")
    if last_day < max(first_day, clock.today()):
        raise BudgetInvalid(field="last_day")
    if merchant_id is not None:
        merchant = await organisations.organisation(session, organisation_id=merchant_id)
        if Role.MERCHANT not in merchant.roles:
            raise BudgetInvalid(field="merchant")
    budget_id = ids.uuid7()
    given = {
        "id": budget_id,
        "programme": programme,
        "merchant": merchant_id,
        "name_zh": name_zh,
        "name_en": name_en,
        "points": points,
        "first_day": first_day,
        "last_day": last_day,
        "by": set_by,
        "at": clock.now(),
    }
    await session.execute(queries.ADD, given)
    await session.execute(queries.USED, {"id": budget_id})
    if offers:
        wanted = set(offers)
        named = await session.execute(
            queries.OFFERS, {"id": budget_id, "programme": programme, "offers": list(wanted)}
        )
        if len(named.all()) != len(wanted):
            raise BudgetInvalid(field="offers")
    return await budget_of(session, programme=programme, budget_id=budget_id)


async def end(session: AsyncSession, *, programme: str, budget_id: UUID, ended_by: UUID) -> Budget:
    """Let a budget limit nothing any more. Again changes nothing. Raises BudgetUnknown."""
    await budget_of(session, programme=programme, budget_id=budget_id)
    await session.execute(queries.END, {"id": budget_id, "by": ended_by, "at": clock.now()})
    return await budget_of(session, programme=programme, budget_id=budget_id)


async def budget_of(session: AsyncSession, *, programme: str, budget_id: UUID) -> Budget:
    """One budget of a programme. Raises BudgetUnknown."""
    given = {"id": budget_id, "programme": programme}
    row = (await session.execute(queries.ONE, given)).one_or_none()
    if row is None:
        raise BudgetUnknown
    return _budget(row)


async def budgets_of(
    session: AsyncSession,
    *,
    programme: str | None = None,
    merchant_id: UUID | None = None,
    limit: int = 50,
    after: Position | None = None,
) -> list[Budget]:
    """Budgets of a programme, or that limit a merchant's offers, newest first, ended ones too."""
    at, budget_id = after or (None, None)
    given = {
        "programme": programme,
        "merchant": merchant_id,
        "limit": limit,
        "after_at": at,
        "after_id": budget_id,
    }
    return [_budget(row) for row in await session.execute(queries.MANY, given)]


def _budget(row: Any) -> Budget:
    return Budget(**{**row._mapping, "offers": tuple(row.offers)})  # noqa: SLF001 - SQLAlchemy's public name
