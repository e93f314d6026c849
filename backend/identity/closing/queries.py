"""All SQL about closed accounts."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO account_closed (participant_id, closed_at) VALUES (:participant, :at) ON CONFLICT DO NOTHING
    RETURNING participant_id
""")
