"""All SQL about acts whose grams left their pool."""

from __future__ import annotations

from sqlalchemy import text

# Acts of these people whose grams were pooled, stand, and have not left.
POOLED = text("""
    SELECT a.claim_key, a.job_id, a.seq, a.method_id, a.grams, p.code AS programme, a.credit,
           COALESCE((SELECT r.id FROM assignment_of_right r
                     WHERE r.participant_id = a.participant_id AND r.covers @> a.happened_at),
                    CAST(:assignment AS uuid)) AS assignment_id
    FROM action a
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
    WHERE a.participant_id = ANY (CAST(:participants AS uuid[])) AND a.credit = 'pooled' AND a.grams > 0
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
      AND NOT EXISTS (SELECT FROM action_released x WHERE x.claim_key = a.claim_key)
    ORDER BY a.claim_key
""")
# Of these keys, those that still stand in no withdrawal and have not left: asked behind the locks.
STILL = text("""
    SELECT k FROM unnest(CAST(:keys AS uuid[])) AS k
    WHERE NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = k)
      AND NOT EXISTS (SELECT FROM action_released x WHERE x.claim_key = k)
""")
IN_BATCHES = text("SELECT DISTINCT claim_key FROM batch_leaf WHERE claim_key = ANY (CAST(:keys AS uuid[]))")
ADD = text("""
    INSERT INTO action_released (claim_key, assignment_id, part, released_at)
    SELECT k, :assignment, :part, :at FROM unnest(CAST(:keys AS uuid[])) AS k ORDER BY k
""")
LAST_PART = text("SELECT COALESCE(max(part), 0) FROM action_released WHERE assignment_id = :assignment")
AMONG = text("SELECT claim_key FROM action_released WHERE claim_key = ANY (CAST(:keys AS uuid[]))")
LAST_REVOKED = text("""
    SELECT id FROM assignment_of_right WHERE participant_id = :participant AND revoked_at IS NOT NULL
    ORDER BY revoked_at DESC, id DESC LIMIT 1
""")
# People who took the right back lately, whose acts a file brought to a pool while they did.
LATE = text("""
    SELECT DISTINCT r.participant_id FROM assignment_of_right r
    JOIN action a ON a.participant_id = r.participant_id AND r.covers @> a.happened_at
    WHERE r.revoked_at >= :since AND a.credit = 'pooled' AND a.grams > 0
      AND NOT EXISTS (SELECT FROM action_released x WHERE x.claim_key = a.claim_key)
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
    LIMIT :limit
""")
