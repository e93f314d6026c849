"""All SQL of trees but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

LOCK = text("SELECT pg_advisory_xact_lock(7318032, hashtext(:name))")

ADD_BATCH = text("""
    INSERT INTO tree_batch (id, programme_id, partner, made_by, made_at)
    VALUES (:id, :programme, :partner, :by, :at)
""")
HAND_OVER = text("""
    INSERT INTO tree_batch_order (grant_id, batch_id)
    SELECT g.id, :batch FROM reward_grant g
    WHERE g.programme_id = :programme AND g.reward = ANY (CAST(:rewards AS text[]))
        AND g.kind IN ('planting', 'adoption')
        AND NOT EXISTS (SELECT FROM tree_batch_order b WHERE b.grant_id = g.id)
        AND NOT EXISTS (SELECT FROM reward_outcome o WHERE o.grant_id = g.id)
        AND NOT EXISTS (SELECT FROM tree t WHERE t.grant_id = g.id)
    ORDER BY g.granted_at, g.id LIMIT :at_most
""")
BATCHES = text("""
    SELECT b.id, b.partner, b.made_at, count(x.grant_id) AS orders, count(t.grant_id) AS planted,
           count(*) FILTER (WHERE o.outcome = 'refused') AS failed
    FROM tree_batch b JOIN programme p ON p.id = b.programme_id
    LEFT JOIN tree_batch_order x ON x.batch_id = b.id
    LEFT JOIN tree t ON t.grant_id = x.grant_id LEFT JOIN reward_outcome o ON o.grant_id = x.grant_id
    WHERE p.code = :programme AND (CAST(:partner AS text) IS NULL OR b.partner = :partner)
        AND (CAST(:id AS uuid) IS NULL OR b.id = :id)
        AND (CAST(:before AS timestamptz) IS NULL
             OR (b.made_at, b.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    GROUP BY b.id ORDER BY b.made_at DESC, b.id DESC LIMIT :limit
""")
_ORDERS = """
    SELECT g.id, g.reward, g.kind, g.participant_id, g.number, g.points, g.granted_at AS ordered_at, x.batch_id,
           COALESCE(t.partner, b.partner) AS partner, o.outcome, COALESCE(o.words, '') AS words, t.certificate, t.reference,
           t.place, t.planted_on, t.stands_until
    FROM reward_grant g
    LEFT JOIN reward_outcome o ON o.grant_id = g.id
    LEFT JOIN tree_batch_order x ON x.grant_id = g.id LEFT JOIN tree_batch b ON b.id = x.batch_id
    LEFT JOIN tree t ON t.grant_id = g.id
    WHERE g.kind IN ('planting', 'adoption')
"""
_PAGE = """
    AND (CAST(:before AS timestamptz) IS NULL
         OR (g.granted_at, g.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY g.granted_at DESC, g.id DESC LIMIT :limit
"""
ONE = text(_ORDERS + " AND g.id = :id AND g.programme_id = :programme")
OF_CITIZEN = text(_ORDERS + " AND g.programme_id = :programme AND g.participant_id = :participant" + _PAGE)
OF_PROGRAMME = text(
    _ORDERS
    + """
    AND g.programme_id = :programme AND (CAST(:batch AS uuid) IS NULL OR x.batch_id = :batch)
    AND (CAST(:partner AS text) IS NULL OR b.partner = :partner)
    AND (NOT :open OR t.grant_id IS NULL AND o.grant_id IS NULL)
    """
    + _PAGE
)
ADD_TREE = text("""
    INSERT INTO tree (grant_id, certificate, kind, partner, reference, place, planted_on, stands_until, reported_by,
        reported_at)
    VALUES (:grant, :certificate, :kind, :partner, :reference, :place, :planted_on, :stands_until, :by, :at)
""")
REFERENCE_TAKEN = text("""
    SELECT EXISTS (
        SELECT FROM tree
        WHERE partner = :partner AND reference = :reference AND kind = :kind
            AND (kind = 'planting' OR planted_on <= :until AND stands_until >= :since))
""")
CERTIFIED = text("""
    SELECT t.certificate AS number, p.code AS programme, g.reward, g.kind, g.granted_at, g.points,
           t.partner IS NOT NULL AS real, COALESCE(o.name_zh, t.partner) AS partner, t.reference, t.place, t.planted_on,
           t.stands_until
    FROM tree t JOIN reward_grant g ON g.id = t.grant_id JOIN programme p ON p.id = g.programme_id
    LEFT JOIN organisation o ON o.code = t.partner
    WHERE t.certificate = :number
""")
