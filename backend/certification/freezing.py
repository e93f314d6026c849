"""Closing a monitoring period: the acts that wait in a series' pools become a batch, in one fixed order, once.

What a batch takes is decided by one read: a chunk of a partner's file that was committed before it is in whole, any
other is left whole and waits for the next batch.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake, ledger, log
from backend.certification import queries, reading, reporting, trees
from backend.certification.errors import (
    BatchOpen,
    NothingToFreeze,
    NotTheOperator,
    PeriodInvalid,
    PeriodNotOver,
    PoolsDiffer,
)
from backend.certification.facts import Digester, day_of_key, first_key
from backend.certification.model import Batch, Series
from backend.certification.sumtree import Leaves, Tree
from backend.identity import Role, staff
from backend.intake import Pooled
from backend.kit import clock, ids
from backend.kit.db import raw_connection
from backend.kit.settings import Keys
from backend.ledger import AccountSpec, InsufficientBalance, Line, Posting

_AT_ONCE = 50_000
_FIRST_YEAR = 1990  # no act is older: partitions begin there


async def close_period(
    session: AsyncSession,
    keys: Keys,
    *,
    project: str,
    methodology: str,
    first_month: dt.date,
    last_month: dt.date,
    demo: bool = False,
    benefit_split: str,
    benefit_split_published_on: dt.date,
    closed_by: UUID,
) -> Batch:
    """Freeze what the pools of these months hold as the series' next batch, with its monitoring report; logged.

    `first_month` and `last_month` are any day of theirs. Staff of the project's operator close; BatchOpen while the
    last batch is not issued, NothingToFreeze, PeriodInvalid, PeriodNotOver, ProjectUnknown, NotTheOperator.
    """
    first_month, last_month = first_month.replace(day=1), last_month.replace(day=1)
    if first_month.year != last_month.year or first_month > last_month or first_month.year < _FIRST_YEAR:
        raise PeriodInvalid
    where = await reading.project_of(session, project)
    person = await staff.staff_member(session, staff_id=closed_by)
    if not person.active or person.organisation_id != where.operator.id or Role.OPERATOR not in person.roles:
        raise NotTheOperator
    if clock.today() < reading.next_month(last_month):
        raise PeriodNotOver(last_month=f"{last_month:%Y-%m}")

    series = Series(project, methodology, first_month.year, demo)
    await reading.lock(session, series)
    previous = await reading.last_of(session, series)
    if previous is not None and previous.issued_at is None:
        raise BatchOpen(batch=str(previous.id))
    issued = None if previous is None else await reading.issuance_of(session, previous.id)

    batch_id, now = ids.uuid7(), clock.now()
    frozen = await _freeze(session, keys, batch_id, series, months=(first_month, last_month))
    if not frozen.by_month:
        raise NothingToFreeze
    carry_in_g = 0 if issued is None else issued.carry_out_g
    tree = Tree(frozen.leaves)
    await trees.store_nodes(session, batch_id=batch_id, revision=trees.FROZEN, tree=tree)
    await _post(session, batch_id, series, by_month=frozen.by_month, carry_in_g=carry_in_g, now=now)
    row = {
        "id": batch_id,
        **series.as_body(),
        "sequence": 1 if previous is None else previous.sequence + 1,
        "previous_id": None if previous is None else previous.id,
        "region": where.region,
        "operator_id": where.operator.id,
        "first_month": first_month,
        "last_month": last_month,
        "benefit_split": benefit_split,
        "benefit_split_published_on": benefit_split_published_on,
        "acts": len(frozen.leaves),
        "frozen_g": tree.root.grams,
        "frozen_root": tree.root.hash,
        "carry_in_g": carry_in_g,
        "closed_by": closed_by,
        "closed_at": now,
    }
    report = await reporting.draft(session, row)
    index = await log.append(session, kind="batch.frozen", body=frozen_entry(row, report.packs))
    await session.execute(queries.ADD_BATCH, {**row, "log_index": index})
    await reporting.store(session, batch_id, report)
    return await reading.batch(session, batch_id)


def frozen_entry(row: Mapping[str, object], packs: list[str]) -> dict[str, object]:
    """What the log says of a frozen batch."""
    first, last = row["first_month"], row["last_month"]
    assert isinstance(first, dt.date)
    assert isinstance(last, dt.date)
    root, previous = row["frozen_root"], row["previous_id"]
    assert isinstance(root, bytes)
    kept = ("project", "methodology", "vintage_year", "demo", "sequence", "carry_in_g", "acts", "frozen_g")
    return {
        "batch": str(row["id"]),
        **{name: row[name] for name in kept},
        "pack_sha256s": packs,
        "first_month": f"{first:%Y-%m}",
        "last_month": f"{last:%Y-%m}",
        "previous": None if previous is None else str(previous),
        "frozen_root": root.hex(),
    }


class Frozen(NamedTuple):
    """The leaves in their order, and the grams taken from the pool of each month."""

    leaves: Leaves
    by_month: Mapping[dt.date, int]


class Act(NamedTuple):
    """One act on its way into a batch; sorted within a day by region and digest."""

    region: str
    digest: bytes
    claim_key: UUID
    grams: int


async def _freeze(
    session: AsyncSession, keys: Keys, batch_id: UUID, series: Series, *, months: tuple[dt.date, dt.date]
) -> Frozen:
    """Write the leaves of the batch, a day at a time, as the acts come in the order of their keys."""
    low, high = first_key(months[0]), first_key(reading.next_month(months[1]))
    groups = [
        group
        for group in await intake.pooled_acts(session, methodology=series.methodology, low=low, high=high)
        if group.pool == series.pool(dt.date.fromisoformat(group.month + "-01"))
    ]
    connection = await raw_connection(session)
    digests, grams = bytearray(), list[int]()
    by_month: Counter[dt.date] = Counter()
    async for day, acts in _days(session, keys, groups, low, high):
        acts.sort()
        rows = [
            (batch_id, place, act.claim_key, day, act.region, act.digest, act.grams)
            for place, act in enumerate(acts, start=len(grams))
        ]
        await connection.copy_records_to_table("batch_leaf", records=rows, columns=list(queries.LEAF_COLUMNS))
        digests += b"".join(act.digest for act in acts)
        grams += [act.grams for act in acts]
        by_month[day.replace(day=1)] += sum(act.grams for act in acts)
    return Frozen(Leaves(bytes(digests), [0] * len(grams), grams), by_month)


async def _days(
    session: AsyncSession, keys: Keys, groups: list[Pooled], low: UUID, high: UUID
) -> AsyncIterator[tuple[dt.date, list[Act]]]:
    """The acts that wait, digested, a whole day at a time."""
    computed = await reading.computed_of(session, sorted({group.method_id for group in groups}))
    feeds = await reading.feeds_by_id(session)
    digester = Digester(keys)
    connection = await raw_connection(session)
    cursor = await connection.cursor(queries.UNFROZEN, *_wanted(groups), low, high)
    day, acts = dt.date.min, list[Act]()
    while rows := await cursor.fetch(_AT_ONCE):
        for claim_key, method_id, source_id, inputs, amount in rows:
            key = UUID(bytes=claim_key.bytes)
            own = day_of_key(key)
            if own != day:
                if acts:
                    yield day, acts
                day, acts = own, []
            feed = feeds[source_id]
            digest = digester.digest(
                key, computed=computed[method_id], feed=feed, day=own, inputs=inputs, grams=amount
            )
            acts.append(Act(feed.region, digest, key, amount))
    if acts:
        yield day, acts


def _wanted(groups: list[Pooled]) -> tuple[list[object], ...]:
    months = [dt.date.fromisoformat(group.month + "-01") for group in groups]
    return (
        [group.job_id for group in groups],
        [group.seq for group in groups],
        [group.method_id for group in groups],
        [first_key(month) for month in months],
        [first_key(reading.next_month(month)) for month in months],
    )


async def _post(
    session: AsyncSession,
    batch_id: UUID,
    series: Series,
    *,
    by_month: Mapping[dt.date, int],
    carry_in_g: int,
    now: dt.datetime,
) -> None:
    """Grams out of the pools, and what the last batch carried, into the batch's account."""
    account = f"batch:{batch_id}"
    pools = {month: series.pool(month) for month in sorted(by_month)}
    opened = await ledger.open_accounts(
        session,
        map(AccountSpec, (account, *pools.values(), *((series.carry_account,) if carry_in_g else ()))),
    )
    taken = tuple(Line(opened[pools[month]], opened[account], by_month[month]) for month in pools)
    postings = [Posting(posting_id(batch_id, "frozen"), "batch.frozen", now, taken)]
    if carry_in_g:
        carried = Line(opened[series.carry_account], opened[account], carry_in_g)
        postings.append(Posting(posting_id(batch_id, "carried_in"), "batch.carried_in", now, (carried,)))
    try:
        await ledger.post(session, postings)
    except InsufficientBalance as error:
        raise PoolsDiffer(account=account) from error


def posting_id(batch_id: UUID, part: str) -> UUID:
    """The id of one of a batch's postings."""
    return ids.derive(batch_id, part)
