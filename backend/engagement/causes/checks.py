"""What must hold of hand-overs to causes."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_HANDED = (
    Rule(
        "cause_handover",
        """
            SELECT place, fault FROM (
                SELECT h.id AS place, CASE
                    WHEN p.id IS NULL OR o.code IS DISTINCT FROM p.operator_code THEN 'staff'
                    WHEN h.handed_on > (h.noted_at AT TIME ZONE 'Asia/Shanghai')::date THEN 'day'
                    WHEN h.corrects IS NOT NULL AND (c.id IS NULL OR c.corrects IS NOT NULL
                        OR (h.programme_id, h.reward, h.handed_on, h.recipient_zh, h.recipient_en)
                            <> (c.programme_id, c.reward, c.handed_on, c.recipient_zh, c.recipient_en)
                        OR (h.points, h.money_fen) <> (-c.points, -c.money_fen)) THEN 'corrects'
                END AS fault
                FROM cause_handover h LEFT JOIN programme p ON p.id = h.programme_id
                LEFT JOIN staff s ON s.id = h.noted_by LEFT JOIN organisation o ON o.id = s.organisation_id
                LEFT JOIN cause_handover c ON c.id = h.corrects
            ) found WHERE fault IS NOT NULL
        """,
        {
            "staff": ("it was not told by staff of the programme's operator", "并非由计划运营方人员登记"),
            "day": ("it is told of a day to come", "移交日晚于登记日"),
            "corrects": ("it does not take back exactly what it corrects", "更正与原记录不符"),
        },
    ),
    Rule.single(
        "cause_handover",
        """
            SELECT h.programme_id || ' ' || h.reward AS place FROM cause_handover h
            GROUP BY h.programme_id, h.reward
            HAVING sum(h.points) > (
                SELECT COALESCE(sum(g.points), 0) FROM reward_grant g
                WHERE g.programme_id = h.programme_id AND g.reward = h.reward AND g.kind = 'public_welfare')
        """,
        en="more points were handed over than were given to the cause",
        zh="移交的积分多于受赠的积分",
    ),
)


async def handed(session: AsyncSession) -> Checked:
    """Hand-overs come from the programme's operator, are taken back exactly, and are no more than was given."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM cause_handover"))
    return await look_for(session, checked, _HANDED)
