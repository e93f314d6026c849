"""Statements: what has come together, and closing a period by two people.

The first person's proposal fixes the cut, which is the end of the period, and the horizon, below which every transaction had
ended. The second closes exactly what lies before both. What happened before the cut in a transaction that was still
open is below no such horizon: it is in the next statement, and in no other.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import webhooks
from backend.identity import Role, approvals, organisations
from backend.identity.approvals import ActKind, TwoPersonAct
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from merchant import contracts
from merchant.contracts import MERCHANT, Edition
from merchant.redemption.errors import RedemptionUnknown
from merchant.settlement import queries, reckoning
from merchant.settlement.errors import (
    InvoiceGiven,
    NothingToClose,
    SettlementPeriodNotOver,
    StatementChanged,
    StatementUnknown,
)
from merchant.settlement.model import (
    Accruals,
    Draft,
    Kind,
    Line,
    Numbered,
    Placed,
    Settled,
    State,
    Statement,
    Totals,
)

STATEMENT = ActKind("merchant.statement", Role.OPERATOR, stands_for=dt.timedelta(days=14))
Position = tuple[dt.datetime, UUID]


async def propose(
    session: AsyncSession, *, merchant_id: UUID, programme: str, proposed_by: UUID
) -> TwoPersonAct:
    """Ask for the merchant's next period to be closed; what is shown is the whole statement but its lines' fingerprint.

    Raises NothingToClose, SettlementPeriodNotOver.
    """
    horizon = int((await session.execute(queries.HORIZON)).scalar_one())
    made = await draft(session, merchant_id=merchant_id, programme=programme, horizon=horizon)
    merchant = await organisations.organisation(session, organisation_id=merchant_id)
    body = {"merchant": merchant.code, **_body(made)}
    return await approvals.propose(
        session, STATEMENT, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve(
    session: AsyncSession, *, programme: str, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Statement:
    """Agree, as a second person; the statement is closed, for good. ActUnknown also for another programme's.

    Raises StatementChanged when the period was closed meanwhile.
    """
    await _own(session, programme, act_id)
    act = await approvals.approve(
        session, STATEMENT, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    merchant_id = UUID(act.body["merchant_id"])
    await take_turns(session, f"settlement:{merchant_id}:{programme}")
    made = await draft(
        session, merchant_id=merchant_id, programme=programme, horizon=int(act.body["horizon"])
    )
    if {"merchant": act.body["merchant"], **_body(made)} != act.body:
        raise StatementChanged
    statement_id = ids.derive(act.id, "statement")
    totals = asdict(made.totals)
    for name in ("opening", "funded", "pays"):
        totals[name] = json.dumps(totals[name])
    await session.execute(
        queries.ADD_STATEMENT,
        {
            "id": statement_id,
            "merchant_id": merchant_id,
            "programme": programme,
            "number": made.number,
            "edition_id": made.edition_id,
            "first_day": made.first_day,
            "last_day": made.last_day,
            "cut": made.cut,
            "horizon": str(made.horizon),
            **totals,
            "lines": len(made.lines),
            "lines_sha256": made.lines_sha256,
            "act_id": act.id,
            "closed_at": clock.now(),
        },
    )
    await _store_lines(session, statement_id, made)
    await webhooks.tell(
        session,
        organisation_id=merchant_id,
        event="statement.closed",
        data={
            "statement_id": str(statement_id), "programme": programme, "number": made.number,
            "payable_points": made.totals.payable_points, "amount_fen": made.totals.payable_fen,
        },
        event_id=statement_id,
    )  # fmt: skip
    return await statement_of(session, statement_id=statement_id)


async def reject(
    session: AsyncSession, *, programme: str, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a proposal down, as a second person."""
    await _own(session, programme, act_id)
    return await approvals.reject(
        session, STATEMENT, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def draft(session: AsyncSession, *, merchant_id: UUID, programme: str, horizon: int) -> Draft:
    """The merchant's next statement as it would be closed below a horizon (a transaction's number)."""
    previous = await last_of(session, merchant_id=merchant_id, programme=programme)
    editions = {
        one.id: one
        for one in await contracts.editions_of(session, merchant_id=merchant_id, programme=programme)
    }
    first_day = await _first_day(session, merchant_id, programme, previous)
    if first_day is None or not editions:
        raise NothingToClose
    last_day = contracts.period_end(_standing(editions, first_day).period, first_day)
    cut = dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time(), clock.SHANGHAI)
    if clock.now() < cut:
        raise SettlementPeriodNotOver(last_day=last_day.isoformat())
    moved = await _moved(session, merchant_id, programme, cut=cut, horizon=horizon)
    standing = _standing(editions, last_day)
    lines = [line for _, line in moved]
    lines += await _corrections(session, merchant_id, programme, cut=cut, horizon=horizon)
    lines += reckoning.fees_of(
        moved, editions, first_day=first_day, last_day=last_day, standing=standing, at=cut
    )
    return Draft(
        merchant_id=merchant_id,
        programme=programme,
        number=1 if previous is None else previous.number + 1,
        edition_id=standing.id,
        first_day=first_day,
        last_day=last_day,
        cut=cut,
        horizon=horizon,
        totals=reckoning.total(lines, **_opening(previous)),
        lines=lines,
        lines_sha256=reckoning.digest(lines),
    )


async def accruals_of(session: AsyncSession, *, merchant_id: UUID) -> list[Accruals]:
    """What has come together since the last statement, by programme, with the fees as if it were closed today: those of each
    capture and share, and those of months that are over.
    """
    found = await contracts.editions_of(session, merchant_id=merchant_id)
    told = []
    for programme in sorted({one.programme for one in found}):
        editions = {one.id: one for one in found if one.programme == programme}
        previous = await last_of(session, merchant_id=merchant_id, programme=programme)
        first_day = await _first_day(session, merchant_id, programme, previous)
        cut = clock.now() + dt.timedelta(days=1)
        moved = await _moved(session, merchant_id, programme, cut=cut, horizon=queries.EVERYTHING)
        lines = [line for _, line in moved]
        lines += await _corrections(session, merchant_id, programme, cut=cut, horizon=queries.EVERYTHING)
        last_day = None
        if first_day is not None:
            last_day = contracts.period_end(_standing(editions, first_day).period, first_day)
            yesterday = clock.today() - dt.timedelta(days=1)
            lines += reckoning.fees_of(
                moved, editions, first_day=first_day, last_day=max(yesterday, first_day - dt.timedelta(days=1)),
                standing=_standing(editions, clock.today()), at=clock.now(),
            )  # fmt: skip
        totals = reckoning.total(lines, **_opening(previous))
        told.append(Accruals(programme, first_day, last_day, totals))
    return told


async def last_of(session: AsyncSession, *, merchant_id: UUID, programme: str) -> Statement | None:
    """The last statement that was closed."""
    given = {"merchant_id": merchant_id, "programme": programme}
    row = (await session.execute(queries.LAST, given)).one_or_none()
    return None if row is None else _statement(row)


async def statement_of(
    session: AsyncSession,
    *,
    statement_id: UUID,
    merchant_id: UUID | None = None,
    programme: str | None = None,
) -> Statement:
    """One statement; another merchant's, or another programme's, is unknown. Raises StatementUnknown."""
    row = (await session.execute(queries.ONE, {"id": statement_id})).one_or_none()
    if row is None or merchant_id not in (None, row.merchant_id) or programme not in (None, row.programme):
        raise StatementUnknown
    return _statement(row)


async def statements(
    session: AsyncSession,
    *,
    merchant_id: UUID | None = None,
    programme: str | None = None,
    limit: int = 50,
    after: Position | None = None,
) -> list[Statement]:
    """Statements of a merchant or a programme, newest first."""
    at, last_id = after or (None, None)
    given = {
        "merchant_id": merchant_id, "programme": programme, "limit": limit, "after_at": at, "after_id": last_id,
    }  # fmt: skip
    return [_statement(row) for row in await session.execute(queries.STATEMENTS, given)]


async def statements_to_pay(session: AsyncSession, *, programme: str) -> list[Statement]:
    """Closed statements of a programme that can be paid, and are in no payout that waits."""
    return [_statement(row) for row in await session.execute(queries.TO_PAY, {"programme": programme})]


async def lines_of(
    session: AsyncSession, *, statement_id: UUID, limit: int = 50, after: int = 0
) -> list[Numbered]:
    """Lines of a statement by their numbers, behind the last one seen."""
    given = {"id": statement_id, "limit": limit, "after": after}
    return [
        Numbered(
            row.line,
            Line(
                kind=Kind(row.kind),
                redemption_id=row.redemption_id,
                part_id=row.part_id,
                about=row.about,
                happened_at=row.happened_at,
                points=row.points,
                value_fen=row.value_fen,
                own_fen=row.own_fen,
                funded=row.funded,
                payable_fen=row.payable_fen,
            ),
            row.money_fen,
        )
        for row in await session.execute(queries.LINES, given)
    ]


async def settled_of(
    session: AsyncSession,
    *,
    redemption_id: UUID,
    merchant_id: UUID | None = None,
    programme: str | None = None,
) -> Settled:
    """What a capture is worth, and each line that is about it. Another merchant's, or another programme's, is unknown.

    Raises RedemptionUnknown, also for one of before there was a contract, which is in no statement.
    """
    given = {"id": redemption_id, "merchant_id": merchant_id, "programme": programme}
    row = (await session.execute(queries.SETTLED, given)).mappings().one_or_none()
    if row is None:
        raise RedemptionUnknown
    found = (await session.execute(queries.PLACED, {"id": redemption_id})).mappings()
    lines = [Placed(**{**one, "kind": Kind(one["kind"])}) for one in found]
    return Settled(**row, lines=lines)


async def note_invoice(
    session: AsyncSession, *, merchant_id: UUID, statement_id: UUID, number: str, given_by: UUID
) -> Statement:
    """Note the number of the merchant's invoice, once. The same again changes nothing. Raises InvoiceGiven."""
    found = await statement_of(session, statement_id=statement_id, merchant_id=merchant_id)
    given = {"id": statement_id, "number": number, "by": given_by, "at": clock.now()}
    if (await session.execute(queries.ADD_INVOICE, given)).first() is None and found.invoice != number:
        raise InvoiceGiven
    return await statement_of(session, statement_id=statement_id)


async def _first_day(
    session: AsyncSession, merchant_id: UUID, programme: str, previous: Statement | None
) -> dt.date | None:
    if previous is not None:
        return previous.last_day + dt.timedelta(days=1)
    given = {"merchant_id": merchant_id, "programme": programme}
    first = (await session.execute(queries.FIRST_CAPTURE, given)).scalar_one()
    return None if first is None else clock.day_of(first)


async def _moved(
    session: AsyncSession, merchant_id: UUID, programme: str, *, cut: dt.datetime, horizon: int
) -> list[tuple[UUID, Line]]:
    """Captures and refunds that are in no statement yet, each with the edition of its capture."""
    given = {"merchant_id": merchant_id, "programme": programme, "cut": cut, "horizon": str(horizon)}
    found = []
    for row in await session.execute(queries.NEW_LINES, given):
        sign = 1 if row.kind == "capture" else -1
        funded = {funder: sign * int(fen) for funder, fen in sorted(row.funded.items())}
        own = funded.get(MERCHANT, 0)
        line = Line(
            kind=Kind(row.kind),
            redemption_id=row.redemption_id,
            part_id=row.part_id,
            about="",
            happened_at=row.happened_at,
            points=row.points,
            value_fen=row.value_fen,
            own_fen=own,
            funded=funded,
            payable_fen=row.value_fen - own,
        )
        found.append((row.edition_id, line))
    return found


async def _corrections(
    session: AsyncSession, merchant_id: UUID, programme: str, *, cut: dt.datetime, horizon: int
) -> list[Line]:
    given = {"merchant_id": merchant_id, "programme": programme, "cut": cut, "horizon": str(horizon)}
    return [
        Line(
            kind=Kind.CORRECTION,
            redemption_id=row.redemption_id,
            part_id=None,
            about=str(row.dispute_id),
            happened_at=row.answered_at,
            points=row.correction_points,
            value_fen=row.correction_fen,
            own_fen=0,
            funded={row.funder: row.correction_fen} if row.correction_fen else {},
            payable_fen=row.correction_fen,
        )
        for row in await session.execute(queries.NEW_CORRECTIONS, given)
    ]


def _opening(previous: Statement | None) -> dict[str, Any]:
    """What a statement that was carried forward leaves to the next one."""
    if previous is None or not previous.totals.carried:
        return {"opening_points": 0, "opening": {}, "opening_fees_fen": 0}
    before = previous.totals
    return {
        "opening_points": before.payable_points,
        "opening": before.funded,
        "opening_fees_fen": before.opening_fees_fen + before.fees_fen,
    }


def _standing(editions: Mapping[UUID, Edition], day: dt.date) -> Edition:
    """The last edition that had begun on a day, in force or not; else the first one."""
    ordered = sorted(editions.values(), key=lambda one: one.edition)
    return [ordered[0], *(one for one in ordered if one.valid_from <= day)][-1]


def _body(made: Draft) -> dict[str, Any]:
    return {
        "merchant_id": str(made.merchant_id),
        "programme": made.programme,
        "number": made.number,
        "edition_id": str(made.edition_id),
        "first_day": made.first_day.isoformat(),
        "last_day": made.last_day.isoformat(),
        "horizon": str(made.horizon),
        **asdict(made.totals),
        "lines": len(made.lines),
        "lines_sha256": made.lines_sha256,
    }


async def _store_lines(session: AsyncSession, statement_id: UUID, made: Draft) -> None:
    lines = made.lines
    await session.execute(
        queries.ADD_LINES,
        {
            "id": statement_id,
            "lines": list(range(1, len(lines) + 1)),
            "kinds": [line.kind.value for line in lines],
            "redemptions": [line.redemption_id for line in lines],
            "parts": [line.part_id for line in lines],
            "abouts": [line.about for line in lines],
            "moments": [line.happened_at for line in lines],
            "points": [line.points for line in lines],
            "values": [line.value_fen for line in lines],
            "owns": [line.own_fen for line in lines],
            "funded": [json.dumps(dict(line.funded)) for line in lines],
            "payables": [line.payable_fen for line in lines],
        },
    )


async def _own(session: AsyncSession, programme: str, act_id: UUID) -> None:
    """Raise ActUnknown unless the proposal is about this programme."""
    act = await approvals.act(session, STATEMENT, act_id=act_id)
    if act.body["programme"] != programme:
        raise approvals.ActUnknown


def _statement(row: Any) -> Statement:
    totals = Totals(**{name: getattr(row, name) for name in Totals.__slots__})
    own = {name: getattr(row, name) for name in Statement.__slots__ if name not in ("totals", "state")}
    return Statement(totals=totals, state=State(row.state), **own)
