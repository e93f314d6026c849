"""All SQL of achievements."""

from __future__ import annotations

from sqlalchemy import text

# What somebody did in all, and the first day by which it was enough.
REACHED = text("""
    WITH days AS (
        SELECT d.day, CASE CAST(:measure AS text) WHEN 'acts' THEN sum(d.acts) WHEN 'grams' THEN sum(d.grams)
                   WHEN 'points' THEN sum(d.points) ELSE 1 END AS amount
        FROM acted_day d
        WHERE d.programme_id = :programme AND d.participant_id = :participant
          AND (CAST(:activities AS text[]) = '{}' OR d.activity = ANY (CAST(:activities AS text[])))
        GROUP BY d.day
    ), running AS (
        SELECT day, amount, sum(amount) OVER (ORDER BY day) AS so_far FROM days
    )
    SELECT CAST(COALESCE(sum(amount), 0) AS bigint) AS amount, min(day) FILTER (WHERE so_far >= :needed) AS reached_on
    FROM running
""")
