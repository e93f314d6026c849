"""What leaving means here: everything personal goes, everything that others rely on stays."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import consent, devices, doors, joining, means, members, people, tokens


async def erase_person(session: AsyncSession, *, participant_id: UUID) -> None:
    """Withdraw all consent, close every holding and door, end every session, and destroy the person's key.

    So it is with every account that ended in this one. The pseudonyms, their books and their proofs stay whole; nobody can
    tell any more whose they were.
    """
    for ended in await joining.joined_accounts(session, participant_id=participant_id):
        await _erase(session, ended)
    await _erase(session, participant_id)


async def _erase(session: AsyncSession, participant_id: UUID) -> None:
    await people.participant_of(session, participant_id=participant_id)
    await consent.withdraw_all(session, participant_id=participant_id)
    await means.takeovers.withdraw_all(session, taker_id=participant_id)
    await means.close_all(session, participant_id=participant_id)
    await members.end_all(session, member_id=participant_id)
    await doors.close_all(session, participant_id=participant_id)
    await devices.revoke_all(session, participant_id=participant_id)
    await tokens.end_sessions_of(session, subject=participant_id, because="the person left")
    await people.erase(session, participant_id=participant_id)
