"""What operators owe for withdrawn acts, when that blocks them, and when it is met by cancellation.

An open shortfall waits for the next batch of its series as long as the programme's term allows. It blocks once the term is
over, once a batch was issued that should have covered it and had too little, and at once where the programme names no term.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.certification.model import Batch, Series, Statement
from backend.certification.shortfalls import covering, queries
from backend.certification.shortfalls.errors import CorrectionsOwed, StatementOutdated
from backend.certification.shortfalls.model import Debt, Shortfall
from backend.kit import clock


async def terms(session: AsyncSession) -> dict[str, int]:
    """The days after which a project's shortfalls are met by cancellation, where its programmes name a term."""
    found: dict[str, int] = {}
    for one in await programmes.programmes(session):
        days = one.pack.correction_term_days
        if days is not None:
            found[one.pack.project] = min(days, found.get(one.pack.project, days))
    return found


async def debts(
    session: AsyncSession,
    *,
    operator_id: UUID | None = None,
    operator: str | None = None,
    project: str | None = None,
) -> list[Debt]:
    """What is and was missing, by series and operator; of one operator (id or code), of one project, or of all."""
    if not (await session.execute(queries.SHORT)).scalar_one():
        return []
    days = await terms(session)
    now = clock.now()
    given = {
        "operator": operator_id,
        "operator_code": operator,
        "project": project,
        "projects": list(days),
        "cutoffs": [now - dt.timedelta(days=one) for one in days.values()],
    }
    return [_debt(row, days.get(row.project)) for row in await session.execute(queries.DEBTS, given)]


def _debt(row: Any, term_days: int | None) -> Debt:
    facts = {name: getattr(row, name) for name in Debt.__slots__ if name not in {"series", "term_days"}}
    return Debt(series=series_of(row), term_days=term_days, **facts)


def series_of(row: Any) -> Series:
    """The series that a row is of."""
    return Series(row.project, row.methodology, row.vintage_year, row.demo)


async def shortfalls(
    session: AsyncSession,
    series: Series,
    *,
    operator_id: UUID | None = None,
    only_open: bool = False,
    limit: int = 50,
    after: int = 0,
) -> list[Shortfall]:
    """The shortfalls of a series by number, behind `after`; those of one operator, or only what is open."""
    given = {
        **series.as_body(),
        "operator": operator_id,
        "only_open": only_open,
        "limit": limit,
        "after": after,
    }
    return [
        Shortfall(
            series=series_of(row),
            **{name: getattr(row, name) for name in Shortfall.__slots__ if name != "series"},
        )
        for row in await session.execute(queries.SHORTFALLS, given)
    ]


async def refuse_debtor(session: AsyncSession, *, operator: str, demo: bool) -> None:
    """CorrectionsOwed when an organisation (by its code) owes grams that block; demonstrations apart from the rest."""
    owed_g = sum(one.blocking_g for one in await debts(session, operator=operator) if one.series.demo == demo)
    if owed_g:
        raise CorrectionsOwed(owed_g=owed_g)


async def require_issuable(session: AsyncSession, known: Batch, statement: Statement) -> None:
    """Refuse to issue what would leave certified what is known to be withdrawn, or leave a debt that blocks.

    StatementOutdated when acts were withdrawn that the statement still certifies, or when what it deducts was made good
    otherwise. CorrectionsOwed when the operator owes grams in another series, or in this one although the batch has some
    left. The series is locked.
    """
    given = {"batch": known.id, "revision": statement.revision}
    if (await session.execute(queries.STANDS_WITHDRAWN, given)).scalar_one():
        raise StatementOutdated
    if statement.corrections_g and await covering.open_g(session, known.series) < statement.corrections_g:
        raise StatementOutdated
    owed_g = 0
    for one in await debts(session, operator_id=known.operator_id):
        if one.series == known.series:
            owed_g += max(0, one.blocking_g - statement.corrections_g) if statement.verified_g else 0
        elif one.series.demo == known.series.demo:
            owed_g += one.blocking_g
    if owed_g:
        raise CorrectionsOwed(owed_g=owed_g)
