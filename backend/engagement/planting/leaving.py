"""What becomes of trees when an account closes: they stand, and their certificates stay good, under nobody's name."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import closing, joining

_CERTIFIED = text("""
    SELECT p.code AS programme, t.certificate, t.kind, t.planted_on
    FROM tree t JOIN reward_grant g ON g.id = t.grant_id JOIN programme p ON p.id = g.programme_id
    WHERE g.participant_id = ANY (CAST(:participants AS uuid[])) ORDER BY t.planted_on, t.certificate
""")


async def told(session: AsyncSession, participant_id: UUID) -> list[closing.Facts]:
    """The certificates that stay good, and can be checked by their numbers by anybody who knows them."""
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    rows = await session.execute(_CERTIFIED, {"participants": people})
    return [
        {
            "programme": row.programme,
            "certificate": row.certificate,
            "kind": row.kind,
            "planted_on": row.planted_on.isoformat(),
        }
        for row in rows
    ]


async def leave(session: AsyncSession, participant_id: UUID) -> None:
    """Nothing: a name is printed only while its person agrees to be shown, and nobody is who left."""
    del session, participant_id


closing.register(closing.Part("certificates", 40, told, leave))
