"""One chunk, one transaction: plan it, store what is new, post grams and points net, note what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import numpy as np
import pyarrow as pa
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.intake import funding, queries
from backend.intake.claims import shanghai_days
from backend.intake.convert import Converted
from backend.intake.funding import Funds
from backend.intake.holders import Int64s
from backend.intake.methods import StoredMethod
from backend.intake.placing import PLACE_COLUMNS, place_rows
from backend.intake.planning import held_rows, plan
from backend.intake.plans import CREDITS, Fate, Plan
from backend.intake.screens import NO_SCREENS, Overtaken, Screens
from backend.kit import clock, ids
from backend.kit.copying import JSONB, Column, Constant, Texts, binary_rows, copy_rows
from backend.kit.db import raw_connection
from backend.methodologies import MISSING
from backend.programmes.budgets import Limit
from backend.programmes.purses import Purse

_EPOCH = date(1970, 1, 1)
_TRIES = 8
_BODY_ROWS = 50_000  # encoded at once


@dataclass(frozen=True, slots=True)
class Target:
    """Where the acts of a job go."""

    job_id: UUID
    source_id: int
    programme: str
    project: str
    purse: Purse
    budget: Limit | None = None


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


async def prepare(session: AsyncSession) -> None:
    """Make the tables that planning and posting put their columns into; they are empty at the end of the transaction."""
    connection = await raw_connection(session)
    for statement in queries.STAGE:
        await connection.execute(statement)


async def store(
    session: AsyncSession,
    target: Target,
    *,
    seq: int,
    first_line: int,
    batches: Sequence[Converted],
    methods: Sequence[StoredMethod],
    screens: Screens = NO_SCREENS,
) -> Stored:
    """Plan the acts of these batches, store and post what is new, and note the chunk."""
    await prepare(session)
    place = Place(target, seq, methods, clock.now())
    funds = Funds(target.budget, first=screens.first)
    planned = await _planned_and_written(session, place, batches, screens, funds)
    result = outcome(planned, batches)
    await screens.confirm(session, planned)  # before any wallet is locked, so that nobody waits in a circle
    await funds.confirm(session, planned)
    if result.accepted:
        await _post(session, place, planned)
    await _note(
        session, place, planned, batches=batches, lines=(first_line, batches[-1].last_line), result=result
    )
    return Stored(result, planned)


async def planned(
    session: AsyncSession,
    target: Target,
    batches: Sequence[Converted],
    methods: Sequence[StoredMethod],
    screens: Screens = NO_SCREENS,
) -> Plan:
    """What would become of the acts of these batches now; every key is looked up, and nothing is written."""
    await prepare(session)
    return await plan(
        session,
        source_id=target.source_id,
        batches=batches,
        methods=methods,
        screens=screens,
        funds=Funds(target.budget, dry=True),
        look=True,
    )


def outcome(planned: Plan, batches: Sequence[Converted]) -> ChunkResult:
    """The counts of a planned chunk."""
    fates = np.bincount(planned.fate, minlength=len(Fate))
    accepted = planned.accepted
    with_holder = planned.held.person[accepted] >= 0
    filtered = sum(batch.filtered.total() for batch in batches)
    refused = sum(len(batch.faults) for batch in batches) + int(fates[Fate.REJECTED])
    return ChunkResult(
        received=len(planned.chunk) + sum(len(batch.faults) for batch in batches) + filtered,
        accepted=int(fates[Fate.ACCEPTED]),
        duplicates=int(fates[Fate.DUPLICATE]),
        conflicts=int(fates[Fate.HELD]),
        rejected=refused,
        filtered=filtered,
        waiting=int((~with_holder).sum()),
        grams=int(planned.chunk.numbers("grams")[accepted].sum()),
        points=int(planned.points[accepted][with_holder].sum()),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk goes: its job and source, its number there, the methods its acts refer to."""

    target: Target
    seq: int
    methods: Sequence[StoredMethod]
    now: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A chunk that was stored: its counts, and the plan that decided them."""

    result: ChunkResult
    plan: Plan


_ACTION = (
    "claim_key", "happened_at", "ended_at", "source_id", "method_id", "means_token", "participant_id", "inputs",
    "grams", "points", "credit", "job_id", "seq", "line",
)  # fmt: skip


async def _planned_and_written(
    session: AsyncSession, place: Place, batches: Sequence[Converted], screens: Screens, funds: Funds
) -> Plan:
    """Plan and store; where a claim turns out to stand, plan again with every key looked up.

    Whoever holds that claim has committed by then, but the next one may be in another transaction's hands.
    """
    for attempt in range(_TRIES):
        planned = await plan(
            session,
            source_id=place.target.source_id,
            batches=batches,
            methods=place.methods,
            screens=screens,
            funds=funds,
            at=place.now,
            look=attempt > 0,
        )
        try:
            await _write_acts(session, place, planned)
        except asyncpg.UniqueViolationError:
            connection = await raw_connection(session)
            for statement in queries.CLEAR:
                await connection.execute(statement)
        else:
            return planned
    raise Overtaken


async def _write_acts(session: AsyncSession, place: Place, planned: Plan) -> None:
    """COPY the accepted acts; raises asyncpg.UniqueViolationError, and leaves nothing, where one is claimed already."""
    rows = planned.accepted
    if not len(rows):
        return
    connection = await raw_connection(session)
    async with connection.transaction():  # a savepoint
        await copy_rows(session, table="action", columns=_ACTION, bodies=_bodies(place, planned, rows))
        first = int(planned.chunk.numbers("happened_us")[rows].min())
        await connection.execute(queries.REACHED, _day_of(first), clock.today())
        seen = planned.seen(rows)
        if len(seen):
            await copy_rows(
                session,
                table="action_place",
                columns=PLACE_COLUMNS,
                bodies=place_rows(planned.chunk.table, planned.chunk.keys, seen),
            )


def _day_of(happened_us: int) -> date:
    """The Shanghai day of a moment in microseconds since 1970."""
    return clock.day_of(datetime.fromtimestamp(happened_us / 1_000_000, tz=UTC))


def _bodies(place: Place, planned: Plan, rows: Int64s) -> Iterator[memoryview]:
    """The rows of `action`: those with the same columns empty and the same credit together, each in order of the keys."""
    chunk = planned.chunk
    ids_of = np.array([method.id for method in place.methods], dtype=np.int64)
    ended, participants = chunk.numbers("ended_us"), planned.held.ids()
    happened, lines, grams = (chunk.numbers(name) for name in ("happened_us", "line", "grams"))
    method_no, inputs = chunk.numbers("method_no"), chunk.table.column("inputs").chunk(0)
    shape = (planned.credit * 2 + (planned.held.person >= 0)) * 2 + (ended != MISSING)
    parts = [
        (kind, part)
        for kind in np.unique(shape[rows]).tolist()
        for same in [rows[shape[rows] == kind]]
        for part in np.array_split(same, len(same) // _BODY_ROWS + 1)
    ]
    for kind, some in parts:
        holder, end = kind // 2 % 2, kind % 2
        yield binary_rows(
            len(some),
            [
                Column("uuid", chunk.keys[some]),
                Column("timestamptz", happened[some]),
                Column("timestamptz", ended[some] if end else None),
                Column("int4", place.target.source_id),
                Column("int4", ids_of[method_no[some]]),
                Column("uuid", chunk.means[chunk.means_no[some]]),
                Column("uuid", participants[some] if holder else None),
                Texts(inputs if len(some) == len(inputs) else inputs.take(pa.array(some)), JSONB),
                Column("int8", grams[some]),
                Column("int8", planned.points[some]),
                Constant(CREDITS[kind // 4].encode()),
                Column("uuid", place.target.job_id.bytes),
                Column("int4", place.seq),
                Column("int8", lines[some]),
            ],
        )


async def _note(
    session: AsyncSession,
    place: Place,
    planned: Plan,
    *,
    batches: Sequence[Converted],
    lines: tuple[int, int],
    result: ChunkResult,
) -> None:
    """Keep the chunk's counts, the rows that were refused, and those that wait for a decision."""
    facts = {"job": place.target.job_id, "seq": place.seq}
    await session.execute(
        queries.ADD_CHUNK,
        {
            **facts,
            "first_line": lines[0],
            "last_line": lines[1],
            **{name: getattr(result, name) for name in ChunkResult.__slots__},
        },
    )
    faults = [fault for batch in batches for fault in batch.faults] + planned.faults
    if faults:
        await session.execute(
            queries.ADD_REJECTIONS,
            {
                **facts,
                "lines": [fault.line for fault in faults],
                "fields": [fault.field for fault in faults],
                "codes": [fault.code for fault in faults],
                "bounds": [fault.bound for fault in faults],
            },
        )
    if planned.waiting:
        await session.execute(
            queries.ADD_HELD, {**facts, "source": place.target.source_id, **held_rows(planned, place.methods)}
        )
    trimmed = planned.trimmed
    if len(trimmed):
        await session.execute(
            queries.ADD_TRIMMED,
            {
                "claim_keys": [UUID(bytes=key.tobytes()) for key in planned.chunk.keys[trimmed]],
                "caps": [planned.caps[cap] for cap in planned.cap[trimmed].tolist()],
                "points": planned.taken_by_caps[trimmed].tolist(),
            },
        )
    await funding.note(session, planned, posting_id=posting_id(place.target.job_id, place.seq, "points"))


async def _post(session: AsyncSession, place: Place, planned: Plan) -> None:
    target = place.target
    measured, source = f"measured:{target.programme}", target.purse.source_of(target.programme).code
    grams = _grams(place, planned)
    opened = await ledger.open_accounts(
        session, [ledger.AccountSpec(code) for code in (measured, source, *grams)]
    )
    await _put_points(session, planned)
    lots = {"lot": target.purse.lot, "lot_suffix": f":{target.programme}:{target.purse.suffix}"}
    await session.execute(queries.OPEN_LOTS, {**lots, "due": target.purse.due})
    await ledger.share_source(session, opened[source])  # from here on nobody's debt grows
    await session.execute(
        queries.POST,
        {
            "points_posting": posting_id(target.job_id, place.seq, "points"),
            "grams_posting": posting_id(target.job_id, place.seq, "grams"),
            "source": opened[source],
            "measured": opened[measured],
            **lots,
            "debt": target.purse.debt,
            "debt_suffix": f":{target.programme}",
            "earned_reason": target.purse.earned,
            "repaid_reason": target.purse.repaid,
            "gram_accounts": [opened[code] for code in grams],
            "gram_amounts": list(grams.values()),
            "gram_reasons": [
                "acts.pooled" if code.startswith("pool:") else "acts.uncredited" for code in grams
            ],
            "happened": place.now,
        },
    )


async def _put_points(session: AsyncSession, planned: Plan) -> None:
    """The points of each participant, summed, where opening and posting find them."""
    rows = planned.accepted
    rows = rows[planned.held.person[rows] >= 0]
    people = planned.held.people
    sums = np.zeros(len(people), dtype=np.int64)
    np.add.at(sums, planned.held.person[rows], planned.points[rows])
    earned = np.nonzero(sums)[0]
    await copy_rows(
        session,
        table="intake_put",
        columns=("participant_id", "points"),
        bodies=[binary_rows(len(earned), [Column("uuid", people[earned]), Column("int8", sums[earned])])],
    )


def _grams(place: Place, planned: Plan) -> dict[str, int]:
    """Grams by the account that they go to: a pool per methodology and month, or the reason why they are in none."""
    rows, chunk = planned.accepted, planned.chunk
    days = shanghai_days(chunk.numbers("happened_us")[rows])
    first = int(days.min())
    group = (planned.credit[rows] * (int(days.max()) - first + 1) + days - first) * len(
        place.methods
    ) + chunk.numbers("method_no")[rows]
    found, where = np.unique(group, return_inverse=True)
    sums = np.zeros(len(found), dtype=np.int64)
    np.add.at(sums, where, chunk.numbers("grams")[rows])
    grams: dict[str, int] = {}
    for number, amount in zip(found.tolist(), sums.tolist(), strict=True):
        if amount:
            rest, method = divmod(number, len(place.methods))
            credit, day = divmod(rest, int(days.max()) - first + 1)
            month = (_EPOCH + timedelta(days=day + first)).strftime("%Y-%m")
            code = _gram_account(place.target, place.methods[method], month, CREDITS[credit])
            grams[code] = grams.get(code, 0) + amount
    return grams


def _gram_account(target: Target, method: StoredMethod, month: str, credit: str) -> str:
    if credit != "pooled":
        return f"uncredited:{target.programme}:{credit}"
    return f"pool:{target.project}:{method.methodology}:{month}" + (":demo" if method.demo else "")


def posting_id(job_id: UUID, seq: int, part: str) -> UUID:
    """The id under which a chunk's `points` or `grams` were posted."""
    return ids.derive(job_id, seq, part)
