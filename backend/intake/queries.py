"""All SQL of intake. One chunk is one transaction: staged by COPY, stored and posted by a handful of statements."""

from __future__ import annotations

from sqlalchemy import text

STAGE = (
    # A chunk is sorted and joined as a whole; with the server's usual few megabytes it would go through files.
    "SET LOCAL work_mem = '256MB'",
    """
    CREATE TEMP TABLE IF NOT EXISTS intake_stage (
        line bigint, claim_key uuid, happened_at timestamptz, ended_at timestamptz, method_no smallint,
        means_token uuid, inputs jsonb, grams bigint, points bigint
    ) ON COMMIT DELETE ROWS
    """,
    """
    CREATE TEMP TABLE IF NOT EXISTS intake_put (
        per_participant boolean, participant_id uuid, method_id integer, day text, credit text,
        n bigint, grams bigint, points bigint
    ) ON COMMIT DELETE ROWS
    """,
)

# Sorted by key, so that two chunks that hold the same acts wait for each other in one order; by line within a key, so
# that of two rows that claim the same act the first one stands, in every run.
STORE = text("""
    WITH stored AS (
        INSERT INTO action (claim_key, happened_at, ended_at, source_id, method_id, means_token, participant_id,
                            inputs, grams, points, credit, job_id, seq, line)
        SELECT s.claim_key, s.happened_at, s.ended_at, :source, (CAST(:methods AS integer[]))[s.method_no + 1],
               s.means_token, h.participant_id, s.inputs, s.grams, s.points,
               CASE WHEN (CAST(:barriers AS text[]))[s.method_no + 1] IS NOT NULL
                        THEN (CAST(:barriers AS text[]))[s.method_no + 1]
                    WHEN h.participant_id IS NULL THEN 'unlinked'
                    WHEN r.participant_id IS NULL THEN 'right_not_assigned'
                    ELSE 'pooled' END,
               CAST(:job AS uuid), :seq, s.line
        FROM intake_stage s
        LEFT JOIN means_holder h ON h.token = s.means_token AND h.held @> s.happened_at
        LEFT JOIN right_assigned r ON r.participant_id = h.participant_id AND r.covers @> s.happened_at
        ORDER BY s.claim_key, s.line
        ON CONFLICT (claim_key) DO NOTHING
        RETURNING participant_id, method_id, credit, grams, points, left(claim_key::text, 8) AS day
    )
    INSERT INTO intake_put
    SELECT GROUPING(participant_id) = 0, participant_id, method_id, day, credit, count(*), sum(grams), sum(points)
    FROM stored
    GROUP BY GROUPING SETS ((participant_id), (method_id, day, credit))
""")

STORED = text("""
    SELECT method_id, to_char(date '1970-01-01' + ('x' || day)::bit(32)::integer, 'YYYY-MM') AS month, credit,
           sum(n)::bigint AS n, sum(grams)::bigint AS grams
    FROM intake_put WHERE NOT per_participant
    GROUP BY 1, 2, 3
""")

TOTALS = text("""
    SELECT COALESCE(sum(n), 0)::bigint AS accepted, COALESCE(sum(grams), 0)::bigint AS grams,
           COALESCE(sum(points) FILTER (WHERE participant_id IS NOT NULL), 0)::bigint AS points,
           COALESCE(sum(n) FILTER (WHERE participant_id IS NULL), 0)::bigint AS waiting
    FROM intake_put WHERE per_participant
""")

STAGED = text("SELECT count(*) FROM intake_stage")

# What stood in the way: the same act again from the same source, or somebody's other claim.
CLASHES = text("""
    WITH clash AS (
        SELECT s.*, a.source_id = :source AND a.happened_at = s.happened_at
                    AND a.ended_at IS NOT DISTINCT FROM s.ended_at AND a.means_token = s.means_token
                    AND a.inputs = s.inputs AS same
        FROM intake_stage s JOIN action a ON a.claim_key = s.claim_key
        WHERE (a.job_id, a.line) <> (CAST(:job AS uuid), s.line)
    ), kept AS (
        INSERT INTO intake_conflict (job_id, line, claim_key, act, seq)
        SELECT CAST(:job AS uuid), line, claim_key, to_jsonb(clash) - 'claim_key' - 'line' - 'same', :seq
        FROM clash WHERE NOT same
    )
    SELECT count(*) FILTER (WHERE same) AS duplicates, count(*) FILTER (WHERE NOT same) AS conflicts FROM clash
""")
OPEN_WALLETS = text("""
    SELECT count(*) FROM (
        SELECT ledger_open(array_agg(code), array_agg('wallet'::text), array_agg(CAST(:due AS date)))
        FROM (SELECT 'wallet:' || participant_id || :wallet_suffix AS code
              FROM intake_put WHERE per_participant AND participant_id IS NOT NULL AND points > 0) w
        HAVING count(*) > 0
    ) opened
""")

# Points net per wallet, debts first, and grams net per pool, in one posting call: accounts are locked in id order.
POST = text("""
    WITH earned AS (
        SELECT p.participant_id, p.points, d.id AS debt_id, LEAST(p.points, COALESCE(-d.balance, 0)) AS repaid
        FROM intake_put p
        LEFT JOIN ledger_account d ON d.guard = 'ceiling' AND d.balance < 0
            AND d.code = 'debt:' || p.participant_id || :debt_suffix
        WHERE p.per_participant AND p.participant_id IS NOT NULL AND p.points > 0
    ), moves AS (
        SELECT CAST(:points_posting AS uuid) AS posting, CAST(:issuer AS bigint) AS debit, w.id AS credit,
               e.points - e.repaid AS amount, 'points.earned' AS reason
        FROM earned e JOIN ledger_account w ON w.code = 'wallet:' || e.participant_id || :wallet_suffix
        WHERE e.points > e.repaid
        UNION ALL
        SELECT CAST(:points_posting AS uuid), CAST(:issuer AS bigint), debt_id, repaid, 'points.repaid'
        FROM earned WHERE repaid > 0
        UNION ALL
        SELECT CAST(:grams_posting AS uuid), CAST(:measured AS bigint), g.credit, g.amount, g.reason
        FROM unnest(CAST(:gram_accounts AS bigint[]), CAST(:gram_amounts AS bigint[]), CAST(:gram_reasons AS text[]))
            AS g(credit, amount, reason)
    ), numbered AS (
        SELECT *, row_number() OVER (PARTITION BY posting)::integer AS line FROM moves
    ), arrays AS (
        SELECT array_agg(posting) AS postings, array_agg(line) AS lines, array_agg(debit) AS debits,
               array_agg(credit) AS credits, array_agg(amount) AS amounts, array_agg(reason) AS reasons,
               array_agg(CAST(:happened AS timestamptz)) AS happened
        FROM numbered
    )
    SELECT p.posting_id, p.outcome FROM arrays a
    CROSS JOIN LATERAL ledger_post(a.postings, a.lines, a.debits, a.credits, a.amounts, a.reasons, a.happened) p
    WHERE a.postings IS NOT NULL
""")

ADD_CHUNK = text("""
    INSERT INTO intake_chunk (job_id, seq, first_line, last_line, received, accepted, duplicates, conflicts,
                              rejected, filtered, waiting, grams, points)
    VALUES (:job, :seq, :first_line, :last_line, :received, :accepted, :duplicates, :conflicts,
            :rejected, :filtered, :waiting, :grams, :points)
""")

ADD_REJECTIONS = text("""
    INSERT INTO intake_rejection (job_id, line, field, code, bound, seq)
    SELECT CAST(:job AS uuid), line, field, code, bound, :seq
    FROM unnest(CAST(:lines AS bigint[]), CAST(:fields AS text[]), CAST(:codes AS text[]), CAST(:bounds AS text[]))
        AS r(line, field, code, bound)
""")

OPEN_JOB = text("""
    INSERT INTO intake_job (id, source_id, file_name, file_sha256, mapping_sha256, started_at)
    VALUES (:id, :source, :file_name, :file_sha256, :mapping_sha256, :started_at)
    ON CONFLICT DO NOTHING
""")
UNFINISHED_JOB = text("""
    SELECT id FROM intake_job WHERE source_id = :source AND file_sha256 = :file_sha256
        AND mapping_sha256 = :mapping_sha256 AND finished_at IS NULL
""")
FINISH_JOB = text("UPDATE intake_job SET finished_at = :at WHERE id = :id")
LAST_CHUNK = text("""
    SELECT COALESCE(max(seq), 0) AS seq, COALESCE(max(last_line), 0) AS last_line
    FROM intake_chunk WHERE job_id = :job
""")
JOB_TOTALS = text("""
    SELECT COALESCE(sum(received), 0)::bigint AS received, COALESCE(sum(accepted), 0)::bigint AS accepted,
           COALESCE(sum(duplicates), 0)::bigint AS duplicates, COALESCE(sum(conflicts), 0)::bigint AS conflicts,
           COALESCE(sum(rejected), 0)::bigint AS rejected, COALESCE(sum(filtered), 0)::bigint AS filtered,
           COALESCE(sum(waiting), 0)::bigint AS waiting, COALESCE(sum(grams), 0)::bigint AS grams,
           COALESCE(sum(points), 0)::bigint AS points
    FROM intake_chunk WHERE job_id = :job
""")
JOBS = text("""
    SELECT j.id, s.code AS source, j.file_name, j.started_at, j.finished_at,
           COALESCE(sum(c.received), 0)::bigint AS received, COALESCE(sum(c.accepted), 0)::bigint AS accepted,
           COALESCE(sum(c.duplicates), 0)::bigint AS duplicates, COALESCE(sum(c.conflicts), 0)::bigint AS conflicts,
           COALESCE(sum(c.rejected), 0)::bigint AS rejected, COALESCE(sum(c.filtered), 0)::bigint AS filtered,
           COALESCE(sum(c.waiting), 0)::bigint AS waiting, COALESCE(sum(c.grams), 0)::bigint AS grams,
           COALESCE(sum(c.points), 0)::bigint AS points
    FROM intake_job j JOIN intake_source s ON s.id = j.source_id LEFT JOIN intake_chunk c ON c.job_id = j.id
    WHERE (CAST(:before AS timestamptz) IS NULL OR (j.started_at, j.id) < (:before, CAST(:before_id AS uuid)))
      AND (CAST(:sources AS text[]) IS NULL OR s.code = ANY(:sources))
    GROUP BY j.id, s.code ORDER BY j.started_at DESC, j.id DESC LIMIT :limit
""")
REFUSED_ROWS = text("""
    SELECT line, field, code, bound FROM intake_rejection WHERE job_id = :job
    UNION ALL
    SELECT line, '', 'conflict', '' FROM intake_conflict WHERE job_id = :job
    ORDER BY line
""")

ADD_SOURCE = text("""
    INSERT INTO intake_source (code, programme_id, partner_code, region, evidence, mapping, overlays, covered_boundary)
    VALUES (:code, :programme_id, :partner, :region, :evidence, :mapping, :overlays, :covered_boundary)
    ON CONFLICT (code) DO NOTHING
""")
SOURCES = text("""
    SELECT s.*, p.code AS programme FROM intake_source s JOIN programme p ON p.id = s.programme_id
    WHERE CAST(:code AS text) IS NULL OR s.code = :code ORDER BY s.code
""")
PARTITION = text("SELECT action_partition(CAST(:month AS date))")
PARTITION_EXISTS = text(
    "SELECT to_regclass('action_' || to_char(CAST(:month AS date), 'YYYY_MM')) IS NOT NULL"
)

_ACT = """
    SELECT a.claim_key, a.happened_at, a.ended_at, s.code AS source, p.code AS programme, s.region, s.evidence,
           s.overlays, a.method_id, m.methodology, m.activity, a.inputs, a.grams, a.points, a.credit, a.means_token,
           c.claimed_at, k.committed_at AS recorded_at, j.mapping_sha256
    FROM action a
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
    JOIN method_named m ON m.id = a.method_id
    JOIN intake_chunk k ON k.job_id = a.job_id AND k.seq = a.seq
    JOIN intake_job j ON j.id = a.job_id
    LEFT JOIN action_claim c ON c.claim_key = a.claim_key
"""
ACTS = text(
    "SELECT * FROM (("
    + _ACT
    + """
    WHERE a.participant_id = :participant
      AND (CAST(:at AS timestamptz) IS NULL OR (a.happened_at, a.claim_key) < (:at, CAST(:key AS uuid)))
    ORDER BY a.happened_at DESC, a.claim_key DESC LIMIT :limit) UNION ALL ("""
    + _ACT
    + """
    WHERE c.participant_id = :participant
      AND (CAST(:at AS timestamptz) IS NULL OR (a.happened_at, a.claim_key) < (:at, CAST(:key AS uuid)))
    ORDER BY a.happened_at DESC, a.claim_key DESC LIMIT :limit)) both_kinds
    ORDER BY happened_at DESC, claim_key DESC LIMIT :limit"""
)
ACT = text(
    _ACT
    + " WHERE a.claim_key = :key AND (a.participant_id = :participant OR c.participant_id = :participant)"
)
SUMS = text("""
    SELECT COALESCE(sum(grams), 0)::bigint AS grams, COALESCE(sum(points), 0)::bigint AS points, count(*) AS acts
    FROM (
        SELECT a.grams, a.points FROM action a
        WHERE a.participant_id = :participant AND a.happened_at >= :from AND a.happened_at < :before
        UNION ALL
        SELECT a.grams, c.points FROM action_claim c JOIN action a ON a.claim_key = c.claim_key
        WHERE c.participant_id = :participant AND a.happened_at >= :from AND a.happened_at < :before
    ) own
""")
CLAIM_WAITING = text("""
    WITH waiting AS (
        SELECT a.claim_key, a.points, a.grams, s.programme_id
        FROM action a
        JOIN means_holder h ON h.token = a.means_token AND h.held @> a.happened_at
        JOIN intake_source s ON s.id = a.source_id
        WHERE a.participant_id IS NULL AND a.means_token = CAST(:token AS uuid) AND h.participant_id = :participant
          AND a.happened_at >= :since
        ORDER BY a.claim_key
    ), taken AS (
        INSERT INTO action_claim (claim_key, participant_id, points, claim_id, claimed_at)
        SELECT claim_key, :participant, points, CAST(:claim AS uuid), :at FROM waiting
        ON CONFLICT (claim_key) DO NOTHING
        RETURNING claim_key, points
    )
    SELECT p.code AS programme, count(*) AS acts, sum(w.grams)::bigint AS grams, sum(t.points)::bigint AS points
    FROM taken t JOIN waiting w ON w.claim_key = t.claim_key JOIN programme p ON p.id = w.programme_id
    GROUP BY p.code ORDER BY p.code
""")
