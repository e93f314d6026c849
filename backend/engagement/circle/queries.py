"""All SQL of profiles and friends but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

LAST = text("""
    SELECT seq, kind, handle, name_sealed, said_at FROM circle_event
    WHERE programme_id = :programme AND participant_id = :participant ORDER BY seq DESC LIMIT 1
""")
ADD = text("""
    INSERT INTO circle_event (id, programme_id, participant_id, seq, kind, handle, name_sealed, text_sha256, said_at)
    VALUES (:id, :programme, :participant, :seq, :kind, :handle, :name, :text_sha256, :at)
""")
HISTORY = text("""
    SELECT e.kind, e.handle, t.edition, e.said_at
    FROM circle_event e LEFT JOIN agreement_text t ON t.sha256 = e.text_sha256
    WHERE e.programme_id = :programme AND e.participant_id = :participant ORDER BY e.seq
""")
# The last event of each: by the index of its key, however many others there are.
NOW = text("""
    SELECT last.participant_id, last.handle, last.name_sealed
    FROM unnest(CAST(:participants AS uuid[])) AS asked (id)
    CROSS JOIN LATERAL (
        SELECT participant_id, kind, handle, name_sealed FROM circle_event
        WHERE programme_id = :programme AND participant_id = asked.id ORDER BY seq DESC LIMIT 1) AS last
    WHERE last.kind IN ('shown', 'named')
""")
SHOWN_IN = text(
    "SELECT programme_id FROM circle_now WHERE participant_id = :participant ORDER BY programme_id"
)
BY_HANDLE = text("""
    SELECT participant_id FROM circle_event WHERE programme_id = :programme AND handle = :handle AND kind = 'shown'
""")

OPEN = text("""
    SELECT count(*) FROM circle_invitation i LEFT JOIN circle_friendship f ON f.id = i.id
    WHERE i.programme_id = :programme AND i.participant_id = :participant AND i.expires_at > :at AND f.id IS NULL
""")
INVITE = text("""
    INSERT INTO circle_invitation (id, programme_id, participant_id, code_sha256, made_at, expires_at)
    VALUES (:id, :programme, :participant, :code_sha256, :at, :expires_at)
""")
INVITATION = text("""
    SELECT i.id, i.participant_id, i.expires_at, f.id IS NOT NULL AS used
    FROM circle_invitation i LEFT JOIN circle_friendship f ON f.id = i.id
    WHERE i.programme_id = :programme AND i.code_sha256 = :code_sha256
""")
BEFRIEND = text("""
    INSERT INTO circle_friendship (id, programme_id, first_id, second_id, made_at)
    VALUES (:id, :programme, least(CAST(:one AS uuid), CAST(:other AS uuid)),
            greatest(CAST(:one AS uuid), CAST(:other AS uuid)), :at)
""")
STANDING = text("""
    SELECT f.id, CASE WHEN f.first_id = :participant THEN f.second_id ELSE f.first_id END AS friend, f.made_at
    FROM circle_friendship f LEFT JOIN circle_friendship_end e ON e.friendship_id = f.id
    WHERE f.programme_id = :programme AND e.friendship_id IS NULL
      AND (f.first_id = :participant OR f.second_id = :participant)
    ORDER BY f.made_at, f.id
""")
END = text("""
    INSERT INTO circle_friendship_end (friendship_id, ended_by, ended_at) VALUES (:id, :by, :at)
""")
