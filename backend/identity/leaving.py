"""What leaving means here: everything personal goes, everything that others rely on stays."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import consent, means, people, tokens


async def erase_person(session: AsyncSession, *, participant_id: UUID) -> None:
    """Withdraw all consent, close every holding, end every session, and destroy the person's key.

    The pseudonym, its books and its proofs stay whole; nobody can tell any more whose they were.
    """
    await people.participant_of(session, participant_id=participant_id)
    await consent.withdraw_all(session, participant_id=participant_id)
    await means.close_all(session, participant_id=participant_id)
    await tokens.end_sessions_of(session, subject=participant_id, because="the person left")
    await people.erase(session, participant_id=participant_id)
