"""All SQL about redemptions. The hot verbs are one call of the database each, from a session or a hot connection."""

from __future__ import annotations

from sqlalchemy import text

HOLD_HOT = "SELECT redemption_hold($1::uuid, $2::uuid, $3::uuid, $4::bytea, $5::timestamptz, $6::date, $7::timestamptz)"
HOLD = text(
    "SELECT redemption_hold(CAST(:id AS uuid), CAST(:participant AS uuid), CAST(:offer AS uuid), "
    "CAST(:mac AS bytea), CAST(:now AS timestamptz), CAST(:today AS date), CAST(:until AS timestamptz))"
)

CAPTURE_HOT = "SELECT * FROM redemption_capture($1::bytea, $2::uuid, $3::uuid, $4::uuid, $5::timestamptz)"
CAPTURE = text(
    "SELECT * FROM redemption_capture(CAST(:mac AS bytea), CAST(:merchant AS uuid), CAST(:staff AS uuid), "
    "CAST(:posting AS uuid), CAST(:now AS timestamptz))"
)

CLOSE = text(
    "SELECT c.ended, c.offer_id, o.limited FROM redemption_close(CAST(:redemption AS uuid), "
    "CAST(:participant AS uuid), CAST(:posting AS uuid), CAST(:now AS timestamptz)) c "
    "JOIN offer o ON o.id = c.offer_id"
)

RENEW = text(
    "SELECT redemption_renew(CAST(:redemption AS uuid), CAST(:participant AS uuid), CAST(:mac AS bytea), "
    "CAST(:now AS timestamptz), CAST(:until AS timestamptz), CAST(:made_after AS timestamptz))"
)

PUT_BACK = text("SELECT offer_stock_put_back(CAST(:offer AS uuid))")

DUE = text("""
    SELECT o.redemption_id FROM redemption_open o
    WHERE o.stands_until <= :now AND (CAST(:participant AS uuid) IS NULL OR EXISTS (
        SELECT FROM redemption r WHERE r.id = o.redemption_id AND r.participant_id = CAST(:participant AS uuid)))
    ORDER BY o.stands_until LIMIT :limit
""")

_REDEMPTION = """
    SELECT r.id, r.offer_id, o.programme, m.code AS merchant, m.name_zh AS merchant_zh, m.name_en AS merchant_en,
           o.title_zh, o.title_en, r.points, r.made_at, s.stands_until, e.ended, e.ended_at, f.refunded_at
    FROM redemption r JOIN offer o ON o.id = r.offer_id JOIN organisation m ON m.id = o.merchant_id
    LEFT JOIN redemption_open s ON s.redemption_id = r.id LEFT JOIN redemption_end e ON e.redemption_id = r.id
    LEFT JOIN redemption_refund f ON f.redemption_id = r.id
    WHERE r.participant_id = :participant
"""
ONE_OF_CITIZEN = text(f"{_REDEMPTION} AND r.id = :redemption")
OF_CITIZEN = text(f"""
    {_REDEMPTION}
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (r.made_at, r.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY r.made_at DESC, r.id DESC LIMIT :limit
""")

_RECEIPT = """
    SELECT r.id AS redemption_id, r.offer_id, o.programme, o.title_zh, o.title_en, r.points, e.ended_at AS captured_at,
           e.captured_by, f.refunded_at, f.reason AS refund_reason
    FROM redemption_end e JOIN redemption r ON r.id = e.redemption_id JOIN offer o ON o.id = r.offer_id
    LEFT JOIN redemption_refund f ON f.redemption_id = r.id
    WHERE e.merchant_id = :merchant AND e.ended = 'captured'
"""
ONE_RECEIPT = text(f"{_RECEIPT} AND e.redemption_id = :redemption")
RECEIPTS = text(f"""
    {_RECEIPT}
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (e.ended_at, e.redemption_id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY e.ended_at DESC, e.redemption_id DESC LIMIT :limit
""")

STANDS_AT_MERCHANT = text("""
    SELECT r.id FROM redemption r JOIN offer o ON o.id = r.offer_id
    WHERE r.id = :redemption AND o.merchant_id = :merchant
""")

REFUND = text("""
    INSERT INTO redemption_refund (redemption_id, posting_id, reason, refunded_by, refunded_at)
    VALUES (:redemption, :posting, :reason, :by, :at)
    ON CONFLICT (redemption_id) DO NOTHING RETURNING redemption_id
""")

CAPTURED = text("""
    SELECT e.posting_id, e.ended_at, o.id AS offer_id, o.limited
    FROM redemption_end e JOIN redemption r ON r.id = e.redemption_id JOIN offer o ON o.id = r.offer_id
    WHERE e.redemption_id = :redemption AND e.merchant_id = :merchant AND e.ended = 'captured'
""")
