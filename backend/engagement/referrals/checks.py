"""What must hold of referrals: codes are used as they may be, and rewards follow from acts that stand."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.referrals.service import award_id, cause_of, taken_id
from backend.kit.checks import Checked, Rule, look_for
from backend.programmes.checks import Term, terms

_RULES = (
    Rule(
        "referral",
        """
            SELECT place, fault FROM (
                SELECT r.newcomer_id AS place, CASE
                    WHEN r.newcomer_id = r.referrer_id OR EXISTS (
                        SELECT FROM referral b WHERE (b.programme_id, b.newcomer_id, b.referrer_id)
                            = (r.programme_id, r.referrer_id, r.newcomer_id)) THEN 'circle'
                    WHEN NOT EXISTS (SELECT FROM referral_code c WHERE (c.programme_id, c.participant_id)
                            = (r.programme_id, r.referrer_id)) THEN 'code'
                    WHEN r.joined_on <> (SELECT CAST(p.created_at AT TIME ZONE 'Asia/Shanghai' AS date)
                                         FROM participant p WHERE p.id = r.newcomer_id) THEN 'joined'
                END AS fault FROM referral r
            ) x WHERE fault IS NOT NULL
        """,
        {
            "circle": ("two referred each other, or one oneself", "自我或互相邀请"),
            "code": ("who referred has no code", "邀请人没有邀请码"),
            "joined": ("the newcomer joined on another day", "注册日期不符"),
        },
    ),
    Rule(
        "referral_rewarded",
        """
            SELECT place, fault FROM (
                SELECT w.id AS place, CASE
                    WHEN w.number > 1 AND NOT EXISTS (
                        SELECT FROM referral_rewarded o JOIN referral_undone u ON u.rewarded_id = o.id
                        WHERE (o.programme_id, o.newcomer_id, o.number) = (w.programme_id, w.newcomer_id, w.number - 1))
                        THEN 'again'
                    WHEN NOT EXISTS (SELECT FROM referral_undone u WHERE u.rewarded_id = w.id)
                        AND w.programme_id IN (SELECT programme_id FROM followed_programme)
                        AND w.needed > COALESCE((
                            SELECT sum(d.acts) FROM acted_day d
                            WHERE d.programme_id = w.programme_id AND d.participant_id = w.newcomer_id
                              AND d.day >= r.joined_on AND d.day <= w.last), 0) THEN 'not'
                END AS fault
                FROM referral_rewarded w
                JOIN referral r ON (r.programme_id, r.newcomer_id) = (w.programme_id, w.newcomer_id)
            ) x WHERE fault IS NOT NULL
        """,
        {
            "again": ("it was rewarded again while it stood", "未撤销即再次奖励"),
            "not": ("the newcomer's acts that stand are not enough", "新用户现有行为未达要求"),
        },
    ),
    Rule.single(
        "referral_undone",
        """SELECT u.rewarded_id AS place FROM referral_undone u
           LEFT JOIN referral_rewarded w ON w.id = u.rewarded_id
           WHERE w.id IS NULL OR u.undone_at < w.rewarded_at""",
        en="it undoes nothing, or something that came later",
        zh="所撤销的不存在或晚于撤销",
    ),
)
_REWARDED = text("""
    SELECT w.*, r.referrer_id, r.joined_on, p.code, u.undone_at,
           (SELECT count(*) FROM referral_rewarded o JOIN referral q
                ON (q.programme_id, q.newcomer_id) = (o.programme_id, o.newcomer_id)
            LEFT JOIN referral_undone v ON v.rewarded_id = o.id
            WHERE o.programme_id = w.programme_id AND q.referrer_id = r.referrer_id AND o.counts
              AND v.rewarded_id IS NULL AND u.rewarded_id IS NULL) AS standing
    FROM referral_rewarded w JOIN referral r ON (r.programme_id, r.newcomer_id) = (w.programme_id, w.newcomer_id)
    JOIN programme p ON p.id = w.programme_id LEFT JOIN referral_undone u ON u.rewarded_id = w.id
""")
_AWARDS = text("""
    SELECT posting_id, participant_id, cause, wanted, points FROM award WHERE cause LIKE 'referral:%'
""")
_TAKEN = text("SELECT posting_id, participant_id, points FROM award_taken WHERE cause LIKE 'referral:%'")
_TERMS = ("its terms are not those of the pack of that time", "条件与当时规则包不符")
_MOST = ("more of the referrer's rewards stand than the pack allows", "邀请人有效奖励超过规则包上限")
_AWARD = ("a reward was not awarded or taken back as it says", "奖励未如所述发放或收回")


async def rewarded(session: AsyncSession) -> Checked:
    """Referrals are of others, rewarded by the pack's terms while the acts stand, at most so often for one referrer."""
    rows = (await session.execute(_REWARDED)).all()
    checked = Checked(rows=len(rows))
    running = await terms(session)
    given = {row.posting_id: row for row in await session.execute(_AWARDS)}
    taken = {row.posting_id: row for row in await session.execute(_TAKEN)}
    for row in rows:
        most = _most(running.get(row.code, []), row)
        if most is None:
            checked.name("referral_rewarded", row.id, _TERMS)
        elif row.standing > most:
            checked.name("referral_rewarded", row.id, _MOST)
        for part, who, points in (
            ("referrer", row.referrer_id, row.to_referrer),
            ("referred", row.newcomer_id, row.to_referred),
        ):
            award, back = given.get(award_id(row.id, part)), taken.get(taken_id(row.id, part))
            if not _posted(row, (who, points), award, back):
                checked.name("referral_rewarded", row.id, _AWARD)
    return await look_for(session, checked, _RULES)


def _most(running: list[Term], row: Any) -> int | None:
    """How many rewards one referrer may have by the pack that it names; None where its terms are others."""
    for term in running:
        referral = term.pack.features.referral
        if term.active_from == row.active_from and referral is not None:
            if "unknown" in (referral.to_referrer, referral.to_referred):
                return None
            same = (
                row.needed == referral.after_acts
                and row.last == row.joined_on + dt.timedelta(days=referral.within_days - 1)
                and row.to_referrer == (math.floor(referral.to_referrer) if row.counts else 0)  # type: ignore[arg-type]
                and row.to_referred == math.floor(referral.to_referred)  # type: ignore[arg-type]
            )
            return referral.most if same else None
    return None


def _posted(row: Any, due: tuple[Any, int], award: Any, back: Any) -> bool:
    """Whether the award that is due to somebody was given for this, and taken back where it was undone."""
    who, points = due
    if not points:
        return award is None and back is None
    if award is None or (award.participant_id, award.wanted, award.cause) != (who, points, cause_of(row.id)):
        return False
    if row.undone_at is None or not award.points:
        return back is None
    return back is not None and (back.participant_id, back.points) == (who, award.points)
