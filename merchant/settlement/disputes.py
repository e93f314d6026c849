"""Disputes: a merchant does not agree with a line, the operator answers, and what moves by that is in the next statement.

A statement is never edited. An answer that moves money takes two people of the operator; one that moves none takes one.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import Role, approvals
from backend.identity.approvals import ActKind, TwoPersonAct
from backend.kit import clock, ids
from merchant.contracts import MERCHANT
from merchant.settlement import closing, queries
from merchant.settlement.errors import CorrectionInvalid, DisputeAnswered, DisputeUnknown, LineUnknown
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
    return await _answer(session, dispute_id, words=words, fen=0, funder="", act_id=None, by=answered_by)


async def propose_correction(
    session: AsyncSession, *, programme: str, dispute_id: UUID, words: str, correction_fen: int, funder: str,
    proposed_by: UUID,
) -> TwoPersonAct:  # fmt: skip
    """Ask for an answer that moves `correction_fen` (not zero; below it, less is paid), borne by a funder."""
    found = await dispute_of(session, dispute_id=dispute_id, programme=programme)
    if found.answer is not None:
        raise DisputeAnswered
    if not correction_fen or funder == MERCHANT:
        raise CorrectionInvalid
    body = {
        "programme": programme,
        "dispute": str(dispute_id),
        "statement": str(found.statement_id),
        "line": found.line,
        "words": words,
        "correction_fen": correction_fen,
        "funder": funder,
    }
    return await approvals.propose(
        session, CORRECTION, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve_correction(
    session: AsyncSession, *, programme: str, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Dispute:
    """Agree, as a second person; the correction is a line of the next statement. ActUnknown also for another programme's."""
    said = (await approvals.act(session, CORRECTION, act_id=act_id)).body
    if said["programme"] != programme:
        raise approvals.ActUnknown
    await approvals.approve(
        session, CORRECTION, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    return await _answer(
        session, UUID(said["dispute"]), words=said["words"], fen=said["correction_fen"], funder=said["funder"],
        act_id=act_id, by=approved_by,
    )  # fmt: skip


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
    fen: int,
    funder: str,
    act_id: UUID | None,
    by: UUID,
) -> Dispute:
    given = {
        "id": dispute_id, "words": words, "fen": fen, "funder": funder, "act_id": act_id, "by": by, "at": clock.now(),
    }  # fmt: skip
    if (await session.execute(queries.ADD_ANSWER, given)).first() is None:
        raise DisputeAnswered
    return await dispute_of(session, dispute_id=dispute_id)


def _dispute(row: Any) -> Dispute:
    return Dispute(**{name: getattr(row, name) for name in Dispute.__slots__})
