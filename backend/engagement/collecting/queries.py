"""All SQL of collecting; points themselves are the ledger's."""

from __future__ import annotations

from sqlalchemy import text

# What was put into each of somebody's lots less what was taken back from it, and what friends took of it: all, and one of them.
LOTS = text("""
    SELECT a.code AS lot,
           COALESCE((SELECT sum(t.amount) FROM ledger_transfer t WHERE t.credit_id = a.id), 0)::bigint
           - COALESCE((SELECT sum(t.amount) FROM ledger_transfer t
                       JOIN ledger_account c ON c.id = t.credit_id AND c.kind = 'issuer'
                       WHERE t.debit_id = a.id), 0)::bigint AS ripened,
           COALESCE((SELECT sum(points) FROM collecting_taken k WHERE k.lot = a.code), 0)::bigint AS taken,
           COALESCE((SELECT sum(points) FROM collecting_taken k
                     WHERE k.lot = a.code AND k.taker_id = :taker), 0)::bigint AS own
    FROM ledger_account a WHERE a.code = ANY (CAST(:lots AS text[]))
""")

# What one person took from friends in a span of time.
TAKEN_BY = text("""
    SELECT COALESCE(sum(points), 0)::bigint AS points FROM collecting_taken
    WHERE taker_id = :taker AND programme_id = :programme AND taken_at >= :from AND taken_at < :before
""")

ADD = text("""
    INSERT INTO collecting_taken (id, programme_id, owner_id, taker_id, lot, ripe_on, posting_id, points, ripened,
                                  taken_before, taken_at)
    VALUES (:id, :programme, :owner, :taker, :lot, :ripe_on, :posting, :points, :ripened, :taken_before, :at)
""")

TAKEN_OF = text("""
    SELECT id, taker_id, ripe_on, points, taken_at FROM collecting_taken
    WHERE owner_id = :owner AND programme_id = :programme
      AND (CAST(:before AS timestamptz) IS NULL OR (taken_at, id) < (:before, CAST(:before_id AS uuid)))
    ORDER BY taken_at DESC, id DESC LIMIT :limit
""")
