"""What must hold of tasks: what is finished is done by its terms, what is not undone stands, and rewards are as they say."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.tasks.periods import span_of
from backend.engagement.tasks.service import cause_of, taken_id
from backend.kit.checks import Checked, Rule, look_for
from backend.kit.clock import day_of
from backend.programmes.checks import Term, terms

_AMOUNT = """
    COALESCE((SELECT CASE f.measure WHEN 'acts' THEN sum(d.acts) WHEN 'grams' THEN sum(d.grams)
                  WHEN 'points' THEN sum(d.points) ELSE count(DISTINCT d.day) END
              FROM acted_day d WHERE d.programme_id = f.programme_id AND d.participant_id = f.participant_id
                AND d.day >= f.counted_from AND d.day <= f.last
                AND (f.activities = '{}' OR d.activity = ANY (f.activities))), 0)
"""
_RULES = (
    Rule(
        "task_finished",
        f"""
            SELECT place, fault FROM (
                SELECT f.id AS place, CASE
                    WHEN f.number > 1 AND NOT EXISTS (
                        SELECT FROM task_finished o JOIN task_undone u ON u.finished_id = o.id
                        WHERE (o.programme_id, o.participant_id, o.task, o.first, o.number)
                            = (f.programme_id, f.participant_id, f.task, f.first, f.number - 1)
                          AND u.undone_at <= f.finished_at) THEN 'again'
                    WHEN f.points > 0 AND (a.participant_id, a.cause, a.wanted, a.programme_id)
                        IS DISTINCT FROM (f.participant_id, 'task:' || f.task, f.points, f.programme_id)
                        OR f.points = 0 AND a.posting_id IS NOT NULL THEN 'award'
                    WHEN NOT EXISTS (SELECT FROM task_undone u WHERE u.finished_id = f.id)
                        AND f.programme_id IN (SELECT programme_id FROM followed_programme)
                        AND {_AMOUNT} < f.needed THEN 'not'
                END AS fault
                FROM task_finished f LEFT JOIN award a ON a.posting_id = f.id
            ) x WHERE fault IS NOT NULL
        """,  # noqa: S608 - constants
        {
            "again": ("it was finished again while it stood", "未撤销即再次完成"),
            "award": ("its reward was not awarded as it says", "奖励未如所述发放"),
            "not": ("the acts that stand do not finish it", "现有行为未达到任务要求"),
        },
    ),
    Rule.single(
        "task_undone",
        """SELECT u.finished_id AS place FROM task_undone u LEFT JOIN task_finished f ON f.id = u.finished_id
           WHERE f.id IS NULL OR u.undone_at < f.finished_at""",
        en="it undoes nothing, or something that came later",
        zh="所撤销的不存在或晚于撤销",
    ),
)
_FINISHED = text("""
    SELECT f.*, p.code, a.accepted_on, COALESCE(w.points, 0) AS given, u.undone_at
    FROM task_finished f LEFT JOIN programme p ON p.id = f.programme_id
    LEFT JOIN award w ON w.posting_id = f.id LEFT JOIN task_undone u ON u.finished_id = f.id
    LEFT JOIN task_accepted a ON (a.programme_id, a.participant_id, a.task, a.first)
        = (f.programme_id, f.participant_id, f.task, f.first)
""")
_ACCEPTED = text("""
    SELECT programme_id || '/' || task || '/' || participant_id || ' ' || first AS place, accepted_on, accepted_at
    FROM task_accepted
""")
_TAKEN = text("SELECT posting_id, participant_id, points, cause FROM award_taken WHERE cause LIKE 'task:%'")
_BACK = ("its reward was not taken back as it was given", "奖励未如数收回")
_TERMS = ("its terms or its period are not those of the pack of that time", "条件或期间与当时规则包不符")
_DAY = ("it was not accepted on the day that it says", "接受日期与时间不符")


async def finished(session: AsyncSession) -> Checked:
    """Finished tasks are done by the pack's terms of that time, stand or are undone, and were rewarded as they say."""
    rows = (await session.execute(_FINISHED)).all()
    checked = Checked(rows=len(rows))
    running = await terms(session)
    taken = {row.posting_id: row for row in await session.execute(_TAKEN)}
    for row in rows:
        back = taken.get(taken_id(row.id))
        gone = (row.participant_id, row.given, cause_of(row.task)) if row.undone_at and row.given else None
        if (back and (back.participant_id, back.points, back.cause)) != gone:
            checked.name("task_undone", row.id, _BACK)
        if not _as_the_pack_says(running.get(row.code, []), row):
            checked.name("task_finished", row.id, _TERMS)
    for row in await session.execute(_ACCEPTED):
        if row.accepted_on != day_of(row.accepted_at):
            checked.name("task_accepted", row.place, _DAY)
    return await look_for(session, checked, _RULES)


def _as_the_pack_says(running: list[Term], row: Any) -> bool:
    for term in running:
        if term.active_from != row.active_from:
            continue
        features = term.pack.features
        for task in features.tasks:
            if task.id == row.task and "unknown" not in (task.count, task.points):
                span = span_of(task.period, row.first, features.seasons)
                counted = row.accepted_on if task.accept else row.first
                return (
                    span is not None
                    and (span.first, span.last, counted) == (row.first, row.last, row.counted_from)
                    and (task.measure, list(task.activities)) == (row.measure, row.activities)
                    and max(math.ceil(task.count), 1) == row.needed  # type: ignore[arg-type]
                    and math.floor(task.points) == row.points  # type: ignore[arg-type]
                )
    return False
