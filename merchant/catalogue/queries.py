"""All SQL about offers. The piles of a stock are moved by the database's functions."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("""
    INSERT INTO offer (id, merchant_id, programme, title_zh, title_en, price_points, limited, per_citizen, first_day,
                       last_day, created_by, created_at)
    VALUES (:id, :merchant_id, :programme, :title_zh, :title_en, :price_points, :limited, :per_citizen, :first_day,
            :last_day, :created_by, :created_at)
""")

RESTOCK = text("SELECT offer_restock(:id, :offer_id, CAST(:items AS integer), :by, :at)")

WITHDRAW = text("""
    INSERT INTO offer_withdrawal (offer_id, withdrawn_by, withdrawn_at) VALUES (:offer_id, :by, :at)
    ON CONFLICT (offer_id) DO NOTHING
""")

_OFFER = """
    SELECT o.id, o.merchant_id, m.code AS merchant, m.name_zh AS merchant_zh, m.name_en AS merchant_en, o.programme,
           o.title_zh, o.title_en, o.price_points, o.per_citizen, o.first_day, o.last_day, o.created_at, w.withdrawn_at,
           CASE WHEN o.limited THEN
               (SELECT COALESCE(sum(s.items_left), 0)::bigint FROM offer_stock s WHERE s.offer_id = o.id) END AS items_left
    FROM offer o JOIN organisation m ON m.id = o.merchant_id LEFT JOIN offer_withdrawal w ON w.offer_id = o.id
"""
_AFTER = """
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (o.created_at, o.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY o.created_at DESC, o.id DESC LIMIT :limit
"""
_OPEN = """
    w.offer_id IS NULL AND o.first_day <= :day AND (o.last_day >= :day) IS NOT FALSE
"""

# strpos and not LIKE: what somebody types is no pattern.
_WANTED = """
    AND (CAST(:title AS text) IS NULL OR strpos(lower(o.title_zh), lower(:title)) > 0
         OR strpos(lower(o.title_en), lower(:title)) > 0)
    AND (CAST(:up_to_points AS bigint) IS NULL OR o.price_points <= :up_to_points)
"""

OF_MERCHANT = text(f"{_OFFER} WHERE o.merchant_id = :merchant_id {_AFTER}")
ONE_OF_MERCHANT = text(f"{_OFFER} WHERE o.merchant_id = :merchant_id AND o.id = :offer_id")
OPEN = text(
    f"{_OFFER} WHERE (CAST(:programme AS text) IS NULL OR o.programme = :programme) AND {_OPEN} {_WANTED} {_AFTER}"
)
ONE_OPEN = text(f"{_OFFER} WHERE o.id = :offer_id AND {_OPEN}")
