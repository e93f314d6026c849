"""All SQL of certification but that of its checks."""

from __future__ import annotations

from sqlalchemy import text

# One series, one writer: closing, findings, statements and issuance of it come one after the other.
LOCK = text("SELECT pg_advisory_xact_lock(7318015, hashtext(:series))")

_BATCH = """
    SELECT b.*, o.code AS operator, r.sha256 AS report_sha256, c.certified_at, v.organisation_id AS body_id,
           w.code AS body, s.revision, i.issued_at
    FROM batch b
    JOIN organisation o ON o.id = b.operator_id
    JOIN batch_report r ON r.batch_id = b.id
    LEFT JOIN batch_report_certified c ON c.batch_id = b.id
    LEFT JOIN LATERAL (SELECT a.organisation_id FROM batch_assignment a WHERE a.batch_id = b.id
                       ORDER BY a.number DESC LIMIT 1) v ON true
    LEFT JOIN organisation w ON w.id = v.organisation_id
    LEFT JOIN LATERAL (SELECT max(t.revision) AS revision FROM batch_statement t WHERE t.batch_id = b.id) s ON true
    LEFT JOIN batch_issuance i ON i.batch_id = b.id
"""
BATCH = text(_BATCH + " WHERE b.id = :id")
BATCHES = text(
    _BATCH
    + """
    WHERE (CAST(:operator AS uuid) IS NULL OR b.operator_id = :operator)
      AND (CAST(:body AS uuid) IS NULL OR v.organisation_id = :body)
      AND (CAST(:project AS text) IS NULL OR b.project = :project)
      AND (CAST(:at AS timestamptz) IS NULL OR (b.closed_at, b.id) < (:at, CAST(:id AS uuid)))
    ORDER BY b.closed_at DESC, b.id DESC LIMIT :limit
"""
)
LAST_OF_SERIES = text(
    _BATCH
    + """
    WHERE b.project = :project AND b.methodology = :methodology AND b.vintage_year = :vintage_year AND b.demo = :demo
    ORDER BY b.sequence DESC LIMIT 1
"""
)
AFTER = text(_BATCH + " WHERE b.previous_id = :id")
SERIES = text("""
    SELECT DISTINCT project, methodology, vintage_year, demo FROM batch
    WHERE CAST(:operator AS uuid) IS NULL OR operator_id = :operator ORDER BY 1, 2, 3, 4
""")
ADD_BATCH = text("""
    INSERT INTO batch (id, project, methodology, vintage_year, demo, sequence, previous_id, region, operator_id,
                       first_month, last_month, benefit_split, benefit_split_published_on, acts, frozen_g, frozen_root,
                       carry_in_g, log_index, closed_by, closed_at)
    VALUES (:id, :project, :methodology, :vintage_year, :demo, :sequence, :previous_id, :region, :operator_id,
            :first_month, :last_month, :benefit_split, :benefit_split_published_on, :acts, :frozen_g, :frozen_root,
            :carry_in_g, :log_index, :closed_by, :closed_at)
""")

# Positional, for the driver's own cursor: what the chunks brought and no batch holds yet, in the order of the keys.
UNFROZEN = """
    SELECT a.claim_key, a.method_id, a.source_id, a.inputs::text, a.grams
    FROM action a
    JOIN unnest($1::uuid[], $2::integer[], $3::integer[], $4::uuid[], $5::uuid[])
        AS h(job_id, seq, method_id, low, high)
        ON h.job_id = a.job_id AND h.seq = a.seq AND h.method_id = a.method_id
       AND a.claim_key >= h.low AND a.claim_key < h.high
    WHERE a.claim_key >= $6::uuid AND a.claim_key < $7::uuid AND a.credit = 'pooled' AND a.grams > 0
      AND NOT EXISTS (SELECT FROM batch_leaf l WHERE l.claim_key = a.claim_key)
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
      AND NOT EXISTS (SELECT FROM action_released x WHERE x.claim_key = a.claim_key)
    ORDER BY a.claim_key
"""
LEAF_COLUMNS = ("batch_id", "position", "claim_key", "day", "region", "digest", "grams")
NODE_COLUMNS = ("batch_id", "revision", "level", "number", "hash", "grams", "from_gram")
LEAVES = "SELECT digest, grams FROM batch_leaf WHERE batch_id = $1 ORDER BY position"
LEAVES_BETWEEN = text("""
    SELECT position, digest, grams FROM batch_leaf
    WHERE batch_id = :batch AND position BETWEEN :low AND :high ORDER BY position
""")
LEAF_OF_ACT = text(
    "SELECT batch_id, position, day, region, digest, grams FROM batch_leaf WHERE claim_key = :key"
)
ACT_AT = text("""
    SELECT l.position, l.day, l.grams AS frozen_g, a.happened_at, a.ended_at, a.inputs, a.method_id, a.source_id,
           a.line, j.file_name, j.file_sha256
    FROM batch_leaf l
    JOIN action a ON a.claim_key = l.claim_key
    JOIN intake_job j ON j.id = a.job_id
    WHERE l.batch_id = :batch AND l.position = :position
""")
ACT_BY_KEY = text("""
    SELECT claim_key, participant_id, inputs, grams, method_id, source_id FROM action
    WHERE claim_key = :key AND participant_id = ANY (CAST(:people AS uuid[]))
""")

CHUNK_AT_GRAM = text("""
    SELECT number FROM batch_node
    WHERE batch_id = :batch AND revision = :revision AND level = 8 AND from_gram <= :gram
    ORDER BY from_gram DESC LIMIT 1
""")
NODES = text("""
    SELECT n.level, n.number, n.hash, n.grams
    FROM unnest(CAST(:levels AS integer[]), CAST(:numbers AS integer[])) AS w(level, number)
    JOIN batch_node n ON n.batch_id = :batch AND n.revision = :revision AND n.level = w.level AND n.number = w.number
""")

# What a batch is made of, group by group: for its report and for the question whether all of it rests on filings.
GROUPS = text("""
    SELECT a.method_id, a.source_id, l.day, l.region, count(*) AS acts, sum(l.grams)::bigint AS grams
    FROM batch_leaf l JOIN action a ON a.claim_key = l.claim_key
    WHERE l.batch_id = :batch AND a.claim_key >= :low AND a.claim_key < :high
      AND l.position < :kept_acts AND NOT (l.position = ANY (CAST(:dropped AS integer[])))
    GROUP BY 1, 2, 3, 4 ORDER BY 3, 4, 1, 2
""")
ADD_REPORT = text("INSERT INTO batch_report (batch_id, sha256, document) VALUES (:batch, :sha256, :document)")
REPORT = text("SELECT batch_id, sha256, document FROM batch_report WHERE batch_id = :batch")
CERTIFY = text("""
    INSERT INTO batch_report_certified
        (batch_id, report_sha256, act_id, organisation_id, proposed_by, approved_by, certified_at)
    VALUES (:batch, :report_sha256, :act_id, :organisation_id, :proposed_by, :approved_by, :certified_at)
""")

ASSIGN = text("""
    INSERT INTO batch_assignment (batch_id, number, organisation_id, assigned_by, assigned_at)
    SELECT :batch, COALESCE(max(number), 0) + 1, :organisation, :by, :at
    FROM batch_assignment WHERE batch_id = :batch
""")
BEGUN = text("""
    SELECT EXISTS (SELECT FROM batch_sample WHERE batch_id = :batch)
        OR EXISTS (SELECT FROM batch_finding WHERE batch_id = :batch)
        OR EXISTS (SELECT FROM batch_statement WHERE batch_id = :batch)
""")

ADD_SAMPLE = text("""
    INSERT INTO batch_sample (batch_id, number, seed, draws, drawn_by, drawn_at)
    VALUES (:batch, :number, :seed, :draws, :by, :at)
""")
ADD_DRAWS = text("""
    INSERT INTO batch_draw (batch_id, sample, draw, gram, position)
    SELECT :batch, :number, u.draw, u.gram, u.position
    FROM unnest(CAST(:grams AS bigint[]), CAST(:positions AS integer[])) WITH ORDINALITY AS u(gram, position, draw)
""")
SAMPLES = text("""
    SELECT s.number, s.seed, s.drawn_by, s.drawn_at, d.draw, d.gram, d.position
    FROM batch_sample s JOIN batch_draw d ON d.batch_id = s.batch_id AND d.sample = s.number
    WHERE s.batch_id = :batch ORDER BY s.number, d.draw
""")
DRAWN = text("""
    SELECT d.position, l.grams FROM batch_draw d JOIN batch_leaf l ON l.batch_id = d.batch_id AND l.position = d.position
    WHERE d.batch_id = :batch ORDER BY d.sample, d.draw
""")
LAST_SAMPLE = text("SELECT COALESCE(max(number), 0) FROM batch_sample WHERE batch_id = :batch")

ADD_FINDING = text("""
    INSERT INTO batch_finding (batch_id, number, position, keeps_g, reason, remark, found_by, found_at)
    SELECT :batch, COALESCE(max(number), 0) + 1, :position, :keeps_g, :reason, :remark, :by, :at
    FROM batch_finding WHERE batch_id = :batch RETURNING number
""")
# Frozen acts that were withdrawn keep nothing; whoever states finds so.
STRIKE = text("""
    INSERT INTO batch_finding (batch_id, number, position, keeps_g, reason, remark, found_by, found_at)
    SELECT l.batch_id,
           COALESCE((SELECT max(f.number) FROM batch_finding f WHERE f.batch_id = :batch), 0)
               + row_number() OVER (ORDER BY l.position),
           l.position, 0, :reason, w.cause, :by, :at
    FROM batch_leaf l JOIN action_withdrawn w ON w.claim_key = l.claim_key
    WHERE l.batch_id = :batch
      AND COALESCE((SELECT f.keeps_g FROM batch_finding f WHERE f.batch_id = l.batch_id AND f.position = l.position
                    ORDER BY f.number DESC LIMIT 1), l.grams) > 0
""")
WITHDRAWN_AT = text("""
    SELECT EXISTS (SELECT FROM batch_leaf l JOIN action_withdrawn w ON w.claim_key = l.claim_key
                   WHERE l.batch_id = :batch AND l.position = :position)
""")
FINDINGS = text("""
    SELECT f.number, f.position, l.grams AS frozen_g, f.keeps_g, f.reason, f.remark, f.found_by, f.found_at
    FROM batch_finding f JOIN batch_leaf l ON l.batch_id = f.batch_id AND l.position = f.position
    WHERE f.batch_id = :batch AND (CAST(:until AS integer) IS NULL OR f.number <= :until) ORDER BY f.number
""")

ADD_STATEMENT = text("""
    INSERT INTO batch_statement (batch_id, revision, organisation_id, findings, rejected_g, deducted_g, kept_acts,
        last_keeps_g, verified_g, certified_root, certified_leaves, certified_g, sha256, document, log_index,
        issued_by, issued_at)
    VALUES (:batch, :revision, :organisation_id, :findings, :rejected_g, :deducted_g, :kept_acts,
        :last_keeps_g, :verified_g, :certified_root, :certified_leaves, :certified_g, :sha256, :document, :log_index,
        :issued_by, :issued_at)
""")
STATEMENTS = text("""
    SELECT s.batch_id, s.revision, s.organisation_id AS body_id, o.code AS body, s.findings, s.rejected_g, s.deducted_g,
           COALESCE(c.grams, 0) AS corrections_g, s.kept_acts, s.last_keeps_g, s.verified_g, s.certified_root, s.certified_leaves, s.certified_g, s.sha256,
           s.document, s.log_index, s.issued_by, s.issued_at
    FROM batch_statement s JOIN organisation o ON o.id = s.organisation_id
    LEFT JOIN certification_correction c ON c.batch_id = s.batch_id AND c.revision = s.revision
    WHERE s.batch_id = :batch AND (CAST(:revision AS integer) IS NULL OR s.revision = :revision)
    ORDER BY s.revision
""")

ISSUE = text("""
    INSERT INTO batch_issuance (batch_id, revision, act_id, book, first_serial, quantity_t, carry_out_g, owner_id,
                                proposed_by, approved_by, log_index, issued_at)
    VALUES (:batch, :revision, :act_id, :book, :first_serial, :quantity_t, :carry_out_g, :owner_id,
            :proposed_by, :approved_by, :log_index, :issued_at)
""")
_ISSUANCE = """
    SELECT i.batch_id, i.revision, i.act_id, i.book, i.first_serial, i.quantity_t, i.carry_out_g, i.owner_id,
           o.code AS owner, i.proposed_by, i.approved_by, i.log_index, i.issued_at
    FROM batch_issuance i JOIN organisation o ON o.id = i.owner_id
"""
ISSUANCE = text(_ISSUANCE + " WHERE i.batch_id = :batch")
ISSUANCE_OF_SERIAL = text(
    _ISSUANCE
    + """
    WHERE i.book = :book AND i.first_serial <= :number AND :number < i.first_serial + i.quantity_t
"""
)

# The certified acts by day; `keeps` are the grams of those that do not keep all of theirs.
CERTIFIED_DAYS = text("""
    SELECT l.day, array_agg(DISTINCT l.region ORDER BY l.region) AS regions, count(*) AS acts,
           sum(COALESCE(k.keeps, l.grams))::bigint AS grams
    FROM batch_leaf l
    LEFT JOIN unnest(CAST(:positions AS integer[]), CAST(:keeps AS bigint[])) AS k(position, keeps)
        ON k.position = l.position
    WHERE l.batch_id = :batch AND l.position < :kept_acts AND COALESCE(k.keeps, l.grams) > 0
    GROUP BY l.day ORDER BY l.day
""")

# Where a participant's grams are. Acts that waited for their means are theirs since they were claimed.
_OWN = """
    WITH own AS (
        SELECT a.claim_key, a.grams, a.credit FROM action a WHERE a.participant_id = ANY (CAST(:people AS uuid[]))
        UNION ALL
        SELECT a.claim_key, a.grams, a.credit FROM action_claim c JOIN action a ON a.claim_key = c.claim_key
        WHERE c.participant_id = ANY (CAST(:people AS uuid[]))
    )
"""
GRAMS_OUTSIDE = text(
    _OWN
    + """
    SELECT state, because, count(*) AS acts, sum(grams)::bigint AS grams FROM (
        SELECT own.grams,
               CASE WHEN w.claim_key IS NOT NULL THEN 'withdrawn'
                    WHEN x.claim_key IS NOT NULL OR own.credit <> 'pooled' THEN 'uncredited' ELSE 'pooled' END AS state,
               CASE WHEN w.claim_key IS NOT NULL THEN NULL WHEN x.claim_key IS NOT NULL THEN 'right_revoked'
                    WHEN own.credit <> 'pooled' THEN own.credit END AS because
        FROM own
        LEFT JOIN action_withdrawn w ON w.claim_key = own.claim_key
        LEFT JOIN action_released x ON x.claim_key = own.claim_key
        WHERE NOT EXISTS (SELECT FROM batch_leaf l WHERE l.claim_key = own.claim_key)
    ) found
    GROUP BY state, because ORDER BY state, because
"""
)
LEAVES_OF = text(
    _OWN
    + """
    SELECT l.batch_id, l.position, l.grams FROM own JOIN batch_leaf l ON l.claim_key = own.claim_key
    ORDER BY l.batch_id, l.position
"""
)
STARTS = text("""
    SELECT w.position, n.from_gram + COALESCE((
        SELECT sum(COALESCE(k.grams, l.grams)) FROM batch_leaf l
        LEFT JOIN unnest(CAST(:kept_positions AS integer[]), CAST(:kept_grams AS bigint[])) AS k(position, grams)
            ON k.position = l.position
        WHERE l.batch_id = :batch AND l.position >= w.first AND l.position < w.position), 0)::bigint AS start_g
    FROM unnest(CAST(:positions AS integer[]), CAST(:chunks AS integer[]), CAST(:firsts AS integer[]))
        AS w(position, chunk, first)
    JOIN batch_node n ON n.batch_id = :batch AND n.revision = :revision AND n.level = :level AND n.number = w.chunk
""")
