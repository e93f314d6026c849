"""All SQL about guardians."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO guardianship (child_id, guardian_id, ends_on, agreement_id, edition, text_sha256, began_at)
    VALUES (:child, :guardian, :ends_on, :agreement, :edition, :sha256, :at)
""")
_CHILD = """
    SELECT g.child_id, g.guardian_id, g.ends_on, g.began_at, e.because AS ended,
           COALESCE((SELECT array_agg(w.scope ORDER BY w.scope) FROM (
               SELECT DISTINCT ON (scope) scope, allowed FROM guardian_word
               WHERE child_id = g.child_id ORDER BY scope, id DESC) w WHERE w.allowed), '{}') AS allowed
    FROM guardianship g LEFT JOIN guardianship_ended e ON e.child_id = g.child_id
"""
CHILDREN = text(_CHILD + " WHERE g.guardian_id = :guardian AND e.child_id IS NULL ORDER BY g.child_id")
ONE = text(_CHILD + " WHERE g.guardian_id = :guardian AND g.child_id = :child AND e.child_id IS NULL")
SAY = text("""
    INSERT INTO guardian_word (child_id, scope, allowed, text_sha256, said_at)
    VALUES (:child, :scope, :allowed, :sha256, :at)
""")
END = text("""
    INSERT INTO guardianship_ended (child_id, because, ended_at) VALUES (:child, :because, :at)
    ON CONFLICT DO NOTHING
""")
IS_CHILD = text("""
    SELECT EXISTS (SELECT FROM guardianship g WHERE g.child_id = :participant
                   AND NOT EXISTS (SELECT FROM guardianship_ended e WHERE e.child_id = g.child_id))
""")
ALLOWS = text("SELECT guardian_allows(:participant, :scope)")
