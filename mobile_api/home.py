"""The first page: today, this month, and all of it, grams and points side by side."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from backend import intake, methodologies
from backend.kit import clock, i18n, short
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.db import Database
from backend.kit.http import Router, database
from backend.kit.problems import problems
from backend.kit.schemas import Told
from mobile_api.access import authenticate

router = Router(tags=["home"])


class SumsTold(Told):
    """What the acts of a span of days came to: gCO2e avoided, and points earned. They are never converted."""

    acts: int
    reduction_g: int
    points_earned: int

    @classmethod
    def of(cls, sums: intake.Sums) -> SumsTold:
        return cls(acts=sums.acts, reduction_g=sums.grams, points_earned=sums.points)


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
async def get_home(citizen: SignedInCitizen, request: Request) -> Home:
    """What I avoided and earned today, this month, and in all."""
    return await _home(database(request), citizen.id)


async def _home(db: Database, participant_id: UUID) -> Home:
    day = clock.today()
    async with db.hot_statement() as connection:
        sums = await intake.home_of(connection, participant_id=participant_id, day=day)
    return Home(
        day=day,
        today=SumsTold.of(sums.today),
        month=SumsTold.of(sums.month),
        total=SumsTold.of(sums.total),
        co_benefits=CoBenefitsTold.of(sums.total.grams),
    )


async def _home_shortly(request: Request, _body: bytes) -> Response | None:
    """`get_home` where everything is in order."""
    token = short.token_of(request)
    if token is None:
        return None
    citizen = await authenticate(request, token)
    return short.answer(await _home(database(request), citizen.id))


SHORT: short.Handlers = {("GET", "/home"): _home_shortly}
