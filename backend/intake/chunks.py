"""One chunk, one transaction: stage, store what is new, post grams and points net, note what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.intake import queries
from backend.intake.convert import STAGE_COLUMNS, Converted
from backend.kit import clock, ids
from backend.kit.db import copy_csv, raw_connection


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A method as the database knows it: its reference, where its grams may go, and what bars them from credit."""

    id: int
    methodology: str
    barrier: str | None  # the reason why its grams are never pooled, None when they may be
    demo: bool


@dataclass(frozen=True, slots=True)
class Target:
    """Where the acts of a job go."""

    job_id: UUID
    source_id: int
    programme: str
    project: str
    points_due: date

    @property
    def wallet_suffix(self) -> str:
        return f":{self.programme}:{self.points_due.isoformat()}"


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """The counts of one chunk; received = accepted + duplicates + conflicts + rejected + filtered."""

    received: int
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    filtered: int
    waiting: int
    grams: int
    points: int


async def stage(session: AsyncSession, batches: Sequence[Converted]) -> None:
    """Put the rows of these batches where the statements of `store` find them."""
    connection = await raw_connection(session)
    for statement in queries.STAGE:
        await connection.execute(statement)
    for batch in batches:
        await add(session, batch)


async def add(session: AsyncSession, batch: Converted) -> None:
    """Stage one more batch."""
    if batch.csv:
        await copy_csv(session, table="intake_stage", columns=STAGE_COLUMNS, source=_Once(batch.csv))


class _Once:
    """Bytes as the asynchronous iterator that COPY reads."""

    def __init__(self, data: bytes) -> None:
        self._pieces = iter([data[start : start + _PIECE] for start in range(0, len(data), _PIECE)])

    def __aiter__(self) -> _Once:
        return self

    async def __anext__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise StopAsyncIteration from None


_PIECE = 1 << 20


async def store(
    session: AsyncSession,
    target: Target,
    *,
    seq: int,
    first_line: int,
    batches: Sequence[Converted],
    methods: Sequence[StoredMethod],
) -> ChunkResult:
    """Accept the staged rows that no one claimed before, post them, and note the chunk."""
    now = clock.now()
    facts = {"job": target.job_id, "source": target.source_id, "seq": seq}
    staged = sum(batch.rows for batch in batches)
    totals: Any = None
    if staged:
        await session.execute(
            queries.STORE,
            {**facts, "methods": [m.id for m in methods], "barriers": [m.barrier for m in methods]},
        )
        totals = (await session.execute(queries.TOTALS)).one()
    accepted = totals.accepted if totals else 0
    duplicates = conflicts = 0
    if accepted < staged:
        clash = (await session.execute(queries.CLASHES, facts)).one()
        duplicates, conflicts = clash.duplicates, clash.conflicts
    if accepted:
        await _post(session, target, seq=seq, methods=methods, now=now)

    faults = [fault for batch in batches for fault in batch.faults]
    filtered = sum(batch.filtered.total() for batch in batches)
    result = ChunkResult(
        received=staged + len(faults) + filtered,
        accepted=accepted,
        duplicates=duplicates,
        conflicts=conflicts,
        rejected=len(faults),
        filtered=filtered,
        waiting=totals.waiting if totals else 0,
        grams=totals.grams if totals else 0,
        points=totals.points if totals else 0,
    )
    await session.execute(
        queries.ADD_CHUNK,
        {
            "job": target.job_id,
            "seq": seq,
            "first_line": first_line,
            "last_line": batches[-1].last_line,
            **{name: getattr(result, name) for name in ChunkResult.__slots__},
        },
    )
    if faults:
        await session.execute(
            queries.ADD_REJECTIONS,
            {
                "job": target.job_id,
                "seq": seq,
                "lines": [fault.line for fault in faults],
                "fields": [fault.field for fault in faults],
                "codes": [fault.code for fault in faults],
                "bounds": [fault.bound for fault in faults],
            },
        )
    return result


async def _post(
    session: AsyncSession, target: Target, *, seq: int, methods: Sequence[StoredMethod], now: datetime
) -> None:
    by_id = {method.id: method for method in methods}
    measured, issuer = f"measured:{target.programme}", f"issuer:{target.programme}"
    grams: dict[str, int] = {}
    for row in await session.execute(queries.STORED):
        if row.grams > 0:
            code = _gram_account(target, by_id[row.method_id], row.month, row.credit)
            grams[code] = grams.get(code, 0) + row.grams
    opened = await ledger.open_accounts(
        session, [ledger.AccountSpec(code) for code in (measured, issuer, *grams)]
    )
    await session.execute(
        queries.OPEN_WALLETS, {"due": target.points_due, "wallet_suffix": target.wallet_suffix}
    )
    await ledger.share_source(session, opened[issuer])  # from here on nobody's debt grows
    await session.execute(
        queries.POST,
        {
            "points_posting": posting_id(target.job_id, seq, "points"),
            "grams_posting": posting_id(target.job_id, seq, "grams"),
            "issuer": opened[issuer],
            "measured": opened[measured],
            "wallet_suffix": target.wallet_suffix,
            "debt_suffix": f":{target.programme}",
            "gram_accounts": [opened[code] for code in grams],
            "gram_amounts": list(grams.values()),
            "gram_reasons": [
                "acts.pooled" if code.startswith("pool:") else "acts.uncredited" for code in grams
            ],
            "happened": now,
        },
    )


def _gram_account(target: Target, method: StoredMethod, month: str, credit: str) -> str:
    if credit != "pooled":
        return f"uncredited:{target.programme}:{credit}"
    return f"pool:{target.project}:{method.methodology}:{month}" + (":demo" if method.demo else "")


def posting_id(job_id: UUID, seq: int, part: str) -> UUID:
    """The id under which a chunk's `points` or `grams` were posted."""
    return ids.derive(job_id, seq, part)
