"""All SQL of tasks. What a measure counts of a day, and periods, are given as parameters, never as text of a pack."""

from __future__ import annotations

from sqlalchemy import text

_AMOUNT = """
    CASE {measure} WHEN 'acts' THEN sum(d.acts) WHEN 'grams' THEN sum(d.grams) WHEN 'points' THEN sum(d.points)
        ELSE count(DISTINCT d.day) END
"""
_OF = "({activities} = '{{}}' OR d.activity = ANY ({activities}))"

# Finished tasks of touched people, in a period that was touched, that their days no longer carry.
UNDO = text(f"""
    SELECT f.id, f.participant_id, f.task, COALESCE(a.points, 0) AS points
    FROM task_finished f LEFT JOIN award a ON a.posting_id = f.id
    WHERE f.programme_id = :programme
      AND f.participant_id IN (SELECT participant_id FROM followed_touched WHERE programme_id = :programme)
      AND NOT EXISTS (SELECT FROM task_undone u WHERE u.finished_id = f.id)
      AND f.needed > COALESCE((
          SELECT {_AMOUNT.format(measure="f.measure")} FROM acted_day d
          WHERE d.programme_id = f.programme_id AND d.participant_id = f.participant_id
            AND d.day >= f.counted_from AND d.day <= f.last AND {_OF.format(activities="f.activities")}), 0)
    ORDER BY f.participant_id, f.id
""")
ADD_UNDONE = text("""
    INSERT INTO task_undone (finished_id, undone_at) SELECT unnest(CAST(:ids AS uuid[])), :at
""")

# Who finished a task in one of these periods and was not told so yet.
FINISH = text(f"""
    WITH periods AS (
        SELECT * FROM unnest(CAST(:firsts AS date[]), CAST(:lasts AS date[])) AS p(first, last)
    ), looked AS (
        SELECT DISTINCT t.participant_id, p.first, p.last
        FROM followed_touched t JOIN periods p ON t.day >= p.first AND t.day <= p.last
        WHERE t.programme_id = :programme
    ), counted AS (
        SELECT l.*, CASE WHEN :accept THEN c.accepted_on ELSE l.first END AS counted_from
        FROM looked l LEFT JOIN task_accepted c ON c.programme_id = :programme AND c.task = :task
            AND c.participant_id = l.participant_id AND c.first = l.first
        WHERE NOT :accept OR c.accepted_on IS NOT NULL
    )
    SELECT c.participant_id, c.first, c.last, c.counted_from, uuidv7() AS id,
           1 + (SELECT count(*) FROM task_finished f WHERE (f.programme_id, f.participant_id, f.task, f.first)
                                                        = (:programme, c.participant_id, :task, c.first)) AS number
    FROM counted c CROSS JOIN LATERAL (
        SELECT {_AMOUNT.format(measure="CAST(:measure AS text)")} AS amount FROM acted_day d
        WHERE d.programme_id = :programme AND d.participant_id = c.participant_id
          AND d.day >= c.counted_from AND d.day <= c.last
          AND {_OF.format(activities="CAST(:activities AS text[])")}) s
    WHERE s.amount >= :needed
      AND NOT EXISTS (
          SELECT FROM task_finished f WHERE f.programme_id = :programme AND f.participant_id = c.participant_id
              AND f.task = :task AND f.first = c.first
              AND NOT EXISTS (SELECT FROM task_undone u WHERE u.finished_id = f.id))
    ORDER BY c.first, c.participant_id
""")
ADD_FINISHED = text("""
    INSERT INTO task_finished (id, programme_id, participant_id, task, first, last, number, counted_from, measure,
                               activities, needed, points, active_from, finished_at)
    SELECT id, :programme, participant_id, :task, first, last, number, counted_from, :measure,
           CAST(:activities AS text[]), :needed, :points, :active_from, :at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:participants AS uuid[]), CAST(:firsts AS date[]), CAST(:lasts AS date[]),
                CAST(:numbers AS integer[]), CAST(:counted AS date[]))
        AS u(id, participant_id, first, last, number, counted_from)
""")
PACKS = text("SELECT active_from FROM programme_pack WHERE programme_id = :programme ORDER BY active_from")

ACCEPT = text("""
    INSERT INTO task_accepted (programme_id, participant_id, task, first, accepted_on, accepted_at)
    VALUES (:programme, :participant, :task, :first, :day, :at) ON CONFLICT DO NOTHING
""")
PROGRESS = text(f"""
    SELECT COALESCE(s.amount, 0) AS amount, c.accepted_on, f.id, f.finished_at, f.points, a.points AS given
    FROM (SELECT) one
    LEFT JOIN task_accepted c ON c.programme_id = :programme AND c.participant_id = :participant
        AND c.task = :task AND c.first = :first
    LEFT JOIN task_finished f ON f.programme_id = :programme AND f.participant_id = :participant
        AND f.task = :task AND f.first = :first
        AND NOT EXISTS (SELECT FROM task_undone u WHERE u.finished_id = f.id)
    LEFT JOIN award a ON a.posting_id = f.id
    CROSS JOIN LATERAL (
        SELECT {_AMOUNT.format(measure="CAST(:measure AS text)")} AS amount FROM acted_day d
        WHERE d.programme_id = :programme AND d.participant_id = :participant
          AND d.day >= CASE WHEN :accept THEN c.accepted_on ELSE :first END AND d.day <= :last
          AND {_OF.format(activities="CAST(:activities AS text[])")}) s
""")
FINISHED = text("""
    SELECT EXISTS (
        SELECT FROM task_finished f
        WHERE f.programme_id = :programme AND f.participant_id = :participant AND f.task = :task
          AND f.first <= :day AND f.last >= :day
          AND NOT EXISTS (SELECT FROM task_undone u WHERE u.finished_id = f.id))
""")
FIGURES = text("""
    SELECT f.task, count(*) FILTER (WHERE u.finished_id IS NULL) AS finished,
           count(u.finished_id) AS undone,
           count(DISTINCT f.participant_id) FILTER (WHERE u.finished_id IS NULL) AS people,
           CAST(COALESCE(sum(a.points) FILTER (WHERE u.finished_id IS NULL), 0) AS bigint) AS points
    FROM task_finished f LEFT JOIN task_undone u ON u.finished_id = f.id LEFT JOIN award a ON a.posting_id = f.id
    WHERE f.programme_id = :programme GROUP BY f.task ORDER BY f.task
""")
