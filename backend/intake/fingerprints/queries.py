"""All SQL about exchanges of fingerprints. An act that is withdrawn is nobody's to compare."""

from __future__ import annotations

from sqlalchemy import text

ACTS = text("""
    SELECT a.claim_key, a.happened_at, a.means_token, COALESCE(a.participant_id, c.participant_id) AS participant_id,
           m.activity
    FROM action a
    JOIN method_named m ON m.id = a.method_id
    LEFT JOIN action_claim c ON c.claim_key = a.claim_key
    WHERE a.claim_key >= CAST(:low AS uuid) AND a.claim_key < CAST(:high AS uuid)
      AND m.activity = ANY(CAST(:activities AS text[]))
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
    ORDER BY a.claim_key
""")

ADD_MATCH = text("""
    INSERT INTO fingerprint_match (id, exchange, platform, agreement, agreement_sha256, file_sha256, bits, acts, probes,
                                   theirs, matched, noted, matched_at)
    VALUES (:id, :exchange, :platform, CAST(:agreement AS jsonb), :agreement_sha256, :file_sha256, :bits, :acts,
            :probes, :theirs, :matched, :noted, :at)
""")

KNOWN = text("""
    SELECT claim_key FROM external_claim
    WHERE platform = :platform AND claim_key = ANY(CAST(:keys AS uuid[]))
""")

ADD_CLAIMS = text("""
    INSERT INTO external_claim (claim_key, platform, match_id, beside)
    SELECT claim_key, :platform, :match, beside
    FROM unnest(CAST(:keys AS uuid[]), CAST(:beside AS boolean[])) AS found (claim_key, beside)
    ORDER BY claim_key
""")

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('external-claims/' || :platform, 0))")

_CLAIM = """
    SELECT e.claim_key, e.platform, e.beside, e.match_id, x.exchange, x.matched_at, x.bits, x.acts, x.probes, x.theirs,
           x.matched, a.happened_at, a.ended_at, a.grams, a.points, m.activity, s.code AS source, p.code AS programme,
           d.outcome, d.reason, d.staff_id, d.decided_at,
           EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = e.claim_key) AS withdrawn
    FROM external_claim e
    JOIN fingerprint_match x ON x.id = e.match_id
    JOIN action a ON a.claim_key = e.claim_key
    JOIN method_named m ON m.id = a.method_id
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
    LEFT JOIN external_claim_decision d ON d.claim_key = e.claim_key AND d.platform = e.platform
"""

CLAIMS = text(
    _CLAIM
    + """
    WHERE p.code = ANY(CAST(:programmes AS text[]))
      AND (CAST(:platform AS text) IS NULL OR e.platform = :platform)
      AND (:decided OR d.id IS NULL)
      AND (CAST(:after_key AS uuid) IS NULL OR (e.claim_key, e.platform) > (CAST(:after_key AS uuid), :after_platform))
    ORDER BY e.claim_key, e.platform LIMIT :limit
"""
)

CLAIM = text(_CLAIM + " WHERE e.claim_key = :key AND e.platform = :platform")

ADD_DECISION = text("""
    INSERT INTO external_claim_decision (id, claim_key, platform, outcome, staff_id, reason, decided_at)
    VALUES (:id, :key, :platform, :outcome, :staff, :reason, :at)
    ON CONFLICT (claim_key, platform) DO NOTHING
    RETURNING id
""")
