"""What must hold of budgets: never more given than the pack allows, and nothing withheld while something was left."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake.chunks import posting_id
from backend.intake.posted import feeds
from backend.kit import clock, ids
from backend.kit.checks import Checked, Rule, look_for
from backend.packs import ParameterUnknown
from backend.programmes import Programme
from backend.programmes.budgets import Limit, limit_of
from backend.programmes.checks import Term, ran_by, terms

_MOVED = text("""
    SELECT xid::text::bigint AS xid, year, sum(amount)::bigint AS given,
           sum(GREATEST(-amount, 0))::bigint AS back
    FROM (
        SELECT t.xid, extract(year FROM t.happened_at AT TIME ZONE 'Asia/Shanghai')::integer AS year, t.amount
        FROM ledger_account a JOIN ledger_transfer t ON t.debit_id = a.id WHERE a.code = :source
        UNION ALL
        SELECT t.xid, extract(year FROM t.happened_at AT TIME ZONE 'Asia/Shanghai')::integer, -t.amount
        FROM ledger_account a JOIN ledger_transfer t ON t.credit_id = a.id WHERE a.code = :source
    ) m GROUP BY xid, year ORDER BY xid
""")
_REACHED = text("""
    SELECT r.posting_id, p.code, r.budget_year, r.room, r.freed, r.wanted, r.given, r.snapshot, r.reached_at,
           r.xid::text::bigint AS xid
    FROM budget_reached r JOIN programme p ON p.id = r.programme_id ORDER BY r.xid, r.posting_id
""")
_SUMS = Rule(
    "budget_reached",
    """
        SELECT r.posting_id AS place, CASE
            WHEN r.given <> (SELECT COALESCE(sum(t.amount), 0) FROM ledger_transfer t WHERE t.posting_id = r.posting_id)
                THEN 'given'
            WHEN r.wanted - r.given
                <> (SELECT COALESCE(sum(u.points), 0) FROM action_unfunded u WHERE u.posting_id = r.posting_id)
                THEN 'missing'
        END AS fault
        FROM budget_reached r
        WHERE r.given <> (SELECT COALESCE(sum(t.amount), 0) FROM ledger_transfer t WHERE t.posting_id = r.posting_id)
           OR r.wanted - r.given
                <> (SELECT COALESCE(sum(u.points), 0) FROM action_unfunded u WHERE u.posting_id = r.posting_id)
    """,
    {
        "given": ("what was posted is not what the budget gave", "过账数额与预算所给不符"),
        "missing": ("what acts went without is not what the budget lacked", "行为未得之数与预算所缺不符"),
    },
)
_OWN = Rule(
    "action_unfunded",
    """
        SELECT place, fault FROM (
            SELECT u.claim_key AS place, CASE
                WHEN a.claim_key IS NULL THEN 'action'
                WHEN a.participant_id IS NOT NULL
                    AND NOT EXISTS (
                        SELECT FROM unnest(CAST(:jobs AS uuid[]), CAST(:seqs AS integer[]), CAST(:postings AS uuid[]))
                            AS p(job_id, seq, posting_id)
                        WHERE p.job_id = a.job_id AND p.seq = a.seq AND p.posting_id = u.posting_id) THEN 'posting'
                WHEN a.participant_id IS NULL
                    AND NOT EXISTS (
                        SELECT FROM action_claim c
                        JOIN unnest(CAST(:claims AS uuid[]), CAST(:claim_postings AS uuid[])) AS p(claim_id, posting_id)
                            ON p.claim_id = c.claim_id
                        WHERE c.claim_key = a.claim_key AND p.posting_id = u.posting_id) THEN 'posting'
                WHEN a.participant_id IS NOT NULL
                    AND EXISTS (SELECT FROM action b WHERE b.job_id = a.job_id AND b.seq = a.seq AND b.line > a.line
                                    AND b.points > 0 AND b.participant_id IS NOT NULL) THEN 'order'
            END AS fault
            FROM action_unfunded u LEFT JOIN action a ON a.claim_key = u.claim_key
        ) found WHERE fault IS NOT NULL
    """,
    {
        "action": ("there is no such action", "没有该行为"),
        "posting": ("it is not this posting that gave its points", "其积分并非由该过账发放"),
        "order": ("a later line earned points", "其后的行却得了积分"),
    },
)
_ROOM = (
    "the budget had another room left than it says, by the ledger of that moment",
    "按当时账本，预算余额与所记不符",
)
_FREED = ("less was taken back than it counts on", "收回之数少于所计")
_OVER = ("more was given than the programme's budget allows", "发放超过计划预算")
_CLAIMS = text("""
    SELECT DISTINCT c.claim_id, p.code FROM action_unfunded u
    JOIN action_claim c ON c.claim_key = u.claim_key
    JOIN action a ON a.claim_key = c.claim_key
    JOIN intake_source s ON s.id = a.source_id JOIN programme p ON p.id = s.programme_id
""")


async def budgets(session: AsyncSession) -> Checked:
    """Of each budget no more was given than its amount less its floor, and what acts went without was not there.

    What was left is computed again from the ledger as the transaction saw it. Where the pack changed meanwhile, either will
    do; in a year in which a pack had no budget, nothing is too much.
    """
    found = await feeds(session)
    claims = (await session.execute(_CLAIMS)).all()
    checked = Checked()
    postings = [posting_id(feed.job_id, feed.seq, "points") for feed in found]
    await look_for(
        session,
        checked,
        (_SUMS, _OWN),
        jobs=[feed.job_id for feed in found],
        seqs=[feed.seq for feed in found],
        postings=postings,
        claims=[row.claim_id for row in claims],
        claim_postings=[ids.derive(row.claim_id, row.code) for row in claims],
    )
    started = dict(zip(postings, (feed.started_at for feed in found), strict=True))
    by_programme = await terms(session)
    ledgers: dict[str, _Given] = {}
    for used in by_programme.values():
        for limit in {limit for term in used for limit in (_limit(term.pack),) if limit is not None}:
            if limit.source not in ledgers:
                ledgers[limit.source] = await _Given.of(session, limit.source)
        _look_over(checked, used, ledgers)
    for row in await session.execute(_REACHED):
        checked.rows += 1
        begun = started.get(row.posting_id, row.reached_at)
        limits = [_limit(pack) for pack in ran_by(by_programme.get(row.code, []), begun, row.reached_at)]
        if not any(_had(limit, ledgers, row) == row.room for limit in limits if limit is not None):
            checked.name("budget_reached", row.posting_id, _ROOM)
        elif row.freed > max(
            (ledgers[limit.source].back.get(row.xid, 0) for limit in limits if limit), default=0
        ):
            checked.name("budget_reached", row.posting_id, _FREED)
    return checked


@dataclass
class _Given:
    """What an account gave, less what came back, transaction by transaction: in all (None) and by year."""

    xids: dict[int | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    sums: dict[int | None, list[int]] = field(default_factory=lambda: defaultdict(list))
    back: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _running: dict[int | None, list[int]] = field(default_factory=dict)

    @classmethod
    async def of(cls, session: AsyncSession, source: str) -> _Given:
        made = cls()
        for row in await session.execute(_MOVED, {"source": source}):
            for year in (None, row.year):
                made.xids[year].append(row.xid)
                made.sums[year].append(row.given)
            made.back[row.xid] += row.back
        made._running = {year: list(accumulate(sums, initial=0)) for year, sums in made.sums.items()}
        return made

    def seen_by(self, snapshot: str, year: int | None) -> int:
        """What a snapshot (`xmin:xmax:xid,xid`) saw of it."""
        low, high, rest = snapshot.split(":")
        running = {int(xid) for xid in rest.split(",") if xid}
        xids, begins = self.xids.get(year, []), bisect_left(self.xids.get(year, []), int(low))
        ends = bisect_left(xids, int(high))
        seen = self._running[year][begins] if xids else 0
        return seen + sum(
            self.sums[year][place] for place in range(begins, ends) if xids[place] not in running
        )

    def in_all(self, year: int | None) -> int:
        return sum(self.sums.get(year, []))


def _had(limit: Limit, ledgers: dict[str, _Given], row: Any) -> int | None:
    """The room that there was by this limit; None when its budget is of another span."""
    if limit.year(row.reached_at) != row.budget_year:
        return None
    return limit.most - ledgers[limit.source].seen_by(row.snapshot, row.budget_year)


def _look_over(checked: Checked, used: list[Term], ledgers: dict[str, _Given]) -> None:
    """Each year, and the programme's life, against the largest limit that may have ruled in it."""
    spans: set[int | None] = {None, *(year for given in ledgers.values() for year in given.xids)}
    for year in spans:
        low, high = (
            (dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC))
            if year is None
            else (dt.datetime(one, 1, 1, tzinfo=clock.SHANGHAI) for one in (year, year + 1))
        )
        limits = [_limit(pack) for pack in ran_by(used, low, high)]
        ruling = [limit for limit in limits if limit is not None and limit.yearly == (year is not None)]
        if len(ruling) < len(limits) or not ruling:
            continue
        given = max(ledgers[limit.source].in_all(year) for limit in ruling)
        if given > max(limit.most for limit in ruling):
            checked.name("ledger_account", f"{ruling[0].source} {year or ''}".strip(), _OVER)


def _limit(pack: Programme) -> Limit | None:
    try:
        return limit_of(pack)
    except ParameterUnknown:
        return None
