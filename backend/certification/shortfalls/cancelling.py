"""Compulsory cancellation: whole tonnes that an operator still holds, for what no batch made good.

The series' own credits go first, then others of the same operator and book, the lowest numbers first. Rounded up to
whole tonnes; what that takes too much waits for the series' next shortfall. What the operator does not hold any more
stays a debt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.certification import reading
from backend.certification.errors import NotIndependent
from backend.certification.model import Series
from backend.certification.shortfalls import covering, debts, queries
from backend.certification.shortfalls.errors import NothingHeld, NothingOwed, ShortfallUnknown
from backend.certification.shortfalls.model import Cancellation, Debt
from backend.identity import Role, staff
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.quantities import GRAMS_PER_TONNE
from backend.ledger import AccountSpec, SerialLine, SerialPosting, SerialRange

BY_TERM = "the programme's term for making good was over"


async def cancel_overdue(db: Database) -> list[Cancellation]:
    """Cancel what is due by the programmes' terms, each series in a transaction of its own; the nightly job."""
    async with db.transaction() as session:
        due = [one.series for one in await debts.debts(session) if one.due_g]
    made = []
    for series in due:
        async with db.transaction() as session:
            found = await _overdue(session, series)
        if found is not None:
            made.append(found)
    return made


async def _overdue(session: AsyncSession, series: Series) -> Cancellation | None:
    await reading.lock(session, series)
    found = await _debt_of(session, series)
    if found is None or not found.due_g:
        return None
    serials = await _held(session, found, grams=found.due_g)
    if not serials:
        return None
    return await _cancel(session, found, serials, owed_g=found.due_g, ordered_by=None, reason=BY_TERM)


async def cancel(session: AsyncSession, *, series: Series, ordered_by: UUID, reason: str) -> Cancellation:
    """Let the operator lose what it owes in a series, as staff of the authority; how much is not theirs to choose.

    Whoever works for the operator is NotIndependent. ShortfallUnknown, NothingOwed, NothingHeld.
    """
    await reading.lock(session, series)
    found = await _debt_of(session, series)
    if found is None:
        raise ShortfallUnknown
    person = await staff.staff_member(session, staff_id=ordered_by)
    if not person.active or Role.AUTHORITY not in person.roles or person.organisation_id == found.operator_id:
        raise NotIndependent
    if not found.blocking_g:
        raise NothingOwed
    serials = await _held(session, found, grams=found.blocking_g)
    if not serials:
        raise NothingHeld
    return await _cancel(
        session, found, serials, owed_g=found.blocking_g, ordered_by=ordered_by, reason=reason
    )


async def _debt_of(session: AsyncSession, series: Series) -> Debt | None:
    found = await debts.debts(session, project=series.project)
    return next((one for one in found if one.series == series), None)


async def _held(session: AsyncSession, debt: Debt, *, grams: int) -> tuple[SerialRange, ...]:
    """The numbers that go, as far as the operator holds so many."""
    account = f"holder:{debt.series.book}:{debt.operator}"
    held = await ledger.serials_of(session, account=account)
    rows = await session.execute(queries.ISSUED_OF_SERIES, debt.series.as_body())
    own = [SerialRange(row.low, row.high) for row in rows]
    return chosen(held, own, quantity=-(-grams // GRAMS_PER_TONNE))


def chosen(
    held: Iterable[SerialRange], first: Sequence[SerialRange], *, quantity: int
) -> tuple[SerialRange, ...]:
    """At most `quantity` of the held numbers: those that lie in `first` before the others, each from the lowest. Pure."""
    before: list[SerialRange] = []
    behind: list[SerialRange] = []
    for one in sorted(held):
        at = one.low
        for part in sorted(first):
            low, high = max(at, part.low), min(one.high, part.high)
            if low < high:
                if at < low:
                    behind.append(SerialRange(at, low))
                before.append(SerialRange(low, high))
                at = high
        if at < one.high:
            behind.append(SerialRange(at, one.high))
    taken = []
    for one in before + behind:
        if quantity <= 0:
            break
        high = min(one.high, one.low + quantity)
        taken.append(SerialRange(one.low, high))
        quantity -= high - one.low
    return ledger.joined(taken)


async def _cancel(
    session: AsyncSession,
    debt: Debt,
    serials: tuple[SerialRange, ...],
    *,
    owed_g: int,
    ordered_by: UUID | None,
    reason: str,
) -> Cancellation:
    series, now = debt.series, clock.now()
    cancellation_id = ids.uuid7()
    quantity_t = sum(one.quantity for one in serials)
    await _post(session, debt, cancellation_id, serials, now)
    made = Cancellation(
        id=cancellation_id,
        series=series,
        operator_id=debt.operator_id,
        operator=debt.operator,
        book=series.book,
        quantity_t=quantity_t,
        owed_g=owed_g,
        term_days=debt.term_days if ordered_by is None else None,
        ordered_by=ordered_by,
        reason=reason,
        serials=serials,
        log_index=-1,
        cancelled_at=now,
    )
    index = await log.append(session, kind="credit.forfeited", body=made.stated())
    row = {
        name: getattr(made, name)
        for name in Cancellation.__slots__
        if name not in {"series", "serials", "operator"}
    }
    await session.execute(queries.ADD_CANCELLATION, {**row, **series.as_body(), "log_index": index})
    await covering.cover(session, series, grams=made.grams, at=now, cancellation_id=made.id)
    (stored,) = await cancellations(session, cancellation_id=made.id)
    return stored


def posting_id(cancellation_id: UUID) -> UUID:
    """The id of a cancellation's posting."""
    return ids.derive(cancellation_id, "forfeited")


async def _post(
    session: AsyncSession,
    debt: Debt,
    cancellation_id: UUID,
    serials: tuple[SerialRange, ...],
    now: dt.datetime,
) -> None:
    source, target = f"holder:{debt.series.book}:{debt.operator}", f"cancelled:{debt.series.book}"
    opened = await ledger.open_accounts(session, map(AccountSpec, (source, target)))
    quantity = sum(one.quantity for one in serials)
    line = SerialLine(opened[source], opened[target], quantity, "credit.forfeited", serials)
    await ledger.post_serials(session, [SerialPosting(posting_id(cancellation_id), now, (line,))])


async def cancellations(
    session: AsyncSession,
    *,
    operator_id: UUID | None = None,
    cancellation_id: UUID | None = None,
    limit: int = 50,
    after: tuple[str, str] | None = None,
) -> list[Cancellation]:
    """Compulsory cancellations of an operator, or of all; the last one first."""
    at, last = after or (None, None)
    given = {
        "operator": operator_id,
        "id": cancellation_id,
        "limit": limit,
        "before": dt.datetime.fromisoformat(at) if at else None,
        "before_id": last,
    }
    rows: Sequence[Any] = (await session.execute(queries.CANCELLATIONS, given)).all()
    moved = await ledger.serials_moved(session, [posting_id(row.id) for row in rows])
    kept = [name for name in Cancellation.__slots__ if name not in {"series", "serials"}]
    return [
        Cancellation(
            series=debts.series_of(row),
            serials=ledger.joined(
                piece for pieces in moved.get(posting_id(row.id), {}).values() for piece in pieces
            ),
            **{name: getattr(row, name) for name in kept},
        )
        for row in rows
    ]
