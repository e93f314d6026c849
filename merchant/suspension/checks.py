"""What must hold of suspensions."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_SUSPENSIONS = (
    Rule(
        "suspension",
        """
            SELECT place, fault FROM (
                SELECT s.subject_id || ' ' || s.number AS place, CASE
                    WHEN s.merchant_id IS DISTINCT FROM (CASE s.kind
                        WHEN 'merchant' THEN (SELECT r.organisation_id FROM organisation_role r
                                              WHERE r.organisation_id = s.subject_id AND r.role = 'merchant')
                        WHEN 'shop' THEN (SELECT p.merchant_id FROM shop p WHERE p.id = s.subject_id)
                        ELSE (SELECT t.merchant_id FROM till t WHERE t.id = s.subject_id) END) THEN 'nobody'
                    WHEN s.number > 1 AND before.subject_id IS NULL OR before.kind <> s.kind
                        OR before.stepped_at > s.stepped_at THEN 'order'
                    WHEN w.id IS NULL OR w.organisation_id = s.merchant_id THEN 'itself'
                    WHEN s.step = 'resumed' AND before.stepped_by = s.stepped_by THEN 'alone'
                END AS fault
                FROM suspension s LEFT JOIN staff w ON w.id = s.stepped_by
                LEFT JOIN suspension before ON before.subject_id = s.subject_id AND before.number = s.number - 1
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nobody": ("its subject is not the merchant's", "其对象不属于该商户"),
            "order": ("it does not follow the step before it", "不能接在前一步之后"),
            "itself": ("staff of the merchant itself took the step", "由该商户自己的人员操作"),
            "alone": ("whoever suspended let it go on", "由实施暂停者本人恢复"),
        },
    ),
    # A capture whose clock was read before the suspension may be written just after it.
    Rule.single(
        "redemption_end",
        """
            SELECT e.redemption_id AS place FROM suspension s
            LEFT JOIN suspension r ON r.subject_id = s.subject_id AND r.number = s.number + 1
            JOIN redemption_end e ON e.merchant_id = s.merchant_id AND e.ended = 'captured'
                AND e.ended_at > s.stepped_at + interval '1 minute' AND (e.ended_at < r.stepped_at) IS NOT FALSE
                AND CASE s.kind WHEN 'merchant' THEN true WHEN 'shop' THEN e.shop_id = s.subject_id
                    ELSE e.till_id = s.subject_id END
            WHERE s.step = 'suspended'
        """,
        en="it was captured where captures were suspended",
        zh="核销发生在暂停期间",
    ),
)


async def suspended(session: AsyncSession) -> Checked:
    """Steps alternate, come from the operator, and another person lets go on; nothing is captured meanwhile."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM suspension"))
    return await look_for(session, checked, _SUSPENSIONS)
