"""All SQL of grants but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

# One reward of one programme at a time; then, for what protects, one person.
LOCK = text("SELECT pg_advisory_xact_lock(7318029, hashtext(:programme || '/' || :reward))")
LOCK_PERSON = text("SELECT pg_advisory_xact_lock(7318030, hashtext(:programme || '/' || :participant))")

STANDING = text("""
    SELECT g.reward, count(*) FILTER (WHERE o.outcome IS DISTINCT FROM 'refused') AS standing,
           count(*) FILTER (WHERE o.outcome IS DISTINCT FROM 'refused' AND g.participant_id = :participant) AS own,
           max(g.number) AS number
    FROM reward_grant g LEFT JOIN reward_outcome o ON o.grant_id = g.id
    WHERE g.programme_id = :programme AND g.reward = ANY (CAST(:rewards AS text[]))
    GROUP BY g.reward
""")
PROTECTED_UNTIL = text("""
    SELECT max(protects_until) FROM reward_grant
    WHERE programme_id = :programme AND participant_id = :participant AND kind = 'prop'
""")
PROTECTED = text("""
    SELECT EXISTS (
        SELECT FROM reward_grant
        WHERE programme_id = :programme AND participant_id = :participant AND kind = 'prop'
            AND protects_from <= :at AND :at < protects_until)
""")
ADD = text("""
    INSERT INTO reward_grant (id, programme_id, reward, kind, participant_id, number, points, protects_from,
        protects_until, granted_at)
    VALUES (:id, :programme, :reward, :kind, :participant, :number, :points, :protects_from, :protects_until, :at)
""")
DECIDE = text("""
    INSERT INTO reward_outcome (grant_id, outcome, words, decided_by, decided_at)
    VALUES (:id, :outcome, :words, :by, :at)
    ON CONFLICT (grant_id) DO NOTHING RETURNING grant_id
""")

_GRANTS = """
    SELECT g.id, p.code AS programme, g.reward, g.kind, g.participant_id, g.number, g.points, g.protects_from,
           g.protects_until, g.granted_at, o.outcome, COALESCE(o.words, '') AS words, o.decided_at
    FROM reward_grant g JOIN programme p ON p.id = g.programme_id
    LEFT JOIN reward_outcome o ON o.grant_id = g.id
    WHERE g.programme_id = :programme
"""
_PAGE = """
    AND (CAST(:before AS timestamptz) IS NULL
         OR (g.granted_at, g.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY g.granted_at DESC, g.id DESC LIMIT :limit
"""
ONE = text(_GRANTS + " AND g.id = :id")
OF_CITIZEN = text(
    _GRANTS
    + " AND g.participant_id = ANY (CAST(:people AS uuid[])) AND (CAST(:kinds AS text[]) IS NULL OR g.kind = ANY (:kinds))"
    + _PAGE
)
OF_PROGRAMME = text(
    _GRANTS
    + """
    AND g.kind = ANY (CAST(:kinds AS text[])) AND (CAST(:reward AS text) IS NULL OR g.reward = :reward)
    AND (NOT :waiting OR o.grant_id IS NULL AND g.kind <> ALL (CAST(:at_once AS text[])))
    """
    + _PAGE
)
CAUSES = text("""
    SELECT reward, count(*) AS gifts, count(DISTINCT participant_id) AS givers, CAST(sum(points) AS bigint) AS points
    FROM reward_grant WHERE programme_id = :programme AND kind = 'public_welfare'
    GROUP BY reward ORDER BY reward
""")
# What was refused came back and counts in no sum but its own. Prizes cost nothing and are listed with their lottery.
FIGURES = text("""
    SELECT g.reward, g.kind, count(*) AS given, count(*) FILTER (WHERE o.outcome = 'delivered') AS delivered,
           count(*) FILTER (WHERE o.outcome = 'refused') AS refused, count(DISTINCT g.participant_id) AS people,
           CAST(COALESCE(sum(g.points) FILTER (WHERE o.outcome IS DISTINCT FROM 'refused'), 0) AS bigint) AS points
    FROM reward_grant g LEFT JOIN reward_outcome o ON o.grant_id = g.id
    WHERE g.programme_id = :programme
    GROUP BY g.reward, g.kind ORDER BY g.reward, g.kind
""")
