"""All SQL of teams but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("INSERT INTO team (id, programme_id, code, founded_at) VALUES (:id, :programme, :code, :at)")
SAY = text("""
    INSERT INTO team_event (team_id, seq, kind, participant_id, name_sealed, happened_at)
    SELECT :team, COALESCE(max(seq), 0) + 1, :kind, :participant, CAST(:name AS bytea),
           greatest(:at, max(happened_at))
    FROM team_event WHERE team_id = :team
""")
BY_CODE = text("SELECT id FROM team WHERE programme_id = :programme AND code = :code")
CODE = text("SELECT code FROM team WHERE id = :team")
OF = text("""
    SELECT team_id FROM team_span
    WHERE programme_id = :programme AND participant_id = :participant AND until IS NULL
""")
MEMBERS = text("""
    SELECT team_id, participant_id, since FROM team_span
    WHERE programme_id = :programme AND team_id = ANY (CAST(:teams AS uuid[])) AND until IS NULL
    ORDER BY since, participant_id
""")
NAMES = text("""
    SELECT DISTINCT ON (team_id) team_id, participant_id, name_sealed FROM team_event
    WHERE team_id = ANY (CAST(:teams AS uuid[])) AND name_sealed IS NOT NULL ORDER BY team_id, seq DESC
""")
LED = text("""
    SELECT participant_id FROM team_event WHERE team_id = :team AND kind IN ('founded', 'led')
    ORDER BY seq DESC LIMIT 1
""")
