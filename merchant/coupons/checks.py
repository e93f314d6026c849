"""What must hold of coupon codes."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_COUPONS = (
    Rule(
        "coupon_import",
        """
            SELECT place, fault FROM (
                SELECT i.id AS place, CASE
                    WHEN o.gives IS DISTINCT FROM 'coupon' THEN 'nowhere'
                    WHEN s.organisation_id IS DISTINCT FROM o.merchant_id THEN 'stranger'
                    WHEN i.codes <> (SELECT count(*) FROM coupon_code c WHERE c.import_id = i.id) THEN 'codes'
                END AS fault
                FROM coupon_import i LEFT JOIN offer o ON o.id = i.offer_id LEFT JOIN staff s ON s.id = i.imported_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("its offer gives no coupons", "其商品不发放券码"),
            "stranger": ("it was not made by staff of the merchant", "并非由该商户人员导入"),
            "codes": ("it has another number of codes than it says", "券码数量与所记不符"),
        },
    ),
    Rule(
        "coupon_given",
        """
            SELECT place, fault FROM (
                SELECT COALESCE(g.redemption_id, e.redemption_id) AS place, CASE
                    WHEN g.redemption_id IS NULL THEN 'none'
                    WHEN e.redemption_id IS NULL OR i.offer_id IS DISTINCT FROM e.offer_id THEN 'other'
                    WHEN c.valid_until < e.day THEN 'over'
                    WHEN e.captured_by IS NOT NULL THEN 'till'
                END AS fault
                FROM coupon_given g LEFT JOIN coupon_code c ON c.id = g.coupon_id
                LEFT JOIN coupon_import i ON i.id = c.import_id
                FULL JOIN (SELECT e.redemption_id, r.offer_id, e.captured_by, (e.ended_at AT TIME ZONE 'Asia/Shanghai')::date AS day
                           FROM redemption_end e JOIN redemption r ON r.id = e.redemption_id
                           JOIN offer o ON o.id = r.offer_id AND o.gives = 'coupon'
                           WHERE e.ended = 'captured') e ON e.redemption_id = g.redemption_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "none": ("a captured redemption of a coupon has no code", "已核销的券码兑换没有券码"),
            "other": ("its code is not one of the redemption's offer", "券码不属于所兑换的商品"),
            "over": ("its code was over when it was given", "发放时券码已过期"),
            "till": ("it was captured at a till", "并非即时核销"),
        },
    ),
    Rule.single(
        "coupon_given",
        "SELECT g.coupon_id AS place FROM coupon_given g GROUP BY g.coupon_id HAVING count(*) > 1",
        en="one code was given to two redemptions",
        zh="同一券码发给了两笔兑换",
    ),
    Rule.single(
        "coupon_left",
        """
            SELECT COALESCE(l.coupon_id, c.id) AS place
            FROM coupon_left l
            FULL JOIN (SELECT c.id, i.offer_id, COALESCE(c.valid_until, 'infinity') AS valid_until
                       FROM coupon_code c JOIN coupon_import i ON i.id = c.import_id
                       WHERE NOT EXISTS (SELECT FROM coupon_given g WHERE g.coupon_id = c.id)) c ON c.id = l.coupon_id
            WHERE (l.offer_id, l.valid_until) IS DISTINCT FROM (c.offer_id, c.valid_until)
        """,
        en="the codes left are not those that were not given",
        zh="剩余券码与未发放者不符",
    ),
)


async def coupons(session: AsyncSession) -> Checked:
    """A code is given to one redemption at most, each captured redemption of a coupon has one, and the others are left."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM coupon_code"))
    return await look_for(session, checked, _COUPONS)
