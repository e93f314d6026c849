"""What must hold of profiles and friends, recomputed from their events."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.circle.friends import GOOD_FOR
from backend.engagement.circle.service import AGREEMENT
from backend.kit.checks import Checked, Rule, count_rows, look_for


def shown_at(programme: str, participant: str, moment: str) -> str:
    """A condition: the person agreed to be shown at that moment."""
    return f"""EXISTS (SELECT FROM circle_span v WHERE v.programme_id = {programme} AND v.participant_id = {participant}
        AND v.since <= {moment} AND (v.until IS NULL OR {moment} <= v.until))"""


_EVENTS = Rule(
    "circle_event",
    """
        SELECT place, fault FROM (
            SELECT e.id AS place, CASE
                WHEN p.id IS NULL OR p.kind <> 'citizen' OR NOT EXISTS (SELECT FROM programme g WHERE g.id = e.programme_id)
                    THEN 'whose'
                WHEN e.seq <> e.place_in_order OR e.said_at < e.before_at
                    OR (e.kind = 'shown') = COALESCE(e.before IN ('shown', 'named'), false)
                    OR e.kind NOT IN ('shown', 'named', 'hidden', 'erased') THEN 'order'
                WHEN e.kind <> 'shown' AND e.handle <> e.before_handle
                    OR e.kind = 'shown' AND e.same_handle > 1 THEN 'handle'
                WHEN (e.kind IN ('shown', 'named')) <> (e.name_sealed IS NOT NULL) THEN 'name'
                WHEN (e.kind = 'shown') <> (t.agreement_id IS NOT DISTINCT FROM :agreement)
                    OR e.kind <> 'shown' AND e.text_sha256 IS NOT NULL THEN 'text'
                WHEN e.is_last AND e.kind IN ('shown', 'named') AND k.participant_id IS NULL THEN 'left'
            END AS fault
            FROM (
                SELECT c.*, row_number() OVER own AS place_in_order, lag(kind) OVER own AS before,
                       lag(said_at) OVER own AS before_at, lag(handle) OVER own AS before_handle,
                       lead(seq) OVER own IS NULL AS is_last,
                       count(*) FILTER (WHERE kind = 'shown') OVER (PARTITION BY handle) AS same_handle
                FROM circle_event c WINDOW own AS (PARTITION BY programme_id, participant_id ORDER BY seq)
            ) e
            LEFT JOIN participant p ON p.id = e.participant_id
            LEFT JOIN agreement_text t ON t.sha256 = e.text_sha256
            LEFT JOIN person_key k ON k.participant_id = e.participant_id
        ) found WHERE fault IS NOT NULL
    """,
    {
        "whose": ("it is not of a person in a programme", "不属于某计划中的个人"),
        "order": ("it does not follow from what the person said before", "与此前所述不相承接"),
        "handle": (
            "its handle is not the person's of that time, or somebody else's",
            "编号并非本人当时所用，或为他人所用",
        ),
        "name": ("it has a name and shows nobody, or shows somebody without one", "名称与所述不符"),
        "text": ("the text that was agreed to is not the one for being shown", "所同意的文本并非展示同意书"),
        "left": ("the person left and is still shown", "本人已离开却仍被展示"),
    },
)
_INVITATIONS = Rule.single(
    "circle_invitation",
    f"""
        SELECT i.id AS place FROM circle_invitation i
        WHERE i.expires_at <> i.made_at + CAST(:good_for AS interval)
           OR NOT {shown_at("i.programme_id", "i.participant_id", "i.made_at")}
    """,  # noqa: S608 - put together from constants
    en="it is good for another time, or its maker was not shown",
    zh="有效期不符，或发出者当时未同意展示",
)
_FRIENDSHIPS = Rule(
    "circle_friendship",
    f"""
        SELECT place, fault FROM (
            SELECT f.id AS place, CASE
                WHEN i.id IS NULL OR i.programme_id <> f.programme_id OR i.participant_id NOT IN (f.first_id, f.second_id)
                    OR f.made_at < i.made_at OR f.made_at >= i.expires_at OR f.first_id >= f.second_id THEN 'invitation'
                WHEN NOT {shown_at("f.programme_id", "f.first_id", "f.made_at")}
                    OR NOT {shown_at("f.programme_id", "f.second_id", "f.made_at")} THEN 'shown'
                WHEN EXISTS (
                    SELECT FROM circle_friendship o LEFT JOIN circle_friendship_end e ON e.friendship_id = o.id
                    WHERE o.programme_id = f.programme_id AND o.first_id = f.first_id AND o.second_id = f.second_id
                      AND (o.made_at, o.id) < (f.made_at, f.id) AND (e.ended_at IS NULL OR e.ended_at > f.made_at)) THEN 'twice'
            END AS fault
            FROM circle_friendship f LEFT JOIN circle_invitation i ON i.id = f.id
        ) found WHERE fault IS NOT NULL
    """,  # noqa: S608 - put together from constants
    {
        "invitation": ("no invitation of one of the two made it", "并非由两人之一的邀请而成"),
        "shown": ("one of the two was not shown", "当时有一方未同意展示"),
        "twice": ("the two were friends already", "两人此前已是好友"),
    },
)
_ENDS = Rule.single(
    "circle_friendship_end",
    """
        SELECT e.friendship_id AS place FROM circle_friendship_end e LEFT JOIN circle_friendship f ON f.id = e.friendship_id
        WHERE f.id IS NULL OR e.ended_by NOT IN (f.first_id, f.second_id) OR e.ended_at < f.made_at
    """,
    en="neither of two friends ended it",
    zh="并非由好友之一结束",
)


async def profiles(session: AsyncSession) -> Checked:
    """People say one thing after another about being shown, and nobody who left is shown."""
    rows = await count_rows(session, "SELECT count(*) FROM circle_event")
    return await look_for(session, Checked(rows=rows), [_EVENTS], agreement=AGREEMENT)


async def friends(session: AsyncSession) -> Checked:
    """Friends became so by an invitation, while both were shown; one of them ended it."""
    rows = await count_rows(session, "SELECT count(*) FROM circle_invitation")
    rules = [_INVITATIONS, _FRIENDSHIPS, _ENDS]
    return await look_for(session, Checked(rows=rows), rules, good_for=GOOD_FOR)
