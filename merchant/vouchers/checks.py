"""What must hold of vouchers."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_VOUCHERS = (
    Rule(
        "voucher",
        """
            SELECT place, fault FROM (
                SELECT COALESCE(v.redemption_id, e.redemption_id) AS place, CASE
                    WHEN v.redemption_id IS NULL THEN 'none'
                    WHEN e.redemption_id IS NULL THEN 'other'
                    WHEN e.captured_by IS NOT NULL THEN 'till'
                    WHEN (v.face_fen, v.minimum_fen, v.valid_until)
                        IS DISTINCT FROM (e.face_fen, e.minimum_fen, e.day + e.valid_days) THEN 'terms'
                END AS fault
                FROM voucher v
                FULL JOIN (SELECT e.redemption_id, e.captured_by, t.face_fen, t.minimum_fen, t.valid_days,
                                  (e.ended_at AT TIME ZONE 'Asia/Shanghai')::date AS day
                           FROM redemption_end e JOIN redemption r ON r.id = e.redemption_id
                           JOIN offer o ON o.id = r.offer_id AND o.gives = 'voucher'
                           LEFT JOIN offer_terms t ON t.offer_id = o.id
                           WHERE e.ended = 'captured') e ON e.redemption_id = v.redemption_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "none": ("a captured redemption of a voucher has none", "已核销的代金券兑换没有代金券"),
            "other": ("its redemption is not a captured one of a voucher", "所属兑换不是已核销的代金券兑换"),
            "till": ("it was captured at a till", "并非即时核销"),
            "terms": ("its worth or last day is not what its offer says", "面值或最后可用日与商品所定不符"),
        },
    ),
    Rule(
        "voucher_use",
        """
            SELECT place, fault FROM (
                SELECT u.redemption_id AS place, CASE
                    WHEN v.redemption_id IS NULL THEN 'none'
                    WHEN u.merchant_id IS DISTINCT FROM o.merchant_id
                        OR redemption_stood_for(u.used_by) IS DISTINCT FROM o.merchant_id
                        OR u.shop_id IS NOT NULL AND NOT EXISTS (
                            SELECT FROM shop h WHERE h.id = u.shop_id AND h.merchant_id = o.merchant_id)
                        OR u.till_id IS NOT NULL AND NOT EXISTS (
                            SELECT FROM till l WHERE l.id = u.till_id AND l.shop_id = u.shop_id) THEN 'merchant'
                    WHEN u.shop_id IS NOT NULL AND EXISTS (SELECT FROM offer_shop a WHERE a.offer_id = o.id)
                        AND NOT EXISTS (SELECT FROM offer_shop a WHERE a.offer_id = o.id AND a.shop_id = u.shop_id) THEN 'shop'
                    WHEN u.used_at < r.made_at
                        OR (u.used_at AT TIME ZONE 'Asia/Shanghai')::date > v.valid_until THEN 'day'
                    WHEN v.minimum_fen IS NOT NULL AND (u.purchase_fen >= v.minimum_fen) IS NOT TRUE THEN 'minimum'
                    WHEN EXISTS (SELECT FROM redemption_refund f WHERE f.redemption_id = u.redemption_id) THEN 'refunded'
                END AS fault
                FROM voucher_use u LEFT JOIN voucher v ON v.redemption_id = u.redemption_id
                LEFT JOIN redemption r ON r.id = u.redemption_id LEFT JOIN offer o ON o.id = r.offer_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "none": ("there is no such voucher", "没有这张代金券"),
            "merchant": ("nobody of its merchant used it, or not at that till", "并非由该商户人员或该收银台使用"),
            "shop": ("it was used at a shop where its offer is not given", "使用门店不在商品适用门店之内"),
            "day": ("it was used before it was given, or after its last day", "使用早于发放，或晚于最后可用日"),
            "minimum": ("the purchase was smaller than it asks for", "未达到最低消费金额"),
            "refunded": ("it was used and given back", "既已使用，又已退还"),
        },
    ),
    Rule.single(
        "redemption_part",
        """
            SELECT p.redemption_id || ' ' || p.part_id AS place
            FROM redemption_part p JOIN voucher v ON v.redemption_id = p.redemption_id
        """,
        en="a voucher was given back in parts",
        zh="代金券被部分退还",
    ),
)  # fmt: skip


async def used(session: AsyncSession) -> Checked:
    """Each captured redemption of a voucher has one, worth what its offer says; it is used once, by its merchant, and never given back too."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM voucher"))
    return await look_for(session, checked, _VOUCHERS)
