"""All SQL about programmes; points and grams are the ledger's."""

from __future__ import annotations

from sqlalchemy import text

LOCK = text("SELECT pg_advisory_xact_lock(7318014, hashtext(:code))")

ADD = text("""
    INSERT INTO programme (code, operator_code, registered_at) VALUES (:code, :operator, :at)
    ON CONFLICT (code) DO NOTHING
""")

ADD_PACK = text("""
    INSERT INTO programme_pack (programme_id, pack_sha256, active_from)
    SELECT p.id, :sha256, GREATEST(:at, max(k.active_from) + interval '1 microsecond')
    FROM programme p LEFT JOIN programme_pack k ON k.programme_id = p.id
    WHERE p.code = :code GROUP BY p.id
""")

# The pack that a programme ran by at a moment; its first one for what came before.
FIND = text("""
    SELECT p.id, p.code, p.operator_code, p.registered_at, k.pack_sha256, k.active_from
    FROM programme p
    CROSS JOIN LATERAL (
        SELECT k.pack_sha256, k.active_from FROM programme_pack k WHERE k.programme_id = p.id
        ORDER BY k.active_from <= :at DESC,
                 CASE WHEN k.active_from <= :at THEN k.active_from END DESC, k.active_from LIMIT 1) k
    WHERE CAST(:code AS text) IS NULL OR p.code = :code
    ORDER BY p.code
""")
