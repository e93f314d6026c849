"""All SQL of what became of a batch."""

from __future__ import annotations

from sqlalchemy import text

BATCH = text("""
    SELECT j.id, s.code AS source, j.started_at, c.received, c.accepted, c.duplicates, c.conflicts, c.rejected, c.filtered,
           c.waiting, c.grams, c.points
    FROM intake_job j JOIN intake_source s ON s.id = j.source_id
    JOIN intake_chunk c ON c.job_id = j.id AND c.seq = 1
    WHERE j.id = :id AND s.partner_code = :partner AND j.file_name = 'batch.json'
""")

# Events that were not accepted at once, and what was decided of those that waited.
EVENTS = text("""
    SELECT line, outcome, code, field, bound, claim_key FROM (
        (SELECT r.line, 'rejected' AS outcome, r.code, r.field, r.bound, CAST(NULL AS uuid) AS claim_key
         FROM intake_rejection r WHERE r.job_id = :id AND r.line > :after ORDER BY r.line LIMIT :limit)
        UNION ALL
        (SELECT h.line, CASE d.outcome WHEN 'accepted' THEN 'accepted' WHEN 'refused' THEN 'rejected' ELSE 'conflict' END,
                CASE h.kind WHEN 'screen' THEN h.code ELSE h.kind END, '', h.bound, COALESCE(d.claim_key, h.claim_key)
         FROM intake_held h LEFT JOIN intake_decision d ON d.job_id = h.job_id AND d.line = h.line
         WHERE h.job_id = :id AND h.line > :after ORDER BY h.line LIMIT :limit)
    ) told ORDER BY line LIMIT :limit
""")
