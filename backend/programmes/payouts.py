"""Payouts of benefits in money: one person asks for a run, a second one lets it go, and a file says who gets how much.

What two people sign is the file itself, line by line. What citizens earn meanwhile waits for the next run; where somebody
no longer has what a line says, because a benefit was taken back, nothing is paid and the run is asked for anew. The file
names pseudonyms and amounts; whose account that is stays with whoever keeps it.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.identity import Role, approvals
from backend.identity.approvals import TwoPersonAct
from backend.kit import clock, ids
from backend.programmes import codes, queries
from backend.programmes.benefits import PAID_OUT
from backend.programmes.errors import NothingToPay, PayoutChanged, PayoutUnknown
from backend.programmes.service import Registered

PAYOUT = approvals.ActKind("programmes.payout", role=Role.OPERATOR, stands_for=dt.timedelta(days=7))
MOST_PEOPLE = 5_000  # in one run; whoever is left is in the next one

log.register(
    log.Sealed("benefit_payout", key=("id",)),
    log.Sealed("benefit_payout_line", key=("payout_id", "participant_id")),
)


@dataclass(frozen=True, slots=True)
class Payout:
    """A run that was paid. `through` is the Shanghai day on which it was asked for."""

    id: UUID
    programme: str
    through: dt.date
    people: int
    amount_fen: int
    file_sha256: str
    approval_id: UUID
    paid_at: dt.datetime


async def propose(
    session: AsyncSession, *, programme: Registered, proposed_by: UUID, least_fen: int = 1
) -> TwoPersonAct:
    """Ask for a run of everything that lies on citizens' lots now, of those who have at least `least_fen`.

    Raises NothingToPay.
    """
    rows = await session.execute(
        queries.BENEFIT_SUMS,
        {"programme": programme.code, "today": clock.today(), "least": least_fen, "limit": MOST_PEOPLE},
    )
    lines = [(row.participant_id, int(row.amount)) for row in rows]
    if not lines:
        raise NothingToPay(programme=programme.code)
    body = {
        "programme": programme.code,
        "through": clock.today().isoformat(),
        "people": len(lines),
        "amount_fen": sum(amount for _, amount in lines),
        "file_sha256": hashlib.sha256(file_of(programme.code, lines)).hexdigest(),
        "lines": [[str(who), amount] for who, amount in lines],
    }
    return await approvals.propose(
        session, PAYOUT, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve(
    session: AsyncSession, *, programme: Registered, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Payout:
    """Agree, as a second person of the operator; the money leaves the lots at once, and only so.

    Raises PayoutChanged when somebody has less than a line says, ActUnknown also for another programme's run.
    """
    await _own(session, programme, act_id)
    act = await approvals.approve(
        session, PAYOUT, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    said = act.body
    payout_id, now = ids.derive(act.id, "payout"), clock.now()
    lines = [(UUID(who), int(amount)) for who, amount in said["lines"]]
    opened = await ledger.open_accounts(session, [codes.paid_out(programme.code)])
    credit = opened[codes.paid_out(programme.code).code]
    moves = [
        ledger.Line(debit=account, credit=credit, amount=amount)
        for account, amount in await _from_lots(session, programme.code, lines)
    ]
    try:
        await ledger.post(session, [ledger.Posting(payout_id, PAID_OUT, now, tuple(moves))])
    except ledger.InsufficientBalance as error:
        raise PayoutChanged(programme=programme.code) from error
    await session.execute(
        queries.ADD_PAYOUT,
        {
            "id": payout_id,
            "programme": programme.id,
            "through": dt.date.fromisoformat(said["through"]),
            "people": len(lines),
            "amount": sum(amount for _, amount in lines),
            "file_sha256": said["file_sha256"],
            "approval": act.id,
            "proposed_by": act.proposed_by,
            "approved_by": approved_by,
            "at": now,
        },
    )
    await session.execute(
        queries.ADD_PAYOUT_LINES,
        {
            "id": payout_id,
            "participants": [who for who, _ in lines],
            "amounts": [amount for _, amount in lines],
        },
    )
    return await payout(session, programme=programme, payout_id=payout_id)


async def reject(
    session: AsyncSession, *, programme: Registered, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a run down, as a second person of the operator."""
    await _own(session, programme, act_id)
    return await approvals.reject(
        session, PAYOUT, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def payouts(session: AsyncSession, *, programme: Registered, limit: int = 100) -> list[Payout]:
    """The runs of a programme, newest first."""
    rows = await session.execute(queries.PAYOUTS, {"programme": programme.id, "id": None, "limit": limit})
    return [_payout(row) for row in rows]


async def payout(session: AsyncSession, *, programme: Registered, payout_id: UUID) -> Payout:
    """One run. Raises PayoutUnknown."""
    found = await session.execute(queries.PAYOUTS, {"programme": programme.id, "id": payout_id, "limit": 1})
    row = found.one_or_none()
    if row is None:
        raise PayoutUnknown
    return _payout(row)


async def file(session: AsyncSession, *, programme: Registered, payout_id: UUID) -> bytes:
    """The file of a run, byte for byte what two people signed. Raises PayoutUnknown."""
    await payout(session, programme=programme, payout_id=payout_id)
    rows = await session.execute(queries.PAYOUT_LINES, {"id": payout_id})
    return file_of(programme.code, [(row.participant_id, int(row.amount_fen)) for row in rows])


def file_of(programme: str, lines: Sequence[tuple[UUID, int]]) -> bytes:
    """A payout file: CSV (UTF-8, CRLF) with one line per pseudonym, in their order; amounts in fen."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("programme", "participant_id", "amount_fen"))
    writer.writerows((programme, str(who), amount) for who, amount in sorted(lines))
    return text.getvalue().encode()


async def _own(session: AsyncSession, programme: Registered, act_id: UUID) -> None:
    """Raise ActUnknown unless the proposal is about this programme."""
    act = await approvals.act(session, PAYOUT, act_id=act_id)
    if act.body["programme"] != programme.code:
        raise approvals.ActUnknown


async def _from_lots(
    session: AsyncSession, programme: str, lines: Sequence[tuple[UUID, int]]
) -> list[tuple[int, int]]:
    """Which lots give how much, those that lapse first before the others. Raises PayoutChanged."""
    rows = await session.execute(
        queries.BENEFIT_LOTS,
        {"programme": programme, "today": clock.today(), "participants": [who for who, _ in lines]},
    )
    left, moves = dict(lines), list[tuple[int, int]]()
    for row in rows:
        amount = min(left[row.participant_id], int(row.balance))
        if amount:
            moves.append((row.id, amount))
            left[row.participant_id] -= amount
    if any(left.values()):
        raise PayoutChanged(programme=programme)
    return moves


def _payout(row: Any) -> Payout:
    return Payout(
        id=row.id,
        programme=row.programme,
        through=row.through,
        people=row.people,
        amount_fen=row.amount_fen,
        file_sha256=row.file_sha256,
        approval_id=row.approval_id,
        paid_at=row.paid_at,
    )
