"""All SQL of intake. One chunk is one transaction: planned on columns, stored by COPY, posted by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import text

STAGE = (
    # A chunk is sorted and joined as a whole; with the server's usual few megabytes it would go through files.
    "SET LOCAL work_mem = '256MB'",
    "CREATE TEMP TABLE IF NOT EXISTS intake_means (n integer, token uuid) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS intake_people (participant_id uuid) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS intake_devices (device uuid) ON COMMIT DELETE ROWS",
    "CREATE TEMP TABLE IF NOT EXISTS intake_put (participant_id uuid, points bigint) ON COMMIT DELETE ROWS",
    """
    CREATE TEMP TABLE IF NOT EXISTS intake_stage (
        n integer, claim_key uuid, happened_at timestamptz, ended_at timestamptz, means_token uuid, inputs jsonb
    ) ON COMMIT DELETE ROWS
    """,
)
CLEAR = tuple(f"TRUNCATE intake_{name}" for name in ("means", "people", "devices", "put", "stage"))

# COPY answers these, so they are plain statements; what they yield is of fixed width and never NULL.
HOLDERS = """
    SELECT t.n, COALESCE(lower(h.held), '-infinity') AS low, COALESCE(upper(h.held), 'infinity') AS high,
           h.participant_id
    FROM intake_means t JOIN means_holder h ON h.token = t.token
    ORDER BY t.n
"""
RIGHTS = """
    SELECT t.n, COALESCE(lower(h.held * r.covers), '-infinity') AS low,
           COALESCE(upper(h.held * r.covers), 'infinity') AS high
    FROM intake_means t
    JOIN means_holder h ON h.token = t.token
    JOIN right_assigned r ON r.participant_id = h.participant_id AND r.covers && h.held AND upper_inf(r.covers)
    ORDER BY t.n
"""
# Whether anybody said no to a scenario at all, and for which means of the chunk, which scenario, from when until when.
ANY_WITHDRAWN = text("SELECT EXISTS (SELECT FROM consent_event WHERE NOT given)")
WITHDRAWN_CONSENTS = """
    SELECT t.n, array_position($1::text[], w.scenario) - 1 AS scenario, greatest(w.low, COALESCE(lower(h.held), '-infinity')) AS low,
           least(w.high, COALESCE(upper(h.held), 'infinity')) AS high
    FROM consent_withdrawn w
    JOIN means_holding h ON h.participant_id = w.participant_id
    JOIN means m ON m.id = h.means_id
    JOIN intake_means t ON t.token = m.token
    WHERE w.scenario = ANY ($1::text[]) AND w.low < COALESCE(upper(h.held), 'infinity') AND w.high > COALESCE(lower(h.held), '-infinity')
    ORDER BY t.n
"""
ANY_LEFT = text("""
    SELECT EXISTS (SELECT FROM programme_step p JOIN intake_source s ON s.programme_id = p.programme_id
                   WHERE s.id = :source AND p.step = 'left')
""")
LEFT = """
    SELECT t.n, greatest(w.low, COALESCE(lower(h.held), '-infinity')) AS low,
           least(w.high, COALESCE(upper(h.held), 'infinity')) AS high
    FROM programme_left w
    JOIN intake_source s ON s.programme_id = w.programme_id AND s.id = $1::integer
    JOIN means_holding h ON h.participant_id = w.participant_id
    JOIN means m ON m.id = h.means_id
    JOIN intake_means t ON t.token = m.token
    WHERE w.low < COALESCE(upper(h.held), 'infinity') AND w.high > COALESCE(lower(h.held), '-infinity')
    ORDER BY t.n
"""
CLAIMED = text("SELECT EXISTS (SELECT FROM action WHERE claim_key = ANY(CAST(:keys AS uuid[])))")

# What stands in the way: the same act again from the same source, as it was first or as it was revised; or another claim.
STANDING = """
    SELECT s.n, (a.source_id = $1 AND a.happened_at = s.happened_at
                 AND a.ended_at IS NOT DISTINCT FROM s.ended_at AND a.means_token = s.means_token
                 AND a.inputs = s.inputs
                 OR EXISTS (SELECT FROM action_revision r JOIN action b ON b.claim_key = r.claim_key
                            WHERE r.root = s.claim_key AND b.source_id = $1 AND b.happened_at = s.happened_at
                              AND b.ended_at IS NOT DISTINCT FROM s.ended_at AND b.means_token = s.means_token
                              AND b.inputs = s.inputs))::integer AS same
    FROM intake_stage s JOIN action a ON a.claim_key = s.claim_key
"""
HELD_BEFORE = text("""
    SELECT claim_key, (extract(epoch FROM happened_at) * 1000000)::bigint AS happened_us,
           COALESCE((extract(epoch FROM ended_at) * 1000000)::bigint, -9223372036854775808) AS ended_us,
           means_token, inputs
    FROM intake_held
    WHERE source_id = :source AND claim_key >= CAST(:low AS uuid) AND claim_key <= CAST(:high AS uuid)
""")

METHOD_ACTIVITIES = text("SELECT id, activity FROM method_named")
SOURCE_PROGRAMMES = text("SELECT id, programme_id FROM intake_source")
SNAPSHOT = text("SELECT pg_current_snapshot()::text")
# Chunks are confirmed one by one, in this lock's order: whoever comes next sees what the one before committed.
CONFIRM = text("SELECT pg_advisory_xact_lock(7318016)")
CONFIRMED_SINCE = text("""
    SELECT DISTINCT xid::text::bigint FROM intake_chunk
    WHERE xid >= pg_snapshot_xmin(CAST(CAST(:snapshot AS text) AS pg_snapshot))
      AND NOT pg_visible_in_snapshot(xid, CAST(CAST(:snapshot AS text) AS pg_snapshot)) AND xid <> pg_current_xact_id()
""")
_SEEN = ("from_lat_e7", "from_lon_e7", "to_lat_e7", "to_lon_e7")
_NIL = "'00000000-0000-0000-0000-000000000000'"


def history(*, by: Literal["people", "devices"], seen: bool, since: Sequence[int] | None) -> str:
    """Counting acts with keys in [$1, $2) that began in [$3, $4) (microseconds), of `intake_people` or on `intake_devices`.

    `seen` adds coordinates and devices; `since` names the only transactions whose acts are looked for.
    """
    within = """
        a.claim_key >= $1::uuid AND a.claim_key < $2::uuid
        AND a.happened_at >= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
        AND a.happened_at < timestamptz 'epoch' + $4::bigint * interval '1 microsecond'
    """
    if since is not None:
        within += f" AND a.xid = ANY ('{{{','.join(str(int(xid)) for xid in since)}}}'::xid8[])"
    columns = "a.claim_key, a.source_id, a.method_id, a.happened_at, a.ended_at, a.points"
    people = f"""
        SELECT {columns}, a.participant_id FROM intake_people k
        JOIN action a ON a.participant_id = k.participant_id WHERE {within}
        UNION ALL
        SELECT {columns}, c.participant_id FROM intake_people k
        JOIN action_claim c ON c.participant_id = k.participant_id
        JOIN action a ON a.claim_key = c.claim_key WHERE {within}
    """
    devices = f"""
        SELECT {columns}, COALESCE(a.participant_id, c.participant_id) AS participant_id FROM intake_devices k
        JOIN action_place d ON d.device = k.device JOIN action a ON a.claim_key = d.claim_key
        LEFT JOIN action_claim c ON c.claim_key = a.claim_key WHERE {within}
    """
    places = "".join(f", COALESCE(p.{name}, -2147483648) AS {name}" for name in _SEEN)
    return f"""
        SELECT a.claim_key, COALESCE(a.participant_id, {_NIL}) AS participant_id, a.source_id, a.method_id,
               a.happened_at, COALESCE(a.ended_at, 'infinity') AS ended_at, a.points
               {places + f", COALESCE(p.device, {_NIL}) AS device" if seen else ""}
        FROM ({people if by == "people" else devices}) a
        {"LEFT JOIN action_place p ON p.claim_key = a.claim_key" if seen else ""}
        LEFT JOIN action_withdrawn w ON w.claim_key = a.claim_key
        WHERE w.claim_key IS NULL
    """


OPEN_LOTS = text("""
    SELECT count(*) FROM (
        SELECT ledger_open(array_agg(code), array_agg(CAST(:lot AS text)), array_agg(CAST(:due AS date)))
        FROM (SELECT CAST(:lot AS text) || ':' || participant_id || :lot_suffix AS code FROM intake_put) w
        WHERE NOT EXISTS (SELECT FROM ledger_account a WHERE a.code = w.code)
        HAVING count(*) > 0
    ) opened
""")

# Points net per lot, debts first where the purse names them, and grams net per pool, in one posting call: accounts are
# locked in id order, and lines stand in it too, so that indexes grow where they were touched last.
POST = text("""
    WITH earned AS (
        SELECT p.participant_id, p.points, d.id AS debt_id, LEAST(p.points, COALESCE(-d.balance, 0)) AS repaid
        FROM intake_put p
        LEFT JOIN ledger_account d ON d.guard = 'ceiling' AND d.balance < 0
            AND d.code = CAST(:debt AS text) || ':' || p.participant_id || :debt_suffix
    ), moves AS (
        SELECT CAST(:points_posting AS uuid) AS posting, CAST(:source AS bigint) AS debit, w.id AS credit,
               e.points - e.repaid AS amount, CAST(:earned_reason AS text) AS reason
        FROM earned e JOIN ledger_account w ON w.code = CAST(:lot AS text) || ':' || e.participant_id || :lot_suffix
        WHERE e.points > e.repaid
        UNION ALL
        SELECT CAST(:points_posting AS uuid), CAST(:source AS bigint), debt_id, repaid, CAST(:repaid_reason AS text)
        FROM earned WHERE repaid > 0
        UNION ALL
        SELECT CAST(:grams_posting AS uuid), CAST(:measured AS bigint), g.credit, g.amount, g.reason
        FROM unnest(CAST(:gram_accounts AS bigint[]), CAST(:gram_amounts AS bigint[]), CAST(:gram_reasons AS text[]))
            AS g(credit, amount, reason)
    ), numbered AS (
        SELECT *, row_number() OVER (PARTITION BY posting ORDER BY credit)::integer AS line FROM moves
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

ADD_HELD = text("""
    INSERT INTO intake_held (job_id, line, seq, kind, code, claim_key, against, source_id, method_id, means_token,
                             participant_id, happened_at, ended_at, inputs, grams, points, barrier)
    SELECT CAST(:job AS uuid), line, :seq, kind, code, claim_key, against, :source, method_id, means_token,
           participant_id, happened_at, ended_at, inputs, grams, points, barrier
    FROM unnest(CAST(:lines AS bigint[]), CAST(:kinds AS text[]), CAST(:codes AS text[]),
                CAST(:claim_keys AS uuid[]), CAST(:against AS uuid[]), CAST(:method_ids AS integer[]),
                CAST(:means_tokens AS uuid[]), CAST(:participants AS uuid[]), CAST(:happened AS timestamptz[]),
                CAST(:ended AS timestamptz[]), CAST(:inputs AS jsonb[]), CAST(:grams AS bigint[]),
                CAST(:points AS bigint[]), CAST(:barriers AS text[]))
        AS h(line, kind, code, claim_key, against, method_id, means_token, participant_id, happened_at, ended_at,
             inputs, grams, points, barrier)
""")
ADD_TRIMMED = text("""
    INSERT INTO action_trimmed (claim_key, cap, points)
    SELECT * FROM unnest(CAST(:claim_keys AS uuid[]), CAST(:caps AS text[]), CAST(:points AS bigint[]))
""")

ADD_REACHED = text("""
    INSERT INTO budget_reached (posting_id, programme_id, budget_year, room, freed, wanted, given, snapshot, reached_at)
    SELECT :posting, p.id, :year, :room, :freed, :wanted, :given, :snapshot, :at FROM programme p WHERE p.code = :programme
""")
ADD_UNFUNDED = text("""
    INSERT INTO action_unfunded (claim_key, posting_id, points)
    SELECT claim_key, :posting, points FROM unnest(CAST(:keys AS uuid[]), CAST(:points AS bigint[])) AS u(claim_key, points)
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
ADD_JOB = text("""
    INSERT INTO intake_job (id, source_id, file_name, file_sha256, mapping_sha256, started_at, finished_at)
    VALUES (:id, :source, :file_name, :file_sha256, :mapping_sha256, :started_at, :finished_at)
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
    UNION ALL
    SELECT line, '', CASE kind WHEN 'claim' THEN 'conflict' WHEN 'screen' THEN code ELSE kind END, bound
    FROM intake_held WHERE job_id = :job
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
           s.overlays, a.method_id, m.methodology, m.activity, a.inputs, a.grams, COALESCE(c.points, a.points) AS points,
           CASE WHEN x.claim_key IS NULL THEN a.credit ELSE 'right_revoked' END AS credit, a.means_token, COALESCE(t.points, 0) AS capped, COALESCE(u.points, 0) AS unfunded,
           EXISTS (SELECT FROM ledger_account l WHERE l.code = 'subsidy:' || p.code) AS money,
           c.claimed_at, k.committed_at AS recorded_at, j.mapping_sha256, w.withdrawn_at, w.cause AS withdrawn_because,
           w.replaced_by, COALESCE(c.xid, a.xid) AS earned_in, COALESCE(a.participant_id, c.participant_id) AS whose
    FROM action a
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
    JOIN method_named m ON m.id = a.method_id
    JOIN intake_chunk k ON k.job_id = a.job_id AND k.seq = a.seq
    JOIN intake_job j ON j.id = a.job_id
    LEFT JOIN action_claim c ON c.claim_key = a.claim_key
    LEFT JOIN action_trimmed t ON t.claim_key = a.claim_key
    LEFT JOIN action_unfunded u ON u.claim_key = a.claim_key
    LEFT JOIN action_withdrawn w ON w.claim_key = a.claim_key
    LEFT JOIN action_released x ON x.claim_key = a.claim_key
"""
# Of each account by itself, so that an index gives its newest ones in order.
ACTS = text(
    "SELECT found.* FROM unnest(CAST(:people AS uuid[])) AS who (id) CROSS JOIN LATERAL (("
    + _ACT
    + """
    WHERE a.participant_id = who.id
      AND (CAST(:at AS timestamptz) IS NULL OR (a.happened_at, a.claim_key) < (:at, CAST(:key AS uuid)))
    ORDER BY a.happened_at DESC, a.claim_key DESC LIMIT :limit) UNION ALL ("""
    + _ACT
    + """
    WHERE c.participant_id = who.id
      AND (CAST(:at AS timestamptz) IS NULL OR (a.happened_at, a.claim_key) < (:at, CAST(:key AS uuid)))
    ORDER BY a.happened_at DESC, a.claim_key DESC LIMIT :limit)) found
    ORDER BY happened_at DESC, claim_key DESC LIMIT :limit"""
)
ACT = text(
    _ACT
    + " WHERE a.claim_key = :key AND COALESCE(a.participant_id, c.participant_id) = ANY (CAST(:people AS uuid[]))"
)
# The lots that acts went to: a participant's accounts of a programme that were filled by the transaction that stored the act.
LOTS = text("""
    SELECT DISTINCT ON (x.number) x.number - 1 AS number, c.kind, c.due,
           CASE WHEN c.kind = 'pending' THEN split_part(c.code, ':', 4)::date END AS ripe_on
    FROM unnest(CAST(:people AS text[]), CAST(:programmes AS text[]), CAST(:xids AS text[])::xid8[])
        WITH ORDINALITY AS x (participant, programme, xid, number)
    CROSS JOIN unnest(ARRAY['wallet', 'pending', 'benefit']) AS k (kind)
    JOIN ledger_account c ON c.code >= k.kind || ':' || x.participant || ':' || x.programme || ':'
        AND c.code < k.kind || ':' || x.participant || ':' || x.programme || ';'
    JOIN ledger_transfer t ON t.credit_id = c.id AND t.xid = x.xid
        AND t.reason IN ('points.earned', 'points.ripening', 'benefit.earned')
    ORDER BY x.number, c.due
""")
# A programme that ever gave money has an account for it, and never gives points.
SUMS = text("""
    SELECT COALESCE(sum(own.grams), 0)::bigint AS grams, count(*) AS acts,
           COALESCE(sum(own.points) FILTER (WHERE l.id IS NULL), 0)::bigint AS points,
           COALESCE(sum(own.points) FILTER (WHERE l.id IS NOT NULL), 0)::bigint AS benefit_fen
    FROM (
        SELECT a.grams, a.points, a.source_id FROM action a
        WHERE a.participant_id = ANY (CAST(:people AS uuid[])) AND a.happened_at >= :from AND a.happened_at < :before
          AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
        UNION ALL
        SELECT a.grams, c.points, a.source_id FROM action_claim c JOIN action a ON a.claim_key = c.claim_key
        WHERE c.participant_id = ANY (CAST(:people AS uuid[])) AND a.happened_at >= :from AND a.happened_at < :before
          AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
    ) own
    JOIN intake_source s ON s.id = own.source_id
    JOIN programme p ON p.id = s.programme_id
    LEFT JOIN ledger_account l ON l.code = 'subsidy:' || p.code
""")
# Say that acts from a day on changed: sums of the first page may rest on them.
REACHED = "SELECT home_reached($1::date, $2::date)"
FORGET_REACH = text("DELETE FROM home_reach WHERE at < :before")
HOME_HOT = "SELECT * FROM intake_home($1::uuid, $2::timestamptz, $3::timestamptz, $4::timestamptz)"
# In the order of their claim keys, which begin with the day; whoever reads them holds the lock of their means.
WAITING = text("""
    SELECT a.claim_key, a.points, a.grams, p.code AS programme
    FROM action a
    JOIN means_holder h ON h.token = a.means_token AND h.held @> a.happened_at
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
    WHERE a.participant_id IS NULL AND a.means_token = CAST(:token AS uuid) AND h.participant_id = :participant
      AND a.happened_at >= :since
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
      AND NOT EXISTS (SELECT FROM action_claim c WHERE c.claim_key = a.claim_key)
      AND NOT EXISTS (
          SELECT FROM consent_withdrawn w
          JOIN unnest(CAST(:activities AS text[]), CAST(:scenarios AS text[])) AS k(activity, scenario)
              ON k.scenario = w.scenario
          JOIN method_named n ON n.activity = k.activity AND n.id = a.method_id
          WHERE w.participant_id = h.participant_id AND w.low <= a.happened_at AND a.happened_at < w.high)
      AND NOT EXISTS (
          SELECT FROM programme_left l WHERE l.participant_id = h.participant_id AND l.programme_id = s.programme_id
              AND l.low <= a.happened_at AND a.happened_at < l.high)
    ORDER BY a.claim_key
""")
CLAIM_WAITING = text("""
    INSERT INTO action_claim (claim_key, participant_id, points, claim_id, claimed_at)
    SELECT claim_key, :participant, points, CAST(:claim AS uuid), :at
    FROM unnest(CAST(:keys AS uuid[]), CAST(:points AS bigint[])) AS u(claim_key, points) ORDER BY claim_key
""")
