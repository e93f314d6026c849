"""All SQL of referrals."""

from __future__ import annotations

from sqlalchemy import text

LOCK = text("SELECT pg_advisory_xact_lock(7318041, :programme)")
CODE_OF = text("""
    SELECT code FROM referral_code WHERE programme_id = :programme AND participant_id = :participant
""")
ADD_CODE = text("""
    INSERT INTO referral_code (programme_id, participant_id, code, made_at)
    VALUES (:programme, :participant, :code, :at) ON CONFLICT DO NOTHING
""")
REFERRER = text("""
    SELECT c.participant_id, n.created_at AS joined_at, n.kind,
           EXISTS (SELECT FROM referral r WHERE r.programme_id = :programme AND r.newcomer_id = :newcomer) AS already,
           EXISTS (SELECT FROM referral r WHERE r.programme_id = :programme AND r.newcomer_id = c.participant_id
                                            AND r.referrer_id = :newcomer) AS back,
           EXISTS (SELECT FROM means_holder a JOIN means_holder b ON b.token = a.token
                   WHERE a.participant_id = :newcomer AND b.participant_id = c.participant_id) AS shared
    FROM referral_code c JOIN participant n ON n.id = :newcomer
    WHERE c.programme_id = :programme AND c.code = :code
""")
ADD = text("""
    INSERT INTO referral (programme_id, newcomer_id, referrer_id, joined_on, redeemed_at)
    VALUES (:programme, :newcomer, :referrer, :joined_on, :at)
""")
INVITED = text("""
    SELECT r.redeemed_at, w.rewarded_at, COALESCE(a.points, 0) AS points
    FROM referral r
    LEFT JOIN referral_rewarded w ON w.programme_id = r.programme_id AND w.newcomer_id = r.newcomer_id
        AND NOT EXISTS (SELECT FROM referral_undone u WHERE u.rewarded_id = w.id)
    LEFT JOIN award a ON a.cause = 'referral:' || w.id AND a.participant_id = r.referrer_id
    WHERE r.programme_id = :programme AND r.referrer_id = :participant
    ORDER BY r.redeemed_at, r.newcomer_id
""")
CAME_WITH = text("""
    SELECT EXISTS (SELECT FROM referral WHERE programme_id = :programme AND newcomer_id = :participant)
""")
_ACTS = """
    COALESCE((SELECT sum(d.acts) FROM acted_day d
              WHERE d.programme_id = r.programme_id AND d.participant_id = r.newcomer_id
                AND d.day >= r.joined_on AND d.day <= {last}), 0)
"""
_TOUCHED = "r.newcomer_id IN (SELECT participant_id FROM followed_touched WHERE programme_id = :programme)"
UNDO = text(f"""
    SELECT w.id, r.newcomer_id, r.referrer_id
    FROM referral_rewarded w JOIN referral r ON (r.programme_id, r.newcomer_id) = (w.programme_id, w.newcomer_id)
    WHERE w.programme_id = :programme AND {_TOUCHED}
      AND NOT EXISTS (SELECT FROM referral_undone u WHERE u.rewarded_id = w.id)
      AND {_ACTS.format(last="w.last")} < w.needed
    ORDER BY w.id
""")
GIVEN = text("""
    SELECT posting_id, participant_id, points FROM award WHERE cause = ANY (CAST(:causes AS text[])) AND points > 0
    ORDER BY participant_id, posting_id
""")
ADD_UNDONE = text("""
    INSERT INTO referral_undone (rewarded_id, undone_at) SELECT unnest(CAST(:ids AS uuid[])), :at
""")
# Newcomers who did enough, the earliest first; `before` is how many of the referrer's rewards stand.
REWARD = text(f"""
    SELECT r.newcomer_id, r.referrer_id, r.joined_on + CAST(:days AS integer) - 1 AS last, uuidv7() AS id,
           1 + (SELECT count(*) FROM referral_rewarded w
                WHERE (w.programme_id, w.newcomer_id) = (r.programme_id, r.newcomer_id)) AS number,
           (SELECT count(*) FROM referral_rewarded w
            JOIN referral o ON (o.programme_id, o.newcomer_id) = (w.programme_id, w.newcomer_id)
            WHERE w.programme_id = r.programme_id AND o.referrer_id = r.referrer_id AND w.counts
              AND NOT EXISTS (SELECT FROM referral_undone u WHERE u.rewarded_id = w.id)) AS before
    FROM referral r
    WHERE r.programme_id = :programme AND {_TOUCHED}
      AND {_ACTS.format(last="r.joined_on + CAST(:days AS integer) - 1")} >= :needed
      AND NOT EXISTS (SELECT FROM referral_rewarded w WHERE (w.programme_id, w.newcomer_id) = (r.programme_id, r.newcomer_id)
                      AND NOT EXISTS (SELECT FROM referral_undone u WHERE u.rewarded_id = w.id))
    ORDER BY r.redeemed_at, r.newcomer_id
""")
ADD_REWARDED = text("""
    INSERT INTO referral_rewarded (id, programme_id, newcomer_id, number, last, needed, to_referrer, to_referred, counts,
                                   active_from, rewarded_at)
    VALUES (:id, :programme, :newcomer, :number, :last, :needed, :to_referrer, :to_referred, :counts, :active_from, :at)
""")
FIGURES = text("""
    SELECT (SELECT count(*) FROM referral WHERE programme_id = :programme) AS referred,
           count(w.id) FILTER (WHERE u.rewarded_id IS NULL) AS rewarded, count(u.rewarded_id) AS undone,
           CAST(COALESCE(sum((SELECT sum(a.points) FROM award a WHERE a.cause = 'referral:' || w.id))
                         FILTER (WHERE u.rewarded_id IS NULL), 0) AS bigint) AS points
    FROM referral_rewarded w LEFT JOIN referral_undone u ON u.rewarded_id = w.id WHERE w.programme_id = :programme
""")
