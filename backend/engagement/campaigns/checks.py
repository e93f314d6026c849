"""What must hold of campaigns: each grant is what its act's points and the pack of that time give, and the budget held."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, look_for
from backend.programmes import reckoning
from backend.programmes.checks import Term, terms
from backend.programmes.features import Campaign

_BATCHES = text("""
    SELECT b.*, p.code,
           (SELECT COALESCE(sum(o.given), 0) FROM campaign_batch o
            WHERE o.programme_id = b.programme_id AND o.campaign = b.campaign AND o.number < b.number)
         - (SELECT COALESCE(sum(r.points), 0) FROM campaign_returned r
            WHERE r.programme_id = b.programme_id AND r.campaign = b.campaign AND r.after < b.number) AS spent
    FROM campaign_batch b LEFT JOIN programme p ON p.id = b.programme_id
    ORDER BY b.programme_id, b.campaign, b.number
""")
_GRANTS = text("""
    SELECT g.claim_key, g.wanted, g.points, COALESCE(c.points, a.points) AS earned, m.activity,
           CAST(a.happened_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
           COALESCE(c.participant_id, a.participant_id) = g.participant_id
               AND s.programme_id = g.programme_id AS own
    FROM campaign_grant g JOIN action a ON a.claim_key = g.claim_key
    JOIN intake_source s ON s.id = a.source_id JOIN method_named m ON m.id = a.method_id
    LEFT JOIN action_claim c ON c.claim_key = a.claim_key
    WHERE g.batch_id = :batch ORDER BY a.happened_at, a.claim_key
""")
_RULES = (
    Rule(
        "campaign_grant",
        """
            SELECT place, fault FROM (
                SELECT g.claim_key AS place, CASE
                    WHEN b.id IS NULL OR (b.programme_id, b.campaign) <> (g.programme_id, g.campaign) THEN 'batch'
                    WHEN g.points > 0 AND (a.participant_id, a.cause, a.wanted, a.programme_id)
                        IS DISTINCT FROM (g.participant_id, 'campaign:' || g.campaign, s.points, g.programme_id) THEN 'award'
                    WHEN g.points > 0 AND a.points <> a.wanted THEN 'award'
                END AS fault
                FROM campaign_grant g LEFT JOIN campaign_batch b ON b.id = g.batch_id
                LEFT JOIN award a ON a.posting_id = g.posting_id
                LEFT JOIN (SELECT posting_id, CAST(sum(points) AS bigint) AS points FROM campaign_grant GROUP BY 1) s
                    ON s.posting_id = g.posting_id
            ) x WHERE fault IS NOT NULL
        """,
        {
            "batch": ("it is in no batch of its campaign", "不在该活动的批次中"),
            "award": ("it was not awarded as it says", "未如所述发放"),
        },
    ),
    Rule(
        "campaign_returned",
        """
            SELECT place, fault FROM (
                SELECT r.claim_key AS place, CASE
                    WHEN w.claim_key IS NULL THEN 'stands'
                    WHEN g.points IS DISTINCT FROM r.points THEN 'sum'
                    WHEN (k.participant_id, k.cause, k.points, k.programme_id) IS DISTINCT FROM
                         (g.participant_id, 'campaign:' || r.campaign, s.points, r.programme_id) THEN 'taken'
                END AS fault
                FROM campaign_returned r LEFT JOIN action_withdrawn w ON w.claim_key = r.claim_key
                LEFT JOIN campaign_grant g ON (g.programme_id, g.campaign, g.claim_key)
                    = (r.programme_id, r.campaign, r.claim_key)
                LEFT JOIN award_taken k ON k.posting_id = r.posting_id
                LEFT JOIN (SELECT posting_id, CAST(sum(points) AS bigint) AS points FROM campaign_returned GROUP BY 1) s
                    ON s.posting_id = r.posting_id
                UNION ALL
                SELECT g.claim_key, 'kept' FROM campaign_grant g
                JOIN action_withdrawn w ON w.claim_key = g.claim_key, followed_cursor f
                WHERE w.xid < f.below AND g.points > 0
                  AND g.programme_id IN (SELECT programme_id FROM followed_programme)
                  AND NOT EXISTS (SELECT FROM campaign_returned r WHERE (r.programme_id, r.campaign, r.claim_key)
                                                                       = (g.programme_id, g.campaign, g.claim_key))
            ) x WHERE fault IS NOT NULL
        """,
        {
            "stands": ("its act was not withdrawn", "其行为并未撤销"),
            "sum": ("it returns something else than was granted", "收回与所给不符"),
            "taken": ("it was not taken back as it says", "未如所述收回"),
            "kept": ("its act was withdrawn, and it was not returned", "行为已撤销而未收回"),
        },
    ),
)
_NUMBER = ("batches of the campaign are not counted from 1 without a gap", "活动批次序号不连续")
_PACK = ("the programme's pack had no such campaign then", "当时的计划规则包没有该活动")
_ROOM = ("its room is not what the campaign's budget had left", "所记余额与活动预算余额不符")
_SUMS = ("it did not give what its grants say", "批次所给与各笔之和不符")
_GRANT = ("it is not what the act's points and the multiplier give", "与行为积分及倍数所得不符")
_ORDER = ("the budget was not given in the order of the acts", "未按行为次序发放")


async def granted(session: AsyncSession) -> Checked:
    """Each batch had the room it says, and gave it in the order of its acts, each what the pack of that time gives."""
    batches = (await session.execute(_BATCHES)).all()
    checked = Checked(rows=len(batches))
    running = await terms(session)
    numbers: dict[tuple[int, str], int] = defaultdict(int)
    for batch in batches:
        key = (batch.programme_id, batch.campaign)
        if batch.number != numbers[key] + 1:
            checked.name("campaign_batch", batch.id, _NUMBER)
        numbers[key] = batch.number
        found = _campaign(running.get(batch.code, []), batch)
        if found is None:
            checked.name("campaign_batch", batch.id, _PACK)
            continue
        await _batch(session, checked, batch, *found)
    return await look_for(session, checked, _RULES)


def _campaign(running: list[Term], batch: Any) -> tuple[str, Campaign] | None:
    for term in running:
        if term.active_from == batch.active_from:
            for campaign in term.pack.features.campaigns:
                if campaign.id == batch.campaign and "unknown" not in (campaign.budget, campaign.multiplier):
                    return term.pack.id, campaign
    return None


async def _batch(session: AsyncSession, checked: Checked, batch: Any, pack: str, campaign: Campaign) -> None:
    if batch.room != math.floor(campaign.budget) - batch.spent:  # type: ignore[arg-type]
        checked.name("campaign_batch", batch.id, _ROOM)
    wanted = given = 0
    left = batch.given
    for row in await session.execute(_GRANTS, {"batch": batch.id}):
        if (
            not row.own
            or not campaign.first <= row.day <= campaign.last
            or (campaign.activities and row.activity not in campaign.activities)
            or row.wanted != reckoning.extra_of(campaign, row.earned, pack=pack)
        ):
            checked.name("campaign_grant", row.claim_key, _GRANT)
        if row.points != min(row.wanted, left):
            checked.name("campaign_grant", row.claim_key, _ORDER)
        left = max(left - row.points, 0)
        wanted, given = wanted + row.wanted, given + row.points
    if (wanted, given) != (batch.wanted, batch.given):
        checked.name("campaign_batch", batch.id, _SUMS)
