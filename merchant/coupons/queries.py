"""All SQL about coupon codes. The database gives them away itself, where a redemption is captured."""

from __future__ import annotations

from sqlalchemy import text

ADD_IMPORT = text("""
    INSERT INTO coupon_import (id, offer_id, codes, imported_by, imported_at) VALUES (:id, :offer, :codes, :by, :at)
""")
ADD_CODES = text("""
    INSERT INTO coupon_code (id, import_id, mac, code_sealed, valid_until)
    SELECT c.id, :import, c.mac, c.sealed, c.valid_until
    FROM unnest(CAST(:ids AS uuid[]), CAST(:macs AS bytea[]), CAST(:sealed AS bytea[]), CAST(:until AS date[]))
        AS c (id, mac, sealed, valid_until)
""")
KNOWN = text("SELECT mac FROM coupon_code WHERE mac = ANY(CAST(:macs AS bytea[]))")

COUNTS = text("""
    SELECT count(*) AS imported, count(g.coupon_id) AS given,
           count(*) FILTER (WHERE g.coupon_id IS NULL AND (c.valid_until >= :today) IS NOT FALSE) AS left,
           count(*) FILTER (WHERE g.coupon_id IS NULL AND c.valid_until < :today) AS expired,
           count(g.coupon_id) FILTER (WHERE NOT redemption_kept(r.id, r.points)) AS retired
    FROM coupon_import i JOIN coupon_code c ON c.import_id = i.id
    LEFT JOIN coupon_given g ON g.coupon_id = c.id LEFT JOIN redemption r ON r.id = g.redemption_id
    WHERE i.offer_id = :offer
""")
_AFTER = """
    AND (CAST(:after_at AS timestamptz) IS NULL
         OR (r.made_at, r.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY r.made_at DESC, r.id DESC LIMIT :limit
"""
_GIVEN = """
    SELECT r.id AS redemption_id, r.offer_id, r.made_at AS given_at, c.id, c.code_sealed, c.valid_until,
           NOT redemption_kept(r.id, r.points) AS retired, o.title_zh, o.title_en, m.name_zh AS merchant_zh,
           m.name_en AS merchant_en
    FROM coupon_given g JOIN coupon_code c ON c.id = g.coupon_id JOIN redemption r ON r.id = g.redemption_id
    JOIN offer o ON o.id = r.offer_id JOIN organisation m ON m.id = o.merchant_id
"""
RETIRED = text(f"{_GIVEN} WHERE r.offer_id = :offer AND NOT redemption_kept(r.id, r.points) {_AFTER}")
OF_CITIZEN = text(f"{_GIVEN} WHERE r.participant_id = ANY (CAST(:people AS uuid[])) {_AFTER}")
ONE_OF_CITIZEN = text(
    f"{_GIVEN} WHERE r.participant_id = ANY (CAST(:people AS uuid[])) AND r.id = :redemption"
)
