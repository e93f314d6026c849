"""All SQL about what citizens are told."""

from __future__ import annotations

from sqlalchemy import text

TELL = text("""
    INSERT INTO inbox_item (participant_id, kind, refers_to, facts, told_at)
    SELECT t.participant, :kind, t.refers_to, t.facts, :at
    FROM unnest(CAST(:participants AS uuid[]), CAST(:refers_to AS text[]), CAST(:facts AS jsonb[])) AS t(participant, refers_to, facts)
    WHERE NOT EXISTS (SELECT FROM inbox_choice c WHERE c.participant_id = t.participant AND c.topic = :topic AND NOT c.wanted)
    ON CONFLICT DO NOTHING RETURNING id
""")
ITEMS = text("""
    SELECT id, kind, refers_to, facts, told_at, read_at FROM inbox_item
    WHERE participant_id = :participant AND (NOT :unread OR read_at IS NULL)
      AND (CAST(:after_at AS timestamptz) IS NULL OR (told_at, id) < (:after_at, CAST(:after_id AS uuid)))
    ORDER BY told_at DESC, id DESC LIMIT :limit
""")
COUNT = text("SELECT count(*) FROM inbox_item WHERE participant_id = :participant")
UNREAD = text("SELECT count(*) FROM inbox_item WHERE participant_id = :participant AND read_at IS NULL")
READ = text("""
    UPDATE inbox_item SET read_at = COALESCE(read_at, :at) WHERE participant_id = :participant AND id = :id RETURNING id
""")
READ_ALL = text("UPDATE inbox_item SET read_at = :at WHERE participant_id = :participant AND read_at IS NULL")
CHOICES = text("SELECT topic, wanted FROM inbox_choice WHERE participant_id = :participant")
CHOOSE = text("""
    INSERT INTO inbox_choice (participant_id, topic, wanted, said_at) VALUES (:participant, :topic, :wanted, :at)
    ON CONFLICT (participant_id, topic) DO UPDATE SET wanted = EXCLUDED.wanted, said_at = EXCLUDED.said_at
""")
FORGET = text("DELETE FROM inbox_item WHERE told_at < :before")
FORGET_OF = text("DELETE FROM inbox_item WHERE participant_id = :participant")
FORGET_CHOICES_OF = text("DELETE FROM inbox_choice WHERE participant_id = :participant")
