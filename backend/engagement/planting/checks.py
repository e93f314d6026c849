"""What must hold of trees: handed over once, planted once, and real only where a partner reported them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import rewards
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.kit.errors import DomainError
from backend.programmes import programme_of

_RULES = (
    Rule(
        "tree_batch",
        """
            SELECT place, fault FROM (
                SELECT b.id AS place, CASE
                    WHEN p.id IS NULL OR o.code IS DISTINCT FROM p.operator_code THEN 'operator'
                    WHEN NOT EXISTS (SELECT FROM tree_batch_order x WHERE x.batch_id = b.id) THEN 'empty'
                END AS fault
                FROM tree_batch b LEFT JOIN programme p ON p.id = b.programme_id
                LEFT JOIN staff s ON s.id = b.made_by LEFT JOIN organisation o ON o.id = s.organisation_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "operator": ("staff of the programme's operator did not make it", "并非由计划运营方人员移交"),
            "empty": ("nothing was handed over in it", "批次为空"),
        },
    ),
    Rule(
        "tree_batch_order",
        """
            SELECT place, fault FROM (
                SELECT x.grant_id AS place, CASE
                    WHEN g.id IS NULL OR g.kind NOT IN ('planting', 'adoption') OR b.id IS NULL
                        OR b.programme_id <> g.programme_id OR b.made_at < g.granted_at THEN 'order'
                    WHEN t.partner IS NULL AND t.grant_id IS NOT NULL THEN 'virtual'
                    WHEN o.decided_at < b.made_at THEN 'after'
                END AS fault
                FROM tree_batch_order x LEFT JOIN reward_grant g ON g.id = x.grant_id
                LEFT JOIN tree_batch b ON b.id = x.batch_id LEFT JOIN tree t ON t.grant_id = x.grant_id
                LEFT JOIN reward_outcome o ON o.grant_id = x.grant_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "order": (
                "it is no order of a tree of this batch's programme, or a later one",
                "并非该批次所属计划的订单,或下单更晚",
            ),
            "virtual": ("a tree that grows on screen only was handed over", "线上种植的树被移交"),
            "after": ("it had been decided before it was handed over", "移交前已有结果"),
        },
    ),
    Rule(
        "tree",
        """
            SELECT place, fault FROM (
                SELECT t.grant_id AS place, CASE
                    WHEN g.id IS NULL OR g.kind <> t.kind THEN 'order'
                    WHEN t.partner IS NULL AND (o.grant_id IS NOT NULL OR t.reported_by IS NOT NULL
                        OR t.reported_at <> g.granted_at OR t.planted_on <> (g.granted_at AT TIME ZONE 'Asia/Shanghai')::date)
                        THEN 'virtual'
                    WHEN t.partner IS NOT NULL AND (o.outcome IS DISTINCT FROM 'delivered' OR b.partner IS DISTINCT FROM t.partner
                        OR o.decided_by IS DISTINCT FROM t.reported_by OR t.reference IS NULL OR t.place IS NULL
                        OR t.reported_at < o.decided_at) THEN 'reported'
                    WHEN t.kind = 'planting' AND (t.stands_until IS NOT NULL
                            OR t.planted_on > (t.reported_at AT TIME ZONE 'Asia/Shanghai')::date)
                        OR t.kind = 'adoption' AND t.partner IS NOT NULL AND t.stands_until IS NULL
                        OR t.planted_on < (g.granted_at AT TIME ZONE 'Asia/Shanghai')::date
                        OR t.stands_until < t.planted_on THEN 'days'
                    WHEN EXISTS (SELECT FROM tree o WHERE o.grant_id <> t.grant_id AND o.certificate = t.certificate) THEN 'number'
                    WHEN EXISTS (
                        SELECT FROM tree o WHERE o.grant_id <> t.grant_id AND o.partner = t.partner AND o.reference = t.reference
                            AND o.kind = t.kind AND (t.kind = 'planting'
                                OR o.planted_on <= t.stands_until AND o.stands_until >= t.planted_on)) THEN 'twice'
                END AS fault
                FROM tree t LEFT JOIN reward_grant g ON g.id = t.grant_id
                LEFT JOIN reward_outcome o ON o.grant_id = t.grant_id
                LEFT JOIN tree_batch_order x ON x.grant_id = t.grant_id LEFT JOIN tree_batch b ON b.id = x.batch_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "order": ("it stands for no order of its kind", "没有对应的同类订单"),
            "virtual": ("it grows on screen only, and says more than that", "线上种植而另有所述"),
            "reported": ("the partner it was handed over to did not report it", "并非由所移交的合作方报告"),
            "days": ("its days cannot be", "日期不可能"),
            "number": ("its certificate has another one's number", "证书编号重复"),
            "twice": ("its reference stands for another order too", "同一编号对应多笔订单"),
        },
    ),
    Rule.single(
        "reward_outcome",
        """
            SELECT o.grant_id AS place FROM reward_outcome o JOIN reward_grant g ON g.id = o.grant_id
            WHERE g.kind IN ('planting', 'adoption')
                AND (o.outcome = 'delivered') <> EXISTS (SELECT FROM tree t WHERE t.grant_id = g.id)
        """,
        en="a tree was reported that is not there, or stands although it failed",
        zh="所报告的树不存在,或已失败而仍有树",
    ),
)
_ORDERED = text("""
    SELECT g.id, p.code AS programme, g.reward, g.granted_at, b.partner AS handed_to, t.partner, t.grant_id AS tree
    FROM reward_grant g JOIN programme p ON p.id = g.programme_id
    LEFT JOIN tree_batch_order x ON x.grant_id = g.id LEFT JOIN tree_batch b ON b.id = x.batch_id
    LEFT JOIN tree t ON t.grant_id = g.id
    WHERE g.kind IN ('planting', 'adoption') ORDER BY p.code, g.granted_at
""")
_PARTNER = (
    "it is real or not, or of a partner, otherwise than its reward says",
    "实体或线上、合作方与奖励所述不符",
)


async def planted(session: AsyncSession) -> Checked:
    """Orders of trees are handed over once and planted once, by the partner that their reward names; the rest is virtual."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM tree"))
    await look_for(session, checked, _RULES)
    partners: dict[tuple[str, dt.date, str], set[str | None]] = {}
    for row in (await session.execute(_ORDERED)).all():
        key = (row.programme, row.granted_at.date(), row.reward)
        if key not in partners:
            partners[key] = await _partners(session, row.programme, row.granted_at, row.reward)
        real = None not in partners[key]
        if (row.tree is not None and (row.partner is not None) != real) or (
            not real and (row.tree is None or row.handed_to is not None)
        ):
            checked.name("tree", row.id, _PARTNER)
    return checked


async def _partners(session: AsyncSession, code: str, at: dt.datetime, reward: str) -> set[str | None]:
    try:
        programme = await programme_of(session, code=code, at=at)
        return {rewards.reward_of(programme, reward_id=reward, kinds=rewards.TREES).partner}
    except DomainError:  # rewards.granted names it
        return {""}
