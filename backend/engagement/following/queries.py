"""All SQL of following."""

from __future__ import annotations

from sqlalchemy import text

LOCK = text("SELECT pg_advisory_xact_lock(7318040)")
TOUCHED = text("""
    CREATE TEMP TABLE IF NOT EXISTS followed_touched (programme_id integer, participant_id uuid, day date)
    ON COMMIT DELETE ROWS
""")
ANALYSE = text("ANALYZE followed_touched")
FOLLOWED_PROGRAMMES = text("SELECT programme_id, active_from FROM followed_programme")
FORGET_DAYS = text("DELETE FROM acted_day WHERE programme_id = :programme")
FORGET_PROGRAMME = text("DELETE FROM followed_programme WHERE programme_id = :programme")
NOTE_PROGRAMME = text("""
    INSERT INTO followed_programme (programme_id, active_from) VALUES (:programme, :active_from)
    ON CONFLICT (programme_id) DO UPDATE SET active_from = EXCLUDED.active_from
""")

# What this step reads: from the cursor to the oldest running transaction, or up to so many chunks.
STEP = text("""
    SELECT c.below::text AS low, LEAST(h.horizon, COALESCE(
               (SELECT k.xid FROM intake_chunk k WHERE k.xid >= c.below AND k.xid < h.horizon
                ORDER BY k.xid OFFSET :chunks LIMIT 1), h.horizon))::text AS high, h.horizon::text AS horizon
    FROM followed_cursor c, (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon) h
""")
ADVANCE = text("UPDATE followed_cursor SET below = CAST(CAST(:high AS text) AS xid8)")

_SPAN = "{0}.xid >= CAST(CAST(:low AS text) AS xid8) AND {0}.xid < CAST(CAST(:high AS text) AS xid8)"
_DAY = "CAST(a.happened_at AT TIME ZONE 'Asia/Shanghai' AS date)"
TOUCH = text(f"""
    INSERT INTO followed_touched
    SELECT DISTINCT s.programme_id, f.participant_id, f.day FROM (
        SELECT a.source_id, a.participant_id, {_DAY} AS day FROM action a
        WHERE {_SPAN.format("a")} AND a.participant_id IS NOT NULL
        UNION ALL
        SELECT a.source_id, c.participant_id, {_DAY} FROM action_claim c JOIN action a ON a.claim_key = c.claim_key
        WHERE {_SPAN.format("c")}
        UNION ALL
        SELECT a.source_id, COALESCE(c.participant_id, a.participant_id), {_DAY}
        FROM action_withdrawn w JOIN action a ON a.claim_key = w.claim_key
        LEFT JOIN action_claim c ON c.claim_key = w.claim_key
        WHERE {_SPAN.format("w")}
    ) f JOIN intake_source s ON s.id = f.source_id
    WHERE f.participant_id IS NOT NULL AND s.programme_id = ANY (CAST(:programmes AS integer[]))
""")
TOUCH_AGAIN = text("""
    WITH again AS (
        DELETE FROM followed_again WHERE programme_id = ANY (CAST(:programmes AS integer[])) RETURNING *
    )
    INSERT INTO followed_touched SELECT a.* FROM again a
    WHERE NOT EXISTS (SELECT FROM followed_touched t WHERE (t.programme_id, t.participant_id, t.day)
                                                          = (a.programme_id, a.participant_id, a.day))
""")
SPAN = text("SELECT min(day), max(day), count(*) FROM followed_touched")

# The standing acts of whoever was touched, on the days that were; give `low_day` and `high_day`, which bound these.
STANDING_ACTS = """
    followed_touched t CROSS JOIN LATERAL (
        SELECT a.claim_key, a.happened_at, a.source_id, a.method_id, a.grams, a.points FROM action a
        WHERE a.participant_id = t.participant_id
          AND a.happened_at >= CAST(t.day AS timestamp) AT TIME ZONE 'Asia/Shanghai'
          AND a.happened_at < CAST(t.day + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai'
          AND a.claim_key >= acted_key(CAST(:low_day AS date)) AND a.claim_key < acted_key(CAST(:high_day AS date) + 1)
        UNION ALL
        SELECT a.claim_key, a.happened_at, a.source_id, a.method_id, a.grams, c.points
        FROM action_claim c JOIN action a ON a.claim_key = c.claim_key
        WHERE c.participant_id = t.participant_id
          AND c.claim_key >= acted_key(t.day) AND c.claim_key < acted_key(t.day + 1)
    ) a
    JOIN intake_source s ON s.id = a.source_id AND s.programme_id = t.programme_id
    JOIN method_named m ON m.id = a.method_id
    LEFT JOIN action_withdrawn w ON w.claim_key = a.claim_key
"""
CLEAR_DAYS = text("""
    DELETE FROM acted_day d USING followed_touched t
    WHERE d.programme_id = t.programme_id AND d.participant_id = t.participant_id AND d.day = t.day
""")
MAKE_DAYS = text(f"""
    INSERT INTO acted_day (programme_id, participant_id, day, activity, acts, grams, points)
    SELECT t.programme_id, t.participant_id, t.day, m.activity, count(*), sum(a.grams), sum(a.points)
    FROM {STANDING_ACTS} WHERE w.claim_key IS NULL GROUP BY 1, 2, 3, 4
""")

# Every act that counts, by whose it is; the whole table is made of this.
ACTS_BY_DAY = f"""
    SELECT s.programme_id, COALESCE(c.participant_id, a.participant_id) AS participant_id, {_DAY} AS day, m.activity,
           count(*) AS acts, CAST(sum(a.grams) AS bigint) AS grams,
           CAST(sum(COALESCE(c.points, a.points)) AS bigint) AS points
    FROM action a
    JOIN intake_source s ON s.id = a.source_id
    JOIN method_named m ON m.id = a.method_id
    LEFT JOIN action_claim c ON c.claim_key = a.claim_key
    LEFT JOIN action_withdrawn w ON w.claim_key = a.claim_key
    WHERE w.claim_key IS NULL AND (a.participant_id IS NOT NULL OR c.participant_id IS NOT NULL)
      AND {{where}}
    GROUP BY 1, 2, 3, 4
"""
TOUCH_WHOLE = text(f"""
    INSERT INTO followed_touched
    (SELECT programme_id, participant_id, day FROM acted_day WHERE programme_id = :programme
     UNION
     SELECT s.programme_id, COALESCE(c.participant_id, a.participant_id), {_DAY}
     FROM action_withdrawn w JOIN action a ON a.claim_key = w.claim_key JOIN intake_source s ON s.id = a.source_id
     LEFT JOIN action_claim c ON c.claim_key = a.claim_key
     WHERE s.programme_id = :programme AND COALESCE(c.participant_id, a.participant_id) IS NOT NULL)
    EXCEPT SELECT programme_id, participant_id, day FROM followed_touched
""")
MAKE_WHOLE = text(
    "INSERT INTO acted_day (programme_id, participant_id, day, activity, acts, grams, points) "
    + ACTS_BY_DAY.format(where="s.programme_id = :programme")
)
TOUCHED_OF = text("""
    SELECT array_agg(DISTINCT participant_id) AS participants, min(day) AS first_day, max(day) AS last_day
    FROM followed_touched WHERE programme_id = :programme
""")
LOOK_AGAIN = text("""
    INSERT INTO followed_again (programme_id, participant_id, day) VALUES (:programme, :participant, :day)
    ON CONFLICT DO NOTHING
""")
ACTED = text("""
    SELECT participant_id, day, activity, acts, grams, points FROM acted_day
    WHERE programme_id = :programme AND participant_id = ANY (CAST(:participants AS uuid[]))
      AND day >= :first AND day <= :last
      AND (CAST(:activities AS text[]) = '{}' OR activity = ANY (CAST(:activities AS text[])))
    ORDER BY participant_id, day, activity
""")
