"""All SQL about shops."""

from __future__ import annotations

from sqlalchemy import text

ADD = text("INSERT INTO shop (id, merchant_id, made_by, made_at) VALUES (:id, :merchant, :by, :at)")
SAY = text("""
    INSERT INTO shop_edition (shop_id, number, name_zh, name_en, address, district, lat_e2, lon_e2, hours, except_days, closed,
                              said_by, said_at)
    SELECT :id, COALESCE(max(number), 0) + 1, :name_zh, :name_en, :address, :district, CAST(:lat AS smallint),
           CAST(:lon AS smallint), CAST(:hours AS jsonb), CAST(:except_days AS jsonb), :closed, :by, :at
    FROM shop_edition WHERE shop_id = :id
""")
_SHOP = """
    SELECT id, merchant_id, number, name_zh, name_en, address, district, lat_e2, lon_e2, hours, except_days, closed, made_at
    FROM shop_now
"""
OF_MERCHANT = text(_SHOP + " WHERE merchant_id = :merchant ORDER BY made_at, id LIMIT :limit")
ONE = text(_SHOP + " WHERE merchant_id = :merchant AND id = :id")
OPEN = text("SELECT shop_is_open(:id, :now)")
