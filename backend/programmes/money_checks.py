"""What must hold of benefits in money: every fen is somewhere, and only what two people let go was paid out."""

from __future__ import annotations

import hashlib

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.kit.checks import Checked, Rule, look_for
from backend.programmes import queries
from backend.programmes.benefits import money_identity
from backend.programmes.payouts import file_of

_IDENTITY = (
    "money given is not what waits, was paid out, lapsed and was reversed, less what is owed",
    "发放金额不等于待付、已付、已失效与已冲回之和减去所欠",
)
_SIGN = ("a figure has the wrong sign", "有数字的正负号不对")
_FILE = ("its lines are not those of the file that two people signed", "明细与两人所签的文件不符")
_ALL = text("""
    SELECT b.id, p.code AS programme, b.file_sha256 FROM benefit_payout b JOIN programme p ON p.id = b.programme_id
    ORDER BY b.id
""")
_PAID = Rule(
    "benefit_payout",
    """
        SELECT place, fault FROM (
            SELECT b.id AS place, CASE
                WHEN b.people <> l.people OR b.amount_fen <> l.amount_fen THEN 'sum'
                WHEN a.id IS NULL OR a.proposed_by <> b.proposed_by OR d.decided_by IS DISTINCT FROM b.approved_by
                    OR d.decision IS DISTINCT FROM 'approved' THEN 'people'
                WHEN a.body->>'programme' <> p.code OR a.body->>'file_sha256' <> b.file_sha256 THEN 'signed'
            END AS fault
            FROM benefit_payout b
            JOIN programme p ON p.id = b.programme_id
            CROSS JOIN LATERAL (
                SELECT count(*) AS people, COALESCE(sum(l.amount_fen), 0) AS amount_fen
                FROM benefit_payout_line l WHERE l.payout_id = b.id) l
            LEFT JOIN two_person_act a ON a.id = b.approval_id AND a.kind = 'programmes.payout'
            LEFT JOIN two_person_decision d ON d.act_id = a.id
            UNION ALL
            SELECT COALESCE(l.payout_id, t.posting_id), 'posted'
            FROM benefit_payout_line l
            FULL JOIN (
                SELECT t.posting_id, split_part(d.code, ':', 2) AS who, split_part(d.code, ':', 3) AS programme,
                       sum(t.amount) AS amount
                FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id
                WHERE t.reason = 'benefit.paid_out' AND t.reverses IS NULL GROUP BY 1, 2, 3
            ) t ON t.posting_id = l.payout_id AND t.who = l.participant_id::text
            LEFT JOIN benefit_payout b ON b.id = l.payout_id
            LEFT JOIN programme p ON p.id = b.programme_id
            WHERE l.amount_fen IS DISTINCT FROM t.amount OR p.code IS DISTINCT FROM t.programme
        ) found WHERE fault IS NOT NULL
    """,
    {
        "sum": ("it is not the sum of its lines", "与明细之和不符"),
        "people": ("two people did not let it go", "并非经两人放行"),
        "signed": ("it is not what two people signed", "与两人所签不符"),
        "posted": ("what was posted is not what its lines say", "过账与明细不符"),
    },
)


async def money(session: AsyncSession) -> Checked:
    """Of each programme, every fen ever given is somewhere, and payouts are what two people signed and what was posted."""
    checked = Checked()
    for code in await ledger.balances_by_code(session, "subsidy:"):
        checked.rows += 1
        found = await money_identity(session, programme=code.removeprefix("subsidy:"))
        if not found.holds:
            checked.name("ledger_account", code, _IDENTITY)
        figures = (found.given, found.waiting, found.paid_out, found.expired, found.reversed, found.owed)
        if min(figures) < 0:
            checked.name("ledger_account", code, _SIGN)
    for row in (await session.execute(_ALL)).all():
        checked.rows += 1
        lines = await session.execute(queries.PAYOUT_LINES, {"id": row.id})
        said = file_of(row.programme, [(line.participant_id, int(line.amount_fen)) for line in lines])
        if hashlib.sha256(said).hexdigest() != row.file_sha256:
            checked.name("benefit_payout", row.id, _FILE)
    return await look_for(session, checked, [_PAID])
