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
    RETURNING programme_id, active_from
""")

ADD_OVERLAY = text("""
    INSERT INTO programme_overlay (programme_id, active_from, place, overlay_sha256)
    VALUES (:programme_id, :active_from, :place, :sha256)
""")

# The pack and the overlays that a programme ran by at a moment; its first ones for what came before.
FIND = text("""
    SELECT p.id, p.code, p.operator_code, p.registered_at, k.pack_sha256, k.active_from,
           ARRAY(SELECT o.overlay_sha256 FROM programme_overlay o
                 WHERE o.programme_id = p.id AND o.active_from = k.active_from ORDER BY o.place) AS overlays
    FROM programme p
    CROSS JOIN LATERAL (
        SELECT k.pack_sha256, k.active_from FROM programme_pack k WHERE k.programme_id = p.id
        ORDER BY k.active_from <= :at DESC,
                 CASE WHEN k.active_from <= :at THEN k.active_from END DESC, k.active_from LIMIT 1) k
    WHERE CAST(:code AS text) IS NULL OR p.code = :code
    ORDER BY p.code
""")

# Whoever gives from a programme's budget comes one after the other; behind the screens' turn (7318016), before wallets.
LOCK_BUDGET = text("SELECT pg_advisory_xact_lock(7318021, hashtext(:code))")

# What left an account less what came back, and what this statement saw.
GIVEN = text("""
    SELECT COALESCE((SELECT -b.balance FROM ledger_account a CROSS JOIN LATERAL ledger_balance(ARRAY[a.id]) b
                     WHERE a.code = :source), 0) AS given,
           pg_current_snapshot()::text AS snapshot
""")
GIVEN_BETWEEN = text("""
    SELECT COALESCE((
        SELECT sum(m.amount) FROM ledger_account a CROSS JOIN LATERAL (
            SELECT t.amount, t.happened_at FROM ledger_transfer t WHERE t.debit_id = a.id
            UNION ALL
            SELECT -t.amount, t.happened_at FROM ledger_transfer t WHERE t.credit_id = a.id) m
        WHERE a.code = :source AND m.happened_at >= :from AND m.happened_at < :before), 0) AS given,
        pg_current_snapshot()::text AS snapshot
""")

# What citizens have of benefits in money, by pseudonym; the last part of a lot's code is its last day.
BENEFIT_SUMS = text("""
    SELECT split_part(code, ':', 2)::uuid AS participant_id, sum(balance) AS amount
    FROM ledger_account
    WHERE kind = 'benefit' AND balance > 0 AND split_part(code, ':', 3) = :programme
      AND (due IS NULL OR due >= :today)
    GROUP BY 1 HAVING sum(balance) >= :least ORDER BY 1 LIMIT :limit
""")
BENEFIT_LOTS = text("""
    SELECT id, split_part(code, ':', 2)::uuid AS participant_id, balance
    FROM ledger_account
    WHERE kind = 'benefit' AND balance > 0 AND split_part(code, ':', 3) = :programme
      AND (due IS NULL OR due >= :today)
      AND split_part(code, ':', 2)::uuid = ANY (CAST(:participants AS uuid[]))
    ORDER BY 2, due NULLS LAST, id
""")
ADD_PAYOUT = text("""
    INSERT INTO benefit_payout (id, programme_id, through, people, amount_fen, file_sha256, approval_id, proposed_by,
                                approved_by, paid_at)
    VALUES (:id, :programme, :through, :people, :amount, :file_sha256, :approval, :proposed_by, :approved_by, :at)
""")
ADD_PAYOUT_LINES = text("""
    INSERT INTO benefit_payout_line (payout_id, participant_id, amount_fen)
    SELECT :id, participant_id, amount_fen
    FROM unnest(CAST(:participants AS uuid[]), CAST(:amounts AS bigint[])) AS l(participant_id, amount_fen)
""")
PAYOUTS = text("""
    SELECT b.*, p.code AS programme FROM benefit_payout b JOIN programme p ON p.id = b.programme_id
    WHERE b.programme_id = :programme AND (CAST(:id AS uuid) IS NULL OR b.id = :id)
    ORDER BY b.paid_at DESC, b.id DESC LIMIT :limit
""")
PAYOUT_LINES = text(
    "SELECT participant_id, amount_fen FROM benefit_payout_line WHERE payout_id = :id ORDER BY participant_id"
)

# Accounts that ended in another and hold something again.
LEFT_BEHIND = text("""
    SELECT j.joined_id FROM account_join j
    WHERE EXISTS (
        SELECT FROM unnest(CAST(:kinds AS text[])) AS k(kind)
        JOIN ledger_account a ON a.code >= (k.kind || ':' || j.joined_id || ':') COLLATE "C"
            AND a.code < (k.kind || ':' || j.joined_id || ';') COLLATE "C"
        WHERE a.balance <> 0)
    ORDER BY 1
""")

# Lots that hold something and may be collected on a day, in the order of their ids.
RIPE = text("""
    SELECT id, split_part(code, ':', 2) AS owner FROM ledger_account
    WHERE kind = 'pending' AND balance > 0 AND id > :after AND split_part(code, ':', 3) = :programme
      AND split_part(code, ':', 4) <= CAST(CAST(:today AS date) AS text) AND (due IS NULL OR due >= :today)
    ORDER BY id LIMIT :limit
""")

LAPSING = text("""
    SELECT id, CAST(split_part(code, ':', 2) AS uuid) AS participant_id, split_part(code, ':', 3) AS programme, due, balance
    FROM ledger_account
    WHERE kind = 'wallet' AND due BETWEEN :today AND :until AND balance > 0 AND id > :after
    ORDER BY id LIMIT :limit
""")
