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


_TAKEOVERS = Rule(
    "means_takeover",
    """
        SELECT t.id AS place, f.fault
        FROM means_takeover t
        LEFT JOIN means_holding h ON h.id = t.holding_id
        LEFT JOIN means_takeover_step objected ON objected.takeover_id = t.id AND objected.step = 'objected'
        LEFT JOIN means_takeover_step decided ON decided.takeover_id = t.id AND decided.step IN ('granted', 'refused')
        LEFT JOIN means_takeover_step done ON done.takeover_id = t.id AND done.step = 'done'
        LEFT JOIN means_takeover_step withdrawn ON withdrawn.takeover_id = t.id AND withdrawn.step = 'withdrawn'
        CROSS JOIN LATERAL (
            SELECT 'holder' AS fault WHERE h.id IS NULL OR h.participant_id = t.taker_id
                OR NOT tstzrange(lower(h.held), upper(h.held) + interval '1 minute') @> t.asked_at
            UNION ALL
            SELECT 'decided' WHERE decided.step IS NOT NULL
                AND (objected.stepped_at <= decided.stepped_at AND objected.stepped_at >= t.asked_at
                    AND objected.stepped_at < t.objects_until) IS NOT TRUE
            UNION ALL
            SELECT 'early' WHERE done.step IS NOT NULL AND (CASE
                WHEN objected.step IS NULL THEN done.stepped_at >= t.objects_until
                ELSE decided.step = 'granted' AND done.stepped_at >= decided.stepped_at END) IS NOT TRUE
            UNION ALL
            SELECT 'late' WHERE done.step IS NOT NULL AND (
                done.stepped_at < coalesce(decided.stepped_at, t.objects_until) + interval '30 days 1 minute'
                AND withdrawn.step IS NULL) IS NOT TRUE
            UNION ALL
            SELECT 'done' WHERE done.step IS NOT NULL AND (upper(h.held) <= done.stepped_at + interval '1 minute') IS NOT TRUE
        ) f
        UNION ALL
        SELECT s.takeover_id, 'unknown' FROM means_takeover_step s
        WHERE NOT EXISTS (SELECT FROM means_takeover t WHERE t.id = s.takeover_id)
    """,
    {
        "holder": ("what was asked for was not held by somebody else then", "申请转移时该载体并非由他人持有"),
        "decided": ("it was decided without an objection before it", "未有异议而裁定"),
        "early": ("it was done within the week, or against an objection that stands", "异议期内或异议未决时完成"),
        "late": ("it was done more than thirty days after it could be, or after it was withdrawn", "逾三十日方完成,或撤回后完成"),
        "done": ("it was done and its holding went on", "转移已完成而原持有仍在继续"),
        "unknown": ("a step of what nobody asked for", "所涉转移申请不存在"),
    },
)  # fmt: skip


async def takeovers(session: AsyncSession) -> Checked:
    """What was taken over passed after the week without objection, or as a person decided, and the old holding ended."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM means_takeover"))
    return await look_for(session, checked, [_TAKEOVERS])
