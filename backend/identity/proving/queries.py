"""All SQL about proofs of who somebody is."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO person_proof (id, participant_id, provider, subject_index, proved_at)
    VALUES (:id, :participant, :provider, :subject, :at) ON CONFLICT (participant_id, provider) DO NOTHING
""")
OF = text(
    "SELECT subject_index FROM person_proof WHERE participant_id = :participant AND provider = :provider"
)
REDEEMABLE = text("SELECT redeemable(:participant)")
