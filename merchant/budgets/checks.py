"""What must hold of budgets."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_KEPT = (
    Rule(
        "offer_budget",
        """
            SELECT place, fault FROM (
                SELECT b.id AS place, CASE
                    WHEN NOT EXISTS (SELECT FROM organisation_role r WHERE r.organisation_id = w.organisation_id
                                     AND r.role = 'operator') THEN 'stranger'
                    WHEN (b.merchant_id IS NULL) <> EXISTS (SELECT FROM offer_budget_offer o WHERE o.budget_id = b.id)
                        THEN 'whose'
                    WHEN u.points IS DISTINCT FROM COALESCE(t.points, 0) THEN 'sum'
                    WHEN u.points > b.points THEN 'beyond'
                END AS fault
                FROM offer_budget b JOIN staff w ON w.id = b.set_by
                LEFT JOIN offer_budget_used u ON u.budget_id = b.id
                LEFT JOIN (
                    SELECT x.budget_id, sum(r.points) AS points
                    FROM redemption_budget x JOIN redemption r ON r.id = x.redemption_id
                    LEFT JOIN redemption_end e ON e.redemption_id = r.id
                    WHERE COALESCE(e.ended, 'captured') = 'captured' GROUP BY x.budget_id
                ) t ON t.budget_id = b.id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "stranger": ("nobody of an operator set it", "并非由运营方人员设定"),
            "whose": (
                "it is of one merchant, or of a campaign's offers",
                "须属于一个商户，或属于活动的若干商品",
            ),
            "sum": ("what is used is not what redemptions took", "已用数与各兑换所占不符"),
            "beyond": ("more is used than it has", "已用数超过预算"),
        },
    ),
    Rule.single(
        "redemption_budget",
        """
            SELECT x.redemption_id || ' ' || x.budget_id AS place
            FROM redemption_budget x JOIN offer_budget b ON b.id = x.budget_id
            LEFT JOIN redemption r ON r.id = x.redemption_id LEFT JOIN offer o ON o.id = r.offer_id
            WHERE o.programme IS DISTINCT FROM b.programme
                OR (r.made_at AT TIME ZONE 'Asia/Shanghai')::date NOT BETWEEN b.first_day AND b.last_day
                OR o.merchant_id IS DISTINCT FROM b.merchant_id AND NOT EXISTS (
                    SELECT FROM offer_budget_offer l WHERE l.budget_id = b.id AND l.offer_id = o.id)
        """,
        en="the redemption does not stand under this budget",
        zh="该兑换不属于此预算",
    ),
)


async def kept(session: AsyncSession) -> Checked:
    """What is used of a budget is what redemptions took from it, and no more than it has."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM offer_budget"))
    return await look_for(session, checked, _KEPT)
