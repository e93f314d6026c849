"""What must hold of teams, recomputed from their events."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.circle.checks import shown_at
from backend.engagement.teams.service import MOST_MEMBERS
from backend.kit.checks import Checked, Rule, count_rows, look_for

_TEAMS = Rule.single(
    "team",
    """
        SELECT t.id AS place FROM team t LEFT JOIN team_event e ON e.team_id = t.id AND e.seq = 1
        WHERE e.kind IS DISTINCT FROM 'founded' OR NOT EXISTS (SELECT FROM programme p WHERE p.id = t.programme_id)
           OR t.founded_at > e.happened_at
    """,
    en="nobody founded it",
    zh="并无创建者",
)
_EVENTS = Rule(
    "team_event",
    f"""
        SELECT place, fault FROM (
            SELECT e.team_id || '/' || e.seq AS place, CASE
                WHEN e.programme_id IS NULL THEN 'team'
                WHEN e.seq <> e.place_in_order OR e.happened_at < e.before_at OR (e.seq = 1) <> (e.kind = 'founded')
                    THEN 'order'
                WHEN (e.kind IN ('joined', 'founded')) = e.was_member OR e.kind NOT IN ('founded', 'joined', 'left', 'led',
                    'named') THEN 'member'
                WHEN (e.kind IN ('founded', 'named')) <> (e.name_sealed IS NOT NULL) THEN 'name'
                WHEN e.members > :most THEN 'most'
                WHEN e.kind IN ('founded', 'joined')
                    AND NOT {shown_at("e.programme_id", "e.participant_id", "e.happened_at")} THEN 'shown'
            END AS fault
            FROM (
                SELECT v.*, t.programme_id, row_number() OVER team AS place_in_order, lag(happened_at) OVER team AS before_at,
                       COALESCE((SELECT b.kind <> 'left' FROM team_event b
                                 WHERE b.team_id = v.team_id AND b.participant_id = v.participant_id AND b.seq < v.seq
                                   AND b.kind IN ('founded', 'joined', 'left') ORDER BY b.seq DESC LIMIT 1), false) AS was_member,
                       sum(CASE WHEN kind IN ('founded', 'joined') THEN 1 WHEN kind = 'left' THEN -1 ELSE 0 END) OVER team
                           AS members
                FROM team_event v LEFT JOIN team t ON t.id = v.team_id WINDOW team AS (PARTITION BY team_id ORDER BY seq)
            ) e
        ) found WHERE fault IS NOT NULL
    """,  # noqa: S608 - put together from constants
    {
        "team": ("there is no such team", "没有这个队伍"),
        "order": ("it does not follow on the one before", "与前一事件不相承接"),
        "member": (
            "a member joined again, or somebody who is no member did it",
            "成员重复加入，或并非成员所为",
        ),
        "name": ("it has a name and names nothing, or names without one", "名称与事件不符"),
        "most": ("the team has more members than it may", "队伍人数超限"),
        "shown": ("who joined had not agreed to be shown", "加入者当时未同意展示"),
    },
)
_ONE_TEAM = Rule.single(
    "team_event",
    """
        SELECT s.team_id || ' ' || s.participant_id AS place
        FROM team_span s JOIN team_span o ON o.programme_id = s.programme_id AND o.participant_id = s.participant_id
            AND o.team_id <> s.team_id AND o.since >= s.since
        WHERE s.until IS NULL OR s.until > o.since
    """,
    en="a person is in two teams of a programme",
    zh="一人同时在同一计划的两个队伍中",
)


async def membership(session: AsyncSession) -> Checked:
    """People join, lead and leave one team at a time, in order."""
    rows = await count_rows(session, "SELECT count(*) FROM team_event")
    return await look_for(session, Checked(rows=rows), [_TEAMS, _EVENTS, _ONE_TEAM], most=MOST_MEMBERS)
