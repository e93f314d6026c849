"""What must hold of offers."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_OFFERS = (
    Rule(
        "offer",
        """
            SELECT place, fault FROM (
                SELECT o.id AS place, CASE
                    WHEN m.id IS NULL OR p.id IS NULL THEN 'nowhere'
                    WHEN s.organisation_id IS DISTINCT FROM o.merchant_id THEN 'stranger'
                    WHEN o.price_points < 1 OR o.per_citizen < 1 OR o.last_day < o.first_day THEN 'unsound'
                END AS fault
                FROM offer o LEFT JOIN organisation m ON m.id = o.merchant_id
                LEFT JOIN programme p ON p.code = o.programme LEFT JOIN staff s ON s.id = o.created_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("its merchant or programme is not there", "其商户或计划不存在"),
            "stranger": ("it was not made by staff of its merchant", "并非由该商户人员上架"),
            "unsound": ("its price, limit or days make no sense", "价格、限兑次数或起止日不合理"),
        },
    ),
    Rule(
        "offer_restock",
        """
            SELECT place, fault FROM (
                SELECT r.id AS place, CASE
                    WHEN o.limited IS NOT TRUE OR r.items < 1 THEN 'unlimited'
                    WHEN s.organisation_id IS DISTINCT FROM o.merchant_id THEN 'stranger'
                END AS fault
                FROM offer_restock r LEFT JOIN offer o ON o.id = r.offer_id LEFT JOIN staff s ON s.id = r.restocked_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "unlimited": ("it adds no items, or not to a limited offer", "未增加库存，或对象不是限量商品"),
            "stranger": ("it was not made by staff of the merchant", "并非由该商户人员补货"),
        },
    ),
    Rule.single(
        "offer_withdrawal",
        """
            SELECT w.offer_id AS place
            FROM offer_withdrawal w LEFT JOIN offer o ON o.id = w.offer_id LEFT JOIN staff s ON s.id = w.withdrawn_by
            WHERE o.id IS NULL OR s.organisation_id IS DISTINCT FROM o.merchant_id
        """,
        en="it was not made by staff of the offer's merchant",
        zh="并非由该商户人员下架",
    ),
)


async def offers(session: AsyncSession) -> Checked:
    """An offer, its restocks and its withdrawal come from staff of its merchant; only limited offers are restocked."""
    checked = Checked(
        rows=await count_rows(
            session, "SELECT (SELECT count(*) FROM offer) + (SELECT count(*) FROM offer_restock)"
        )
    )
    return await look_for(session, checked, _OFFERS)
