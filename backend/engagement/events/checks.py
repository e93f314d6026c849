"""What must hold of events: seats in the order of signing up, each person once, checked in with a code of that half minute."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.events.codes import SHOWN_FOR_S, STILL_GOOD
from backend.engagement.events.model import OPENS_BEFORE
from backend.kit.checks import Checked, Rule, count_rows, look_for

_BEFORE = """(SELECT count(*) FROM event_signup o LEFT JOIN event_signup_end n ON n.signup_id = o.id
    WHERE o.event_id = s.event_id AND o.number < s.number AND (n.signup_id IS NULL OR n.ended_at > {0}))"""
_RULES = (
    Rule(
        "event",
        """
            SELECT place, fault FROM (
                SELECT e.id AS place, CASE
                    WHEN p.id IS NULL OR o.code IS DISTINCT FROM p.operator_code THEN 'operator'
                    WHEN NOT (e.published_at < e.starts_at AND e.starts_at < e.ends_at) THEN 'times'
                END AS fault
                FROM event e LEFT JOIN programme p ON p.id = e.programme_id
                LEFT JOIN staff s ON s.id = e.published_by LEFT JOIN organisation o ON o.id = s.organisation_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "operator": ("staff of the programme's operator did not publish it", "并非由计划运营方人员发布"),
            "times": ("its times are out of order", "时间次序不对"),
        },
    ),
    Rule.single(
        "event_called_off",
        """
            SELECT f.event_id AS place FROM event_called_off f LEFT JOIN event e ON e.id = f.event_id
            LEFT JOIN programme p ON p.id = e.programme_id LEFT JOIN staff s ON s.id = f.called_off_by
            LEFT JOIN organisation o ON o.id = s.organisation_id
            WHERE e.id IS NULL OR f.called_off_at >= e.starts_at OR f.called_off_at < e.published_at
                OR o.code IS DISTINCT FROM p.operator_code
                OR EXISTS (SELECT FROM event_signup s JOIN event_check_in c ON c.signup_id = s.id
                           WHERE s.event_id = e.id AND c.checked_in_at > f.called_off_at)
                OR EXISTS (SELECT FROM event_signup s WHERE s.event_id = e.id
                           AND NOT EXISTS (SELECT FROM event_signup_end n WHERE n.signup_id = s.id)
                           AND NOT EXISTS (SELECT FROM event_check_in c WHERE c.signup_id = s.id))
        """,
        en="it was not called off before it began by the operator, or somebody still stands",
        zh="并非由运营方在开始前取消,或仍有人报名有效",
    ),
    Rule(
        "event_signup",
        """
            SELECT place, fault FROM (
                SELECT s.id AS place, CASE
                    WHEN e.id IS NULL OR NOT EXISTS (SELECT FROM participant p WHERE p.id = s.participant_id) THEN 'nowhere'
                    WHEN s.points <> e.points THEN 'price'
                    WHEN s.signed_up_at < e.published_at OR s.signed_up_at >= e.starts_at
                        OR s.signed_up_at > f.called_off_at THEN 'time'
                    WHEN s.number <> s.own THEN 'number'
                    WHEN EXISTS (
                        SELECT FROM event_signup o LEFT JOIN event_signup_end n ON n.signup_id = o.id
                        WHERE o.event_id = s.event_id AND o.participant_id = s.participant_id AND o.number < s.number
                            AND (n.signup_id IS NULL OR n.ended_at > s.signed_up_at)) THEN 'twice'
                END AS fault
                FROM (SELECT s.*, row_number() OVER (PARTITION BY event_id ORDER BY number, id) AS own FROM event_signup s) s
                LEFT JOIN event e ON e.id = s.event_id LEFT JOIN event_called_off f ON f.event_id = s.event_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("there is no such event or participant", "没有这场活动或这位参与者"),
            "price": ("its points are not the event's price", "积分不等于活动价格"),
            "time": ("it was made when nobody could sign up", "报名时不可报名"),
            "number": ("sign-ups are not counted from 1 without a gap", "报名序号不连续"),
            "twice": ("one person stands twice", "同一人重复报名"),
        },
    ),
    Rule(
        "event_signup_end",
        f"""
            SELECT place, fault FROM (
                SELECT n.signup_id AS place, CASE
                    WHEN s.id IS NULL OR c.signup_id IS NOT NULL THEN 'nowhere'
                    WHEN n.how = 'cancelled' AND (n.ended_at >= e.starts_at OR n.ended_at < s.signed_up_at) THEN 'time'
                    WHEN n.how = 'called_off' AND n.ended_at IS DISTINCT FROM f.called_off_at THEN 'time'
                    WHEN n.how = 'no_seat' AND (n.ended_at < e.starts_at OR e.capacity IS NULL
                        OR {_BEFORE.format("e.starts_at")} < e.capacity) THEN 'seat'
                END AS fault
                FROM event_signup_end n LEFT JOIN event_signup s ON s.id = n.signup_id
                LEFT JOIN event e ON e.id = s.event_id LEFT JOIN event_called_off f ON f.event_id = s.event_id
                LEFT JOIN event_check_in c ON c.signup_id = s.id
            ) found WHERE fault IS NOT NULL
        """,  # noqa: S608 - put together from constants
        {
            "nowhere": ("there is no such sign-up, or it was checked in", "没有这项报名,或已签到"),
            "time": ("it ended at a time at which it could not", "结束的时间不可能"),
            "seat": ("there was a seat for it", "本有席位"),
        },
    ),
    Rule(
        "event_check_in",
        f"""
            SELECT place, fault FROM (
                SELECT c.signup_id AS place, CASE
                    WHEN s.id IS NULL THEN 'nowhere'
                    WHEN c.checked_in_at < e.starts_at - make_interval(secs => :opens_before_s) OR c.checked_in_at > e.ends_at
                        OR c.checked_in_at > f.called_off_at THEN 'time'
                    WHEN floor(extract(epoch FROM c.checked_in_at) / :shown_for_s) - c.shown NOT BETWEEN 0 AND :still_good
                        THEN 'code'
                    WHEN {_BEFORE.format("c.checked_in_at")} >= e.capacity THEN 'seat'
                    WHEN c.award <> e.award THEN 'award'
                    WHEN (a.posting_id IS NOT NULL) <> (c.award > 0) OR (a.wanted, a.participant_id, a.awarded_at, a.programme_id)
                        <> (c.award, s.participant_id, c.checked_in_at, e.programme_id) THEN 'posted'
                END AS fault
                FROM event_check_in c LEFT JOIN event_signup s ON s.id = c.signup_id
                LEFT JOIN event e ON e.id = s.event_id LEFT JOIN event_called_off f ON f.event_id = s.event_id
                LEFT JOIN award a ON a.posting_id = c.award_posting
            ) found WHERE fault IS NOT NULL
        """,  # noqa: S608 - put together from constants
        {
            "posted": ("what checking in earned was not awarded as it says", "签到所得未如其所述发放"),
            "nowhere": ("there is no such sign-up", "没有这项报名"),
            "time": ("it was made when the door was closed", "签到不在开放时间内"),
            "code": ("its code was not on the screen then", "签到码并非当时所示"),
            "seat": ("there was no seat for it", "并无席位"),
            "award": ("it earned something else than the event's award", "所得积分不等于活动所定"),
        },
    ),
)


async def attended(session: AsyncSession) -> Checked:
    """Seats went in the order of signing up, once a person; who checked in had one, a good code, and the award."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM event_signup"))
    return await look_for(
        session,
        checked,
        _RULES,
        opens_before_s=OPENS_BEFORE.total_seconds(),
        shown_for_s=SHOWN_FOR_S,
        still_good=STILL_GOOD,
    )
