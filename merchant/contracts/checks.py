"""What must hold of contracts: each edition is what two people agreed to, and they follow each other."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_AGREED = (
    Rule(
        "contract_edition",
        """
            SELECT place, fault FROM (
                SELECT c.id AS place, CASE
                    WHEN a.kind IS DISTINCT FROM 'merchant.contract' OR d.decision IS DISTINCT FROM 'approved'
                        OR (a.body ->> 'merchant_id', a.body ->> 'programme', a.body ->> 'edition', a.body ->> 'valid_from',
                            a.body ->> 'valid_until', a.body ->> 'period', (a.body ->> 'fen_per_point')::numeric,
                            a.body -> 'terms', a.body -> 'fees', a.body ->> 'account_tail')
                        IS DISTINCT FROM (c.merchant_id::text, c.programme, c.edition::text, c.valid_from::text,
                            c.valid_until::text, c.period, c.fen_per_point, c.terms, c.fees, c.account_tail)
                        OR a.body ->> 'account_sealed'
                            IS DISTINCT FROM replace(encode(c.account_sealed, 'base64'), E'\\n', '') THEN 'agreed'
                    WHEN c.edition <> 1 AND NOT EXISTS (
                        SELECT FROM contract_edition b WHERE b.merchant_id = c.merchant_id AND b.programme = c.programme
                            AND b.edition = c.edition - 1 AND b.valid_from < c.valid_from) THEN 'order'
                END AS fault
                FROM contract_edition c LEFT JOIN two_person_act a ON a.id = c.act_id
                LEFT JOIN two_person_decision d ON d.act_id = c.act_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "agreed": ("it is not what two people agreed to", "并非两人所同意的内容"),
            "order": ("no edition before it began earlier", "此前没有更早生效的版本"),
        },
    ),
)


async def agreed(session: AsyncSession) -> Checked:
    """Contracts are what two people agreed to, edition by edition."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM contract_edition"))
    return await look_for(session, checked, _AGREED)
