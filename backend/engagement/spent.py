"""What must hold of points spent with a programme: each is somebody's grant, entry or sign-up, and went back where that ended so."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

# Everything that points are spent on: the posting has its id; `back_at` is when its points went back, if they did.
_SPENDINGS = {
    "reward_grant": """
        SELECT g.id, g.participant_id, p.code AS programme, g.points, g.granted_at AS at,
               CASE WHEN o.outcome = 'refused' THEN o.decided_at END AS back_at
        FROM reward_grant g LEFT JOIN programme p ON p.id = g.programme_id
        LEFT JOIN reward_outcome o ON o.grant_id = g.id
    """,
    "lottery_entry": """
        SELECT e.id, e.participant_id, p.code AS programme, e.points, e.entered_at AS at,
               CASE WHEN d.outcome = 'failed' THEN d.decided_at END AS back_at
        FROM lottery_entry e LEFT JOIN lottery l ON l.id = e.lottery_id LEFT JOIN programme p ON p.id = l.programme_id
        LEFT JOIN lottery_result d ON d.lottery_id = e.lottery_id
    """,
    "event_signup": """
        SELECT s.id, s.participant_id, p.code AS programme, s.points, s.signed_up_at AS at, n.ended_at AS back_at
        FROM event_signup s LEFT JOIN event v ON v.id = s.event_id LEFT JOIN programme p ON p.id = v.programme_id
        LEFT JOIN event_signup_end n ON n.signup_id = s.id
    """,
}
_EVERY = " UNION ALL ".join(_SPENDINGS.values())

_RULES = tuple(
    Rule(
        table,
        f"""
            SELECT place, fault FROM (
                SELECT s.id AS place, CASE
                    WHEN (COALESCE(t.amount, 0), COALESCE(t.same, true)) <> (s.points, true) THEN 'spent'
                    WHEN (b.posting_id IS NOT NULL) <> (s.back_at IS NOT NULL AND s.points > 0)
                        OR b.happened_at <> s.back_at THEN 'back'
                END AS fault
                FROM ({spendings}) s
                LEFT JOIN (
                    SELECT s.id, CAST(sum(t.amount) AS bigint) AS amount, bool_and(
                        t.reason = 'points.spent' AND t.happened_at = s.at AND c.code = 'spent:' || s.programme
                        AND starts_with(d.code, 'wallet:' || s.participant_id || ':' || s.programme || ':')) IS TRUE AS same
                    FROM ({spendings}) s JOIN ledger_transfer t ON t.posting_id = s.id
                    LEFT JOIN ledger_account d ON d.id = t.debit_id LEFT JOIN ledger_account c ON c.id = t.credit_id
                    GROUP BY s.id
                ) t ON t.id = s.id
                LEFT JOIN (
                    SELECT DISTINCT reverses, posting_id, happened_at FROM ledger_transfer
                    WHERE reason = 'points.given_back'
                ) b ON b.reverses = s.id
            ) found WHERE fault IS NOT NULL
        """,  # noqa: S608 - put together from constants
        {
            "spent": (
                "the ledger did not spend its points from its holder's lots",
                "账本未如其所述从其积分批次支用",
            ),
            "back": (
                "its points did not go back where they had to, or went back where it stands",
                "该退的积分未退,或仍有效而已退",
            ),
        },
    )
    for table, spendings in _SPENDINGS.items()
)
_STRAY = Rule.single(
    "ledger_transfer",
    f"""
        SELECT DISTINCT t.posting_id AS place FROM ledger_transfer t
        WHERE t.reason IN ('points.spent', 'points.given_back') AND NOT EXISTS (
            SELECT FROM ({_EVERY}) s WHERE s.id = COALESCE(t.reverses, t.posting_id))
    """,  # noqa: S608 - put together from constants
    en="it spends points, or gives them back, for nothing",
    zh="所支用或退还的积分没有对应的领取、参加或报名",
)


async def points(session: AsyncSession) -> Checked:
    """Points are spent on grants, entries and sign-ups, as they say, and go back where those ended so; on nothing else."""
    checked = Checked(rows=await count_rows(session, f"SELECT count(*) FROM ({_EVERY}) s"))  # noqa: S608
    return await look_for(session, checked, [*_RULES, _STRAY])
