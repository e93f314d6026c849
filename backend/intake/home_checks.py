"""What must hold of the sums that the first page keeps."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_KEPT = (
    Rule.single(
        "home_closed",
        """
            SELECT c.participant_id AS place
            FROM home_closed c CROSS JOIN LATERAL intake_sums(
                c.participant_id, '00000000-0000-0000-0000-000000000000', claim_key_of(c.closed_before),
                'infinity', 'infinity', 'infinity') s
            WHERE c.as_of <= pg_snapshot_xmax(pg_current_snapshot())
                AND NOT EXISTS (SELECT FROM home_reach r WHERE r.changed_in >= c.as_of AND r.reached < c.closed_before)
                AND (c.acts, c.grams, c.points) IS DISTINCT FROM (s.acts, s.grams, s.points)
        """,
        en="it is not what the acts before that day come to",
        zh="与该日之前的行为合计不符",
    ),
)


async def kept(session: AsyncSession) -> Checked:
    """A sum that is kept, and that nothing reached back behind, is what the acts come to."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM home_closed"))
    return await look_for(session, checked, _KEPT)
