"""All SQL about offers. The piles of a stock are moved by the database's functions."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO offer (id, merchant_id, programme, title_zh, title_en, price_points, limited, gives, per_citizen,
                       first_day, last_day, created_by, created_at)
    VALUES (:id, :merchant_id, :programme, :title_zh, :title_en, :price_points, :limited, :gives, :per_citizen,
            :first_day, :last_day, :created_by, :created_at)
""")

RESTOCK = text("SELECT offer_restock(:id, :offer_id, CAST(:items AS integer), :by, :at)")

WITHDRAW = text("""
    INSERT INTO offer_withdrawal (offer_id, withdrawn_by, withdrawn_at) VALUES (:offer_id, :by, :at)
    ON CONFLICT (offer_id) DO NOTHING
""")

_OFFER = """
    SELECT o.id, o.merchant_id, m.code AS merchant, m.name_zh AS merchant_zh, m.name_en AS merchant_en, o.programme,
           o.title_zh, o.title_en, o.price_points, o.gives, o.per_citizen, o.first_day, o.last_day, o.created_at, w.withdrawn_at,
           COALESCE(l.step, 'published') AS step, l.reason,
           to_jsonb(t) - '{offer_id,said_by,said_at,xid}'::text[] AS terms,
           offer_images(o.id) AS images,
           ARRAY(SELECT a.shop_id FROM offer_shop a WHERE a.offer_id = o.id ORDER BY a.shop_id) AS shops,
           CASE WHEN o.limited THEN
               (SELECT COALESCE(sum(s.items_left), 0)::bigint FROM offer_stock s WHERE s.offer_id = o.id)
                WHEN o.gives = 'coupon' THEN
               coupons_left(o.id, (now() AT TIME ZONE 'Asia/Shanghai')::date) END AS items_left
    FROM offer o JOIN organisation m ON m.id = o.merchant_id LEFT JOIN offer_withdrawal w ON w.offer_id = o.id
    LEFT JOIN offer_terms t ON t.offer_id = o.id
    LEFT JOIN LATERAL (SELECT s.step, s.reason FROM offer_step s WHERE s.offer_id = o.id
                       ORDER BY s.number DESC LIMIT 1) l ON true
"""
_AFTER = """
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (o.created_at, o.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY o.created_at DESC, o.id DESC LIMIT :limit
"""
_OPEN = """
    w.offer_id IS NULL AND offer_shown(o.id) AND o.first_day <= :day AND (o.last_day >= :day) IS NOT FALSE
    AND NOT EXISTS (SELECT FROM suspended x WHERE x.subject_id = o.merchant_id)
"""

# strpos and not LIKE: what somebody types is no pattern.
_WANTED = """
    AND (CAST(:title AS text) IS NULL OR strpos(lower(o.title_zh), lower(:title)) > 0
         OR strpos(lower(o.title_en), lower(:title)) > 0)
    AND (CAST(:up_to_points AS bigint) IS NULL OR o.price_points <= :up_to_points)
    AND (CAST(:category AS text) IS NULL OR t.category = :category)
"""

# One of the shops where the offer is given: there, near there, and open if that is asked. A degree of latitude is 111 km.
_SHOPS = """
    shop_now p WHERE p.merchant_id = o.merchant_id AND NOT p.closed
        AND NOT EXISTS (SELECT FROM suspended x WHERE x.subject_id = p.id)
        AND (NOT EXISTS (SELECT FROM offer_shop a WHERE a.offer_id = o.id)
             OR EXISTS (SELECT FROM offer_shop a WHERE a.offer_id = o.id AND a.shop_id = p.id))
"""
_SOMEWHERE = f"""
    AND (NOT CAST(:somewhere AS boolean) OR EXISTS (
        SELECT FROM {_SHOPS}
            AND (CAST(:district AS text) IS NULL OR p.district = :district)
            AND (CAST(:shop_id AS uuid) IS NULL OR p.id = :shop_id)
            AND (CAST(:lat_e2 AS integer) IS NULL OR (p.lat_e2 - :lat_e2) ^ 2
                 + ((p.lon_e2 - :lon_e2) * cos(radians(:lat_e2 / 100.0))) ^ 2 <= (:within_km / 1.11) ^ 2)
            AND (NOT CAST(:open_now AS boolean) OR shop_is_open(p.id, :now))))
"""

OF_MERCHANT = text(f"{_OFFER} WHERE o.merchant_id = :merchant_id {_AFTER}")
ONE_OF_MERCHANT = text(f"{_OFFER} WHERE o.merchant_id = :merchant_id AND o.id = :offer_id")
OPEN = text(f"""
    {_OFFER} WHERE (CAST(:programme AS text) IS NULL OR o.programme = :programme) AND {_OPEN} {_WANTED} {_SOMEWHERE} {_AFTER}
""")
SHOPS_OF = text(f"""
    SELECT p.id, p.name_zh, p.name_en, p.address, p.district, shop_is_open(p.id, :now) AS open_now
    FROM offer o, {_SHOPS} AND o.id = :offer_id ORDER BY p.district, p.id LIMIT :limit
""")
ONE_OPEN = text(f"{_OFFER} WHERE o.id = :offer_id AND {_OPEN}")

# Steps of one offer stand in line: two at once would say different things.
LOCK_STEPS = text("SELECT pg_advisory_xact_lock(hashtextextended('offer:' || CAST(:offer_id AS text), 0))")
LAST_STEP = text("""
    SELECT s.number, s.step, s.reason, s.stepped_by, s.stepped_at FROM offer_step s
    WHERE s.offer_id = :offer_id ORDER BY s.number DESC LIMIT 1
""")
STEP = text("""
    INSERT INTO offer_step (offer_id, number, step, stepped_by, reason, stepped_at)
    VALUES (:offer_id, :number, :step, :by, :reason, :at)
""")
SAY_TERMS = text("""
    INSERT INTO offer_terms (offer_id, category, money_fen, period, per_period, opening_hours, seasons, terms_zh,
                             terms_en, contract_term, face_fen, minimum_fen, valid_days, said_by, said_at)
    VALUES (:offer_id, :category, :money_fen, :period, :per_period, :opening_hours, CAST(:seasons AS jsonb), :terms_zh,
            :terms_en, :contract_term, :face_fen, :minimum_fen, :valid_days, :by, :at)
""")
# Only shops of the offer's own merchant come through.
AT_SHOPS = text("""
    INSERT INTO offer_shop (offer_id, shop_id)
    SELECT o.id, s.id FROM offer o JOIN shop s ON s.merchant_id = o.merchant_id
    WHERE o.id = :offer_id AND s.id = ANY(CAST(:shops AS uuid[])) RETURNING shop_id
""")
SUBMITTED = text(f"""
    {_OFFER} WHERE o.programme = :programme AND w.offer_id IS NULL AND 'submitted' = (
        SELECT s.step FROM offer_step s WHERE s.offer_id = o.id ORDER BY s.number DESC LIMIT 1) {_AFTER}
""")
ONE_OF_PROGRAMME = text(f"{_OFFER} WHERE o.programme = :programme AND o.id = :offer_id")
