"""Means pass from one account of a person to another: the one holding ends, the other begins in the same moment."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people
from backend.identity.sealing import seal, unseal
from backend.kit import clock
from backend.kit.settings import Keys

_END = text("""
    UPDATE means_holding
    SET held = tstzrange(lower(held), greatest(CAST(:now AS timestamptz), lower(held) + interval '1 microsecond'))
    WHERE participant_id = :of AND upper_inf(held)
    RETURNING means_id, upper(held) AS until, proof, proof_reference, hint_sealed
""")

_BEGIN = text("""
    INSERT INTO means_holding (means_id, participant_id, held, proof, proof_reference, hint_sealed, linked_at)
    VALUES (:means_id, :to, tstzrange(:begins, NULL), :proof, :proof_reference, :hint_sealed, :now)
""")


async def move_all(session: AsyncSession, keys: Keys, *, of: UUID, to: UUID) -> int:
    """Let everything that one account holds be another's from now on, by the same proof; how many holdings."""
    old, new = [await people.data_key(session, keys, participant_id=one) for one in (of, to)]
    now = clock.now()
    ended = (await session.execute(_END, {"of": of, "now": now})).all()
    for row in sorted(ended, key=lambda one: one.means_id):
        hint = None
        if old and new and row.hint_sealed is not None:
            plain = unseal(old, row.hint_sealed, belongs_to=b"hint" + of.bytes)
            hint = seal(new, plain, belongs_to=b"hint" + to.bytes)
        await session.execute(
            _BEGIN,
            {
                "means_id": row.means_id,
                "to": to,
                "begins": row.until,
                "proof": row.proof,
                "proof_reference": row.proof_reference,
                "hint_sealed": hint,
                "now": now,
            },
        )
    return len(ended)
