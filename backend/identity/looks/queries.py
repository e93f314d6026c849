"""All SQL about looks."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO person_look (id, participant_id, staff_id, organisation_id, operation, reason, looked_at)
    VALUES (:id, :participant, :staff, :organisation, :operation, :reason, :at)
""")
OF_PERSON = text("""
    SELECT l.id, l.operation, l.reason, l.looked_at, o.code AS organisation, o.name_zh, o.name_en
    FROM person_look l JOIN organisation o ON o.id = l.organisation_id
    WHERE l.participant_id = ANY (CAST(:participants AS uuid[]))
      AND (CAST(:at AS timestamptz) IS NULL OR (l.looked_at, l.id) < (:at, CAST(:id AS uuid)))
    ORDER BY l.looked_at DESC, l.id DESC LIMIT :limit
""")
