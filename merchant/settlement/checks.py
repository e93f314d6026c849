"""What must hold of settlement: worth, statements, payouts, and what the ledger says of all of them."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for
from merchant.settlement import closing, queries, reckoning

_NAMED = ("two people did not agree to it", "并非两人所同意的内容")

_VALUES = (
    Rule(
        "capture_value",
        """
            SELECT place, fault FROM (
                SELECT v.redemption_id AS place, CASE
                    WHEN e.redemption_id IS NULL OR (r.points, o.programme, e.merchant_id, e.ended_at)
                        IS DISTINCT FROM (v.points, v.programme, v.merchant_id, v.captured_at) THEN 'capture'
                    WHEN c.id IS NULL OR (c.merchant_id, c.programme) <> (v.merchant_id, v.programme)
                        OR c.valid_from > (v.captured_at AT TIME ZONE 'Asia/Shanghai')::date
                        OR c.valid_until < (v.captured_at AT TIME ZONE 'Asia/Shanghai')::date
                        OR EXISTS (SELECT FROM contract_edition n WHERE n.merchant_id = c.merchant_id
                            AND n.programme = c.programme AND n.edition > c.edition
                            AND n.valid_from <= (v.captured_at AT TIME ZONE 'Asia/Shanghai')::date) THEN 'edition'
                    WHEN v.value_fen <> floor(v.points * c.fen_per_point)
                        OR v.funded IS DISTINCT FROM contract_split(v.value_fen, c.terms -> v.term) THEN 'worth'
                END AS fault
                FROM capture_value v LEFT JOIN contract_edition c ON c.id = v.edition_id
                LEFT JOIN redemption_end e ON e.redemption_id = v.redemption_id AND e.ended = 'captured'
                LEFT JOIN redemption r ON r.id = v.redemption_id LEFT JOIN offer o ON o.id = r.offer_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "capture": ("no such capture was made", "没有这笔核销"),
            "edition": ("its edition was not in force", "所依合同版本当时无效"),
            "worth": ("it is not worth what the edition says", "价值或出资与合同版本不符"),
        },
    ),
    Rule.single(
        "redemption_end",
        """
            SELECT e.redemption_id AS place FROM redemption_end e
            JOIN redemption r ON r.id = e.redemption_id JOIN offer o ON o.id = r.offer_id
            WHERE e.ended = 'captured' AND EXISTS (
                SELECT FROM contract_edition c WHERE c.merchant_id = e.merchant_id AND c.programme = o.programme
                    AND c.agreed_at <= e.ended_at)
                AND NOT EXISTS (SELECT FROM capture_value v WHERE v.redemption_id = e.redemption_id)
        """,
        en="it was captured under a contract, and its worth was not fixed",
        zh="在合同有效时核销而未确定价值",
    ),
    Rule(
        "refund_value",
        """
            SELECT place, fault FROM (
                SELECT w.redemption_id || ' ' || w.part_id AS place, CASE
                    WHEN NOT EXISTS (SELECT FROM redemption_refund f WHERE f.redemption_id = w.redemption_id
                            AND w.part_id = '' AND f.refunded_at = w.refunded_at)
                        AND NOT EXISTS (SELECT FROM redemption_part p WHERE p.redemption_id = w.redemption_id
                            AND (p.part_id, p.points, p.refunded_at) = (w.part_id, w.points, w.refunded_at)) THEN 'refund'
                    WHEN w.points_before + w.points > v.points
                        OR w.part_id = '' AND w.points_before + w.points <> v.points
                        OR w.points_before <> (SELECT COALESCE(sum(b.points), 0) FROM refund_value b
                            WHERE b.redemption_id = w.redemption_id AND b.points_before < w.points_before) THEN 'order'
                    WHEN (w.value_fen, w.funded) IS DISTINCT FROM (t.fen, t.funded) THEN 'worth'
                END AS fault
                FROM refund_value w LEFT JOIN capture_value v ON v.redemption_id = w.redemption_id
                LEFT JOIN LATERAL (
                    SELECT sum(a.fen - b.fen)::bigint AS fen, jsonb_object_agg(a.funder, a.fen - b.fen) AS funded
                    FROM capture_taken_back(v.funded, w.points_before + w.points, v.points) a
                    JOIN capture_taken_back(v.funded, w.points_before, v.points) b ON b.funder = a.funder) t ON true
            ) found WHERE fault IS NOT NULL
        """,
        {
            "refund": ("no such refund was made", "没有这笔退还"),
            "order": ("it does not follow the parts before it", "与此前各部分不相接"),
            "worth": ("it does not take back its part of the worth", "所收回的价值与比例不符"),
        },
    ),
    *(
        Rule.single(
            table,
            f"""
                SELECT f.redemption_id AS place FROM {table} f JOIN capture_value v ON v.redemption_id = f.redemption_id
                WHERE NOT EXISTS (SELECT FROM refund_value w WHERE w.redemption_id = f.redemption_id AND w.part_id = {part})
            """,  # noqa: S608 - constants
            en="what it takes back of the worth was not fixed",
            zh="未确定所收回的价值",
        )
        for table, part in (("redemption_refund", "''"), ("redemption_part", "f.part_id"))
    ),
)

_STATEMENTS = (
    Rule(
        "settlement_statement",
        """
            SELECT place, fault FROM (
                SELECT s.id AS place, CASE
                    WHEN a.kind IS DISTINCT FROM 'merchant.statement' OR d.decision IS DISTINCT FROM 'approved'
                        OR (a.body ->> 'merchant_id', a.body ->> 'programme', a.body ->> 'number', a.body ->> 'edition_id',
                            a.body ->> 'first_day', a.body ->> 'last_day', a.body ->> 'horizon',
                            a.body ->> 'payable_points', a.body ->> 'payable_fen', a.body -> 'pays',
                            a.body ->> 'lines', a.body ->> 'lines_sha256')
                        IS DISTINCT FROM (s.merchant_id::text, s.programme, s.number::text, s.edition_id::text,
                            s.first_day::text, s.last_day::text, s.horizon::text, s.payable_points::text,
                            s.payable_fen::text, s.pays, s.lines::text, s.lines_sha256) THEN 'agreed'
                    WHEN s.cut <> (s.last_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' OR s.closed_at < s.cut
                        OR s.number <> 1 AND NOT EXISTS (
                            SELECT FROM settlement_statement b WHERE b.merchant_id = s.merchant_id
                                AND b.programme = s.programme AND b.number = s.number - 1 AND b.last_day + 1 = s.first_day
                                AND (s.opening_points, s.opening, s.opening_fees_fen) = (
                                    CASE WHEN b.carried THEN b.payable_points ELSE 0 END,
                                    CASE WHEN b.carried THEN b.funded ELSE '{}' END,
                                    CASE WHEN b.carried THEN b.opening_fees_fen + b.fees_fen ELSE 0 END))
                        OR s.number = 1 AND (s.opening_points, s.opening, s.opening_fees_fen) <> (0, '{}', 0) THEN 'order'
                END AS fault
                FROM settlement_statement s LEFT JOIN two_person_act a ON a.id = s.act_id
                LEFT JOIN two_person_decision d ON d.act_id = s.act_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "agreed": _NAMED,
            "order": ("it does not follow the one before it", "与上一期不相接"),
        },
    ),
    Rule(
        "settlement_line",
        """
            SELECT place, fault FROM (
                SELECT l.statement_id || ' ' || l.line AS place, CASE
                    WHEN s.id IS NULL THEN 'nowhere'
                    WHEN l.kind = 'capture' AND (
                        v.redemption_id IS NULL OR (v.merchant_id, v.programme) <> (s.merchant_id, s.programme)
                        OR (v.captured_at, v.points, v.value_fen, v.funded)
                            IS DISTINCT FROM (l.happened_at, l.points, l.value_fen, l.funded)) THEN 'fact'
                    WHEN l.kind = 'refund' AND (
                        w.redemption_id IS NULL OR (v.merchant_id, v.programme) <> (s.merchant_id, s.programme)
                        OR (w.refunded_at, -w.points, -w.value_fen)
                            IS DISTINCT FROM (l.happened_at, l.points, l.value_fen)) THEN 'fact'
                    WHEN l.kind = 'correction' AND NOT EXISTS (
                        SELECT FROM settlement_answer a JOIN settlement_dispute d ON d.id = a.dispute_id
                        JOIN settlement_statement t ON t.id = d.statement_id
                        WHERE a.dispute_id::text = l.about AND (a.answered_at, a.correction_fen, a.correction_points)
                                = (l.happened_at, l.payable_fen, l.points)
                            AND (t.merchant_id, t.programme) = (s.merchant_id, s.programme)) THEN 'fact'
                    WHEN l.kind <> 'fee' AND l.happened_at >= s.cut
                        OR l.kind IN ('capture', 'refund') AND GREATEST(v.xid, w.xid) >= s.horizon THEN 'period'
                END AS fault
                FROM settlement_line l LEFT JOIN settlement_statement s ON s.id = l.statement_id
                LEFT JOIN capture_value v ON v.redemption_id = l.redemption_id
                LEFT JOIN refund_value w
                    ON l.kind = 'refund' AND w.redemption_id = l.redemption_id AND w.part_id = l.part_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("it is of no statement", "没有对应的结算单"),
            "fact": ("it is not what happened", "与所发生之事不符"),
            "period": ("it does not belong to the period", "不属于该结算期"),
        },
    ),
    Rule.single(
        "capture_value",
        """
            SELECT v.redemption_id AS place FROM capture_value v
            JOIN settlement_statement s ON (s.merchant_id, s.programme) = (v.merchant_id, v.programme)
                AND v.captured_at < s.cut AND v.xid < s.horizon
            WHERE NOT EXISTS (
                SELECT FROM settlement_line l JOIN settlement_statement t ON t.id = l.statement_id
                WHERE l.kind = 'capture' AND l.redemption_id = v.redemption_id AND t.number <= s.number)
            UNION
            SELECT w.redemption_id FROM refund_value w JOIN capture_value v ON v.redemption_id = w.redemption_id
            JOIN settlement_statement s ON (s.merchant_id, s.programme) = (v.merchant_id, v.programme)
                AND w.refunded_at < s.cut AND GREATEST(w.xid, v.xid) < s.horizon
            WHERE NOT EXISTS (
                SELECT FROM settlement_line l JOIN settlement_statement t ON t.id = l.statement_id
                WHERE l.kind = 'refund' AND l.redemption_id = w.redemption_id AND l.part_id = w.part_id
                    AND t.number <= s.number)
            UNION
            SELECT a.dispute_id FROM settlement_answer a JOIN settlement_dispute d ON d.id = a.dispute_id
            JOIN settlement_statement b ON b.id = d.statement_id
            JOIN settlement_statement s ON (s.merchant_id, s.programme) = (b.merchant_id, b.programme)
                AND a.answered_at < s.cut AND a.xid < s.horizon
            WHERE a.act_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM settlement_line l JOIN settlement_statement t ON t.id = l.statement_id
                WHERE l.kind = 'correction' AND l.about = a.dispute_id::text AND t.number <= s.number)
        """,
        en="a statement should have it, and has not",
        zh="应在结算单中而未列入",
    ),
)

_DISPUTES = (
    Rule.single(
        "settlement_invoice",
        """
            SELECT i.statement_id AS place FROM settlement_invoice i
            LEFT JOIN settlement_statement s ON s.id = i.statement_id LEFT JOIN staff f ON f.id = i.given_by
            WHERE s.id IS NULL OR f.organisation_id IS DISTINCT FROM s.merchant_id
        """,
        en="its statement is not there, or somebody else gave the number",
        zh="没有对应的结算单，或并非该商户登记",
    ),
    Rule.single(
        "settlement_dispute",
        """
            SELECT d.id AS place FROM settlement_dispute d
            LEFT JOIN settlement_line l ON l.statement_id = d.statement_id AND l.line = d.line
            LEFT JOIN settlement_statement s ON s.id = d.statement_id LEFT JOIN staff f ON f.id = d.opened_by
            WHERE l.line IS NULL OR f.organisation_id IS DISTINCT FROM s.merchant_id
        """,
        en="its line is not there, or somebody else disputes it",
        zh="没有所争议的行，或并非该商户提出",
    ),
    Rule.single(
        "settlement_answer",
        """
            SELECT a.dispute_id AS place FROM settlement_answer a
            LEFT JOIN two_person_act t ON t.id = a.act_id LEFT JOIN two_person_decision e ON e.act_id = a.act_id
            WHERE ((a.correction_points, a.correction_fen) = (0, 0)) <> (a.act_id IS NULL)
                OR NOT EXISTS (SELECT FROM settlement_dispute d WHERE d.id = a.dispute_id)
                OR a.act_id IS NOT NULL AND (
                    t.kind IS DISTINCT FROM 'merchant.correction' OR e.decision IS DISTINCT FROM 'approved'
                    OR (t.body ->> 'dispute', t.body ->> 'correction_points', t.body ->> 'correction_fen', t.body ->> 'funder',
                        t.body ->> 'words')
                        IS DISTINCT FROM (a.dispute_id::text, a.correction_points::text, a.correction_fen::text, a.funder,
                            a.words))
        """,
        en=_NAMED[0],
        zh=_NAMED[1],
    ),
    Rule.single(
        "settlement_line",
        """
            SELECT l.statement_id || ' ' || l.line AS place FROM settlement_line l
            JOIN settlement_dispute d ON d.statement_id = l.statement_id AND d.line = l.line
            JOIN settlement_answer a ON a.dispute_id = d.id
            GROUP BY l.statement_id, l.line, l.points, l.value_fen
            HAVING abs(sum(a.correction_points)) > abs(l.points) OR abs(sum(a.correction_fen)) > abs(l.value_fen)
        """,
        en="its corrections come to more than the line itself",
        zh="其更正合计超过该行本身",
    ),
    Rule.single(
        "ledger_account",
        """
            SELECT COALESCE(ledger.code, said.code) AS place
            FROM (
                SELECT CASE c.kind WHEN 'payable' THEN c.code ELSE d.code END AS code,
                       sum(CASE c.kind WHEN 'payable' THEN t.amount ELSE -t.amount END) AS points
                FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id JOIN ledger_account c ON c.id = t.credit_id
                WHERE t.reason = 'points.corrected' GROUP BY 1
            ) ledger FULL JOIN (
                SELECT 'payable:' || m.code || ':' || s.programme AS code, sum(a.correction_points) AS points
                FROM settlement_answer a JOIN settlement_dispute d ON d.id = a.dispute_id
                JOIN settlement_statement s ON s.id = d.statement_id JOIN organisation m ON m.id = s.merchant_id
                WHERE a.correction_points <> 0 GROUP BY 1
            ) said ON said.code = ledger.code
            WHERE ledger.points IS DISTINCT FROM said.points
        """,
        en="the points corrected in the ledger are not those of the answers",
        zh="账本所更正的积分与争议答复不符",
    ),
)

_PAID = (
    Rule.single(
        "settlement_payout",
        """
            SELECT p.id AS place FROM settlement_payout p LEFT JOIN two_person_act a ON a.id = p.act_id
            LEFT JOIN two_person_decision d ON d.act_id = p.act_id
            LEFT JOIN (SELECT payout_id, count(*) AS n, sum(amount_fen) AS fen FROM settlement_payout_line
                       GROUP BY payout_id) l ON l.payout_id = p.id
            WHERE a.kind IS DISTINCT FROM 'merchant.payout' OR d.decision IS DISTINCT FROM 'approved'
                OR (a.body ->> 'programme', a.body ->> 'statements', a.body ->> 'amount_fen', a.body ->> 'file_sha256')
                    IS DISTINCT FROM (p.programme, p.statements::text, p.amount_fen::text, p.file_sha256)
                OR (p.statements, p.amount_fen) IS DISTINCT FROM (l.n, l.fen)
        """,
        en="it is not what two people let go",
        zh="并非两人所放行的付款",
    ),
    Rule.single(
        "settlement_payout_line",
        """
            SELECT l.payout_id || ' ' || l.statement_id AS place FROM settlement_payout_line l
            LEFT JOIN settlement_statement s ON s.id = l.statement_id
            LEFT JOIN settlement_payout p ON p.id = l.payout_id
            WHERE p.id IS NULL OR s.id IS NULL OR s.carried OR s.programme <> p.programme OR s.payable_fen <> l.amount_fen
                OR NOT EXISTS (SELECT FROM contract_edition c WHERE c.id = l.edition_id AND c.merchant_id = s.merchant_id)
        """,
        en="it does not pay what its statement says",
        zh="与结算单应付不符",
    ),
    Rule(
        "settlement_payout_end",
        """
            SELECT place, fault FROM (
                SELECT e.payout_id || ' ' || e.statement_id AS place, CASE
                    WHEN l.payout_id IS NULL OR e.told_at < p.let_go_at THEN 'nowhere'
                    WHEN e.outcome = 'paid'
                        AND (s.payable_points, s.payable_fen) IS DISTINCT FROM (x.points, x.fen) THEN 'posted'
                END AS fault
                FROM settlement_payout_end e
                LEFT JOIN settlement_payout_line l ON l.payout_id = e.payout_id AND l.statement_id = e.statement_id
                LEFT JOIN settlement_payout p ON p.id = e.payout_id
                LEFT JOIN settlement_statement s ON s.id = e.statement_id LEFT JOIN organisation m ON m.id = s.merchant_id
                LEFT JOIN LATERAL (
                    SELECT COALESCE(sum(t.amount) FILTER (WHERE t.reason = 'points.settled'), 0)::bigint AS points,
                           COALESCE(sum(t.amount) FILTER (WHERE t.reason = 'settlement.paid'), 0)::bigint AS fen
                    FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id
                    JOIN ledger_account c ON c.id = t.credit_id
                    WHERE t.happened_at = e.told_at
                        AND (t.reason = 'points.settled' AND d.code = 'payable:' || m.code || ':' || s.programme
                            OR t.reason = 'settlement.paid' AND c.code = 'banked:' || m.code
                                AND starts_with(d.code, 'funding:' || s.programme || ':'))) x ON true
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("it ends no payment", "没有对应的付款"),
            "posted": ("the ledger did not settle what was paid", "账本未如其所述结清"),
        },
    ),
    Rule.single(
        "ledger_account",
        """
            SELECT COALESCE(ledger.code, said.code) AS place
            FROM (
                SELECT a.code, sum(t.amount) AS amount FROM ledger_transfer t
                JOIN ledger_account a ON a.id = CASE t.reason WHEN 'points.settled' THEN t.debit_id ELSE t.credit_id END
                WHERE t.reason IN ('points.settled', 'settlement.paid') GROUP BY a.code
            ) ledger FULL JOIN (
                SELECT x.code, sum(x.amount) AS amount
                FROM settlement_payout_end e JOIN settlement_statement s ON s.id = e.statement_id
                JOIN organisation m ON m.id = s.merchant_id,
                LATERAL (VALUES ('payable:' || m.code || ':' || s.programme, s.payable_points),
                                ('banked:' || m.code, s.payable_fen)) AS x (code, amount)
                WHERE e.outcome = 'paid' AND x.amount > 0 GROUP BY x.code
            ) said ON said.code = ledger.code
            WHERE ledger.amount IS DISTINCT FROM said.amount
        """,
        en="what was settled here is not what statements were paid",
        zh="所结清者不等于已付的结算单",
    ),
)

# closed and not paid, carried in the last statement, and open; with what was captured before there was a contract
_OWED = Rule.single(
    "ledger_account",
    """
        SELECT a.code AS place FROM (
            SELECT a.code, split_part(a.code, ':', 2) AS merchant, split_part(a.code, ':', 3) AS programme,
                   COALESCE((SELECT sum(t.amount) FROM ledger_transfer t WHERE t.credit_id = a.id), 0)
                   - COALESCE((SELECT sum(t.amount) FROM ledger_transfer t WHERE t.debit_id = a.id), 0) AS points
            FROM ledger_account a WHERE a.kind = 'payable'
        ) a LEFT JOIN organisation m ON m.code = a.merchant
        WHERE a.points <>
            COALESCE((SELECT sum(s.payable_points) FROM settlement_statement s
                WHERE s.merchant_id = m.id AND s.programme = a.programme
                    AND CASE WHEN s.carried THEN NOT EXISTS (
                            SELECT FROM settlement_statement n WHERE n.merchant_id = s.merchant_id
                                AND n.programme = s.programme AND n.number > s.number)
                        ELSE NOT EXISTS (SELECT FROM settlement_payout_end e
                            WHERE e.statement_id = s.id AND e.outcome = 'paid') END), 0)
            + COALESCE((SELECT sum(v.points) FROM capture_value v
                WHERE v.merchant_id = m.id AND v.programme = a.programme AND NOT EXISTS (
                    SELECT FROM settlement_line l WHERE l.kind = 'capture' AND l.redemption_id = v.redemption_id)), 0)
            - COALESCE((SELECT sum(w.points) FROM refund_value w JOIN capture_value v ON v.redemption_id = w.redemption_id
                WHERE v.merchant_id = m.id AND v.programme = a.programme AND NOT EXISTS (
                    SELECT FROM settlement_line l WHERE l.kind = 'refund' AND l.redemption_id = w.redemption_id
                        AND l.part_id = w.part_id)), 0)
            + COALESCE((SELECT sum(r.points - COALESCE(
                    (SELECT sum(p.points) FROM redemption_part p WHERE p.redemption_id = r.id), 0))
                FROM redemption_end e JOIN redemption r ON r.id = e.redemption_id JOIN offer o ON o.id = r.offer_id
                WHERE e.ended = 'captured' AND e.merchant_id = m.id AND o.programme = a.programme
                    AND NOT EXISTS (SELECT FROM capture_value v WHERE v.redemption_id = r.id)
                    AND NOT EXISTS (SELECT FROM redemption_refund f WHERE f.redemption_id = r.id)), 0)
            + COALESCE((SELECT sum(c.correction_points) FROM settlement_answer c
                JOIN settlement_dispute d ON d.id = c.dispute_id JOIN settlement_statement s ON s.id = d.statement_id
                WHERE s.merchant_id = m.id AND s.programme = a.programme AND NOT EXISTS (
                    SELECT FROM settlement_line l WHERE l.kind = 'correction' AND l.about = c.dispute_id::text)), 0)
    """,
    en="what is owed is not the sum of the statements and of what is open",
    zh="应付不等于未付结算单与未结明细之和",
)

_ALL = text("SELECT id FROM settlement_statement ORDER BY id")


async def values(session: AsyncSession) -> Checked:
    """What captures are worth, and what refunds take back, comes out again by the editions in force."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM capture_value"))
    return await look_for(session, checked, _VALUES)


async def closed(session: AsyncSession) -> Checked:
    """Statements are what two people closed, have each capture and refund once, and come out again from their lines."""
    found = [row.id for row in await session.execute(_ALL)]
    checked = await look_for(session, Checked(rows=len(found)), (*_STATEMENTS, *_DISPUTES))
    for statement_id in found:
        one = (await session.execute(queries.ONE, {"id": statement_id})).one_or_none()
        if one is None:
            checked.name("settlement_statement", statement_id, ("its merchant is not there", "其商户不存在"))
            continue
        told = await closing.statement_of(session, statement_id=statement_id)
        lines = [one.line for one in await closing.lines_of(session, statement_id=statement_id, limit=10**8)]
        again = reckoning.total(
            lines,
            opening_points=told.totals.opening_points,
            opening=told.totals.opening,
            opening_fees_fen=told.totals.opening_fees_fen,
        )
        if again != told.totals or told.lines != len(lines) or reckoning.digest(lines) != told.lines_sha256:
            checked.name(
                "settlement_statement", statement_id, ("its lines come to something else", "与其各行之和不符")
            )
    return checked


async def paid(session: AsyncSession) -> Checked:
    """Payouts are what two people let go; the ledger settled what was paid, and nothing else."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM settlement_payout_line"))
    return await look_for(session, checked, _PAID)


async def owed(session: AsyncSession) -> Checked:
    """What the ledger owes a merchant is the sum of the statements that are not paid and of what is open."""
    checked = Checked(
        rows=await count_rows(session, "SELECT count(*) FROM ledger_account WHERE kind = 'payable'")
    )
    return await look_for(session, checked, (_OWED,))
