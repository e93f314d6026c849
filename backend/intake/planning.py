"""What becomes of each act of a chunk, decided on whole columns before anything is written.

In this order: an act that was claimed before is a duplicate, or waits as a conflict; the holder of its means is found;
screens and caps look at it beside what its person did before; the programme's budget gives what it still has; what is left
is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import consenting, holders, queries, taking_part
from backend.intake.convert import ACTS, Converted
from backend.intake.funding import NO_FUNDS, Funds
from backend.intake.holders import Held, Int64s
from backend.intake.methods import StoredMethod
from backend.intake.plans import CREDITS, Chunk, Fate, Plan, Waiting
from backend.intake.screens import NO_SCREENS, Screens
from backend.kit import clock
from backend.kit.copying import JSONB, Column, Texts, binary_rows, copy_rows, fetch_columns
from backend.methodologies import MISSING

_PROBES = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNLINKED, _NOT_ASSIGNED = CREDITS.index("unlinked"), CREDITS.index("right_not_assigned")
_COVERED = CREDITS.index("covered_boundary")


def gather(batches: Sequence[Converted]) -> Chunk:
    """The acts of these batches as one chunk."""
    table = pa.concat_tables([batch.table for batch in batches] or [ACTS.empty_table()]).combine_chunks()
    if table.num_rows:
        order = _order(_raw(table, "claim_key"))
        if order is not None:
            table = table.take(pa.array(order)).combine_chunks()
    else:
        table = pa.Table.from_arrays([pa.array([], field.type) for field in ACTS], schema=ACTS)
    coded = table.column("token").chunk(0).dictionary_encode()
    means = np.frombuffer(b"".join(coded.dictionary.to_pylist()), dtype="V16")
    numbers = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return Chunk(table, _raw(table, "claim_key"), means, numbers)


def _raw(table: pa.Table, name: str) -> NDArray[Any]:
    column = table.column(name).chunk(0)
    return np.frombuffer(column.buffers()[1], dtype="V16", count=len(column), offset=16 * column.offset)


def _halves(keys: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    halves = np.ascontiguousarray(keys).view(">u8").reshape(-1, 2)
    return halves[:, 0].astype(np.uint64), halves[:, 1].astype(np.uint64)


def _order(keys: NDArray[Any]) -> NDArray[np.int64] | None:
    """The order by key, stable; None when they stand in it already."""
    high, low = _halves(keys)
    if (high[1:] > high[:-1]).all():
        return None
    order = np.argsort(high, kind="stable")
    if (high[order][1:] == high[order][:-1]).any():
        order = np.lexsort((low, high))
    return order


async def plan(
    session: AsyncSession,
    *,
    source_id: int,
    batches: Sequence[Converted],
    methods: Sequence[StoredMethod],
    screens: Screens = NO_SCREENS,
    funds: Funds = NO_FUNDS,
    at: datetime | None = None,
    look: bool = False,
) -> Plan:
    """Decide what becomes of every act. `look` says that some are known to be claimed; otherwise a few are tried.

    Where none of those few is claimed, the others are taken for new: whoever writes then meets the first that is not,
    and plans again.
    """
    chunk = gather(batches)
    fate = np.full(len(chunk), Fate.ACCEPTED, dtype=np.int8)
    waiting: list[Waiting] = []
    _doubled(chunk, fate, waiting)
    if len(chunk):
        if look or await _some_claimed(session, chunk):
            await _standing(session, chunk, source_id, fate, waiting)
        await _held_before(session, chunk, source_id, fate, waiting)
    happened = chunk.numbers("happened_us")
    held = await holders.resolve(session, means=chunk.means, means_no=chunk.means_no, happened_us=happened)
    made = Plan(
        chunk,
        fate,
        held,
        _credit(chunk, held, methods),
        chunk.numbers("points"),
        np.zeros(len(chunk), dtype=np.int16),
        ("",),
        waiting,
    )
    await consenting.apply(session, made, methods=methods)
    await taking_part.apply(session, made, source_id=source_id)
    await screens.apply(session, made, source_id=source_id, methods=methods)
    await funds.apply(session, made, at=at or clock.now())
    return made


def _credit(chunk: Chunk, held: Held, methods: Sequence[StoredMethod]) -> Int64s:
    """Whether the grams of each act go to a pool, or why not; what bars the whole method comes first."""
    barred = np.array([CREDITS.index(method.barrier) if method.barrier else 0 for method in methods] or [0])
    own = barred[chunk.numbers("method_no")]
    covered = chunk.table.column("covered").chunk(0).to_numpy(zero_copy_only=False)
    right = np.where(held.person < 0, _UNLINKED, np.where(held.assigned, 0, _NOT_ASSIGNED))
    return np.where(covered, _COVERED, np.where(own > 0, own, right)).astype(np.int64)


def _doubled(chunk: Chunk, fate: NDArray[np.int8], waiting: list[Waiting]) -> None:
    """Of several rows with one key, the first by line stands; the others repeat it or conflict with it."""
    keys = chunk.keys
    for row in np.nonzero(keys[1:] == keys[:-1])[0].tolist():
        first, again = row, row + 1
        while fate[first] != Fate.ACCEPTED:
            first -= 1
        same = all(
            chunk.table.column(name)[first].equals(chunk.table.column(name)[again])
            for name in ("happened_us", "ended_us", "token", "inputs")
        )
        fate[again] = Fate.DUPLICATE if same else Fate.HELD
        if not same:
            waiting.append(Waiting(again, "claim", "", keys[again].tobytes()))


async def _held_before(
    session: AsyncSession, chunk: Chunk, source_id: int, fate: NDArray[np.int8], waiting: list[Waiting]
) -> None:
    """What waits or was decided already is not held, or accepted, again."""
    span = {"source": source_id, "low": chunk.keys[0].tobytes().hex(), "high": chunk.keys[-1].tobytes().hex()}
    before: dict[bytes, list[_Facts]] = {}
    for row in await session.execute(queries.HELD_BEFORE, span):
        facts = (row.happened_us, row.ended_us, row.means_token.bytes, row.inputs)
        before.setdefault(row.claim_key.bytes, []).append(facts)
    if not before:
        return
    known = np.frombuffer(b"".join(before), dtype="V16")
    for place in np.nonzero(np.isin(chunk.keys, known) & (fate != Fate.DUPLICATE))[0].tolist():
        again = chunk.table.slice(place, 1).to_pylist()[0]
        facts = (again["happened_us"], again["ended_us"], again["token"], json.loads(again["inputs"]))
        if facts in before[chunk.keys[place].tobytes()]:
            fate[place] = Fate.DUPLICATE
    waiting[:] = [one for one in waiting if fate[one.row] == Fate.HELD]


_Facts = tuple[int, int, bytes, object]


async def _some_claimed(session: AsyncSession, chunk: Chunk) -> bool:
    places = np.unique(np.linspace(0, len(chunk) - 1, _PROBES).astype(np.int64))
    keys = [key.tobytes().hex() for key in chunk.keys[places]]
    found: bool = (await session.execute(queries.CLAIMED, {"keys": keys})).scalar_one()
    return found


async def _standing(
    session: AsyncSession, chunk: Chunk, source_id: int, fate: NDArray[np.int8], waiting: list[Waiting]
) -> None:
    """Ask for every act whether its key is claimed, and whether by the same facts."""
    ended = chunk.numbers("ended_us")
    bodies = []
    for with_end in (True, False):
        rows = np.nonzero((ended != MISSING) == with_end)[0]
        bodies.append(
            binary_rows(
                len(rows),
                [
                    Column("int4", rows),
                    Column("uuid", chunk.keys[rows]),
                    Column("timestamptz", chunk.numbers("happened_us")[rows]),
                    Column("timestamptz", ended[rows] if with_end else None),
                    Column("uuid", chunk.means[chunk.means_no[rows]]),
                    Texts(chunk.table.column("inputs").chunk(0).take(pa.array(rows)), JSONB),
                ],
            )
        )
    await copy_rows(
        session,
        table="intake_stage",
        columns=("n", "claim_key", "happened_at", "ended_at", "means_token", "inputs"),
        bodies=bodies,
    )
    found = await fetch_columns(session, queries.STANDING, source_id, types={"n": "int4", "same": "int4"})
    open_ = fate[found["n"]] == Fate.ACCEPTED
    fate[found["n"][open_ & (found["same"] == 1)]] = Fate.DUPLICATE
    for row in found["n"][open_ & (found["same"] == 0)].tolist():
        fate[row] = Fate.HELD
        waiting.append(Waiting(row, "claim", "", chunk.keys[row].tobytes()))


def held_rows(planned: Plan, methods: Sequence[StoredMethod]) -> dict[str, list[Any]]:
    """The waiting acts as the columns of `queries.ADD_HELD`."""
    chunk, rows = planned.chunk, [waiting.row for waiting in planned.waiting]
    acts = chunk.table.take(pa.array(rows, pa.int64())).to_pydict()
    by_row = [methods[number] for number in acts["method_no"]]
    participants = planned.held.ids()
    return {
        "lines": acts["line"],
        "kinds": [waiting.kind for waiting in planned.waiting],
        "codes": [waiting.code for waiting in planned.waiting],
        "claim_keys": [UUID(bytes=key) for key in acts["claim_key"]],
        "against": [UUID(bytes=waiting.against) if waiting.against else None for waiting in planned.waiting],
        "method_ids": [method.id for method in by_row],
        "means_tokens": [UUID(bytes=token) for token in acts["token"]],
        "participants": [
            UUID(bytes=participants[row].tobytes()) if planned.held.person[row] >= 0 else None for row in rows
        ],
        "happened": [_moment(at) for at in acts["happened_us"]],
        "ended": [None if at == MISSING else _moment(at) for at in acts["ended_us"]],
        "inputs": acts["inputs"],
        "grams": acts["grams"],
        "points": acts["points"],
        "barriers": [
            "covered_boundary" if covered else method.barrier
            for covered, method in zip(acts["covered"], by_row, strict=True)
        ],
    }


def _moment(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
