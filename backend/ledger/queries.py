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
    "SELECT outcome, drawn, rest FROM ledger_draw(CAST(:posting AS uuid), :low, :high, "
    "CAST(:credit AS bigint), CAST(:amount AS bigint), :reason, CAST(:happened AS timestamptz), "
    "CAST(:rest_debit AS bigint), CAST(:rest_credit AS bigint), CAST(:rest_reason AS text))"
)

SWEEP = text(
    "SELECT ledger_sweep(CAST(:posting AS uuid), CAST(:accounts AS bigint[]), CAST(:credit AS bigint), "
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

_MOVEMENT = """
    SELECT t.xid::text::numeric AS x, t.posting_id, t.line, {sign} t.amount AS amount, t.reason, o.code AS other_code,
           t.happened_at, t.recorded_at, t.reverses
    FROM ledger_transfer t JOIN ledger_account o ON o.id = t.{other}
    WHERE t.{own} = ANY (CAST(:accounts AS bigint[]))
      AND (CAST(:x AS text) IS NULL OR t.xid <= CAST(:x AS xid8))
      AND (CAST(:x AS text) IS NULL OR (t.xid::text::numeric, t.posting_id, t.line)
           < (CAST(CAST(:x AS text) AS numeric), CAST(:posting AS uuid), CAST(:line AS integer)))
"""
STATEMENT = text(
    "SELECT * FROM ("
    + _MOVEMENT.format(sign="-", own="debit_id", other="credit_id")
    + " UNION ALL "
    + _MOVEMENT.format(sign="", own="credit_id", other="debit_id")
    + ") m ORDER BY x DESC, posting_id DESC, line DESC LIMIT :limit"
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
      AND (CAST(:suffix AS text) IS NULL OR position(CAST(:suffix AS text) IN code) > 0)
    ORDER BY due, id LIMIT :limit
""")

DUE_FORECAST = text("""
    SELECT due, sum(balance) AS balance, count(*) AS accounts FROM ledger_account
    WHERE kind = :kind AND balance > 0 AND position(CAST(:suffix AS text) IN code) > 0
    GROUP BY due ORDER BY due
""")

CHECKPOINT = text("SELECT ledger_checkpoint_advance()")
