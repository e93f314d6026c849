"""What must hold of those who left programmes and joined them again."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_PARTS = (
    Rule.single(
        "programme_step",
        """
            SELECT s.participant_id || ' ' || s.programme_id || ' ' || s.number AS place
            FROM programme_step s
            LEFT JOIN programme_step before ON before.participant_id = s.participant_id
                AND before.programme_id = s.programme_id AND before.number = s.number - 1
            WHERE s.number > 1 AND (before.number IS NULL OR before.stepped_at > s.stepped_at)
        """,
        en="no step is before it, or only a later one",
        zh="其前没有记录，或前一步在其之后",
    ),
    Rule.single(
        "action",
        """
            SELECT a.claim_key AS place
            FROM programme_left l JOIN intake_source s ON s.programme_id = l.programme_id
            JOIN action a ON a.source_id = s.id AND a.participant_id = l.participant_id
                AND a.happened_at >= l.low AND a.happened_at < l.high
            UNION ALL
            SELECT a.claim_key
            FROM programme_left l JOIN intake_source s ON s.programme_id = l.programme_id
            JOIN action_claim c ON c.participant_id = l.participant_id
            JOIN action a ON a.claim_key = c.claim_key AND a.source_id = s.id
                AND a.happened_at >= l.low AND a.happened_at < l.high
        """,
        en="its person had left the programme when it happened",
        zh="行为发生时本人已退出该计划",
    ),
)


async def parts(session: AsyncSession) -> Checked:
    """Whoever left a programme has no act of the time when they were out of it."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM programme_step"))
    return await look_for(session, checked, _PARTS)
