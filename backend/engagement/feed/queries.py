"""All SQL of the feed but that of its checks."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO feed_post (id, programme_id, participant_id, handle, kind, reference, audience, posted_at)
    VALUES (:id, :programme, :participant, :handle, :kind, :reference, :audience, :at)
""")
SAME = text("""
    SELECT p.id, p.audience, r.post_id IS NOT NULL AS removed, r.staff_id IS NOT NULL AS hidden, p.handle
    FROM feed_post p LEFT JOIN feed_removal r ON r.post_id = p.id
    WHERE p.programme_id = :programme AND p.participant_id = :participant AND p.kind = :kind AND p.reference = :reference
""")
# What stays of a post: its author agrees to be shown, under the handle of the post, and nobody removed it.
_STANDING = """
    JOIN LATERAL (
        SELECT kind, handle FROM circle_event e
        WHERE e.programme_id = p.programme_id AND e.participant_id = p.participant_id ORDER BY e.seq DESC LIMIT 1
    ) AS author ON author.kind IN ('shown', 'named') AND author.handle = p.handle
    LEFT JOIN feed_removal r ON r.post_id = p.id
"""
_SEEN = "(p.audience = 'programme' OR p.participant_id = ANY (CAST(:circle AS uuid[])))"
PAGE = text(f"""
    SELECT p.id, p.participant_id, p.kind, p.reference, p.audience, p.posted_at
    FROM feed_post p {_STANDING}
    WHERE p.programme_id = :programme AND r.post_id IS NULL AND {_SEEN}
      AND (CAST(:before AS timestamptz) IS NULL
           OR (p.posted_at, p.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY p.posted_at DESC, p.id DESC LIMIT :limit
""")
ONE_SEEN = text(f"""
    SELECT p.id, p.participant_id FROM feed_post p {_STANDING}
    WHERE p.programme_id = :programme AND p.id = :id AND r.post_id IS NULL AND {_SEEN}
""")
# Likes of those who agree to be shown, and the reader's own.
LIKES = text("""
    SELECT l.post_id, count(*) AS likes, COALESCE(bool_or(l.participant_id = :participant), false) AS liked
    FROM (SELECT DISTINCT ON (post_id, participant_id) post_id, participant_id, liked FROM feed_like
          WHERE post_id = ANY (CAST(:posts AS uuid[])) ORDER BY post_id, participant_id, seq DESC) AS l
    JOIN LATERAL (
        SELECT kind FROM circle_event e WHERE e.programme_id = :programme AND e.participant_id = l.participant_id
        ORDER BY e.seq DESC LIMIT 1) AS liker ON liker.kind IN ('shown', 'named')
    WHERE l.liked GROUP BY l.post_id
""")
LAST_LIKE = text("""
    SELECT seq, liked FROM feed_like WHERE post_id = :post AND participant_id = :participant ORDER BY seq DESC LIMIT 1
""")
LIKE = text("""
    INSERT INTO feed_like (post_id, participant_id, seq, liked, said_at) VALUES (:post, :participant, :seq, :liked, :at)
""")
REPORT = text("""
    INSERT INTO feed_report (post_id, participant_id, cause, reported_at) VALUES (:post, :participant, :cause, :at)
    ON CONFLICT (post_id, participant_id) DO NOTHING
""")
OWN = text("""
    SELECT p.id, p.kind, p.reference, p.handle, p.audience, p.posted_at, r.post_id IS NOT NULL AS removed, r.staff_id,
           r.reason_zh, r.reason_en
    FROM feed_post p LEFT JOIN feed_removal r ON r.post_id = p.id
    WHERE p.programme_id = :programme AND p.participant_id = :participant
      AND (CAST(:before AS timestamptz) IS NULL
           OR (p.posted_at, p.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY p.posted_at DESC, p.id DESC LIMIT :limit
""")
OF_PROGRAMME = text("""
    SELECT id, participant_id FROM feed_post WHERE programme_id = :programme AND id = :id
""")
REMOVE = text("""
    INSERT INTO feed_removal (post_id, staff_id, reason_zh, reason_en, removed_at)
    VALUES (:post, :staff, :reason_zh, :reason_en, :at)
    ON CONFLICT (post_id) DO NOTHING RETURNING post_id
""")
REPORTED = text("""
    SELECT p.id, p.participant_id, p.handle, p.kind, p.reference, p.posted_at, count(*) AS reports,
           array_agg(DISTINCT t.cause ORDER BY t.cause) AS causes
    FROM feed_report t JOIN feed_post p ON p.id = t.post_id LEFT JOIN feed_removal r ON r.post_id = p.id
    WHERE p.programme_id = :programme AND r.post_id IS NULL
    GROUP BY p.id ORDER BY count(*) DESC, p.posted_at DESC LIMIT :limit
""")

# What posts tell of, while it stands: whose it is, and the thing of the pack.
TASKS = text("""
    SELECT CAST(f.id AS text) AS reference, f.participant_id, f.task AS thing
    FROM task_finished f LEFT JOIN task_undone u ON u.finished_id = f.id
    WHERE f.programme_id = :programme AND f.id = ANY (CAST(:ids AS uuid[]))
      AND u.finished_id IS NULL
""")
TREES = text("""
    SELECT CAST(t.grant_id AS text) AS reference, g.participant_id, g.reward AS thing
    FROM reward_grant g JOIN tree t ON t.grant_id = g.id LEFT JOIN reward_outcome o ON o.grant_id = g.id
    WHERE g.programme_id = :programme AND g.id = ANY (CAST(:ids AS uuid[]))
      AND o.outcome IS DISTINCT FROM 'refused'
""")
AMOUNTS = text("""
    SELECT participant_id, CAST(sum(acts) AS bigint) AS acts, CAST(sum(grams) AS bigint) AS grams,
           CAST(sum(points) AS bigint) AS points, count(DISTINCT day) AS days
    FROM acted_day
    WHERE programme_id = :programme AND participant_id = ANY (CAST(:participants AS uuid[]))
      AND (CAST(:activities AS text[]) = '{}' OR activity = ANY (CAST(:activities AS text[])))
    GROUP BY participant_id
""")
