"""The first page: today, this month, and all of it, grams and points side by side."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake, methodologies
from backend.kit import clock, i18n
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from backend.kit.schemas import Told

router = Router(tags=["home"])

_FIRST_DAY = date(1970, 1, 1)


class SumsTold(Told):
    """What the acts of a span of days came to: gCO2e avoided, and points earned. They are never converted."""

    acts: int
    reduction_g: int
    points_earned: int


class CoBenefitsTold(Told):
    """Pollutants that a national average puts beside `total.reduction_g`: an illustration, no part of any credit."""

    so2_mg: int
    nox_mg: int
    note: str
    source: str

    @classmethod
    def of(cls, grams: int) -> CoBenefitsTold:
        told = methodologies.illustrate(grams)
        note = told.zh if i18n.language() == "zh" else told.en
        return cls(so2_mg=told.so2_mg, nox_mg=told.nox_mg, note=note, source=told.source)


class Home(Told):
    """Today, this month and everything, by the days of Asia/Shanghai."""

    day: date
    today: SumsTold
    month: SumsTold
    total: SumsTold
    co_benefits: CoBenefitsTold


@router.get("/home", responses=problems(Unauthenticated))
async def get_home(citizen: SignedInCitizen, session: ReadSession) -> Home:
    """What I avoided and earned today, this month, and in all."""
    day = clock.today()

    async def since(first: date) -> SumsTold:
        return await _sums(session, citizen_id=citizen.id, first=first, last=day)

    total = await since(_FIRST_DAY)
    return Home(
        day=day,
        today=await since(day),
        month=await since(day.replace(day=1)),
        total=total,
        co_benefits=CoBenefitsTold.of(total.reduction_g),
    )


async def _sums(session: AsyncSession, *, citizen_id: UUID, first: date, last: date) -> SumsTold:
    sums = await intake.sums_of(session, participant_id=citizen_id, first=first, last=last)
    return SumsTold(acts=sums.acts, reduction_g=sums.grams, points_earned=sums.points)
