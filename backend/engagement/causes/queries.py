"""All SQL of hand-overs but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

# Hand-overs of one cause stand in line, so that what is left can be counted.
LOCK = text("SELECT pg_advisory_xact_lock(7318031, hashtext(:programme || '/' || :reward))")
ADD = text("""
    INSERT INTO cause_handover (id, programme_id, reward, points, money_fen, recipient_zh, recipient_en, reference, handed_on,
                                corrects, noted_by, noted_at)
    VALUES (:id, :programme, :reward, :points, :money_fen, :recipient_zh, :recipient_en, :reference, :handed_on, :corrects, :by,
            :at)
""")
HANDED = text("""
    SELECT reward, CAST(sum(points) AS bigint) AS points, CAST(sum(money_fen) AS bigint) AS money_fen
    FROM cause_handover WHERE programme_id = :programme GROUP BY reward
""")
_HANDOVERS = """
    SELECT h.id, h.reward, h.points, h.money_fen, h.recipient_zh, h.recipient_en, h.reference, h.handed_on, h.noted_at,
           h.corrects, c.id AS corrected_by
    FROM cause_handover h LEFT JOIN cause_handover c ON c.corrects = h.id
    WHERE h.programme_id = :programme
"""
ONE = text(f"{_HANDOVERS} AND h.id = :id")
OF_CAUSE = text(f"""
    {_HANDOVERS} AND h.reward = :reward
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (h.noted_at, h.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY h.noted_at DESC, h.id DESC LIMIT :limit
""")
