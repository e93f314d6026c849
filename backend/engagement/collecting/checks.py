"""What must hold of points that wait: collected in their time, by their owner or by a friend within the limits."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.collecting.service import limits_of
from backend.kit import clock
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.kit.errors import DomainError
from backend.programmes import expires_on
from backend.programmes.checks import Term, ran_by, terms

_PAGE = 5_000
_DAY = "to_char(t.happened_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')"

_LOTS = Rule.single(
    "ledger_account",
    """
        SELECT code AS place FROM ledger_account
        WHERE kind = 'pending' AND (split_part(code, ':', 5) <> COALESCE(to_char(due, 'YYYY-MM-DD'), 'never')
            OR split_part(code, ':', 4) > split_part(code, ':', 5))
    """,
    en="the lot does not say when it is ripe and until when it may be collected",
    zh="该批次未写明成熟日与最后收取日",
)
_MOVED = Rule(
    "ledger_transfer",
    f"""
        SELECT place, fault FROM (
            SELECT t.posting_id || '/' || t.line AS place, CASE
                WHEN c.kind = 'breakage' THEN CASE WHEN {_DAY} <= to_char(d.due, 'YYYY-MM-DD') OR d.due IS NULL THEN 'lapsed' END
                WHEN {_DAY} < split_part(d.code, ':', 4) THEN 'early'
                WHEN {_DAY} > split_part(d.code, ':', 5) THEN 'late'
                WHEN split_part(c.code, ':', 2) <> split_part(d.code, ':', 2) AND NOT EXISTS (
                    SELECT FROM collecting_taken k WHERE k.posting_id = t.posting_id AND k.lot = d.code
                        AND k.taker_id::text = split_part(c.code, ':', 2)) THEN 'whose'
            END AS fault
            FROM ledger_account d
            JOIN ledger_transfer t ON t.debit_id = d.id
            JOIN ledger_account c ON c.id = t.credit_id AND c.kind <> 'issuer'
            WHERE d.kind = 'pending'
        ) found WHERE fault IS NOT NULL
    """,  # noqa: S608 - put together from constants
    {
        "lapsed": ("points lapsed that could still be collected", "仍可收取的积分被作过期处理"),
        "early": ("points were collected before they were ripe", "积分在成熟之前被收取"),
        "late": ("points were collected after their last day", "积分在最后收取日之后被收取"),
        "whose": (
            "somebody collected another's points, and no row says so",
            "有人收取了他人的积分，而无记录",
        ),
    },
)
_EXPIRY = text(f"""
    SELECT split_part(w.code, ':', 3) AS programme, {_DAY} AS day, w.due, min(t.happened_at) AS low,
           max(t.happened_at) AS high, count(*) AS moves
    FROM ledger_account d
    JOIN ledger_transfer t ON t.debit_id = d.id
    JOIN ledger_account w ON w.id = t.credit_id AND w.kind = 'wallet'
    WHERE d.kind = 'pending' GROUP BY 1, 2, 3
""")  # noqa: S608
_LAPSES = (
    "collected points lapse on another day than the programme says",
    "已收取积分的到期日与计划规则不符",
)

_TAKEN = Rule(
    "collecting_taken",
    """
        SELECT place, fault FROM (
            SELECT k.id AS place, CASE
                WHEN NOT starts_with(k.lot, 'pending:' || k.owner_id || ':' || p.code || ':'
                                     || to_char(k.ripe_on, 'YYYY-MM-DD') || ':') THEN 'lot'
                WHEN k.taken_before <> COALESCE(sum(k.points) OVER (
                    PARTITION BY k.lot ORDER BY k.taken_before ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) THEN 'order'
                WHEN k.points IS DISTINCT FROM (
                    SELECT sum(t.amount) FROM ledger_transfer t
                    JOIN ledger_account d ON d.id = t.debit_id JOIN ledger_account c ON c.id = t.credit_id
                    WHERE t.posting_id = k.posting_id AND d.code = k.lot AND t.happened_at = k.taken_at
                        AND t.reason IN ('points.collected', 'points.collected_repaid')
                        AND split_part(c.code, ':', 2) = k.taker_id::text) THEN 'ledger'
                WHEN k.ripened > (
                    SELECT sum(t.amount) FROM ledger_account a JOIN ledger_transfer t ON t.credit_id = a.id
                    WHERE a.code = k.lot) THEN 'ripened'
                WHEN NOT EXISTS (
                    SELECT FROM circle_friendship f LEFT JOIN circle_friendship_end e ON e.friendship_id = f.id
                    WHERE f.programme_id = k.programme_id AND f.first_id = LEAST(k.owner_id, k.taker_id)
                        AND f.second_id = GREATEST(k.owner_id, k.taker_id) AND f.made_at <= k.taken_at
                        AND (e.ended_at IS NULL OR e.ended_at >= k.taken_at))
                    OR 2 <> (
                        SELECT count(DISTINCT s.participant_id) FROM circle_span s
                        WHERE s.programme_id = k.programme_id AND s.participant_id IN (k.owner_id, k.taker_id)
                            AND s.since <= k.taken_at AND (s.until IS NULL OR s.until >= k.taken_at)) THEN 'friends'
                WHEN EXISTS (
                    SELECT FROM reward_grant g
                    WHERE g.programme_id = k.programme_id AND g.participant_id = k.owner_id AND g.kind = 'prop'
                        AND g.protects_from <= k.taken_at AND k.taken_at < g.protects_until) THEN 'protected'
            END AS fault
            FROM collecting_taken k LEFT JOIN programme p ON p.id = k.programme_id
        ) found WHERE fault IS NOT NULL
    """,
    {
        "lot": ("the lot is not one of the owner's of that day", "该批次并非该人当日的批次"),
        "order": ("what friends took of the lot does not add up", "好友收取之数前后不相承"),
        "ledger": ("the ledger did not move it to the taker then", "账本当时未将其转给收取者"),
        "ripened": ("the lot never held so much", "该批次从未有这么多积分"),
        "friends": ("they were no friends who both agreed to be shown", "双方当时并非均同意展示的好友"),
        "protected": ("a prop protected it then", "当时有防护道具"),
    },
)
_LIMITS = text("""
    SELECT k.id, p.code AS programme, k.points, k.ripened, k.taken_before, k.taken_at,
           sum(k.points) OVER (PARTITION BY k.lot, k.taker_id ORDER BY k.taken_before)::bigint AS own,
           sum(k.points) OVER (PARTITION BY k.programme_id, k.taker_id,
               (k.taken_at AT TIME ZONE 'Asia/Shanghai')::date)::bigint AS of_day
    FROM collecting_taken k LEFT JOIN programme p ON p.id = k.programme_id
""")
_UNSHARED = (
    "the programme shared nothing then, or not so that anybody could know",
    "该计划当时未开放好友收取",
)
_SHARE = ("friends took more than their share of the lot", "好友收取超过该批次可收取的份额")
_FRIEND = ("one friend took more of the lot than one may", "一位好友收取超过单人上限")
_TOO_MUCH = ("one person took more in a day than one may", "一人一天从好友处收取超过上限")


async def waiting(session: AsyncSession) -> Checked:
    """What waits is collected in its time, by its owner or by a friend of whom a row tells, and lapses after it."""
    checked = Checked(
        rows=await count_rows(session, "SELECT count(*) FROM ledger_account WHERE kind = 'pending'")
    )
    await look_for(session, checked, [_LOTS, _MOVED])
    ruled = await terms(session)
    for row in await session.execute(_EXPIRY):
        packs = ran_by(ruled.get(row.programme, []), row.low, row.high)
        if packs and row.due not in {expires_on(pack, clock.day_of(row.low)) for pack in packs}:
            checked.name("ledger_account", f"{row.programme} {row.day} {row.due}", _LAPSES)
    return checked


async def taken(session: AsyncSession) -> Checked:
    """What friends took is in the ledger, of lots that had ripened so much, and within the limits of the pack of then."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM collecting_taken"))
    await look_for(session, checked, [_TAKEN])
    ruled = await terms(session)
    result = await session.stream(_LIMITS)
    async for rows in result.partitions(_PAGE):
        for row in rows:
            fault = _beyond(ruled.get(row.programme, []), row)
            if fault is not None:
                checked.name("collecting_taken", row.id, fault)
    return checked


def _beyond(ruled: Sequence[Term], row: Any) -> tuple[str, str] | None:
    """What of the limits that were in force is not kept; those of a day may be any that were in force on that day."""
    try:
        now = [limits_of(pack) for pack in ran_by(list(ruled), row.taken_at, row.taken_at)]
        start = dt.datetime.combine(clock.day_of(row.taken_at), dt.time(), clock.SHANGHAI)
        on_day = [limits_of(pack) for pack in ran_by(list(ruled), start, start + dt.timedelta(days=1))]
    except DomainError:
        return _UNSHARED
    if not now or None in now:
        return _UNSHARED
    limits = [one for one in now if one is not None]
    if all(row.taken_before + row.points > math.floor(one.share * row.ripened) for one in limits):
        return _SHARE
    if all(row.own > one.most_per_friend for one in limits):
        return _FRIEND
    if row.of_day > max(one.most_per_day for one in on_day if one is not None):
        return _TOO_MUCH
    return None
