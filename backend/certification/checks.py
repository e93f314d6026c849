"""What must hold of batches, their acts and their grams, recomputed from the rows.

What the trees hash is in `recounted`, what people said and signed in `stated`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake, ledger
from backend.certification import reading
from backend.certification.facts import first_key
from backend.certification.freezing import posting_id
from backend.certification.model import Batch, Series
from backend.certification.printed import BOOK, DEMO_BOOK
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.kit.quantities import GRAMS_PER_TONNE

_LEAVES = (
    Rule(
        "batch_leaf",
        """
            SELECT place, fault FROM (
                SELECT l.batch_id || '/' || l.position AS place, CASE
                    WHEN b.id IS NULL THEN 'batch'
                    WHEN a.claim_key IS NULL THEN 'action'
                    WHEN a.credit <> 'pooled' THEN 'credit'
                    WHEN a.grams <> l.grams OR l.grams <= 0 THEN 'grams'
                    WHEN l.day <> date '1970-01-01' + ('x' || left(l.claim_key::text, 8))::bit(32)::integer THEN 'day'
                    WHEN l.region <> s.region THEN 'region'
                    WHEN m.methodology <> b.methodology THEN 'methodology'
                    WHEN l.day < b.first_month OR l.day >= b.last_month + interval '1 month' THEN 'month'
                    WHEN l.position <> COALESCE(lag(l.position) OVER batch, -1) + 1 THEN 'position'
                    WHEN (l.day, l.region COLLATE "C", l.digest) <= (
                        lag(l.day) OVER batch, lag(l.region COLLATE "C") OVER batch, lag(l.digest) OVER batch)
                        THEN 'order'
                END AS fault
                FROM batch_leaf l
                LEFT JOIN batch b ON b.id = l.batch_id
                LEFT JOIN action a ON a.claim_key = l.claim_key
                LEFT JOIN intake_source s ON s.id = a.source_id
                LEFT JOIN method_named m ON m.id = a.method_id
                WINDOW batch AS (PARTITION BY l.batch_id ORDER BY l.position)
            ) found WHERE fault IS NOT NULL
        """,
        {
            "batch": ("there is no batch that it belongs to", "没有所属批次"),
            "action": ("there is no such action", "没有该行为"),
            "credit": ("its action was not pooled", "该行为的减排量并未入池"),
            "grams": ("its grams are not the action's", "克数与行为不符"),
            "day": ("its day is not the claim key's", "日期与认领键不符"),
            "region": ("its region is not its source's", "地区与来源不符"),
            "methodology": ("it was computed by another methodology than its batch's", "方法学与批次不符"),
            "month": ("it happened outside its batch's months", "发生于批次月份之外"),
            "position": ("it does not follow the leaf before it", "位置与前一叶子不相连"),
            "order": ("it is not in the order of day, region and digest", "未按日期、地区、摘要的次序"),
        },
    ),
    Rule.single(
        "batch_leaf",
        "SELECT claim_key AS place FROM batch_leaf GROUP BY claim_key HAVING count(*) > 1",
        en="the same act is in two places",
        zh="同一行为出现在两处",
    ),
    Rule(
        "batch",
        """
            SELECT b.id AS place, CASE WHEN b.acts IS DISTINCT FROM l.acts THEN 'acts' ELSE 'grams' END AS fault
            FROM batch b
            LEFT JOIN (SELECT batch_id, count(*) AS acts, sum(grams) AS grams FROM batch_leaf GROUP BY 1) l
                ON l.batch_id = b.id
            WHERE b.acts IS DISTINCT FROM l.acts OR b.frozen_g IS DISTINCT FROM l.grams
        """,
        {
            "acts": ("it counts other acts than it holds", "行为数与其叶子不符"),
            "grams": ("its frozen grams are not those of its acts", "冻结克数与其行为不符"),
        },
    ),
    Rule(
        "batch",
        """
            SELECT place, fault FROM (
                SELECT b.id AS place, CASE
                    WHEN b.sequence <> row_number() OVER series THEN 'sequence'
                    WHEN b.previous_id IS DISTINCT FROM lag(b.id) OVER series THEN 'previous'
                    WHEN b.previous_id IS NOT NULL AND (i.batch_id IS NULL OR i.issued_at > b.closed_at) THEN 'issued'
                    WHEN b.carry_in_g <> COALESCE(i.carry_out_g, 0) THEN 'carry'
                    WHEN extract(year FROM b.first_month) <> b.vintage_year
                        OR extract(year FROM b.last_month) <> b.vintage_year THEN 'year'
                    WHEN b.last_month + interval '1 month' > (b.closed_at AT TIME ZONE 'UTC' + interval '8 hours')
                        THEN 'early'
                END AS fault
                FROM batch b LEFT JOIN batch_issuance i ON i.batch_id = b.previous_id
                WINDOW series AS (
                    PARTITION BY b.project, b.methodology, b.vintage_year, b.demo ORDER BY b.sequence)
            ) found WHERE fault IS NOT NULL
        """,
        {
            "sequence": ("its series is not counted from 1 without a gap", "系列内序号不连续"),
            "previous": ("it does not name the batch before it", "所指前一批次不对"),
            "issued": ("the batch before it was not issued when it was closed", "关闭时前一批次尚未签发"),
            "carry": (
                "what it carries in is not what the batch before it carried out",
                "转入与前一批次的转出不符",
            ),
            "year": ("its months are not of its vintage year", "月份不在其年份内"),
            "early": ("it was closed before its last month was over", "在最后一个月结束前关闭"),
        },
    ),
)
_POOL = ("its act's grams were pooled elsewhere", "该行为的减排量入的是另一个池")


async def acts(session: AsyncSession) -> Checked:
    """Each act is in one batch at most, of the series whose pool its grams went to, as it was accepted."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM batch_leaf"))
    await look_for(session, checked, _LEAVES)
    await _pools(session, checked)
    return checked


_HOMES = text("""
    SELECT l.batch_id, a.job_id, a.seq, a.method_id, to_char(l.day, 'YYYY-MM') AS month, min(l.position) AS position
    FROM batch_leaf l JOIN action a ON a.claim_key = l.claim_key
    GROUP BY 1, 2, 3, 4, 5
""")


async def _pools(session: AsyncSession, checked: Checked) -> None:
    """Name groups of leaves whose chunk posted their grams to another pool than the batch took them from."""
    known = await every_batch(session)
    homes: dict[tuple[UUID, int, int, str], str] = {}
    for methodology in {one.series.methodology for one in known.values()}:
        for group in await intake.pooled_acts(session, methodology=methodology, low=_FIRST, high=_LAST):
            homes[group.job_id, group.seq, group.method_id, group.month] = group.pool
    for row in await session.execute(_HOMES):
        batch = known.get(row.batch_id)
        if batch is None:
            continue  # named by its leaves
        pool = batch.series.pool(dt.date.fromisoformat(row.month + "-01"))
        if homes.get((row.job_id, row.seq, row.method_id, row.month)) != pool:
            checked.name("batch_leaf", f"{row.batch_id}/{row.position}", _POOL)


_FIRST, _LAST = first_key(dt.date(1970, 1, 1)), first_key(dt.date(9999, 12, 31))


async def every_batch(session: AsyncSession) -> dict[UUID, Batch]:
    """Every batch by its id."""
    return {one.id: one for one in await reading.batches(session, limit=2**31 - 1)}


_MONTHS = text("""
    SELECT batch_id, date_trunc('month', day)::date AS month, sum(grams)::bigint AS grams
    FROM batch_leaf GROUP BY 1, 2
""")
_POSTED = text("""
    SELECT t.posting_id, t.reason, d.code AS debit, c.code AS credit, sum(t.amount)::bigint AS amount
    FROM ledger_transfer t
    JOIN ledger_account d ON d.id = t.debit_id
    JOIN ledger_account c ON c.id = t.credit_id
    WHERE d.kind IN ('batch', 'carry') OR c.kind IN ('batch', 'carry', 'rejected', 'deducted', 'credited')
       OR d.code IN (:issuance, :demo_issuance)
    GROUP BY 1, 2, 3, 4
""")
_MOVED = ("the grams or tonnes moved are not what the batch says", "过账数量与批次不符")
_MISSING = ("what the batch says was never posted", "批次所载未见过账")
_STRAY = ("no batch asked for it", "没有批次要求这笔过账")
_NUMBERS = ("the serial numbers are not those that were moved", "编号与实际移动的不符")

Move = tuple[UUID, str, str, str]  # posting, reason, debited and credited account


async def grams(session: AsyncSession) -> Checked:
    """What every batch moved is in the ledger, to the gram and the number, and nothing else moved what it holds."""
    wanted, numbers = await _wanted(session)
    checked = Checked(rows=len(wanted))
    posted: dict[Move, int] = {}
    parameters = {"issuance": f"issuance:{BOOK}", "demo_issuance": f"issuance:{DEMO_BOOK}"}
    for row in await session.execute(_POSTED, parameters):
        posted[row.posting_id, row.reason, row.debit, row.credit] = row.amount
    for move in sorted(wanted.keys() | posted.keys()):
        place = f"{move[0]} {move[2]} {move[3]}"
        if move not in posted:
            checked.name("batch", place, _MISSING)
        elif move not in wanted:
            checked.name("ledger_transfer", place, _STRAY)
        elif wanted[move] != posted[move]:
            checked.name("ledger_transfer", place, _MOVED)
    moved = await ledger.serials_moved(session, list(numbers))
    for posting, (batch_id, low, high) in numbers.items():
        ranges = ledger.joined([piece for pieces in moved[posting].values() for piece in pieces])
        if ranges != (ledger.SerialRange(low, high),):
            checked.name("batch_issuance", batch_id, _NUMBERS)
    return checked


async def _wanted(session: AsyncSession) -> tuple[Counter[Move], dict[UUID, tuple[UUID, int, int]]]:
    """Every move that batches must have made, and the numbers that issuances gave."""
    months: dict[UUID, dict[dt.date, int]] = defaultdict(dict)
    for row in await session.execute(_MONTHS):
        months[row.batch_id][row.month] = row.grams
    wanted: Counter[Move] = Counter()
    numbers: dict[UUID, tuple[UUID, int, int]] = {}
    for batch in (await every_batch(session)).values():
        series, account = batch.series, batch.account
        for month, amount in months[batch.id].items():
            wanted[posting_id(batch.id, "frozen"), "batch.frozen", series.pool(month), account] = amount
        if batch.carry_in_g:
            carried = posting_id(batch.id, "carried_in")
            wanted[carried, "batch.carried_in", series.carry_account, account] = batch.carry_in_g
        await _issued(session, batch, series, wanted, numbers)
    return wanted, numbers


_VERIFIED = text(
    "SELECT rejected_g, deducted_g FROM batch_statement WHERE batch_id = :batch AND revision = :revision"
)


async def _issued(
    session: AsyncSession,
    batch: Batch,
    series: Series,
    wanted: Counter[Move],
    numbers: dict[UUID, tuple[UUID, int, int]],
) -> None:
    issued = await reading.issuance_of(session, batch.id)
    if issued is None:
        return
    statement = (
        await session.execute(_VERIFIED, {"batch": batch.id, "revision": issued.revision})
    ).one_or_none()
    for part, code, amount in (
        ("rejected", f"rejected:{series.project}", statement.rejected_g if statement else 0),
        ("deducted", f"deducted:{series.project}", statement.deducted_g if statement else 0),
        ("credited", f"credited:{series.project}:{series.methodology}", issued.quantity_t * GRAMS_PER_TONNE),
        ("carried_out", series.carry_account, issued.carry_out_g),
    ):
        if amount:
            wanted[posting_id(batch.id, part), f"batch.{part}", batch.account, code] = amount
    if issued.quantity_t:
        posting = posting_id(batch.id, "issued")
        owner = f"holder:{issued.book}:{issued.owner}"
        wanted[posting, "credit.issued", f"issuance:{issued.book}", owner] = issued.quantity_t
        first = issued.first_serial or 0
        numbers[posting] = (batch.id, first, first + issued.quantity_t)
