"""All SQL of holding but that of its checks."""

from __future__ import annotations

from sqlalchemy import text

# One claim, one decision at a time; always in the order of the numbers, so that nobody waits in a circle.
LOCK_CLAIMS = text("""
    SELECT pg_advisory_xact_lock(7318018, n) FROM (
        SELECT DISTINCT hashtext(root::text) AS n FROM unnest(CAST(:roots AS uuid[])) AS k(root) ORDER BY 1
    ) ordered
""")
# Whoever links a means and whoever withdraws an act that waits for one come one after the other.
LOCK_MEANS = text("""
    SELECT pg_advisory_xact_lock(7318019, n) FROM (
        SELECT DISTINCT hashtext(token::text) AS n FROM unnest(CAST(:tokens AS uuid[])) AS k(token) ORDER BY 1
    ) ordered
""")

ROOTS = text("""
    SELECT k.claim_key, COALESCE(r.root, k.claim_key) AS root
    FROM unnest(CAST(:keys AS uuid[])) AS k(claim_key) LEFT JOIN action_revision r ON r.claim_key = k.claim_key
""")

_STORED = """
    SELECT a.claim_key, COALESCE(r.root, a.claim_key) AS root, a.job_id, a.seq, a.source_id, s.code AS source, s.evidence,
           p.code AS programme, j.mapping_sha256, a.method_id, a.means_token, a.participant_id, a.happened_at,
           a.ended_at, a.inputs, a.grams, COALESCE(c.points, a.points) AS points, a.credit,
           c.participant_id AS claimed_by, w.claim_key IS NOT NULL AS withdrawn, w.replaced_by
    FROM action a
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
    JOIN intake_job j ON j.id = a.job_id
    LEFT JOIN action_revision r ON r.claim_key = a.claim_key
    LEFT JOIN action_claim c ON c.claim_key = a.claim_key
    LEFT JOIN action_withdrawn w ON w.claim_key = a.claim_key
"""
STORED = text(_STORED + " WHERE a.claim_key = ANY (CAST(:keys AS uuid[])) ORDER BY a.claim_key")
# Every act that ever stood for these claims.
FAMILY = text(
    _STORED
    + """
    WHERE a.claim_key = ANY (CAST(:roots AS uuid[]))
       OR a.claim_key IN (SELECT claim_key FROM action_revision WHERE root = ANY (CAST(:roots AS uuid[])))
    ORDER BY a.claim_key
"""
)
# The act at the end of the chain of replacements that begins with a key; none when the last one was withdrawn.
LAST_OF_CHAIN = text("""
    WITH RECURSIVE chain AS (
        SELECT CAST(:key AS uuid) AS claim_key, 0 AS depth
        UNION ALL
        SELECT w.replaced_by, depth + 1 FROM chain JOIN action_withdrawn w ON w.claim_key = chain.claim_key
        WHERE w.replaced_by IS NOT NULL AND depth < 10000
    )
    SELECT claim_key FROM chain ORDER BY depth DESC LIMIT 1
""")
LAST_REVISION = text("SELECT COALESCE(max(number), 0) FROM action_revision WHERE root = :root")
ADD_REVISION = text(
    "INSERT INTO action_revision (claim_key, root, number) VALUES (:claim_key, :root, :number)"
)

ADD_WITHDRAWN = text("""
    INSERT INTO action_withdrawn (claim_key, cause, reference, replaced_by, withdrawn_at)
    SELECT claim_key, :cause, :reference, replaced_by, :at
    FROM unnest(CAST(:keys AS uuid[]), CAST(:replaced_by AS uuid[])) AS w(claim_key, replaced_by)
    ORDER BY claim_key
    ON CONFLICT (claim_key) DO NOTHING
    RETURNING claim_key
""")

ADD_JOB = text("""
    INSERT INTO intake_job (id, source_id, file_name, file_sha256, mapping_sha256, started_at, finished_at)
    VALUES (:id, :source, :file_name, :file_sha256, :mapping_sha256, :at, :at)
""")
ADD_ACTION = text("""
    INSERT INTO action (claim_key, happened_at, ended_at, source_id, method_id, means_token, participant_id,
                        inputs, grams, points, credit, job_id, seq, line)
    SELECT :claim_key, :happened_at, :ended_at, :source, :method, :token, h.participant_id,
           CAST(:inputs AS jsonb), :grams, :points,
           CASE WHEN CAST(:barrier AS text) IS NOT NULL THEN CAST(:barrier AS text)
                WHEN h.participant_id IS NULL THEN 'unlinked'
                WHEN r.participant_id IS NULL THEN 'right_not_assigned'
                ELSE 'pooled' END,
           :job, 1, 1
    FROM (SELECT CAST(:token AS uuid) AS token, CAST(:happened_at AS timestamptz) AS at) asked
    LEFT JOIN means_holder h ON h.token = asked.token AND h.held @> asked.at
    LEFT JOIN right_assigned r ON r.participant_id = h.participant_id AND r.covers @> asked.at AND upper_inf(r.covers)
    ON CONFLICT (claim_key) DO NOTHING
    RETURNING participant_id, credit
""")

REACHED = text("SELECT home_reached(CAST(:first AS date), CAST(:today AS date))")

ADD_HELD = text("""
    INSERT INTO intake_held (job_id, line, seq, kind, code, bound, claim_key, against, source_id, method_id, means_token,
                             participant_id, happened_at, ended_at, inputs, grams, points, barrier)
    SELECT CAST(:job AS uuid), line, :seq, kind, code, bound, claim_key, against, j.source_id, method_id, means_token,
           participant_id, happened_at, ended_at, CAST(inputs AS jsonb), grams, points, barrier
    FROM unnest(CAST(:lines AS bigint[]), CAST(:kinds AS text[]), CAST(:codes AS text[]), CAST(:bounds AS text[]),
                CAST(:claim_keys AS uuid[]), CAST(:againsts AS uuid[]), CAST(:methods AS integer[]),
                CAST(:tokens AS uuid[]), CAST(:participants AS uuid[]), CAST(:happened AS timestamptz[]),
                CAST(:ended AS timestamptz[]), CAST(:inputs AS text[]), CAST(:grams AS bigint[]),
                CAST(:points AS bigint[]), CAST(:barriers AS text[]))
        AS h(line, kind, code, bound, claim_key, against, method_id, means_token, participant_id, happened_at, ended_at,
             inputs, grams, points, barrier)
    JOIN intake_job j ON j.id = CAST(:job AS uuid)
""")

_HELD = """
    SELECT h.*, COALESCE(h.barrier = 'covered_boundary', false) AS covered, s.code AS source, s.evidence, p.code AS programme, p.operator_code AS operator, m.activity, m.methodology,
           j.mapping_sha256, k.committed_at AS received_at, d.id AS decision_id, d.outcome, d.by_rule, COALESCE(d.reason, '') AS reason,
           d.decided_at, d.claim_key AS accepted_key
    FROM intake_held h
    JOIN intake_source s ON s.id = h.source_id
    JOIN programme p ON p.id = s.programme_id
    JOIN method_named m ON m.id = h.method_id
    JOIN intake_job j ON j.id = h.job_id
    LEFT JOIN intake_chunk k ON k.job_id = h.job_id AND k.seq = h.seq
    LEFT JOIN intake_decision d ON d.job_id = h.job_id AND d.line = h.line
"""
HELD = text(_HELD + " WHERE h.job_id = :job AND h.line = :line")
HELD_LIST = text(
    _HELD
    + """
    WHERE p.code = ANY (CAST(:programmes AS text[]))
      AND (CAST(:kind AS text) IS NULL OR h.kind = :kind)
      AND (CAST(:code AS text) IS NULL OR h.code = :code)
      AND (CAST(:source AS text) IS NULL OR s.code = :source)
      AND (:decided OR d.job_id IS NULL)
      AND (CAST(:after_job AS uuid) IS NULL OR (h.job_id, h.line) > (CAST(:after_job AS uuid), CAST(:after_line AS bigint)))
    ORDER BY h.job_id, h.line LIMIT :limit
"""
)
HELD_BY_CLAIM = text(
    _HELD
    + " WHERE h.claim_key = :claim_key AND h.source_id = :source AND d.job_id IS NULL ORDER BY h.job_id, h.line"
)
# Undecided conflicts of a job; `even` where the act that a row stands against counts and is known as well as the row is.
OPEN_CONFLICTS = text("""
    SELECT h.line, b.evidence IS NOT DISTINCT FROM s.evidence AND w.claim_key IS NULL AS even
    FROM intake_held h
    JOIN intake_source s ON s.id = h.source_id
    LEFT JOIN action a ON a.claim_key = h.against
    LEFT JOIN intake_source b ON b.id = a.source_id
    LEFT JOIN action_withdrawn w ON w.claim_key = h.against
    WHERE h.job_id = :job AND h.kind IN ('claim', 'overlap') AND h.line > :after
      AND NOT EXISTS (SELECT FROM intake_decision d WHERE d.job_id = h.job_id AND d.line = h.line)
    ORDER BY h.line LIMIT :limit
""")
WHOSE_WAIT = text("""
    SELECT g.participant_id, count(*) AS acts
    FROM intake_held h JOIN means_holder g ON g.token = h.means_token AND g.held @> h.happened_at
    WHERE h.job_id = :job AND (CAST(:after AS uuid) IS NULL OR g.participant_id > :after)
      AND NOT EXISTS (SELECT FROM intake_decision d WHERE d.job_id = h.job_id AND d.line = h.line)
    GROUP BY g.participant_id ORDER BY g.participant_id LIMIT :limit
""")
ADD_DECISION = text("""
    INSERT INTO intake_decision (id, job_id, line, outcome, by_rule, staff_id, reason, claim_key, decided_at)
    VALUES (:id, :job, :line, :outcome, :by_rule, :staff, :reason, :claim_key, :at)
""")

CONFLICTS_BY_PAIR = text("""
    SELECT LEAST(own.code, other.code) AS source, GREATEST(own.code, other.code) AS other, h.kind, count(*) AS conflicts,
           count(*) FILTER (WHERE d.job_id IS NULL) AS waiting,
           count(*) FILTER (WHERE d.outcome = 'accepted') AS accepted,
           count(*) FILTER (WHERE d.outcome = 'refused') AS refused,
           count(*) FILTER (WHERE d.by_rule IS NOT NULL) AS by_rule,
           sum(h.grams)::bigint AS grams, max(h.happened_at) AS latest
    FROM intake_held h
    LEFT JOIN action a ON a.claim_key = h.against
    JOIN intake_source own ON own.id = h.source_id
    JOIN intake_source other ON other.id = COALESCE(a.source_id, h.source_id)
    JOIN programme p ON p.id = own.programme_id
    JOIN programme q ON q.id = other.programme_id
    LEFT JOIN intake_decision d ON d.job_id = h.job_id AND d.line = h.line
    WHERE h.kind IN ('claim', 'overlap')
      AND (p.code = ANY (CAST(:programmes AS text[])) OR q.code = ANY (CAST(:programmes AS text[])))
      AND h.happened_at >= :from AND h.happened_at < :before
    GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
""")
# What else of one participant stands in the way of a trip that is to be accepted: from other sources, at the same time,
# by one of these activities. An act without an end is a moment.
MEANWHILE = text(
    _STORED
    + """
    JOIN method_named m ON m.id = a.method_id
    WHERE a.participant_id = :participant AND w.claim_key IS NULL AND a.source_id <> :source
      AND m.activity = ANY (CAST(:activities AS text[]))
      AND a.happened_at < :ended AND COALESCE(a.ended_at, a.happened_at) > :happened
      AND a.happened_at > CAST(:happened AS timestamptz) - interval '2 days'
    ORDER BY a.claim_key
"""
)
ACTIVITIES = text("SELECT id, activity FROM method_named WHERE id = ANY (CAST(:methods AS integer[]))")
HOLDER = text(
    "SELECT participant_id FROM means_holder WHERE token = :token AND held @> CAST(:at AS timestamptz)"
)
# Whether the holder had said no to this scenario when it happened; false where nobody held the means.
SAID_NO = text("""
    SELECT EXISTS (
        SELECT FROM consent_withdrawn w
        WHERE w.participant_id = CAST(:participant AS uuid) AND w.scenario = :scenario
          AND w.low <= CAST(:at AS timestamptz) AND CAST(:at AS timestamptz) < w.high)
""")

HAD_LEFT = text("""
    SELECT EXISTS (
        SELECT FROM programme_left l JOIN intake_source s ON s.programme_id = l.programme_id
        WHERE s.id = :source AND l.participant_id = CAST(:participant AS uuid)
          AND l.low <= CAST(:at AS timestamptz) AND CAST(:at AS timestamptz) < l.high)
""")

CORRECTION = text("""
    SELECT id, replaced_by FROM intake_correction
    WHERE source_id = :source AND asked_key = :key AND facts_sha256 = :digest
""")
ADD_CORRECTION = text("""
    INSERT INTO intake_correction (id, source_id, kind, staff_id, asked_key, withdrew, held_job_id, held_line, replaced_by,
                                   facts_sha256, reason, corrected_at)
    VALUES (:id, :source, :kind, :staff, :asked_key, :withdrew, :held_job, :held_line, :replaced_by, :digest, :reason, :at)
""")

# A citizen's own rows that are not acts: known by whoever held the means then, also when it was linked later.
_OWN = """
    LEFT JOIN intake_appeal p2 ON p2.held_job_id = h.job_id AND p2.held_line = h.line
    LEFT JOIN intake_appeal_answer n ON n.appeal_id = p2.id
    WHERE (h.participant_id = ANY (CAST(:people AS uuid[])) OR h.participant_id IS NULL AND EXISTS (
              SELECT FROM means_holder m2 WHERE m2.token = h.means_token AND m2.held @> h.happened_at
                  AND m2.participant_id = ANY (CAST(:people AS uuid[]))))
"""
OWN_HELD = text(
    _HELD.replace("SELECT h.*,", "SELECT h.*, p2.id AS appeal_id, n.outcome AS appeal_outcome,")
    + _OWN
    + """
      AND d.outcome IS DISTINCT FROM 'accepted'
      AND (CAST(:at AS timestamptz) IS NULL
           OR (h.happened_at, h.job_id, h.line) < (:at, CAST(:after_job AS uuid), CAST(:after_line AS bigint)))
    ORDER BY h.happened_at DESC, h.job_id DESC, h.line DESC LIMIT :limit
"""
)
OWN_HELD_ONE = text(
    _HELD.replace("SELECT h.*,", "SELECT h.*, p2.id AS appeal_id, n.outcome AS appeal_outcome,")
    + _OWN
    + " AND h.job_id = :job AND h.line = :line"
)

_APPEAL = """
    SELECT p.id, p.participant_id, p.held_job_id, p.held_line, p.claim_key, p.words, p.due_on, p.appealed_at,
           n.outcome, n.staff_id, COALESCE(n.reason, '') AS reason, n.accepted_key, n.answered_at, g.code AS programme,
           m.activity, COALESCE(h.kind, w.cause) AS kind, COALESCE(h.code, '') AS code,
           COALESCE(h.happened_at, a.happened_at) AS happened_at
    FROM intake_appeal p
    LEFT JOIN intake_appeal_answer n ON n.appeal_id = p.id
    LEFT JOIN intake_held h ON h.job_id = p.held_job_id AND h.line = p.held_line
    LEFT JOIN action a ON a.claim_key = p.claim_key
    LEFT JOIN action_withdrawn w ON w.claim_key = p.claim_key
    JOIN intake_source s ON s.id = COALESCE(h.source_id, a.source_id)
    JOIN programme g ON g.id = s.programme_id
    JOIN method_named m ON m.id = COALESCE(h.method_id, a.method_id)
"""
APPEAL = text(_APPEAL + " WHERE p.id = :id")
APPEAL_OF = text(
    _APPEAL
    + """
    WHERE p.held_job_id = CAST(:job AS uuid) AND p.held_line = CAST(:line AS bigint) OR p.claim_key = CAST(:key AS uuid)
"""
)
OWN_APPEALS = text(
    _APPEAL
    + """
    WHERE p.participant_id = ANY (CAST(:people AS uuid[]))
      AND (CAST(:at AS timestamptz) IS NULL OR (p.appealed_at, p.id) < (:at, CAST(:after AS uuid)))
    ORDER BY p.appealed_at DESC, p.id DESC LIMIT :limit
"""
)
# The one that must be answered first comes first.
APPEALS = text(
    _APPEAL
    + """
    WHERE g.code = ANY (CAST(:programmes AS text[])) AND (:answered OR n.appeal_id IS NULL)
      AND (CAST(:due AS date) IS NULL OR (p.due_on, p.id) > (CAST(:due AS date), CAST(:after AS uuid)))
    ORDER BY p.due_on, p.id LIMIT :limit
"""
)
ADD_APPEAL = text("""
    INSERT INTO intake_appeal (id, participant_id, held_job_id, held_line, claim_key, words, due_on, appealed_at)
    VALUES (:id, :participant, :job, :line, :key, :words, :due_on, :at)
""")
ADD_ANSWER = text("""
    INSERT INTO intake_appeal_answer (appeal_id, outcome, staff_id, reason, accepted_key, answered_at)
    VALUES (:id, :outcome, :staff, :reason, :accepted_key, :at)
""")
WITHDRAWN_AT = text("SELECT withdrawn_at FROM action_withdrawn WHERE claim_key = :key")
OPEN_APPEAL = text("""
    SELECT p.id FROM intake_appeal p
    WHERE p.held_job_id = :job AND p.held_line = :line
      AND NOT EXISTS (SELECT FROM intake_appeal_answer n WHERE n.appeal_id = p.id)
""")
EARNED_BEFORE = text("""
    SELECT COALESCE(sum(a.points), 0)::bigint AS points, count(*) AS acts
    FROM action a
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
    JOIN method_named m ON m.id = a.method_id
    WHERE a.participant_id = :participant AND a.happened_at >= :from AND a.happened_at < :before AND a.points > 0
      AND p.code = :programme
      AND (CAST(:activities AS text[]) IS NULL OR m.activity = ANY (CAST(:activities AS text[])))
      AND NOT (a.claim_key = ANY (CAST(:without AS uuid[])))
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
""")
ADD_TRIMMED = text("INSERT INTO action_trimmed (claim_key, cap, points) VALUES (:claim_key, :cap, :points)")
