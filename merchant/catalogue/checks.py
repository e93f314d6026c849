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

_REVIEWED = (
    Rule(
        "offer_step",
        """
            SELECT place, fault FROM (
                SELECT s.offer_id || ' ' || s.number AS place, CASE
                    WHEN s.stepped_at < before.stepped_at OR NOT COALESCE(CASE s.step
                        WHEN 'drafted' THEN s.number = 1 AND t.offer_id IS NOT NULL
                        WHEN 'submitted' THEN before.step IN ('drafted', 'sent_back')
                        WHEN 'published' THEN before.step = 'submitted'
                        WHEN 'sent_back' THEN before.step = 'submitted'
                        WHEN 'paused' THEN before.step IN ('published', 'resumed') OR s.number = 1 AND t.offer_id IS NULL
                        WHEN 'resumed' THEN before.step = 'paused' END, false) THEN 'order'
                    WHEN s.step IN ('published', 'sent_back') AND p.organisation_id = o.merchant_id THEN 'itself'
                    WHEN s.step NOT IN ('published', 'sent_back') AND p.organisation_id <> o.merchant_id THEN 'stranger'
                END AS fault
                FROM offer_step s JOIN offer o ON o.id = s.offer_id JOIN staff p ON p.id = s.stepped_by
                LEFT JOIN offer_step before ON before.offer_id = s.offer_id AND before.number = s.number - 1
                LEFT JOIN offer_terms t ON t.offer_id = s.offer_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "order": ("it cannot follow the step before it", "不能接在前一步之后"),
            "itself": ("its merchant reviewed it itself", "由该商户自行审核"),
            "stranger": ("it was not taken by staff of its merchant", "并非由该商户人员操作"),
        },
    ),
    Rule(
        "offer_terms",
        """
            SELECT place, fault FROM (
                SELECT t.offer_id AS place, CASE
                    WHEN p.organisation_id <> o.merchant_id OR t.said_by <> o.created_by THEN 'stranger'
                    WHEN NOT EXISTS (SELECT FROM offer_step s WHERE s.offer_id = t.offer_id AND s.step = 'drafted') THEN 'undrafted'
                    WHEN (o.gives = 'voucher') IS TRUE <> (t.face_fen IS NOT NULL) THEN 'voucher'
                END AS fault
                FROM offer_terms t JOIN offer o ON o.id = t.offer_id JOIN staff p ON p.id = t.said_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "stranger": ("they were not said by who made the offer", "并非由该商品的上架人所定"),
            "undrafted": ("its offer was never drafted", "该商品没有草稿记录"),
            "voucher": (
                "a voucher's worth is missing, or said of something else",
                "代金券缺少面值，或非代金券却有面值",
            ),
        },
    ),
    Rule.single(
        "offer_shop",
        """
            SELECT l.offer_id || ' ' || l.shop_id AS place
            FROM offer_shop l JOIN offer o ON o.id = l.offer_id JOIN shop s ON s.id = l.shop_id
            WHERE s.merchant_id <> o.merchant_id
        """,
        en="the shop is not its merchant's",
        zh="门店不属于该商户",
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


async def reviewed(session: AsyncSession) -> Checked:
    """Offers are drafted by their merchant and published by somebody else; terms are said once, shops are the merchant's."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM offer_step"))
    return await look_for(session, checked, _REVIEWED)
