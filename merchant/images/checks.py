"""What must hold of pictures of offers."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_IMAGES = (
    Rule.single(
        "image",
        "SELECT encode(i.sha256, 'hex') AS place FROM image i WHERE sha256(i.content) <> i.sha256",
        en="its bytes are others than those it is named after",
        zh="图片内容与其名称（SHA-256）不符",
    ),
    Rule(
        "offer_image",
        """
            SELECT place, fault FROM (
                SELECT x.offer_id || ' ' || x.number AS place, CASE
                    WHEN i.sha256 IS NULL THEN 'nowhere'
                    WHEN p.organisation_id IS DISTINCT FROM o.merchant_id THEN 'stranger'
                    WHEN (SELECT s.step FROM offer_step s WHERE s.offer_id = x.offer_id AND s.stepped_at <= x.at
                          ORDER BY s.number DESC LIMIT 1) NOT IN ('drafted', 'sent_back') THEN 'shown'
                END AS fault
                FROM (SELECT offer_id, number, sha256, added_by AS by, added_at AS at FROM offer_image
                      UNION ALL
                      SELECT r.offer_id, r.number, a.sha256, r.removed_by, r.removed_at FROM offer_image_removal r
                      LEFT JOIN offer_image a ON a.offer_id = r.offer_id AND a.number = r.number) x
                LEFT JOIN image i ON i.sha256 = x.sha256 LEFT JOIN offer o ON o.id = x.offer_id
                LEFT JOIN staff p ON p.id = x.by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("there is no such picture", "没有这张图片"),
            "stranger": ("it was not changed by staff of the offer's merchant", "并非由该商户人员增删"),
            "shown": ("it was changed after the offer was handed in", "在提交审核后被增删"),
        },
    ),
)


async def images(session: AsyncSession) -> Checked:
    """A picture is what its name says; offers' pictures come from staff of their merchant, and only drafts' change."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM offer_image"))
    return await look_for(session, checked, _IMAGES)
