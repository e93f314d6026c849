"""All SQL about vouchers. The database gives them itself, where a redemption is captured."""

from __future__ import annotations

from sqlalchemy import text

_STATE = """
    CASE WHEN u.redemption_id IS NOT NULL THEN 'used' WHEN NOT redemption_kept(r.id, r.points) THEN 'refunded'
         WHEN v.valid_until < :today THEN 'over' ELSE 'good' END
"""
_VOUCHER = f"""
    SELECT r.id AS redemption_id, r.offer_id, o.programme, r.points, {_STATE} AS state, v.mac, v.code_sealed, v.face_fen,
           v.minimum_fen, r.made_at AS given_at, v.valid_until, u.used_at, o.title_zh, o.title_en, m.name_zh AS merchant_zh,
           m.name_en AS merchant_en, s.name_zh AS shop_zh, s.name_en AS shop_en
    FROM redemption r JOIN voucher v ON v.redemption_id = r.id JOIN offer o ON o.id = r.offer_id
    JOIN organisation m ON m.id = o.merchant_id LEFT JOIN voucher_use u ON u.redemption_id = r.id
    LEFT JOIN shop_now s ON s.id = u.shop_id
    WHERE r.participant_id = ANY (CAST(:people AS uuid[]))
"""
OF_CITIZEN = text(f"""
    {_VOUCHER} AND (NOT CAST(:good AS boolean) OR {_STATE} = 'good')
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (r.made_at, r.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY r.made_at DESC, r.id DESC LIMIT :limit
""")
ONE_OF_CITIZEN = text(f"{_VOUCHER} AND r.id = :redemption")

COUNTS = text(f"""
    SELECT count(*) AS given, count(*) FILTER (WHERE state = 'good') AS good, count(*) FILTER (WHERE state = 'used') AS used,
           count(*) FILTER (WHERE state = 'over') AS over, count(*) FILTER (WHERE state = 'refunded') AS refunded
    FROM (SELECT {_STATE} AS state FROM redemption r JOIN voucher v ON v.redemption_id = r.id
          LEFT JOIN voucher_use u ON u.redemption_id = r.id WHERE r.offer_id = :offer) found
""")

AT_TILL = text("""
    SELECT a.*, l.by_label, l.till_label
    FROM voucher_at_till(
        CAST(:mac AS bytea), CAST(:merchant AS uuid), CAST(:by AS uuid), CAST(:shop AS uuid), CAST(:till AS uuid),
        CAST(:purchase_fen AS bigint), CAST(:use AS boolean), CAST(:event AS uuid), CAST(:now AS timestamptz),
        CAST(:today AS date)) a
    LEFT JOIN LATERAL redemption_labels(a.used_by, a.till_id) l ON a.state = 'used'
""")
WHOSE = text("""
    SELECT r.participant_id, m.name_zh AS merchant_zh, m.name_en AS merchant_en
    FROM redemption r JOIN offer o ON o.id = r.offer_id JOIN organisation m ON m.id = o.merchant_id WHERE r.id = :redemption
""")
USES = text("""
    SELECT u.redemption_id, r.offer_id, o.title_zh, o.title_en, v.face_fen, u.purchase_fen, u.used_at, u.used_by AS by,
           l.by_label, u.shop_id, u.till_id, l.till_label
    FROM voucher_use u JOIN voucher v ON v.redemption_id = u.redemption_id JOIN redemption r ON r.id = u.redemption_id
    JOIN offer o ON o.id = r.offer_id CROSS JOIN LATERAL redemption_labels(u.used_by, u.till_id) l
    WHERE u.merchant_id = :merchant AND (CAST(:shop AS uuid) IS NULL OR u.shop_id = CAST(:shop AS uuid))
        AND (CAST(:after_at AS timestamptz) IS NULL
             OR (u.used_at, u.redemption_id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY u.used_at DESC, u.redemption_id DESC LIMIT :limit
""")

# Vouchers that are good and end soon, in the order of their ids.
ENDING = text("""
    SELECT v.redemption_id, r.participant_id, v.face_fen, v.valid_until, o.title_zh, o.title_en, m.name_zh AS merchant_zh,
           m.name_en AS merchant_en, EXISTS (SELECT FROM account_join j WHERE j.joined_id = r.participant_id) AS ended
    FROM voucher v JOIN redemption r ON r.id = v.redemption_id JOIN offer o ON o.id = r.offer_id
    JOIN organisation m ON m.id = o.merchant_id
    WHERE v.valid_until BETWEEN :today AND :until AND (CAST(:after AS uuid) IS NULL OR v.redemption_id > CAST(:after AS uuid))
        AND redemption_kept(r.id, r.points)
        AND NOT EXISTS (SELECT FROM voucher_use u WHERE u.redemption_id = v.redemption_id)
    ORDER BY v.redemption_id LIMIT :limit
""")
