"""What must hold of actions and of the chunks that brought them, recomputed from their rows."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, Since, count_rows, given, look_for, written_since

_ACTIONS = "SELECT count(*) FROM action"

# The key's own day decides the partition, so a key that is unique in its partition is unique everywhere.
_CLAIMED = """
            SELECT claim_key AS place, fault FROM (
                SELECT a.claim_key, CASE
                    WHEN ('x' || left(a.claim_key::text, 8))::bit(32)::integer
                        <> (a.happened_at AT TIME ZONE 'UTC' + interval '8 hours')::date - date '1970-01-01' THEN 'day'
                    WHEN a.tableoid::regclass::text <> 'action_' || to_char(
                        date '1970-01-01' + ('x' || left(a.claim_key::text, 8))::bit(32)::integer, 'YYYY_MM')
                        THEN 'partition'
                    WHEN k.job_id IS NULL OR a.line NOT BETWEEN k.first_line AND k.last_line THEN 'chunk'
                    WHEN a.source_id IS DISTINCT FROM k.source_id THEN 'source'
                    WHEN a.ended_at < a.happened_at THEN 'ended'
                    WHEN a.grams < 0 OR a.points < 0 THEN 'sign'
                    WHEN a.participant_id IS NULL AND a.credit IN ('pooled', 'right_not_assigned')
                        OR a.participant_id IS NOT NULL AND a.credit = 'unlinked' THEN 'holder'
                END AS fault
                FROM action a
                LEFT JOIN (SELECT c.job_id, c.seq, c.first_line, c.last_line, j.source_id
                           FROM intake_chunk c JOIN intake_job j ON j.id = c.job_id) k
                    ON k.job_id = a.job_id AND k.seq = a.seq
                WHERE {written}
            ) found WHERE fault IS NOT NULL
"""
_CLAIM_FAULTS = {
    "day": ("its claim key is of another day", "认领键与发生日不符"),
    "partition": ("it lies in another month's partition", "不在其月份的分区中"),
    "chunk": ("no chunk brought its line", "没有导入该行的数据块"),
    "source": ("it names another source than its job", "来源与导入任务不符"),
    "ended": ("it ended before it began", "结束早于开始"),
    "sign": ("its grams or points are below zero", "克数或积分小于零"),
    "holder": ("its credit does not fit whether it has a holder", "归类与有无持有人不符"),
}
_TWICE = """
            SELECT claim_key AS place FROM action
            WHERE {among} GROUP BY claim_key HAVING count(*) > 1
"""


async def claims(session: AsyncSession, since: Since | None = None) -> Checked:
    """An action is accepted once on the whole platform, under a key of its day, from a line of its chunk."""
    written = written_since("a.xid", since)
    among = "true" if since is None else f"claim_key IN (SELECT a.claim_key FROM action a WHERE {written})"  # noqa: S608 - a constant condition
    rules = (
        Rule("action", _CLAIMED.format(written=written), _CLAIM_FAULTS),
        Rule.single(
            "action",
            _TWICE.format(among=among),
            en="the same act was accepted more than once",
            zh="同一行为被接受多次",
        ),
    )
    checked = Checked(rows=await count_rows(session, f"{_ACTIONS} a WHERE {written}", **given(since)))
    return await look_for(session, checked, rules, **given(since))


_HOLDERS = (
    Rule(
        "action",
        """
            SELECT a.claim_key AS place, CASE WHEN h.token IS NULL THEN 'holder' ELSE 'right' END AS fault
            FROM action a
            LEFT JOIN means_holder h ON h.token = a.means_token AND h.participant_id = a.participant_id
                AND h.held @> a.happened_at
            LEFT JOIN right_assigned r ON r.participant_id = a.participant_id AND r.covers @> a.happened_at
            WHERE a.participant_id IS NOT NULL
                AND (h.token IS NULL OR a.credit = 'pooled' AND r.participant_id IS NULL)
        """,
        {
            "holder": (
                "its participant did not hold the means at that time",
                "当时该介质不由该参与者持有",
            ),
            "right": (
                "its grams are pooled though the right was not assigned then",
                "当时未委托权益，克数却已入池",
            ),
        },
    ),
    Rule(
        "action_claim",
        """
            SELECT claim_key AS place, fault FROM (
                SELECT c.claim_key, CASE
                    WHEN a.claim_key IS NULL THEN 'action'
                    WHEN a.participant_id IS NOT NULL THEN 'taken'
                    WHEN c.points + COALESCE(u.points, 0) <> a.points THEN 'points'
                    WHEN h.token IS NULL THEN 'holder'
                END AS fault
                FROM action_claim c
                LEFT JOIN action a ON a.claim_key = c.claim_key
                LEFT JOIN action_unfunded u ON u.claim_key = c.claim_key
                LEFT JOIN means_holder h ON h.token = a.means_token AND h.participant_id = c.participant_id
                    AND h.held @> a.happened_at
            ) found WHERE fault IS NOT NULL
        """,
        {
            "action": ("there is no such action", "没有该行为"),
            "taken": ("the action already had a holder", "该行为已有持有人"),
            "points": ("its points are not those of the action", "积分与行为不符"),
            "holder": (
                "its participant did not hold the means at that time",
                "当时该介质不由该参与者持有",
            ),
        },
    ),
)


async def holders(session: AsyncSession) -> Checked:
    """Who is credited held the means at that time; grams are pooled only where the right was assigned."""
    claimed = await count_rows(session, "SELECT count(*) FROM action_claim")
    held = await count_rows(session, f"{_ACTIONS} WHERE participant_id IS NOT NULL")
    return await look_for(session, Checked(rows=held + claimed), _HOLDERS)


_CHUNKS = (
    Rule(
        "intake_chunk",
        """
            SELECT place, fault FROM (
                SELECT c.job_id || '/' || c.seq AS place, CASE
                    WHEN c.received <> c.accepted + c.duplicates + c.conflicts + c.rejected + c.filtered THEN 'sum'
                    WHEN c.accepted <> COALESCE(a.accepted, 0) OR c.waiting <> COALESCE(a.waiting, 0) THEN 'accepted'
                    WHEN c.grams <> COALESCE(a.grams, 0) THEN 'grams'
                    WHEN c.points <> COALESCE(a.points, 0) THEN 'points'
                    WHEN c.rejected <> COALESCE(r.n, 0) OR c.conflicts <> COALESCE(f.n, 0) THEN 'refused'
                    WHEN c.seq <> COALESCE(lag(c.seq) OVER jobs, 0) + 1
                        OR c.first_line <> COALESCE(lag(c.last_line) OVER jobs, 0) + 1
                        OR c.last_line < c.first_line THEN 'order'
                END AS fault
                FROM intake_chunk c
                LEFT JOIN (
                    SELECT job_id, seq, count(*) AS accepted, sum(grams) AS grams,
                           count(*) FILTER (WHERE participant_id IS NULL) AS waiting,
                           sum(points) FILTER (WHERE participant_id IS NOT NULL) AS points
                    FROM action GROUP BY job_id, seq
                ) a ON a.job_id = c.job_id AND a.seq = c.seq
                LEFT JOIN (SELECT job_id, seq, count(*) AS n FROM intake_rejection GROUP BY job_id, seq) r
                    ON r.job_id = c.job_id AND r.seq = c.seq
                LEFT JOIN (SELECT job_id, seq, count(*) AS n
                           FROM (SELECT job_id, seq FROM intake_conflict
                                 UNION ALL SELECT job_id, seq FROM intake_held) kept
                           GROUP BY job_id, seq) f
                    ON f.job_id = c.job_id AND f.seq = c.seq
                WINDOW jobs AS (PARTITION BY c.job_id ORDER BY c.seq)
            ) found WHERE fault IS NOT NULL
        """,
        {
            "sum": ("its counts do not add up", "各项计数之和不等于收到数"),
            "accepted": ("it counts other actions than it brought", "接受数与行为不符"),
            "grams": ("its grams are not those of its actions", "克数与行为不符"),
            "points": ("its points are not those of its actions", "积分与行为不符"),
            "refused": ("it counts other refused rows than are kept", "拒收数与留存的行不符"),
            "order": ("it does not continue the chunk before it", "未接续前一数据块"),
        },
    ),
)


async def chunks(session: AsyncSession) -> Checked:
    """A chunk counts exactly the actions that it brought and the rows that it refused, and none is missing."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM intake_chunk"))
    return await look_for(session, checked, _CHUNKS)
