"""What must hold of grants: they are what the programme's pack gave at that moment, within stock and limit."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.rewards import service
from backend.engagement.rewards.errors import RewardUnknown
from backend.engagement.rewards.model import AT_ONCE, CAUSES, DIRECT, TREES
from backend.kit.checks import Checked, Rule, look_for
from backend.kit.errors import DomainError
from backend.programmes import Registered, programme_of
from backend.programmes.features import Reward

_GRANTS = text("""
    SELECT g.id, g.programme_id, p.code AS programme, g.reward, g.kind, g.participant_id, g.number, g.points,
           g.protects_from, g.protects_until, g.granted_at, o.outcome, o.decided_at
    FROM reward_grant g LEFT JOIN programme p ON p.id = g.programme_id
    LEFT JOIN reward_outcome o ON o.grant_id = g.id
    ORDER BY g.programme_id, g.reward, g.number
""")
_TERMS = text("""
    SELECT p.code, k.active_from FROM programme p JOIN programme_pack k ON k.programme_id = p.id ORDER BY 1, 2
""")
_OUTCOMES = Rule(
    "reward_outcome",
    """
        SELECT place, fault FROM (
            SELECT o.grant_id AS place, CASE
                WHEN g.id IS NULL OR g.kind = ANY (:at_once) OR g.kind = 'lottery' AND o.outcome = 'refused' THEN 'nothing'
                WHEN o.decided_at < g.granted_at THEN 'time'
                WHEN s.id IS NULL OR r.code <> p.operator_code
                    AND r.code IS DISTINCT FROM (SELECT b.partner FROM tree_batch_order x JOIN tree_batch b ON b.id = x.batch_id
                                                 WHERE x.grant_id = o.grant_id) THEN 'staff'
            END AS fault
            FROM reward_outcome o LEFT JOIN reward_grant g ON g.id = o.grant_id
            LEFT JOIN programme p ON p.id = g.programme_id
            LEFT JOIN staff s ON s.id = o.decided_by LEFT JOIN organisation r ON r.id = s.organisation_id
        ) found WHERE fault IS NOT NULL
    """,
    {
        "nothing": ("nothing of it was to be decided", "并无须处理的奖励"),
        "time": ("it was decided before it was granted", "处理早于领取"),
        "staff": ("neither the operator nor the partner decided it", "处理者既非运营方也非合作方人员"),
    },
)
_NUMBER = ("grants of this reward are not counted from 1 without a gap", "该奖励的领取序号不连续")
_REWARD = ("the programme's pack had no such reward then", "当时的计划规则包没有这项奖励")
_PRICE = ("its points are not the reward's price", "积分不等于奖励价格")
_STOCK = ("more were granted than there were", "发放超过库存")
_LIMIT = ("one person got more than one may", "超过每人可领取次数")
_PROTECTS = ("it does not protect as long as the prop does", "保护时长与道具不符")


@dataclass
class _Standing:
    """What was granted of a reward so far: numbers, and the moments of refusals, in all and by person."""

    granted: int = 0
    refused_at: list[dt.datetime] = field(default_factory=list)

    def at(self, moment: dt.datetime) -> int:
        return self.granted - bisect_right(self.refused_at, moment)

    def add(self, row: Any) -> None:
        self.granted += 1
        if row.outcome == "refused":
            insort(self.refused_at, row.decided_at)


async def granted(session: AsyncSession) -> Checked:
    """Grants are numbered without a gap, at the price of the pack of that moment, within its stock and limit."""
    rows = (await session.execute(_GRANTS)).all()
    checked = Checked(rows=len(rows))
    packs = _Packs(session, [(row.code, row.active_from) for row in await session.execute(_TERMS)])
    standing: dict[tuple[object, ...], _Standing] = defaultdict(_Standing)
    for row in rows:
        key = (row.programme_id, row.reward)
        every, own = standing[key], standing[(*key, row.participant_id)]
        if row.number != every.granted + 1:
            checked.name("reward_grant", row.id, _NUMBER)
        if row.kind != "lottery":
            await _as_the_pack_says(checked, packs, row, every.at(row.granted_at), own.at(row.granted_at))
        every.add(row)
        own.add(row)
    return await look_for(session, checked, [_OUTCOMES], at_once=sorted(AT_ONCE))


async def _as_the_pack_says(checked: Checked, packs: _Packs, row: Any, standing: int, own: int) -> None:
    reward: Reward | None
    try:
        programme = await packs.at(row.programme, row.granted_at)
        reward = service.reward_of(programme, reward_id=row.reward, kinds=DIRECT | TREES)
        price, hours = service.price_of(programme, reward), service.hours_of(programme, reward)
    except DomainError:
        reward = None
    if reward is None or reward.kind != row.kind:
        checked.name("reward_grant", row.id, _REWARD)
        return
    if row.points != price and not (reward.kind in CAUSES and row.points > price):  # the smallest gift
        checked.name("reward_grant", row.id, _PRICE)
    if reward.stock is not None and standing >= reward.stock:
        checked.name("reward_grant", row.id, _STOCK)
    if reward.most_per_person is not None and own >= reward.most_per_person:
        checked.name("reward_grant", row.id, _LIMIT)
    if not _protects(row, reward, hours):
        checked.name("reward_grant", row.id, _PROTECTS)


def _protects(row: Any, reward: Reward, hours: int | None) -> bool:
    if hours is None or reward.kind != "prop":
        return row.protects_from is None and row.protects_until is None
    if row.protects_from is None or row.protects_until is None:
        return False
    return bool(
        row.protects_until - row.protects_from == dt.timedelta(hours=hours)
        and row.protects_from >= row.granted_at
    )


class _Packs:
    """The programme with the pack it ran by at a moment; each pack is read once."""

    def __init__(self, session: AsyncSession, terms: list[tuple[str, dt.datetime]]) -> None:
        self._session = session
        self._read: dict[tuple[str, int], Registered] = {}
        self._begins: dict[str, list[dt.datetime]] = defaultdict(list)
        for code, begin in terms:
            self._begins[code].append(begin)

    async def at(self, code: str | None, moment: dt.datetime) -> Registered:
        if code is None:
            raise RewardUnknown
        key = (code, bisect_right(self._begins[code], moment))
        if key not in self._read:
            self._read[key] = await programme_of(self._session, code=code, at=moment)
        return self._read[key]
