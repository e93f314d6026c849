"""All SQL of the ledger. Writing happens only through the database's own functions."""

from __future__ import annotations

from sqlalchemy import TextClause, text

OPEN = text(
    "SELECT code, id FROM ledger_open(CAST(:codes AS text[]), CAST(:kinds AS text[]), CAST(:dues AS date[]))"
)

POST_ARGUMENTS = (
    "ledger_post($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], "
    "$7::timestamptz[])"
)
POST_HOT = f"SELECT posting_id, outcome FROM {POST_ARGUMENTS}"
POST = text(
    "SELECT posting_id, outcome FROM ledger_post(CAST(:postings AS uuid[]), CAST(:lines AS integer[]), "
    "CAST(:debits AS bigint[]), CAST(:credits AS bigint[]), CAST(:amounts AS bigint[]), "
    "CAST(:reasons AS text[]), CAST(:happened AS timestamptz[]))"
)

DRAW = text(
    "SELECT outcome, drawn, rest FROM ledger_draw(CAST(:posting AS uuid), :prefix, :since, "
    "CAST(:credit AS bigint), CAST(:amount AS bigint), :reason, CAST(:happened AS timestamptz), "
    "CAST(:rest_debit AS bigint), CAST(:rest_credit AS bigint), CAST(:rest_reason AS text))"
)

DRAW_IN_TURN = text(
    "SELECT outcome, drawn, rest FROM ledger_draw_in_turn(CAST(:posting AS uuid), CAST(:prefixes AS text[]), "
    "CAST(:on AS date), CAST(:credit AS bigint), CAST(:amount AS bigint), :reason, CAST(:happened AS timestamptz), "
    "CAST(:rest_debit AS bigint), CAST(:rest_credit AS bigint), CAST(:rest_reason AS text))"
)

GATHER = text(
    "SELECT posting_id, source, moved, filled FROM ledger_gather(CAST(:postings AS uuid[]), CAST(:sources AS bigint[]), "
    "CAST(:most AS bigint[]), CAST(:firsts AS text[]), CAST(:credits AS bigint[]), CAST(:kept_out AS bigint[]), "
    ":first_reason, :reason, CAST(:happened AS timestamptz))"
)

SHARE_SOURCE = text("SELECT ledger_share_source(CAST(:source AS bigint))")

FILL = text(
    "SELECT posting_id, outcome, filled FROM ledger_fill(CAST(:postings AS uuid[]), CAST(:debit AS bigint), "
    "CAST(:firsts AS text[]), CAST(:credits AS bigint[]), CAST(:amounts AS bigint[]), :first_reason, :reason, "
    "CAST(:happened AS timestamptz[]))"
)

SWEEP = text(
    "SELECT ledger_sweep(CAST(:posting AS uuid), CAST(:accounts AS bigint[]), CAST(:credits AS bigint[]), "
    ":reason, CAST(:happened AS timestamptz))"
)

CAPTURE = text(
    "SELECT ledger_capture(CAST(:posting AS uuid), CAST(:hold AS uuid), CAST(:credit AS bigint), :reason, "
    "CAST(:happened AS timestamptz))"
)

REVERSE = text(
    "SELECT ledger_reverse(CAST(:postings AS uuid[]), CAST(:reverses AS uuid[]), :reason, "
    "CAST(:happened AS timestamptz))"
)

BALANCES = text("SELECT account_id, balance FROM ledger_balance(CAST(:accounts AS bigint[]))")

BALANCES_BY_CODE = text("""
    SELECT a.code, b.balance
    FROM ledger_account a
    CROSS JOIN LATERAL ledger_balance(ARRAY[a.id]) b
    WHERE a.code >= :low COLLATE "C" AND a.code < :high COLLATE "C"
    ORDER BY a.code
""")

FIND = text("SELECT code, id FROM ledger_account WHERE code = ANY (CAST(:codes AS text[]))")

_SUM_AT = """
    SELECT COALESCE((SELECT sum(amount) FROM ledger_transfer WHERE credit_id = :account AND {clock} <= :at), 0)
         - COALESCE((SELECT sum(amount) FROM ledger_transfer WHERE debit_id = :account AND {clock} <= :at), 0)
"""
BALANCE_AT: dict[str, TextClause] = {
    "happened": text(_SUM_AT.format(clock="happened_at")),
    "recorded": text(_SUM_AT.format(clock="recorded_at")),
}

# A transfer between two of the accounts is two movements, so the side is part of the position.
_MOVEMENT = """
    (SELECT t.xid, t.posting_id, t.line, {side} AS side, {sign} t.amount AS amount, t.reason,
            t.{own} AS own_id, t.{other} AS other_id, t.happened_at, t.recorded_at, t.reverses
     FROM ledger_transfer t
     WHERE t.{own} = ANY (CAST(:accounts AS bigint[])) AND t.xid <= CAST(CAST(:x AS text) AS xid8)
       AND (t.xid, t.posting_id, t.line, {side})
           < (CAST(CAST(:x AS text) AS xid8), CAST(:posting AS uuid), CAST(:line AS integer), CAST(:side AS integer))
     ORDER BY t.xid DESC, t.posting_id DESC, t.line DESC LIMIT :limit)
"""
STATEMENT = text(
    "SELECT m.xid::text AS x, m.posting_id, m.line, m.side, m.amount, m.reason, own.code AS own_code, own.due, "
    "o.code AS other_code, m.happened_at, m.recorded_at, m.reverses FROM ("
    + _MOVEMENT.format(side=0, sign="-", own="debit_id", other="credit_id")
    + " UNION ALL "
    + _MOVEMENT.format(side=1, sign="", own="credit_id", other="debit_id")
    + ") m JOIN ledger_account own ON own.id = m.own_id JOIN ledger_account o ON o.id = m.other_id "
    "ORDER BY m.xid DESC, m.posting_id DESC, m.line DESC, m.side DESC LIMIT :limit"
)

TRIAL_BALANCE = text("""
    WITH sums AS (
        SELECT account_id, sum(debit) AS debits, sum(credit) AS credits
        FROM (
            SELECT debit_id AS account_id, sum(amount) AS debit, 0 AS credit FROM ledger_transfer GROUP BY debit_id
            UNION ALL
            SELECT credit_id, 0, sum(amount) FROM ledger_transfer GROUP BY credit_id
        ) moves GROUP BY account_id
    )
    SELECT a.kind, a.unit, COALESCE(sum(s.debits), 0) AS debits, COALESCE(sum(s.credits), 0) AS credits,
           count(*) AS accounts
    FROM ledger_account a LEFT JOIN sums s ON s.account_id = a.id
    GROUP BY a.kind, a.unit ORDER BY a.unit, a.kind
""")

DUE = text("""
    SELECT id, code, balance, due FROM ledger_account
    WHERE due IS NOT NULL AND due < :before AND kind = :kind AND balance > 0
      AND (due, id) > (COALESCE(CAST(:after_due AS date), '-infinity'), CAST(:after_id AS bigint))
    ORDER BY due, id LIMIT :limit
""")

DUE_FORECAST = text("""
    SELECT due, sum(balance) AS balance, count(*) AS accounts FROM ledger_account
    WHERE kind = :kind AND balance > 0 AND split_part(code, ':', 3) = :group
    GROUP BY due ORDER BY due
""")

# One statement, so that all figures are of one moment.
GROUP_FIGURES = text("""
    WITH scope AS MATERIALIZED (
        SELECT id, kind, guard, balance FROM ledger_account
        WHERE kind = ANY (CAST(:kinds AS text[])) AND split_part(code, ':', 3) = :group
        UNION
        SELECT id, kind, guard, balance FROM ledger_account WHERE code = ANY (CAST(:codes AS text[]))
    )
    SELECT 'balance' AS what, s.kind, NULL AS other, sum(
        CASE WHEN s.guard = 'none' THEN (SELECT b.balance FROM ledger_balance(ARRAY[s.id]) b) ELSE s.balance END) AS amount
    FROM scope s GROUP BY s.kind
    UNION ALL
    SELECT 'credited', s.kind, o.kind, sum(t.amount)
    FROM scope s JOIN ledger_transfer t ON t.credit_id = s.id JOIN ledger_account o ON o.id = t.debit_id
    WHERE s.kind = ANY (CAST(:credited AS text[])) GROUP BY s.kind, o.kind
    UNION ALL
    SELECT 'debited', s.kind, o.kind, sum(t.amount)
    FROM scope s JOIN ledger_transfer t ON t.debit_id = s.id JOIN ledger_account o ON o.id = t.credit_id
    WHERE s.kind = ANY (CAST(:debited AS text[])) GROUP BY s.kind, o.kind
""")

# What one account gave to and got back from each of its counterparties.
COUNTERPARTIES = text("""
    SELECT o.code, COALESCE(sum(m.out), 0) AS given, COALESCE(sum(m.back), 0) AS taken_back
    FROM (
        SELECT credit_id AS other, amount AS out, 0 AS back FROM ledger_transfer WHERE debit_id = :account
        UNION ALL
        SELECT debit_id, 0, amount FROM ledger_transfer WHERE credit_id = :account
    ) m JOIN ledger_account o ON o.id = m.other
    GROUP BY o.code ORDER BY o.code
""")

LOTS = text("""
    SELECT id, code, kind, due, balance FROM ledger_account
    WHERE guard <> 'none' AND ((code >= :low COLLATE "C" AND code < :high COLLATE "C")
                               OR code = ANY (CAST(:codes AS text[])))
    ORDER BY code
""")

TRANSFERS = text("""
    SELECT t.line, d.code AS debit_code, c.code AS credit_code, t.amount, t.reason, t.happened_at, t.reverses, t.captures
    FROM ledger_transfer t
    JOIN ledger_account d ON d.id = t.debit_id JOIN ledger_account c ON c.id = t.credit_id
    WHERE t.posting_id = :posting ORDER BY t.line LIMIT :limit
""")

CHECKPOINT = text("SELECT ledger_checkpoint_advance()")
