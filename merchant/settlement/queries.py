"""All SQL about settlement."""

from __future__ import annotations

from sqlalchemy import text

# What happened before the cut, in transactions that had all ended below the horizon, and is in no statement yet.
NEW_LINES = text("""
    SELECT v.redemption_id, 'capture' AS kind, CAST(NULL AS text) AS part_id, v.captured_at AS happened_at, v.points,
           v.value_fen, v.funded, v.edition_id
    FROM capture_value v
    WHERE v.merchant_id = :merchant_id AND v.programme = :programme AND v.captured_at < :cut
        AND v.xid < CAST(CAST(:horizon AS text) AS xid8)
        AND NOT EXISTS (SELECT FROM settlement_line l WHERE l.redemption_id = v.redemption_id AND l.kind = 'capture')
    UNION ALL
    SELECT r.redemption_id, 'refund', r.part_id, r.refunded_at, -r.points, -r.value_fen, r.funded, v.edition_id
    FROM refund_value r JOIN capture_value v ON v.redemption_id = r.redemption_id
    WHERE v.merchant_id = :merchant_id AND v.programme = :programme AND r.refunded_at < :cut
        AND GREATEST(r.xid, v.xid) < CAST(CAST(:horizon AS text) AS xid8)
        AND NOT EXISTS (SELECT FROM settlement_line l
                        WHERE l.redemption_id = r.redemption_id AND l.kind = 'refund' AND l.part_id = r.part_id)
    ORDER BY happened_at, redemption_id, kind, part_id
""")

NEW_CORRECTIONS = text("""
    SELECT a.dispute_id, a.correction_points, a.correction_fen, a.funder, a.answered_at, l.redemption_id
    FROM settlement_answer a JOIN settlement_dispute d ON d.id = a.dispute_id
    JOIN settlement_line l ON l.statement_id = d.statement_id AND l.line = d.line
    JOIN settlement_statement s ON s.id = d.statement_id
    WHERE s.merchant_id = :merchant_id AND s.programme = :programme AND a.act_id IS NOT NULL
        AND a.answered_at < :cut
        AND a.xid < CAST(CAST(:horizon AS text) AS xid8)
        AND NOT EXISTS (SELECT FROM settlement_line k WHERE k.kind = 'correction' AND k.about = a.dispute_id::text)
    ORDER BY a.answered_at, a.dispute_id
""")

HORIZON = text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
EVERYTHING = 2**62

FIRST_CAPTURE = text("""
    SELECT min(captured_at) FROM capture_value WHERE merchant_id = :merchant_id AND programme = :programme
""")

ADD_STATEMENT = text("""
    INSERT INTO settlement_statement (id, merchant_id, programme, number, edition_id, first_day, last_day, cut, horizon,
        opening_points, opening, opening_fees_fen, captures, captured_points, captured_fen, refunds, refunded_points,
        refunded_fen, own_fen, fees_fen, corrections_points, corrections_fen, funded, payable_points, payable_fen, carried, pays, lines,
        lines_sha256, act_id, closed_at)
    VALUES (:id, :merchant_id, :programme, :number, :edition_id, :first_day, :last_day, :cut,
        CAST(CAST(:horizon AS text) AS xid8), :opening_points, CAST(:opening AS jsonb), :opening_fees_fen, :captures,
        :captured_points, :captured_fen, :refunds, :refunded_points, :refunded_fen, :own_fen, :fees_fen, :corrections_points, :corrections_fen,
        CAST(:funded AS jsonb), :payable_points, :payable_fen, :carried, CAST(:pays AS jsonb), :lines, :lines_sha256, :act_id,
        :closed_at)
""")

ADD_LINES = text("""
    INSERT INTO settlement_line (statement_id, line, kind, redemption_id, part_id, about, happened_at, points, value_fen,
                                 own_fen, funded, payable_fen)
    SELECT :id, n.line, n.kind, n.redemption_id, n.part_id, n.about, n.happened_at, n.points, n.value_fen, n.own_fen,
           CAST(n.funded AS jsonb), n.payable_fen
    FROM unnest(CAST(:lines AS integer[]), CAST(:kinds AS text[]), CAST(:redemptions AS uuid[]), CAST(:parts AS text[]),
                CAST(:abouts AS text[]), CAST(:moments AS timestamptz[]), CAST(:points AS bigint[]), CAST(:values AS bigint[]),
                CAST(:owns AS bigint[]), CAST(:funded AS text[]), CAST(:payables AS bigint[]))
        AS n (line, kind, redemption_id, part_id, about, happened_at, points, value_fen, own_fen, funded, payable_fen)
""")

_STATEMENT = """
    SELECT s.*, CAST(CAST(s.horizon AS text) AS bigint) AS horizon_n, m.code AS merchant, m.name_zh AS merchant_zh,
           m.name_en AS merchant_en, i.number AS invoice, paid.told_at AS paid_at,
           CASE WHEN s.carried THEN 'carried' WHEN paid.statement_id IS NOT NULL THEN 'paid'
                WHEN EXISTS (SELECT FROM settlement_payout_line p WHERE p.statement_id = s.id AND NOT EXISTS (
                    SELECT FROM settlement_payout_end e
                    WHERE e.payout_id = p.payout_id AND e.statement_id = p.statement_id)) THEN 'on_its_way'
                ELSE 'payable' END AS state
    FROM settlement_statement s JOIN organisation m ON m.id = s.merchant_id
    LEFT JOIN settlement_invoice i ON i.statement_id = s.id
    LEFT JOIN settlement_payout_end paid ON paid.statement_id = s.id AND paid.outcome = 'paid'
"""

LAST = text(f"""
    {_STATEMENT} WHERE s.merchant_id = :merchant_id AND s.programme = :programme ORDER BY s.number DESC LIMIT 1
""")
ONE = text(f"{_STATEMENT} WHERE s.id = :id")
STATEMENTS = text(f"""
    {_STATEMENT} WHERE (CAST(:merchant_id AS uuid) IS NULL OR s.merchant_id = :merchant_id)
        AND (CAST(:programme AS text) IS NULL OR s.programme = :programme)
        AND (CAST(:after_at AS timestamptz) IS NULL
             OR (s.closed_at, s.id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY s.closed_at DESC, s.id DESC LIMIT :limit
""")
TO_PAY = text(
    f"SELECT * FROM ({_STATEMENT} WHERE s.programme = :programme) AS found WHERE state = 'payable' ORDER BY merchant, number"
)

# What an offer asks beside its points was said once, with its draft, so it is the same whenever a line is read.
LINES = text("""
    SELECT l.line, l.kind, l.redemption_id, l.part_id, l.about, l.happened_at, l.points, l.value_fen, l.own_fen, l.funded,
           l.payable_fen, t.money_fen
    FROM settlement_line l
    LEFT JOIN redemption r ON r.id = l.redemption_id AND l.kind = 'capture'
    LEFT JOIN offer_terms t ON t.offer_id = r.offer_id
    WHERE l.statement_id = :id AND l.line > :after ORDER BY l.line LIMIT :limit
""")

SETTLED = text("""
    SELECT v.redemption_id, m.code AS merchant, v.programme, r.offer_id, o.title_zh, o.title_en, v.captured_at, v.points,
           COALESCE((SELECT sum(w.points) FROM refund_value w WHERE w.redemption_id = v.redemption_id), 0)::bigint
               AS refunded_points,
           v.edition_id, v.term, v.value_fen, v.funded
    FROM capture_value v JOIN redemption r ON r.id = v.redemption_id JOIN offer o ON o.id = r.offer_id
    JOIN organisation m ON m.id = v.merchant_id
    WHERE v.redemption_id = :id AND (CAST(:merchant_id AS uuid) IS NULL OR v.merchant_id = :merchant_id)
        AND (CAST(:programme AS text) IS NULL OR v.programme = :programme)
""")
PLACED = text("""
    SELECT l.statement_id, s.number AS statement_number, l.line, l.kind, l.part_id, l.about, l.points, l.payable_fen
    FROM settlement_line l JOIN settlement_statement s ON s.id = l.statement_id
    WHERE l.redemption_id = :id ORDER BY s.number, l.line
""")

ADD_INVOICE = text("""
    INSERT INTO settlement_invoice (statement_id, number, given_by, given_at) VALUES (:id, :number, :by, :at)
    ON CONFLICT (statement_id) DO NOTHING RETURNING statement_id
""")

ADD_DISPUTE = text("""
    INSERT INTO settlement_dispute (id, statement_id, line, reason, opened_by, opened_at)
    SELECT :id, l.statement_id, l.line, :reason, :by, :at FROM settlement_line l
    WHERE l.statement_id = :statement_id AND l.line = :line
    RETURNING id
""")
_DISPUTE = """
    SELECT d.id, d.statement_id, d.line, d.reason, d.opened_at, a.words AS answer, a.correction_points, a.correction_fen,
           NULLIF(a.funder, '') AS funder, a.answered_at, k.statement_id AS corrected_in, s.merchant_id, s.programme
    FROM settlement_dispute d JOIN settlement_statement s ON s.id = d.statement_id
    LEFT JOIN settlement_answer a ON a.dispute_id = d.id
    LEFT JOIN settlement_line k ON k.kind = 'correction' AND k.about = d.id::text
"""
ONE_DISPUTE = text(f"{_DISPUTE} WHERE d.id = :id")
DISPUTES = text(f"""
    {_DISPUTE} WHERE (CAST(:merchant_id AS uuid) IS NULL OR s.merchant_id = :merchant_id)
        AND (CAST(:programme AS text) IS NULL OR s.programme = :programme)
    ORDER BY d.opened_at DESC, d.id DESC LIMIT 200
""")
ADD_ANSWER = text("""
    INSERT INTO settlement_answer
        (dispute_id, words, correction_points, correction_fen, funder, act_id, answered_by, answered_at)
    VALUES (:id, :words, :points, :fen, :funder, :act_id, :by, :at)
    ON CONFLICT (dispute_id) DO NOTHING RETURNING dispute_id
""")
# What a line comes to, and what answers to its disputes have moved of it.
CORRECTED = text("""
    SELECT l.points, l.value_fen, COALESCE(sum(a.correction_points), 0)::bigint AS moved_points,
           COALESCE(sum(a.correction_fen), 0)::bigint AS moved_fen
    FROM settlement_line l
    LEFT JOIN settlement_dispute d ON d.statement_id = l.statement_id AND d.line = l.line
    LEFT JOIN settlement_answer a ON a.dispute_id = d.id
    WHERE l.statement_id = :statement_id AND l.line = :line
    GROUP BY l.points, l.value_fen
""")

ADD_PAYOUT = text("""
    INSERT INTO settlement_payout (id, programme, statements, amount_fen, file_sha256, act_id, let_go_at)
    VALUES (:id, :programme, :statements, :amount_fen, :file_sha256, :act_id, :at)
""")
ADD_PAYOUT_LINES = text("""
    INSERT INTO settlement_payout_line (payout_id, statement_id, edition_id, amount_fen)
    SELECT :id, n.statement_id, n.edition_id, n.amount_fen
    FROM unnest(CAST(:statements AS uuid[]), CAST(:editions AS uuid[]), CAST(:amounts AS bigint[]))
        AS n (statement_id, edition_id, amount_fen)
""")
PAYOUTS = text("""
    SELECT id, programme, statements, amount_fen, file_sha256, let_go_at FROM settlement_payout
    WHERE programme = :programme AND (CAST(:id AS uuid) IS NULL OR id = :id) ORDER BY let_go_at DESC, id DESC LIMIT 100
""")
PAYOUT_LINES = text("""
    SELECT p.payout_id, p.statement_id, p.edition_id, p.amount_fen, s.number, s.payable_points, s.pays, m.id AS merchant_id,
           m.code AS merchant, m.name_zh, e.outcome
    FROM settlement_payout_line p JOIN settlement_statement s ON s.id = p.statement_id
    JOIN organisation m ON m.id = s.merchant_id
    LEFT JOIN settlement_payout_end e ON e.payout_id = p.payout_id AND e.statement_id = p.statement_id
    WHERE p.payout_id = ANY (CAST(:ids AS uuid[])) ORDER BY m.code, s.number
""")
END_PAYOUT = text("""
    INSERT INTO settlement_payout_end (payout_id, statement_id, outcome, words, told_by, told_at)
    VALUES (:id, :statement_id, :outcome, :words, :by, :at)
    ON CONFLICT (payout_id, statement_id) DO NOTHING RETURNING statement_id
""")
