"""All SQL about suspensions."""

from __future__ import annotations

from sqlalchemy import text

# Whose it is: a merchant its own, a shop's or a till's merchant.
MERCHANT_OF = {
    "merchant": text("""
        SELECT o.id FROM organisation o WHERE o.id = :id AND EXISTS (
            SELECT FROM organisation_role r WHERE r.organisation_id = o.id AND r.role = 'merchant')
    """),
    "shop": text("SELECT merchant_id FROM shop WHERE id = :id"),
    "till": text("SELECT merchant_id FROM till WHERE id = :id"),
}
LAST = text("""
    SELECT kind, merchant_id, number, step, stepped_by FROM suspension WHERE subject_id = :id ORDER BY number DESC LIMIT 1
""")
STEP = text("""
    INSERT INTO suspension (subject_id, number, kind, merchant_id, step, reason, stepped_by, stepped_at)
    VALUES (:id, :number, :kind, :merchant, :step, :reason, :by, :at)
""")
_SUSPENSION = """
    SELECT s.subject_id, s.number, s.kind, s.merchant_id, s.step, s.reason, s.stepped_by, s.stepped_at FROM suspension s
"""
HISTORY = text(_SUSPENSION + " WHERE s.subject_id = :id ORDER BY s.number")
STANDING = text(
    _SUSPENSION
    + """
    JOIN suspended n ON n.subject_id = s.subject_id AND n.number = s.number
    WHERE (CAST(:merchant AS uuid) IS NULL OR s.merchant_id = :merchant)
        AND (CAST(:after_at AS timestamptz) IS NULL
             OR (s.stepped_at, s.subject_id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY s.stepped_at DESC, s.subject_id DESC LIMIT :limit
"""
)
