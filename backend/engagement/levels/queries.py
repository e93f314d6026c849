"""All SQL of levels."""

from __future__ import annotations

from sqlalchemy import text

EARNED = text("""
    SELECT CAST(COALESCE(sum(points), 0) AS bigint) AS points, CAST(COALESCE(sum(grams), 0) AS bigint) AS grams
    FROM acted_day WHERE programme_id = :programme AND participant_id = :participant
""")
