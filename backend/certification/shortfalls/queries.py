"""All SQL of shortfalls but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

# What a frozen act (l) keeps in the certified tree of a statement (t); as `Layout.grams_of` says it.
KEEPS = """
    CASE WHEN l.position >= t.kept_acts THEN 0
         WHEN l.position = t.kept_acts - 1 THEN t.last_keeps_g
         ELSE COALESCE((SELECT f.keeps_g FROM batch_finding f
                        WHERE f.batch_id = l.batch_id AND f.position = l.position AND f.number <= t.findings
                        ORDER BY f.number DESC LIMIT 1), l.grams) END
"""
_SAME = """
    {0}.project = {1}.project AND {0}.methodology = {1}.methodology AND {0}.vintage_year = {1}.vintage_year
        AND {0}.demo = {1}.demo
"""
_OF_SERIES = (
    "project = :project AND methodology = :methodology AND vintage_year = :vintage_year AND demo = :demo"
)

TAKEN = text(f"""
    SELECT l.claim_key, l.batch_id,
           CASE WHEN i.batch_id IS NULL THEN 0 ELSE {KEEPS} END AS certified_g
    FROM batch_leaf l
    LEFT JOIN batch_issuance i ON i.batch_id = l.batch_id
    LEFT JOIN batch_statement t ON t.batch_id = i.batch_id AND t.revision = i.revision
    WHERE l.claim_key = ANY (CAST(:keys AS uuid[]))
    ORDER BY l.claim_key
""")
RECORD = text(f"""
    INSERT INTO certification_shortfall
        (claim_key, batch_id, project, methodology, vintage_year, demo, number, grams, log_size, recorded_at)
    SELECT k.claim_key, b.id, b.project, b.methodology, b.vintage_year, b.demo,
           COALESCE((SELECT max(s.number) FROM certification_shortfall s WHERE {_SAME.format("s", "b")}), 0)
               + row_number() OVER (PARTITION BY b.project, b.methodology, b.vintage_year, b.demo ORDER BY k.claim_key),
           k.grams, :log_size, :at
    FROM unnest(CAST(:keys AS uuid[]), CAST(:batches AS uuid[]), CAST(:grams AS bigint[]))
        AS k(claim_key, batch_id, grams)
    JOIN batch b ON b.id = k.batch_id
""")

_OPEN = f"""
    SELECT s.claim_key, s.project, s.methodology, s.vintage_year, s.demo, s.number, s.batch_id, b.operator_id, s.grams,
           c.deducted_g, c.cancelled_g, s.recorded_at, s.grams - c.deducted_g - c.cancelled_g AS open_g, c.covers,
           EXISTS (
               SELECT FROM batch n
               JOIN batch_issuance i ON i.batch_id = n.id
               JOIN batch_statement t ON t.batch_id = i.batch_id AND t.revision = i.revision
               WHERE {_SAME.format("n", "s")} AND t.log_index >= s.log_size) AS passed_over
    FROM certification_shortfall s
    JOIN batch b ON b.id = s.batch_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS covers, COALESCE(sum(o.grams) FILTER (WHERE o.batch_id IS NOT NULL), 0) AS deducted_g,
               COALESCE(sum(o.grams) FILTER (WHERE o.cancellation_id IS NOT NULL), 0) AS cancelled_g
        FROM certification_cover o WHERE o.claim_key = s.claim_key) c
"""
# The older is made good first, so nothing before the newest one that anything was done about is open.
_WAITING = f"""
    SELECT * FROM ({_OPEN}) s WHERE {_OF_SERIES} AND open_g > 0 AND number >= COALESCE((
        SELECT n.number FROM certification_shortfall n
        WHERE n.project = :project AND n.methodology = :methodology AND n.vintage_year = :vintage_year
          AND n.demo = :demo AND EXISTS (SELECT FROM certification_cover o WHERE o.claim_key = n.claim_key)
        ORDER BY n.number DESC LIMIT 1), 0)
"""
OPEN_G = text(f"SELECT COALESCE(sum(open_g), 0)::bigint FROM ({_WAITING}) w")
SHORTFALLS = text(f"""
    SELECT claim_key, project, methodology, vintage_year, demo, number, batch_id, operator_id, grams,
           deducted_g::bigint, cancelled_g::bigint, recorded_at
    FROM ({_OPEN}) s
    WHERE {_OF_SERIES} AND (CAST(:operator AS uuid) IS NULL OR operator_id = :operator)
      AND (NOT :only_open OR open_g > 0) AND number > :after
    ORDER BY number LIMIT :limit
""")

# The oldest open shortfalls of a series take so many grams, one after the other.
COVER = text(f"""
    WITH waiting AS (
        SELECT claim_key, covers, open_g, sum(open_g) OVER (ORDER BY number) - open_g AS before
        FROM ({_WAITING}) w
    ), covered AS (
        INSERT INTO certification_cover (claim_key, number, batch_id, cancellation_id, grams, covered_at)
        SELECT claim_key, covers + 1, :batch, :cancellation, least(open_g, :grams - before), :at
        FROM waiting WHERE before < :grams
        RETURNING grams
    )
    SELECT COALESCE(sum(grams), 0)::bigint FROM covered
""")
CORRECT = text("""
    INSERT INTO certification_correction (batch_id, revision, grams) VALUES (:batch, :revision, :grams)
""")
SURPLUS = text(f"""
    SELECT c.id, (c.quantity_t * 1000000 - COALESCE(sum(o.grams), 0))::bigint AS grams
    FROM certification_cancellation c LEFT JOIN certification_cover o ON o.cancellation_id = c.id
    WHERE {_OF_SERIES}
    GROUP BY c.id HAVING c.quantity_t * 1000000 > COALESCE(sum(o.grams), 0)
    ORDER BY c.cancelled_at, c.id
""")

# `cutoffs` gives, by project, the moment since which a shortfall is within the programme's term; none is named by NULL.
DEBTS = text(f"""
    SELECT s.project, s.methodology, s.vintage_year, s.demo, s.operator_id, o.code AS operator, count(*) AS acts,
           sum(s.grams)::bigint AS recorded_g, sum(s.deducted_g)::bigint AS deducted_g,
           sum(s.cancelled_g)::bigint AS cancelled_g, sum(s.open_g)::bigint AS open_g,
           COALESCE(sum(s.open_g) FILTER (
               WHERE s.passed_over OR p.cutoff IS NULL OR s.recorded_at <= p.cutoff), 0)::bigint AS blocking_g,
           COALESCE(sum(s.open_g) FILTER (WHERE s.recorded_at <= p.cutoff), 0)::bigint AS due_g,
           min(s.recorded_at) FILTER (WHERE s.open_g > 0) AS since
    FROM ({_OPEN}) s
    JOIN organisation o ON o.id = s.operator_id
    LEFT JOIN unnest(CAST(:projects AS text[]), CAST(:cutoffs AS timestamptz[])) AS p(project, cutoff)
        ON p.project = s.project
    WHERE (CAST(:operator AS uuid) IS NULL OR s.operator_id = :operator)
      AND (CAST(:operator_code AS text) IS NULL OR o.code = :operator_code)
      AND (CAST(:project AS text) IS NULL OR s.project = :project)
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 6
""")
SHORT = text("SELECT EXISTS (SELECT FROM certification_shortfall)")

STANDS_WITHDRAWN = text(f"""
    SELECT EXISTS (
        SELECT FROM batch_leaf l
        JOIN action_withdrawn w ON w.claim_key = l.claim_key
        JOIN batch_statement t ON t.batch_id = l.batch_id AND t.revision = :revision
        WHERE l.batch_id = :batch AND {KEEPS} > 0)
""")

ISSUED_OF_SERIES = text(f"""
    SELECT i.first_serial AS low, i.first_serial + i.quantity_t AS high
    FROM batch b JOIN batch_issuance i ON i.batch_id = b.id
    WHERE {_OF_SERIES} AND i.quantity_t > 0 ORDER BY 1
""")
ADD_CANCELLATION = text("""
    INSERT INTO certification_cancellation (id, project, methodology, vintage_year, demo, operator_id, book, quantity_t,
        owed_g, term_days, ordered_by, reason, log_index, cancelled_at)
    VALUES (:id, :project, :methodology, :vintage_year, :demo, :operator_id, :book, :quantity_t,
        :owed_g, :term_days, :ordered_by, :reason, :log_index, :cancelled_at)
""")
CANCELLATIONS = text("""
    SELECT c.id, c.project, c.methodology, c.vintage_year, c.demo, c.operator_id, o.code AS operator, c.book,
           c.quantity_t, c.owed_g, c.term_days, c.ordered_by, c.reason, c.log_index, c.cancelled_at
    FROM certification_cancellation c JOIN organisation o ON o.id = c.operator_id
    WHERE (CAST(:operator AS uuid) IS NULL OR c.operator_id = :operator)
      AND (CAST(:id AS uuid) IS NULL OR c.id = :id)
      AND (CAST(:before AS timestamptz) IS NULL OR (c.cancelled_at, c.id) < (:before, CAST(:before_id AS uuid)))
    ORDER BY c.cancelled_at DESC, c.id DESC LIMIT :limit
""")
