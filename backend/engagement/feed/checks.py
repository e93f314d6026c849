"""What must hold of posts, likes, reports and removals."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.circle.checks import shown_at
from backend.kit.checks import Checked, Rule, count_rows, look_for

_POSTS = Rule(
    "feed_post",
    """
        SELECT place, fault FROM (
            SELECT p.id AS place, CASE
                WHEN NOT EXISTS (SELECT FROM circle_span v WHERE v.programme_id = p.programme_id
                        AND v.participant_id = p.participant_id AND v.handle = p.handle
                        AND v.since <= p.posted_at AND (v.until IS NULL OR p.posted_at <= v.until)) THEN 'shown'
                WHEN p.kind NOT IN ('task', 'level', 'achievement', 'tree', 'team') OR p.audience NOT IN ('friends', 'programme')
                    THEN 'kind'
                WHEN EXISTS (SELECT FROM feed_post o LEFT JOIN feed_removal x ON x.post_id = o.id
                        WHERE o.handle = p.handle AND o.kind = p.kind AND o.reference = p.reference
                          AND (o.posted_at, o.id) < (p.posted_at, p.id)
                          AND (x.post_id IS NULL OR x.staff_id IS NOT NULL OR x.removed_at > p.posted_at)) THEN 'twice'
            END AS fault
            FROM feed_post p
        ) found WHERE fault IS NOT NULL
    """,
    {
        "shown": ("its author was not shown under its handle then", "作者当时未以该编号展示"),
        "kind": ("there are no such posts", "没有这种动态"),
        "twice": ("it stands twice, or is again what the operator hid", "重复存在，或为运营方已隐藏者"),
    },
)
_LIKES = Rule.single(
    "feed_like",
    f"""
        SELECT l.post_id || ' ' || l.participant_id || '/' || l.seq AS place
        FROM (SELECT *, row_number() OVER own AS n, lag(said_at) OVER own AS before FROM feed_like
              WINDOW own AS (PARTITION BY post_id, participant_id ORDER BY seq)) l
        LEFT JOIN feed_post p ON p.id = l.post_id
        WHERE p.id IS NULL OR l.seq <> l.n OR l.liked <> (l.seq % 2 = 1) OR l.said_at < p.posted_at OR l.said_at < l.before
           OR NOT {shown_at("p.programme_id", "l.participant_id", "l.said_at")}
    """,  # noqa: S608 - put together from constants
    en="it does not turn the one before, or is of nobody who was shown",
    zh="与前一步不相承接，或并非已同意展示者所为",
)
_REPORTS = Rule.single(
    "feed_report",
    """
        SELECT t.post_id || ' ' || t.participant_id AS place FROM feed_report t LEFT JOIN feed_post p ON p.id = t.post_id
        WHERE p.id IS NULL OR t.reported_at < p.posted_at OR t.cause NOT IN ('name', 'untrue', 'harassment', 'other')
           OR NOT EXISTS (SELECT FROM participant c WHERE c.id = t.participant_id)
    """,
    en="there is no post that somebody could report",
    zh="没有可被举报的动态",
)
_REMOVALS = Rule(
    "feed_removal",
    """
        SELECT place, fault FROM (
            SELECT r.post_id AS place, CASE
                WHEN p.id IS NULL OR r.removed_at < p.posted_at THEN 'post'
                WHEN (r.staff_id IS NULL) <> (r.reason_zh = '') OR (r.staff_id IS NULL) <> (r.reason_en = '') THEN 'reason'
                WHEN r.staff_id IS NOT NULL AND NOT EXISTS (
                    SELECT FROM staff s JOIN organisation o ON o.id = s.organisation_id JOIN programme g ON g.id = p.programme_id
                    WHERE s.id = r.staff_id AND o.code = g.operator_code) THEN 'staff'
            END AS fault
            FROM feed_removal r LEFT JOIN feed_post p ON p.id = r.post_id
        ) found WHERE fault IS NOT NULL
    """,
    {
        "post": ("there was no post to remove", "没有可移除的动态"),
        "reason": (
            "the operator gives no reason in both languages, or the author one",
            "运营方未以两种语言说明理由，或作者附有理由",
        ),
        "staff": ("no person of the programme's operator hid it", "并非该计划运营方人员所隐藏"),
    },
)


async def posts(session: AsyncSession) -> Checked:
    """Posts, likes and reports are of people who were shown; the operator hides with a reason."""
    rows = await count_rows(session, "SELECT count(*) FROM feed_post")
    return await look_for(session, Checked(rows=rows), [_POSTS, _LIKES, _REPORTS, _REMOVALS])
