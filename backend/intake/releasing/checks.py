"""What must hold of grams that left their pool because the right to them was taken back."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import pools
from backend.intake.releasing.service import posting_id, released_code
from backend.kit.checks import Checked, Rule, count_rows, look_for

_ACTS = (
    Rule(
        "action_released",
        """
            SELECT place, fault FROM (
                SELECT x.claim_key AS place, CASE
                    WHEN a.claim_key IS NULL OR a.credit <> 'pooled' OR a.grams = 0 THEN 'act'
                    WHEN r.id IS NULL OR r.revoked_at IS NULL OR r.participant_id <> a.participant_id
                        AND NOT EXISTS (SELECT FROM account_join j WHERE j.joined_id = a.participant_id) THEN 'right'
                    WHEN x.released_at < r.revoked_at THEN 'early'
                    WHEN EXISTS (SELECT FROM batch_leaf l WHERE l.claim_key = x.claim_key) THEN 'batch'
                END AS fault
                FROM action_released x
                LEFT JOIN action a ON a.claim_key = x.claim_key
                LEFT JOIN assignment_of_right r ON r.id = x.assignment_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "act": ("its act was never in a pool", "该行为从未入池"),
            "right": ("the right to it was not taken back", "对其的权益并未收回"),
            "early": ("it left before the right was taken back", "出池早于权益收回"),
            "batch": ("a batch holds it all the same", "批次仍持有该行为"),
        },
    ),
)
_LEFT = text("""
    SELECT x.claim_key, x.assignment_id, x.part, a.job_id, a.seq, a.method_id, a.grams, p.code AS programme, a.credit
    FROM action_released x
    JOIN action a ON a.claim_key = x.claim_key
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
""")
_POSTED = text("""
    SELECT t.posting_id, d.code AS debit, c.code AS credit, sum(t.amount)::bigint AS grams
    FROM ledger_transfer t
    JOIN ledger_account d ON d.id = t.debit_id
    JOIN ledger_account c ON c.id = t.credit_id
    WHERE t.reason = 'acts.released' AND t.reverses IS NULL
    GROUP BY 1, 2, 3
""")
_GRAMS = ("the grams that left are not those of its acts", "出池克数与其行为不符")
_STRAY = ("no right that was taken back asked for it", "没有收回的权益要求这笔过账")


async def released(session: AsyncSession) -> Checked:
    """What left a pool are the grams of acts whose right was taken back and that no batch holds, to the gram."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM action_released"))
    await look_for(session, checked, _ACTS)
    rows = [row for row in await session.execute(_LEFT) if row.credit == "pooled"]
    homes = await pools.pools_of(session, rows)
    wanted: dict[UUID, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in rows:
        posting = posting_id(row.assignment_id, row.part)
        wanted[posting][homes[row.claim_key], released_code(row.programme)] += row.grams
    posted: dict[UUID, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in await session.execute(_POSTED):
        posted[row.posting_id][row.debit, row.credit] += row.grams
    named: set[Any] = set()
    for row in rows:
        posting = posting_id(row.assignment_id, row.part)
        if posting not in named and wanted[posting] != posted.get(posting, Counter()):
            named.add(posting)
            checked.name("action_released", row.claim_key, _GRAMS)
    for posting in sorted(posted.keys() - wanted.keys()):
        checked.name("ledger_transfer", f"posting {posting}", _STRAY)
    return checked
