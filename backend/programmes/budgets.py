"""A programme's budget: what may still be given out before no more than the floor is left.

What counts as given is what left the programme's issuer, less what came back to it: points that repay a debt count,
points that lapsed are not given back. Whoever gives takes the programme's lock first and keeps it to the commit, so that
two never give the same points; whoever takes points back need not.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock
from backend.programmes import codes, queries
from backend.programmes.features import known
from backend.programmes.rules import Programme
from backend.programmes.service import Registered


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a programme may have given: the amount less the floor, in each Shanghai year or in all."""

    programme: str
    source: str  # the account that points, or fen, come from
    most: int
    yearly: bool

    def year(self, at: dt.datetime) -> int | None:
        """The year whose budget a moment belongs to; None where the budget is for the programme's whole life."""
        return clock.day_of(at).year if self.yearly else None


@dataclass(frozen=True, slots=True)
class Room:
    """What may still be given (below zero where more was given than the limit now is), as `snapshot` saw the ledger."""

    points: int
    snapshot: str


def limit_of(programme: Programme) -> Limit | None:
    """The limit that a programme's budget sets; None without one. Raises ParameterUnknown (`budget.amount`)."""
    budget = programme.features.budget
    if budget is None:
        return None
    amount = math.floor(known(budget.amount, pack=programme.id, parameter="budget.amount"))
    source = codes.subsidy(programme.id) if programme.money else codes.issuer(programme.id)
    return Limit(programme.id, source.code, max(amount - budget.floor, 0), budget.per == "year")


async def room(session: AsyncSession, *, programme: Registered, at: dt.datetime | None = None) -> int | None:
    """What may still be given (at least 0) at a moment (now); None without a budget.

    Holds the programme's budget to the end of the transaction: give no more than this, and nothing is given twice.
    Take it behind the turn of the screens and before any wallet is locked. Raises ParameterUnknown.
    """
    limit = limit_of(programme.pack)
    if limit is None:
        return None
    await lock(session, limit)
    return max((await room_of(session, limit, at=at or clock.now())).points, 0)


async def lock(session: AsyncSession, limit: Limit) -> None:
    """Let whoever gives from this budget come one after the other."""
    await session.execute(queries.LOCK_BUDGET, {"code": limit.programme})


async def room_of(session: AsyncSession, limit: Limit, *, at: dt.datetime) -> Room:
    """What is left now; without the lock somebody else may be giving it."""
    year = limit.year(at)
    if year is None:
        found = await session.execute(queries.GIVEN, {"source": limit.source})
    else:
        begins, ends = (dt.datetime(one, 1, 1, tzinfo=clock.SHANGHAI) for one in (year, year + 1))
        found = await session.execute(
            queries.GIVEN_BETWEEN, {"source": limit.source, "from": begins, "before": ends}
        )
    row = found.one()
    return Room(points=limit.most - int(row.given), snapshot=row.snapshot)
