"""What must hold of means that their holders lost or replaced."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for

_ENDED = Rule(
    "means_ended",
    """
        SELECT e.holding_id AS place, f.fault
        FROM means_ended e
        LEFT JOIN means_holding h ON h.id = e.holding_id
        LEFT JOIN means_holding s ON s.id = e.successor_id
        CROSS JOIN LATERAL (
            SELECT 'open' AS fault WHERE h.id IS NULL OR upper_inf(h.held) OR e.said_at < upper(h.held) - interval '1 minute'
            UNION ALL
            SELECT 'successor' WHERE (e.why = 'replaced') <> (s.id IS NOT NULL) OR s.participant_id <> h.participant_id
                OR s.means_id = h.means_id
        ) f
    """,
    {
        "open": ("what its holder lost or replaced is still held, or was said before it ended", "所挂失或更换者仍被持有,或早于其终止"),
        "successor": ("what took its place is not another one of the same holder", "所更换者并非同一持有人的另一载体"),
    },
)  # fmt: skip


async def ended(session: AsyncSession) -> Checked:
    """What was lost or replaced is held no more, and what took its place is another one of the same holder."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM means_ended"))
    return await look_for(session, checked, [_ENDED])
