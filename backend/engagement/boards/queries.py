"""All SQL of leaderboards but that of their checks. Each board's statement gives `member` and `value`, above zero."""

from __future__ import annotations

from sqlalchemy import TextClause, text

from backend.programmes.features import Board

_MEASURES = {"acts": "acts", "grams": "grams", "points": "points"}  # measure to column of acted_day
_DAY = "CAST({0} AT TIME ZONE 'Asia/Shanghai' AS date)"

VERSION = text("""
    SELECT md5(string_agg(slot || ':' || token, ',' ORDER BY slot)) FROM board_version WHERE programme_id = :programme
""")

# Whoever agrees to be shown now, with everything that person did in the period.
_PERSON = """
    SELECT n.handle AS member, CAST(sum(d.{measure}) AS bigint) AS value
    FROM circle_now n JOIN acted_day d ON d.programme_id = n.programme_id AND d.participant_id = n.participant_id
    WHERE n.programme_id = :programme AND d.day BETWEEN :first AND :last
    GROUP BY n.handle HAVING sum(d.{measure}) > 0
"""
# Days on which somebody agreed to be shown. What was counted stays counted when they agree no longer, so that nobody can
# take one person's part from two sums.
_AGREED = f"""
    JOIN acted_day d ON d.programme_id = c.programme_id AND d.participant_id = c.participant_id
        AND d.day BETWEEN :first AND :last
        AND d.day >= {_DAY.format("c.since")} AND (c.until IS NULL OR d.day < {_DAY.format("c.until")})
"""
_ENOUGH = """
    HAVING sum(d.{measure}) > 0
       AND count(DISTINCT d.participant_id) FILTER (WHERE d.{measure} > 0 AND EXISTS (
           SELECT FROM circle_now n WHERE n.programme_id = :programme AND n.participant_id = d.participant_id)) >= :smallest
"""
_TEAM = f"""
    SELECT CAST(t.team_id AS text) AS member, CAST(sum(d.{{measure}}) AS bigint) AS value
    FROM team_span t
    JOIN circle_span c ON c.programme_id = t.programme_id AND c.participant_id = t.participant_id
    {_AGREED}
        AND d.day >= {_DAY.format("t.since")} AND (t.until IS NULL OR d.day < {_DAY.format("t.until")})
    WHERE t.programme_id = :programme AND :smallest <= (
        SELECT count(*) FROM team_span s
        JOIN circle_now n ON n.programme_id = s.programme_id AND n.participant_id = s.participant_id
        WHERE s.team_id = t.team_id AND s.until IS NULL)
    GROUP BY t.team_id
    {_ENOUGH}
"""
# Where somebody's acts of the period came from: the finest region among their sources, then the one of most acts.
_PLACED = """
    SELECT DISTINCT ON (done.participant_id) done.participant_id, s.region
    FROM (
        SELECT a.participant_id, a.source_id, a.claim_key FROM action a
        WHERE a.participant_id IN (SELECT participant_id FROM circle_span WHERE programme_id = :programme)
          AND a.happened_at >= :since AND a.happened_at < :before
        UNION ALL
        SELECT k.participant_id, a.source_id, a.claim_key FROM action_claim k JOIN action a ON a.claim_key = k.claim_key
        WHERE k.participant_id IN (SELECT participant_id FROM circle_span WHERE programme_id = :programme)
          AND a.happened_at >= :since AND a.happened_at < :before
    ) AS done
    JOIN intake_source s ON s.id = done.source_id AND s.programme_id = :programme
    WHERE NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = done.claim_key)
    GROUP BY done.participant_id, s.region
    ORDER BY done.participant_id, length(s.region) - length(replace(s.region, '-', '')) DESC, count(*) DESC, s.region
"""
_DISTRICT = f"""
    WITH placed AS MATERIALIZED ({_PLACED})
    SELECT p.region AS member, CAST(sum(d.{{measure}}) AS bigint) AS value
    FROM placed p
    JOIN circle_span c ON c.programme_id = :programme AND c.participant_id = p.participant_id
    {_AGREED}
    GROUP BY p.region
    {_ENOUGH}
"""
_BY = {"person": _PERSON, "team": _TEAM, "district": _DISTRICT}


def ranked(board: Board) -> TextClause:
    """The statement of one board; it takes programme, first and last, and for groups smallest, since and before."""
    return text(_BY[board.by].format(measure=_MEASURES[board.measure]))


def own(board: Board) -> TextClause:
    """What one participant did in the period."""
    return text(
        f"""
        SELECT CAST(COALESCE(sum({_MEASURES[board.measure]}), 0) AS bigint) FROM acted_day
        WHERE programme_id = :programme AND participant_id = :participant AND day BETWEEN :first AND :last
        """
    )


DISTRICT_OF = text(f"SELECT region FROM ({_PLACED}) AS placed WHERE participant_id = :participant")
BY_HANDLES = text("""
    SELECT handle, participant_id FROM circle_event
    WHERE programme_id = :programme AND handle = ANY (CAST(:handles AS text[])) AND kind = 'shown'
""")
