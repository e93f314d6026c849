"""What must hold of shops, asked of the rows."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_SHOPS = (
    Rule(
        "shop",
        """
            SELECT place, fault FROM (
                SELECT s.id AS place, CASE
                    WHEN NOT EXISTS (SELECT FROM organisation_role r
                                     WHERE r.organisation_id = s.merchant_id AND r.role = 'merchant') THEN 'nobody'
                    WHEN w.organisation_id IS DISTINCT FROM s.merchant_id THEN 'stranger'
                    WHEN NOT EXISTS (SELECT FROM shop_edition e WHERE e.shop_id = s.id AND e.number = 1) THEN 'unsaid'
                END AS fault
                FROM shop s LEFT JOIN staff w ON w.id = s.made_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nobody": ("it belongs to no merchant", "不属于任何商户"),
            "stranger": ("it was not opened by staff of its merchant", "并非由该商户人员开设"),
            "unsaid": ("nothing was said of it", "没有任何门店信息"),
        },
    ),
    Rule(
        "shop_edition",
        """
            SELECT place, fault FROM (
                SELECT e.shop_id || '/' || e.number AS place, CASE
                    WHEN w.organisation_id IS DISTINCT FROM s.merchant_id THEN 'stranger'
                    WHEN e.number <> row_number() OVER (PARTITION BY e.shop_id ORDER BY e.number) THEN 'gap'
                END AS fault
                FROM shop_edition e LEFT JOIN shop s ON s.id = e.shop_id LEFT JOIN staff w ON w.id = e.said_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "stranger": ("it was not said by staff of the shop's merchant", "并非由该门店所属商户的人员填写"),
            "gap": ("an edition before it is missing", "此前缺少一版"),
        },
    ),
)


async def shops(session: AsyncSession) -> Checked:
    """A shop belongs to a merchant, and what is said of it comes from the merchant's staff, edition by edition."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM shop_edition"))
    return await look_for(session, checked, _SHOPS)
