"""What must hold of accounts that ended in another: they can do nothing, hold nothing, and what they had is where it should be."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_ENDED = Rule(
    "account_join",
    """
        WITH RECURSIVE way AS (
            SELECT joined_id, into_id FROM account_join
            UNION
            SELECT w.joined_id, j.into_id FROM way w JOIN account_join j ON j.joined_id = w.into_id
        )
        SELECT j.joined_id AS place, f.fault
        FROM account_join j
        LEFT JOIN participant a ON a.id = j.joined_id
        LEFT JOIN participant b ON b.id = j.into_id
        CROSS JOIN LATERAL (
            SELECT 'people' AS fault
            WHERE a.kind IS DISTINCT FROM 'citizen' OR b.kind IS DISTINCT FROM 'citizen'
                OR j.joined_at < greatest(a.created_at, b.created_at) - interval '1 minute'
            UNION ALL
            SELECT 'circle' WHERE EXISTS (SELECT FROM way w WHERE w.joined_id = j.joined_id AND w.into_id = j.joined_id)
            UNION ALL
            SELECT 'open' WHERE EXISTS (SELECT FROM person p WHERE p.participant_id = j.joined_id AND p.phone_index IS NOT NULL)
                OR EXISTS (SELECT FROM door d WHERE d.participant_id = j.joined_id AND d.closed_at IS NULL)
                OR EXISTS (SELECT FROM means_holding h WHERE h.participant_id = j.joined_id AND upper_inf(h.held))
                OR EXISTS (SELECT FROM token_family t WHERE t.subject = j.joined_id AND t.revoked_at IS NULL
                               AND t.expires_at > now())
            UNION ALL
            SELECT 'holds' WHERE EXISTS (
                SELECT FROM unnest(ARRAY['wallet', 'pending', 'debt', 'benefit', 'overpaid']) AS k(kind)
                JOIN ledger_account l ON l.code >= (k.kind || ':' || j.joined_id || ':') COLLATE "C"
                    AND l.code < (k.kind || ':' || j.joined_id || ';') COLLATE "C"
                WHERE l.balance <> 0 AND NOT EXISTS (
                    SELECT FROM ledger_transfer t WHERE l.id IN (t.debit_id, t.credit_id)
                        AND t.recorded_at > now() - interval '1 day'))
        ) f
    """,
    {
        "people": ("it joins what is not two people's accounts of that time", "所合并者并非当时两个个人账户"),
        "circle": ("an account ends in itself", "账户最终并入其自身"),
        "open": (
            "an account that ended still has a way in, means or a session",
            "已终止的账户仍有登录方式、载体或会话",
        ),
        "holds": ("an account that ended still holds value after a day", "已终止的账户一天后仍持有价值"),
    },
)
_MOVED = Rule.single(
    "ledger_transfer",
    """
        WITH RECURSIVE way AS (
            SELECT joined_id, into_id FROM account_join
            UNION
            SELECT w.joined_id, j.into_id FROM way w JOIN account_join j ON j.joined_id = w.into_id
        )
        SELECT t.posting_id || '/' || t.line AS place
        FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id
        JOIN ledger_account c ON c.id = t.credit_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN d.kind IN ('debt', 'overpaid') THEN c.code ELSE d.code END AS came,
                   CASE WHEN d.kind IN ('debt', 'overpaid') THEN d.code ELSE c.code END AS went
        ) m
        WHERE t.reason IN ('points.joined', 'benefit.joined') AND NOT (
            d.kind = c.kind
            AND replace(m.came, ':' || split_part(m.came, ':', 2), '') = replace(m.went, ':' || split_part(m.went, ':', 2), '')
            AND EXISTS (SELECT FROM way w WHERE w.joined_id::text = split_part(m.came, ':', 2)
                            AND w.into_id::text = split_part(m.went, ':', 2)))
    """,
    en="it moves value between accounts that are not one person's, or to another programme or day",
    zh="价值转给了并非同一人的账户，或转入其他计划或有效期",
)


async def accounts(session: AsyncSession) -> Checked:
    """An account that ended has no way in and holds nothing; what it had went to the same lots of the account it ended in."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM account_join"))
    return await look_for(session, checked, [_ENDED, _MOVED])
