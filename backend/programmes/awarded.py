"""What must hold of awards: each was posted as it says, and nothing else was posted as one."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_POSTED = Rule(
    "award",
    """
        SELECT place, fault FROM (
            SELECT COALESCE(a.posting_id, t.posting_id) AS place, CASE
                WHEN a.posting_id IS NULL THEN 'nothing'
                WHEN COALESCE(t.amount, 0) <> a.points THEN 'sum'
                WHEN t.same IS FALSE THEN 'account'
            END AS fault
            FROM (SELECT a.*, p.code FROM award a LEFT JOIN programme p ON p.id = a.programme_id) a
            FULL JOIN (
                SELECT t.posting_id, sum(t.amount) AS amount, bool_and((
                    d.code = 'issuer:' || p.code AND t.happened_at = a.awarded_at AND CASE t.reason
                        WHEN 'points.award_repaid' THEN c.code = 'debt:' || a.participant_id || ':' || p.code
                        ELSE c.code = 'wallet:' || a.participant_id || ':' || p.code || ':'
                                      || COALESCE(a.expires_on::text, 'never') END) IS NOT FALSE) AS same
                FROM ledger_transfer t
                JOIN ledger_account d ON d.id = t.debit_id JOIN ledger_account c ON c.id = t.credit_id
                LEFT JOIN award a ON a.posting_id = t.posting_id LEFT JOIN programme p ON p.id = a.programme_id
                WHERE t.reason IN ('points.awarded', 'points.award_repaid') GROUP BY t.posting_id
            ) t ON t.posting_id = a.posting_id
        ) x WHERE fault IS NOT NULL
    """,
    {
        "nothing": ("points were posted as an award that is not there", "以奖励之名过账而并无该奖励"),
        "sum": ("not as many points were posted as it gave", "过账积分与所给不符"),
        "account": (
            "it was posted to somebody else, at another time or with another last day",
            "过账对象、时间或到期日不符",
        ),
    },
)
_TAKEN = Rule(
    "award_taken",
    """
        SELECT place, fault FROM (
            SELECT k.posting_id AS place, CASE
                WHEN COALESCE(t.amount, 0) <> k.points THEN 'sum' WHEN t.same IS FALSE THEN 'account'
            END AS fault
            FROM award_taken k LEFT JOIN (
                SELECT t.posting_id, sum(t.amount) AS amount, bool_and(
                    split_part(d.code, ':', 2) = k.participant_id::text AND split_part(d.code, ':', 3) = p.code
                    AND t.happened_at = k.taken_at AND t.reason IN ('points.clawed_back', 'points.owed')) AS same
                FROM award_taken k JOIN programme p ON p.id = k.programme_id
                JOIN ledger_transfer t ON t.posting_id = k.posting_id
                JOIN ledger_account d ON d.id = t.debit_id
                GROUP BY t.posting_id
            ) t ON t.posting_id = k.posting_id
            UNION ALL
            SELECT (array_agg(posting_id))[1], 'more' FROM (
                SELECT posting_id, programme_id, participant_id, cause, points FROM award
                UNION ALL SELECT posting_id, programme_id, participant_id, cause, -points FROM award_taken
            ) e GROUP BY programme_id, participant_id, cause HAVING sum(points) < 0
        ) x WHERE fault IS NOT NULL
    """,
    {
        "sum": ("not as many points were taken back as it says", "收回积分与所记不符"),
        "account": ("they were taken from somebody else, or at another time", "收回对象或时间不符"),
        "more": ("more was taken back than was given for this", "收回多于所给"),
    },
)
# Whatever gives awards, and what it gave; `cause` up to the colon says which.
_FOR = Rule.single(
    "award",
    """
        SELECT a.posting_id AS place FROM award a
        WHERE split_part(a.cause, ':', 1) = 'task'
              AND NOT EXISTS (SELECT FROM task_finished f WHERE f.id = a.posting_id)
           OR split_part(a.cause, ':', 1) = 'campaign'
              AND NOT EXISTS (SELECT FROM campaign_grant g WHERE g.posting_id = a.posting_id)
           OR split_part(a.cause, ':', 1) = 'referral'
              AND NOT EXISTS (SELECT FROM referral_rewarded w WHERE a.cause = 'referral:' || w.id)
    """,
    en="nothing was done for it",
    zh="并无相应的任务、活动或邀请",
)


async def awards(session: AsyncSession) -> Checked:
    """Awards are posted as they say to whom they say, for something; no more is taken back than was given."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM award"))
    return await look_for(session, checked, [_POSTED, _TAKEN, _FOR])
