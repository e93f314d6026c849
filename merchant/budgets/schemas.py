"""What the operator and merchants ask and are told about budgets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit.schemas import Asked, Code, Told
from merchant.budgets.service import Budget

Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]


class BudgetMade(Asked):
    """How many points offers may take from one day to another, both included: all of a `merchant`, or the `offers` of a campaign."""

    name_zh: Name
    name_en: Name
    points: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000_000)]
    first_day: date
    last_day: date
    merchant: Code | None = None
    offers: Annotated[list[UUID], Field(max_length=500, default_factory=list)]


class BudgetTold(Told):
    """A budget. What is held or captured is used; what was dropped or lapsed is there again, what a shop refunded is not."""

    budget_id: UUID
    programme: str
    merchant_id: UUID | None
    offers: list[UUID]
    name_zh: str
    name_en: str
    points: int
    used_points: int
    first_day: date
    last_day: date
    set_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, one: Budget) -> BudgetTold:
        return cls(
            budget_id=one.id,
            programme=one.programme,
            merchant_id=one.merchant_id,
            offers=list(one.offers),
            name_zh=one.name_zh,
            name_en=one.name_en,
            points=one.points,
            used_points=one.used_points,
            first_day=one.first_day,
            last_day=one.last_day,
            set_at=one.set_at,
            ended_at=one.ended_at,
        )
