"""All SQL about redemptions. The hot verbs are one call of the database each, from a session or a hot connection."""

from __future__ import annotations

from sqlalchemy import text

HOLD = text(
    "SELECT * FROM redemption_hold(CAST(:id AS uuid), CAST(:participant AS uuid), CAST(:offer AS uuid), "
    "CAST(:mac AS bytea), CAST(:now AS timestamptz), CAST(:today AS date), CAST(:until AS timestamptz), "
    "CAST(:actor AS uuid), CAST(:stepped_up AS boolean), CAST(:voucher_mac AS bytea), CAST(:voucher_sealed AS bytea))"
)
HOLD_HOT = (
    "SELECT * FROM redemption_hold($1::uuid, $2::uuid, $3::uuid, $4::bytea, $5::timestamptz, $6::date, "
    "$7::timestamptz, $8::uuid, NULL)"
)
HOLD_ONCE = (
    "SELECT * FROM redemption_hold_once($1::text, $2::text, $3::bytea, $4::bytea, $5::uuid, $6::uuid, $7::uuid, "
    "$8::bytea, $9::timestamptz, $10::date, $11::timestamptz, $12::uuid, $13::uuid)"
)
HELD_AS_HOT = "SELECT points, confirm IS TRUE AS confirm FROM redemption WHERE id = $1::uuid"
HELD_AS = text("SELECT points, confirm IS TRUE AS confirm FROM redemption WHERE id = :id")

CAPTURE_HOT = (
    "SELECT * FROM redemption_capture($1::bytea, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::uuid, $7::timestamptz, "
    "$8::timestamptz)"
)
SCAN_HOT = "SELECT * FROM redemption_scan($1, $2::uuid, $3::uuid, $4::bytea, $5::uuid, $6::timestamptz, $7::timestamptz)"
CAPTURE = text(
    "SELECT * FROM redemption_capture(CAST(:mac AS bytea), CAST(:merchant AS uuid), CAST(:by AS uuid), "
    "CAST(:shop AS uuid), CAST(:till AS uuid), CAST(:posting AS uuid), CAST(:now AS timestamptz), "
    "CAST(:wait_until AS timestamptz))"
)

CLOSE = text(
    "SELECT c.ended, c.offer_id, o.limited, o.price_points FROM redemption_close(CAST(:redemption AS uuid), "
    "CAST(:participant AS uuid), CAST(:posting AS uuid), CAST(:now AS timestamptz)) c "
    "JOIN offer o ON o.id = c.offer_id"
)

RENEW = text(
    "SELECT redemption_renew(CAST(:redemption AS uuid), CAST(:participant AS uuid), CAST(:mac AS bytea), "
    "CAST(:now AS timestamptz), CAST(:until AS timestamptz), CAST(:made_after AS timestamptz))"
)

ANSWER = text(
    "SELECT redemption_answered(CAST(:redemption AS uuid), CAST(:participant AS uuid), CAST(:asked AS uuid), "
    "CAST(:yes AS boolean), CAST(:by AS uuid), CAST(:posting AS uuid), CAST(:now AS timestamptz))"
)
WITHDRAW = text(
    "SELECT redemption_withdraw(CAST(:asked AS uuid), CAST(:merchant AS uuid), CAST(:by AS uuid), "
    "CAST(:now AS timestamptz))"
)
QUESTION = text("""
    SELECT a.redemption_id, a.until, r.points, w.answer, e.ended, o.asked_id IS NOT DISTINCT FROM a.id AS waits
    FROM redemption_asked a JOIN redemption r ON r.id = a.redemption_id
    LEFT JOIN redemption_answer w ON w.asked_id = a.id LEFT JOIN redemption_end e ON e.redemption_id = r.id
    LEFT JOIN redemption_open o ON o.redemption_id = r.id
    WHERE a.id = :asked AND a.merchant_id = :merchant
        AND (CAST(:shop AS uuid) IS NULL OR a.shop_id = CAST(:shop AS uuid))
""")

WHOSE = text("""
    SELECT r.participant_id, m.name_zh, m.name_en
    FROM redemption r JOIN offer o ON o.id = r.offer_id JOIN organisation m ON m.id = o.merchant_id
    WHERE r.id = :redemption
""")

GIVE_BACK = text("SELECT budget_give_back(CAST(:redemption AS uuid), CAST(:points AS bigint))")
PUT_BACK = text("SELECT offer_stock_put_back(CAST(:offer AS uuid))")

DUE = text("""
    SELECT o.redemption_id FROM redemption_open o
    WHERE o.stands_until <= :now AND (CAST(:participant AS uuid) IS NULL OR EXISTS (
        SELECT FROM redemption r WHERE r.id = o.redemption_id AND r.participant_id = CAST(:participant AS uuid)))
    ORDER BY o.stands_until LIMIT :limit
""")

_PARTS = """
    LEFT JOIN LATERAL (
        SELECT sum(p.points) AS points, max(p.refunded_at) AS at,
               (array_agg(p.reason ORDER BY p.refunded_at DESC, p.part_id))[1] AS reason
        FROM redemption_part p WHERE p.redemption_id = r.id) q ON true
"""
_GIVEN_BACK = "CASE WHEN f.redemption_id IS NOT NULL THEN r.points ELSE COALESCE(q.points, 0)::bigint END AS refunded_points"
_REDEMPTION = f"""
    SELECT r.id, r.offer_id, o.programme, m.code AS merchant, m.name_zh AS merchant_zh, m.name_en AS merchant_en,
           o.title_zh, o.title_en, r.points, r.made_at, s.stands_until, e.ended, e.ended_at,
           COALESCE(f.refunded_at, q.at) AS refunded_at, {_GIVEN_BACK}, r.confirm IS TRUE AS confirm,
           t.money_fen, o.gives, COALESCE(e.shop_id, a.shop_id) AS shop_id, s.asked_id, a.until AS asked_until
    FROM redemption r JOIN offer o ON o.id = r.offer_id JOIN organisation m ON m.id = o.merchant_id
    LEFT JOIN offer_terms t ON t.offer_id = o.id
    LEFT JOIN redemption_open s ON s.redemption_id = r.id LEFT JOIN redemption_end e ON e.redemption_id = r.id
    LEFT JOIN redemption_asked a ON a.id = s.asked_id
    LEFT JOIN redemption_refund f ON f.redemption_id = r.id {_PARTS}
    WHERE r.participant_id = ANY (CAST(:people AS uuid[]))
"""
ONE_OF_CITIZEN = text(f"{_REDEMPTION} AND r.id = :redemption")
OF_CITIZEN = text(f"""
    {_REDEMPTION}
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (r.made_at, r.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY r.made_at DESC, r.id DESC LIMIT :limit
""")

_REFUNDS = """
    (SELECT jsonb_agg(jsonb_build_array(b.part_id, b.points, b.at, b.reason, b.agreed_by, a.by_label, b.by, w.by_label,
                                        b.till_id, w.till_label) ORDER BY b.at, b.part_id)
     FROM (SELECT NULL AS part_id, r.points, f.refunded_at AS at, f.reason, f.refunded_by AS agreed_by, f.asked_by AS by,
                  f.till_id WHERE f.redemption_id IS NOT NULL
           UNION ALL
           SELECT p.part_id, p.points, p.refunded_at, p.reason, p.refunded_by, p.asked_by, p.till_id
           FROM redemption_part p WHERE p.redemption_id = r.id) b,
          redemption_labels(b.agreed_by, NULL) a, redemption_labels(b.by, b.till_id) w) AS refunds
"""
_RECEIPT = f"""
    SELECT r.id AS redemption_id, r.offer_id, o.programme, o.title_zh, o.title_en, r.points, e.ended_at AS captured_at,
           e.captured_by, e.shop_id, e.till_id, COALESCE(f.refunded_at, q.at) AS refunded_at,
           COALESCE(f.reason, q.reason) AS refund_reason, {_GIVEN_BACK}, t.money_fen, {_REFUNDS}
    FROM redemption_end e JOIN redemption r ON r.id = e.redemption_id JOIN offer o ON o.id = r.offer_id
    LEFT JOIN offer_terms t ON t.offer_id = o.id LEFT JOIN redemption_refund f ON f.redemption_id = r.id {_PARTS}
    WHERE e.merchant_id = :merchant AND e.ended = 'captured'
        AND (CAST(:shop AS uuid) IS NULL OR e.shop_id = CAST(:shop AS uuid))
"""
ONE_RECEIPT = text(f"{_RECEIPT} AND e.redemption_id = :redemption")
RECEIPTS = text(f"""
    {_RECEIPT}
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (e.ended_at, e.redemption_id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY e.ended_at DESC, e.redemption_id DESC LIMIT :limit
""")
CAPTURED_BETWEEN = text("""
    SELECT e.redemption_id FROM redemption_end e
    WHERE e.merchant_id = :merchant AND e.ended = 'captured' AND e.ended_at >= :since AND e.ended_at < :before
        AND (CAST(:shop AS uuid) IS NULL OR e.shop_id = CAST(:shop AS uuid))
        AND (CAST(:till AS uuid) IS NULL OR e.till_id = CAST(:till AS uuid))
    ORDER BY e.ended_at, e.redemption_id LIMIT :limit
""")

STANDS_AT_MERCHANT = text("""
    SELECT r.id FROM redemption r JOIN offer o ON o.id = r.offer_id
    WHERE r.id = :redemption AND o.merchant_id = :merchant
""")

CAPTURED_ELSEWHERE = text("""
    SELECT e.redemption_id FROM redemption_end e
    WHERE e.redemption_id = :redemption AND e.shop_id IS DISTINCT FROM CAST(:shop AS uuid)
""")
REFUNDABLE = text("SELECT * FROM redemption_refundable(CAST(:redemption AS uuid), CAST(:merchant AS uuid))")
REFUND = text("""
    INSERT INTO redemption_refund (redemption_id, posting_id, reason, refunded_by, refunded_at, asked_by, till_id)
    VALUES (:redemption, :posting, :reason, :by, :at, :asked_by, :till)
""")
PART = text("SELECT points FROM redemption_part WHERE redemption_id = :redemption AND part_id = :part")
ADD_PART = text("""
    INSERT INTO redemption_part
        (redemption_id, part_id, posting_id, points, reason, refunded_by, refunded_at, asked_by, till_id)
    VALUES (:redemption, :part, :posting, :points, :reason, :by, :at, :asked_by, :till)
""")

ADD_MISS = (
    "INSERT INTO redemption_miss (merchant_id, by_id, shop_id, till_id, typed, reason, at) "
    "VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5, $6, $7::timestamptz)"
)
RECENT_MISSES = (
    "SELECT (SELECT count(*) FROM redemption_miss m WHERE COALESCE(m.till_id, m.by_id) = $1::uuid AND m.typed AND m.at > $3::timestamptz), "
    "(SELECT count(*) FROM redemption_miss m WHERE m.merchant_id = $2::uuid AND m.typed AND m.at > $3::timestamptz)"
)
MISSES = text("""
    SELECT m.id, m.at, m.reason, m.typed, m.by_id AS by, m.shop_id, m.till_id FROM redemption_miss m
    WHERE m.merchant_id = :merchant AND (CAST(:shop AS uuid) IS NULL OR m.shop_id = CAST(:shop AS uuid))
        AND (CAST(:after_at AS timestamptz) IS NULL
        OR (m.at, m.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS bigint)))
    ORDER BY m.at DESC, m.id DESC LIMIT :limit
""")
FORGET_MISSES = text("DELETE FROM redemption_miss WHERE at < :before")

LABELS = "SELECT * FROM redemption_labels($1::uuid, $2::uuid)"
