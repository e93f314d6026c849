"""All SQL of campaigns."""

from __future__ import annotations

from sqlalchemy import text

from backend.engagement.following import STANDING_ACTS

# Grants of touched people whose act is withdrawn, and not returned yet: what comes back, by person and campaign.
RETURN = text("""
    WITH gone AS MATERIALIZED (
        SELECT g.campaign, g.claim_key, g.participant_id, g.points
        FROM campaign_grant g JOIN action_withdrawn w ON w.claim_key = g.claim_key
        WHERE g.programme_id = :programme AND g.points > 0
          AND g.participant_id IN (SELECT participant_id FROM followed_touched WHERE programme_id = :programme)
          AND NOT EXISTS (SELECT FROM campaign_returned r WHERE (r.programme_id, r.campaign, r.claim_key)
                                                               = (g.programme_id, g.campaign, g.claim_key))
    ), people AS MATERIALIZED (
        SELECT campaign, participant_id, CAST(sum(points) AS bigint) AS points, uuidv7() AS posting_id
        FROM gone GROUP BY campaign, participant_id
    )
    SELECT p.campaign, p.participant_id, p.points, p.posting_id, g.keys, g.each
    FROM people p CROSS JOIN LATERAL (
        SELECT array_agg(claim_key) AS keys, array_agg(points) AS each FROM gone
        WHERE gone.campaign = p.campaign AND gone.participant_id = p.participant_id) g
    ORDER BY p.participant_id, p.campaign
""")
ADD_RETURNED = text("""
    INSERT INTO campaign_returned (programme_id, campaign, claim_key, points, after, posting_id)
    SELECT :programme, :campaign, claim_key, points,
           (SELECT max(number) FROM campaign_batch WHERE programme_id = :programme AND campaign = :campaign), :posting
    FROM unnest(CAST(:keys AS uuid[]), CAST(:points AS bigint[])) AS u(claim_key, points)
""")

STAND = text("""
    SELECT COALESCE((SELECT max(number) FROM campaign_batch
                     WHERE programme_id = :programme AND campaign = :campaign), 0) AS batches,
           CAST(COALESCE((SELECT sum(given) FROM campaign_batch
                          WHERE programme_id = :programme AND campaign = :campaign), 0)
              - COALESCE((SELECT sum(points) FROM campaign_returned
                          WHERE programme_id = :programme AND campaign = :campaign), 0) AS bigint) AS given
""")
_NEW = f"""
    SELECT a.claim_key, a.happened_at, t.participant_id,
           CAST(floor(CAST(a.points AS numeric) * :above / :below) AS bigint) - a.points AS wanted
    FROM {STANDING_ACTS}
    WHERE t.programme_id = :programme AND w.claim_key IS NULL AND a.points > 0
      AND t.day >= :first AND t.day <= :last
      AND (CAST(:activities AS text[]) = '{{}}' OR m.activity = ANY (CAST(:activities AS text[])))
      AND NOT EXISTS (SELECT FROM campaign_grant g WHERE (g.programme_id, g.campaign, g.claim_key)
                                                        = (t.programme_id, :campaign, a.claim_key))
"""
WANTED = text(f"SELECT CAST(COALESCE(sum(n.wanted), 0) AS bigint) FROM ({_NEW}) n WHERE n.wanted > 0")
ADD_BATCH = text("""
    INSERT INTO campaign_batch (id, programme_id, campaign, number, active_from, room, programme_room, wanted, given,
                                granted_at)
    VALUES (:id, :programme, :campaign, :number, :active_from, :room, :programme_room, :wanted, :given, :at)
""")
# Each act in its order, while the batch has something to give; one award per person.
GRANT = text(f"""
    WITH ordered AS MATERIALIZED (
        SELECT n.*, sum(n.wanted) OVER (ORDER BY n.happened_at, n.claim_key) - n.wanted AS before
        FROM ({_NEW}) n WHERE n.wanted > 0
    ), given AS MATERIALIZED (
        SELECT *, CAST(LEAST(wanted, GREATEST(:given - before, 0)) AS bigint) AS points FROM ordered
    )
    SELECT participant_id, CAST(sum(points) AS bigint) AS points, uuidv7() AS posting_id,
           array_agg(claim_key ORDER BY claim_key) AS keys, array_agg(wanted ORDER BY claim_key) AS wanted,
           array_agg(points ORDER BY claim_key) AS each
    FROM given GROUP BY participant_id ORDER BY participant_id
""")
ADD_GRANTS = text("""
    INSERT INTO campaign_grant (programme_id, campaign, claim_key, batch_id, participant_id, wanted, points, posting_id)
    SELECT :programme, :campaign, claim_key, :batch, participant_id, wanted, points, posting_id
    FROM unnest(CAST(:keys AS uuid[]), CAST(:participants AS uuid[]), CAST(:wanted AS bigint[]),
                CAST(:points AS bigint[]), CAST(:postings AS uuid[]))
        AS u(claim_key, participant_id, wanted, points, posting_id)
""")
FIGURES = text("""
    SELECT g.campaign, count(*) AS acts, count(DISTINCT g.participant_id) AS people,
           CAST(sum(g.wanted) AS bigint) AS wanted, CAST(sum(g.points) AS bigint) AS given,
           CAST(COALESCE(sum(r.points), 0) AS bigint) AS returned
    FROM campaign_grant g LEFT JOIN campaign_returned r USING (programme_id, campaign, claim_key)
    WHERE g.programme_id = :programme GROUP BY g.campaign ORDER BY g.campaign
""")
