"""Disputes: a merchant does not agree with a line, the operator answers, and what moves by that is in the next statement.

A statement is never edited. An answer that moves points or money takes two people of the operator; one that moves nothing takes
one. Points are posted with the second person's yes: from the programme's issuer to what it owes the merchant, or back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, programmes
from backend.identity import Role, approvals
from backend.identity.approvals import ActKind, TwoPersonAct
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.ledger import Line as Move
from backend.ledger import Posting
from merchant.contracts import MERCHANT
from merchant.settlement import closing, queries
from merchant.settlement.errors import (
    CorrectionBeyondLine,
    CorrectionInvalid,
    DisputeAnswered,
    DisputeUnknown,
    LineUnknown,
)
from merchant.settlement.model import Dispute

CORRECTION = ActKind("merchant.correction", Role.OPERATOR, stands_for=dt.timedelta(days=14))


async def open_dispute(
    session: AsyncSession, *, merchant_id: UUID, statement_id: UUID, line: int, reason: str, opened_by: UUID
) -> Dispute:
    """Say that a line is wrong, and why. Raises StatementUnknown, LineUnknown."""
    await closing.statement_of(session, statement_id=statement_id, merchant_id=merchant_id)
    given = {
        "id": ids.uuid7(), "statement_id": statement_id, "line": line, "reason": reason, "by": opened_by,
        "at": clock.now(),
    }  # fmt: skip
    made = (await session.execute(queries.ADD_DISPUTE, given)).scalar_one_or_none()
    if made is None:
        raise LineUnknown
    return await dispute_of(session, dispute_id=made)


async def turn_down(
    session: AsyncSession, *, programme: str, dispute_id: UUID, words: str, answered_by: UUID
) -> Dispute:
    """Answer that the line stands as it is, and why. Raises DisputeUnknown, DisputeAnswered."""
    await dispute_of(session, dispute_id=dispute_id, programme=programme)
    return await _answer(
        session, dispute_id, words=words, points=0, fen=0, funder="", act_id=None, by=answered_by
    )


async def propose_correction(
    session: AsyncSession, *, programme: str, dispute_id: UUID, words: str, correction_fen: int, funder: str,
    proposed_by: UUID, correction_points: int = 0,
) -> TwoPersonAct:  # fmt: skip
    """Ask for an answer that moves points, fen borne by a funder, or both; below zero, less is owed and paid.

    Raises DisputeUnknown, DisputeAnswered, CorrectionInvalid, CorrectionBeyondLine.
    """
    found = await dispute_of(session, dispute_id=dispute_id, programme=programme)
    if found.answer is not None:
        raise DisputeAnswered
    if not (correction_points or correction_fen) or funder == MERCHANT:
        raise CorrectionInvalid
    await _within_the_line(session, found, points=correction_points, fen=correction_fen)
    body = {
        "programme": programme,
        "dispute": str(dispute_id),
        "statement": str(found.statement_id),
        "line": found.line,
        "words": words,
        "correction_points": correction_points,
        "correction_fen": correction_fen,
        "funder": funder,
    }
    return await approvals.propose(
        session, CORRECTION, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve_correction(
    session: AsyncSession, *, programme: str, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Dispute:
    """Agree, as a second person; the correction is a line of the next statement. ActUnknown also for another programme's.

    Raises DisputeAnswered, CorrectionBeyondLine when the line was corrected otherwise meanwhile.
    """
    said = await _own(session, programme, act_id)
    await approvals.approve(
        session, CORRECTION, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    await take_turns(session, f"correction:{said['statement']}:{said['line']}")
    found = await dispute_of(session, dispute_id=UUID(said["dispute"]))
    points, fen = said["correction_points"], said["correction_fen"]
    if found.answer is not None:
        raise DisputeAnswered
    await _within_the_line(session, found, points=points, fen=fen)
    done = await _answer(
        session, found.id, words=said["words"], points=points, fen=fen, funder=said["funder"], act_id=act_id,
        by=approved_by,
    )  # fmt: skip
    if points:
        await _post(session, programme, done, points)
    return done


async def reject_correction(
    session: AsyncSession, *, programme: str, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a correction down, as a second person; the dispute waits for another answer."""
    await _own(session, programme, act_id)
    return await approvals.reject(
        session, CORRECTION, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def dispute_of(
    session: AsyncSession, *, dispute_id: UUID, merchant_id: UUID | None = None, programme: str | None = None
) -> Dispute:
    """One dispute; another's is unknown. Raises DisputeUnknown."""
    row = (await session.execute(queries.ONE_DISPUTE, {"id": dispute_id})).one_or_none()
    if row is None or merchant_id not in (None, row.merchant_id) or programme not in (None, row.programme):
        raise DisputeUnknown
    return _dispute(row)


async def disputes_of(
    session: AsyncSession, *, merchant_id: UUID | None = None, programme: str | None = None
) -> list[Dispute]:
    """Disputes of a merchant or a programme, newest first, two hundred at most."""
    given = {"merchant_id": merchant_id, "programme": programme}
    return [_dispute(row) for row in await session.execute(queries.DISPUTES, given)]


async def _answer(
    session: AsyncSession,
    dispute_id: UUID,
    *,
    words: str,
    points: int,
    fen: int,
    funder: str,
    act_id: UUID | None,
    by: UUID,
) -> Dispute:
    given = {
        "id": dispute_id, "words": words, "points": points, "fen": fen, "funder": funder, "act_id": act_id, "by": by,
        "at": clock.now(),
    }  # fmt: skip
    if (await session.execute(queries.ADD_ANSWER, given)).first() is None:
        raise DisputeAnswered
    return await dispute_of(session, dispute_id=dispute_id)


async def _within_the_line(session: AsyncSession, found: Dispute, *, points: int, fen: int) -> None:
    """Raise CorrectionBeyondLine unless all corrections of the disputed line together stay within it."""
    row = (
        await session.execute(queries.CORRECTED, {"statement_id": found.statement_id, "line": found.line})
    ).one()
    if abs(row.moved_points + points) > abs(row.points) or abs(row.moved_fen + fen) > abs(row.value_fen):
        raise CorrectionBeyondLine(
            line_points=row.points,
            line_fen=row.value_fen,
            moved_points=row.moved_points,
            moved_fen=row.moved_fen,
        )


async def _post(session: AsyncSession, programme: str, done: Dispute, points: int) -> None:
    """Owe the merchant more points, or fewer, under an id of the dispute."""
    merchant = (await closing.statement_of(session, statement_id=done.statement_id)).merchant
    issuer, payable = programmes.codes.issuer(programme), programmes.codes.payable(merchant, programme)
    opened = await ledger.open_accounts(session, [issuer, payable])
    debit, credit = (issuer, payable) if points > 0 else (payable, issuer)
    moved = Move(opened[debit.code], opened[credit.code], abs(points))
    assert done.answered_at is not None
    posting = Posting(ids.derive(done.id, "corrected"), "points.corrected", done.answered_at, (moved,))
    await ledger.post(session, [posting])


async def _own(session: AsyncSession, programme: str, act_id: UUID) -> Mapping[str, Any]:
    """What was proposed. Raises ActUnknown unless it is about this programme."""
    said: Mapping[str, Any] = (await approvals.act(session, CORRECTION, act_id=act_id)).body
    if said["programme"] != programme:
        raise approvals.ActUnknown
    return said


def _dispute(row: Any) -> Dispute:
    return Dispute(**{name: getattr(row, name) for name in Dispute.__slots__})
