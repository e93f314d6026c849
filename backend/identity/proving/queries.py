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
PROOFS = text(
    "SELECT provider, proved_at FROM person_proof WHERE participant_id = :participant ORDER BY proved_at, id"
)
BARRED = text("""
    SELECT CASE WHEN redeemable(:participant) THEN NULL
                WHEN EXISTS (SELECT FROM account_closed c WHERE c.participant_id = :participant) THEN 'closed'
                WHEN NOT guardian_allows(:participant, 'redeem') THEN 'guardian'
                ELSE 'another_account' END
""")
REDEEMABLE = text("SELECT redeemable(:participant)")
