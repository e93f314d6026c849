"""What must hold of accounts that their holders closed: they hold nothing, lead to nobody, and gave up what they had."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_CLOSED = Rule(
    "account_closed",
    """
        SELECT c.participant_id AS place, f.fault
        FROM account_closed c
        LEFT JOIN participant p ON p.id = c.participant_id
        CROSS JOIN LATERAL (
            SELECT 'person' AS fault WHERE p.id IS NULL OR c.closed_at < p.created_at - interval '1 minute'
                OR EXISTS (SELECT FROM person_key k WHERE k.participant_id = c.participant_id)
                OR EXISTS (SELECT FROM person n WHERE n.participant_id = c.participant_id AND n.phone_index IS NOT NULL)
            UNION ALL
            SELECT 'open' WHERE EXISTS (SELECT FROM door d WHERE d.participant_id = c.participant_id AND d.closed_at IS NULL)
                OR EXISTS (SELECT FROM means_holding h WHERE h.participant_id = c.participant_id AND upper_inf(h.held))
                OR EXISTS (SELECT FROM assignment_of_right r
                           WHERE r.participant_id = c.participant_id AND r.revoked_at IS NULL)
            UNION ALL
            SELECT 'holds' WHERE EXISTS (
                SELECT FROM unnest(ARRAY['wallet', 'pending', 'hold', 'benefit']) AS k(kind)
                JOIN ledger_account l ON l.code >= (k.kind || ':' || c.participant_id || ':') COLLATE "C"
                    AND l.code < (k.kind || ':' || c.participant_id || ';') COLLATE "C"
                WHERE l.balance <> 0 AND NOT EXISTS (
                    SELECT FROM ledger_transfer t WHERE l.id IN (t.debit_id, t.credit_id)
                        AND t.recorded_at > now() - interval '1 day'))
        ) f
    """,
    {
        "person": ("it still leads to a person", "仍可追溯到个人"),
        "open": ("it still has a door, means or the right assigned", "仍有登录方式、载体或权益委托"),
        "holds": ("it still holds value after a day", "一天后仍持有价值"),
    },
)
_MOVES = """
    SELECT t.posting_id, sum(t.amount) AS amount, bool_and(
        (t.reason = 'points.forfeited' AND d.kind IN ('wallet', 'pending') AND c.kind = 'breakage'
            OR t.reason = 'benefit.forfeited' AND d.kind = 'benefit' AND c.kind = 'forgone')
        AND split_part(d.code, ':', 3) = split_part(c.code, ':', 2)) AS sound,
        min(split_part(c.code, ':', 2)) AS programme,
        array_agg(DISTINCT split_part(d.code, ':', 2)) AS whose
    FROM ledger_transfer t
    JOIN ledger_account d ON d.id = t.debit_id
    JOIN ledger_account c ON c.id = t.credit_id
    WHERE t.reason IN ('points.forfeited', 'benefit.forfeited') GROUP BY t.posting_id
"""
_FORFEIT = Rule(
    "account_forfeit",
    f"""
        SELECT f.posting_id AS place, 'amount' AS fault
        FROM account_forfeit f
        LEFT JOIN programme p ON p.id = f.programme_id
        LEFT JOIN ({_MOVES}) m ON m.posting_id = f.posting_id
        WHERE m.posting_id IS NULL OR m.amount <> f.amount OR m.programme IS DISTINCT FROM p.code
           OR NOT EXISTS (SELECT FROM account_closed c WHERE c.participant_id = f.participant_id)
           OR EXISTS (
               SELECT FROM unnest(m.whose) AS w(id) WHERE w.id <> f.participant_id::text
                   AND NOT EXISTS (SELECT FROM account_join j WHERE j.joined_id::text = w.id))
    """,  # noqa: S608 - put together from constants
    {"amount": ("it is not what that account gave up", "与该账户所放弃的不符")},
)
_STRAY = Rule.single(
    "ledger_transfer",
    f"""
        SELECT 'posting ' || m.posting_id AS place FROM ({_MOVES}) m
        LEFT JOIN account_forfeit f ON f.posting_id = m.posting_id
        WHERE f.posting_id IS NULL OR NOT m.sound
    """,  # noqa: S608 - put together from constants
    en="it gives up value of an account that did not close, or elsewhere than to its programme",
    zh="放弃了未注销账户的价值，或去向不是其计划",
)


async def accounts(session: AsyncSession) -> Checked:
    """A closed account holds nothing and leads to nobody; what it had was given up to its own programmes, to the unit."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM account_closed"))
    return await look_for(session, checked, [_CLOSED, _FORFEIT, _STRAY])
