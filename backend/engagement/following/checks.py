"""What must hold of followed acts: the days are what the acts say, behind the cursor."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.following import queries
from backend.kit.checks import Checked, Rule, count_rows, look_for

_DAY = "CAST(a.happened_at AT TIME ZONE 'Asia/Shanghai' AS date)"
_DAYS = Rule(
    "acted_day",
    f"""
        WITH followed AS MATERIALIZED (
            SELECT p.programme_id FROM followed_programme p
        ), made AS (
            {queries.ACTS_BY_DAY.format(where="s.programme_id IN (SELECT programme_id FROM followed)")}
        ), behind AS (
            SELECT s.programme_id, COALESCE(c.participant_id, a.participant_id) AS participant_id, {_DAY} AS day
            FROM (SELECT x.claim_key FROM action x, followed_cursor f WHERE x.xid >= f.below
                  UNION SELECT x.claim_key FROM action_claim x, followed_cursor f WHERE x.xid >= f.below
                  UNION SELECT x.claim_key FROM action_withdrawn x, followed_cursor f WHERE x.xid >= f.below) k
            JOIN action a ON a.claim_key = k.claim_key JOIN intake_source s ON s.id = a.source_id
            LEFT JOIN action_claim c ON c.claim_key = a.claim_key
        )
        SELECT place, fault FROM (
            SELECT COALESCE(m.participant_id, d.participant_id) || ' ' || COALESCE(m.day, d.day) || ' '
                       || COALESCE(m.activity, d.activity) AS place,
                   CASE WHEN m.acts IS NULL THEN 'nothing' WHEN d.acts IS NULL THEN 'missing' ELSE 'sum' END AS fault,
                   COALESCE(m.programme_id, d.programme_id) AS programme_id,
                   COALESCE(m.participant_id, d.participant_id) AS participant_id, COALESCE(m.day, d.day) AS day
            FROM made m FULL JOIN acted_day d ON (d.programme_id, d.participant_id, d.day, d.activity)
                = (m.programme_id, m.participant_id, m.day, m.activity)
            WHERE (m.acts, m.grams, m.points) IS DISTINCT FROM (d.acts, d.grams, d.points)
        ) x
        WHERE NOT EXISTS (SELECT FROM behind b WHERE (b.programme_id, b.participant_id, b.day)
                                                    = (x.programme_id, x.participant_id, x.day))
    """,  # noqa: S608 - constants
    {
        "nothing": ("no act stands behind it", "并无行为支持"),
        "missing": ("acts of the day are not counted", "当日行为未计入"),
        "sum": ("it is not what the acts of the day amount to", "与当日行为之和不符"),
    },
)


async def days(session: AsyncSession) -> Checked:
    """Every day of every followed programme is what its standing acts amount to, as far as acts were followed."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM acted_day"))
    return await look_for(session, checked, [_DAYS])
