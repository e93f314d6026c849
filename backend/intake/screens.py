"""Screens in the pipeline: a chunk beside what its people and devices did before, put before the rules.

What is said of a chunk must not depend on who commits first. So it is planned on what is committed, and before its own commit
it takes its turn: acts that others committed meanwhile are looked at, and where they would have changed a verdict the
chunk is planned again, this time with the turn taken first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import queries
from backend.intake.history import EMPTY, Known, before, known_of, put_known
from backend.intake.holders import Int64s
from backend.intake.methods import StoredMethod
from backend.intake.placing import CORNERS
from backend.intake.plans import Fate, Plan, Screened, Waiting
from backend.intake.rows import RowFault
from backend.intake.screening import Lines, ScreenRules, screen
from backend.kit import clock

_KINDS = {"overlap", "early", "late"}


class Overtaken(Exception):
    """Acts that another transaction committed meanwhile would change what the screens say of this one's."""


@dataclass(frozen=True, slots=True)
class Screens:
    """The screens of one source; `rules` None: none at all. `first` takes the turn before anything is looked at."""

    rules: ScreenRules | None = None
    first: bool = False

    def in_front(self) -> Screens:
        """The same screens for an attempt that nobody may overtake again."""
        return replace(self, first=True)

    async def apply(
        self, session: AsyncSession, plan: Plan, *, source_id: int, methods: Sequence[StoredMethod]
    ) -> None:
        """Hold, reject or trim what the rules say of the plan's acts."""
        rows = plan.accepted
        if self.rules is None or not len(rows):
            return
        if self.first:
            await session.execute(queries.CONFIRM)
        snapshot = (await session.execute(queries.SNAPSHOT)).scalar_one()
        now_us = int(clock.now().timestamp() * 1_000_000)
        started = plan.chunk.numbers("happened_us")[rows]
        ended = plan.chunk.numbers("ended_us")[rows]
        span = self.rules.span(int(started.min()), int(np.maximum(started, ended).max()))
        known = await known_of(
            session, people=plan.held.people, devices=_devices(plan.chunk.table), source_id=source_id
        )
        lines = _lines(plan, known, rows, source_id=source_id, methods=methods)
        history = EMPTY
        if self.rules.look_back:
            await put_known(session, known)
            history = await before(session, known, span=span)
        verdicts = screen(lines, history.lines, self.rules, now_us)
        plan.screened = Screened(snapshot, span, known, lines, rows, history, verdicts, now_us)
        _follow(plan, plan.screened)

    async def confirm(self, session: AsyncSession, plan: Plan) -> None:
        """Raise Overtaken when what others committed since would have changed a verdict; from here to the commit nobody overtakes."""
        seen = plan.screened
        if seen is None or self.rules is None or not self.rules.look_back:
            return
        await session.execute(queries.CONFIRM)
        since = (await session.execute(queries.CONFIRMED_SINCE, {"snapshot": seen.snapshot})).scalars().all()
        if not since:
            return
        fresh = await before(session, seen.known, span=seen.span, since=since)
        if not len(fresh.keys):
            return
        now = screen(seen.lines, _joined(seen.history.lines, fresh.lines), self.rules, seen.now_us)
        then = seen.verdicts
        same = (now.screen == then.screen).all() and (now.points == then.points).all()
        if not (same and (now.cap == then.cap).all()):
            raise Overtaken


NO_SCREENS = Screens()


def _follow(plan: Plan, seen: Screened) -> None:
    """Put the verdicts into the plan."""
    said, rows, before_rows = seen.verdicts, seen.rows, len(seen.history.keys)
    plan.points = plan.points.copy()
    plan.points[rows] = said.points
    plan.cap[rows] = said.cap
    plan.caps = said.caps
    lines = plan.chunk.numbers("line")
    for place in np.nonzero(said.screen)[0].tolist():
        row, number = int(rows[place]), int(said.screen[place])
        name = said.screens[number]
        if not said.held[number]:
            plan.fate[row] = Fate.REJECTED
            plan.faults.append(RowFault(int(lines[row]), "", name))
            continue
        other, against = int(said.against[place]), None
        if name == "overlap":
            key = (
                seen.history.keys[other]
                if other < before_rows
                else plan.chunk.keys[rows[other - before_rows]]
            )
            against = key.tobytes()
        plan.fate[row] = Fate.HELD
        kind = name if name in _KINDS else "screen"
        plan.waiting.append(Waiting(row, kind, "" if kind == name else name, against))


def _devices(table: pa.Table) -> NDArray[Any]:
    column = table.column("device").chunk(0)
    if column.null_count == len(column):
        return np.zeros(0, dtype="V16")
    return np.frombuffer(b"".join(column.drop_null().unique().to_pylist()), dtype="V16")


def _lines(
    plan: Plan, known: Known, rows: Int64s, *, source_id: int, methods: Sequence[StoredMethod]
) -> Lines:
    chunk, n = plan.chunk, len(rows)
    numbers = {name: chunk.numbers(name)[rows] for name in ("distance_m", *CORNERS)}
    stations, places = _stations(chunk.table, rows)
    activities = known.activities
    codes = np.array([activities.setdefault(m.activity, len(activities)) for m in methods], dtype=np.int16)
    return Lines(
        person=plan.held.person[rows],
        activity=codes[chunk.numbers("method_no")[rows]],
        source=np.full(n, source_id, dtype=np.int64),
        own=np.ones(n, dtype=np.bool_),
        started_us=chunk.numbers("happened_us")[rows],
        ended_us=chunk.numbers("ended_us")[rows],
        from_place=stations["from_place"],
        to_place=stations["to_place"],
        device=_indices(chunk.table.column("device").chunk(0), known.devices, rows),
        points=plan.points[rows],
        order=chunk.numbers("line")[rows],
        activities=tuple(activities),
        places=places,
        **numbers,
    )


def _stations(table: pa.Table, rows: Int64s) -> tuple[dict[str, Int64s], tuple[str, ...]]:
    """Stations as indices in one list of codes, -1 where a row has none."""
    columns = {name: table.column(name).chunk(0) for name in ("from_place", "to_place")}
    if all(column.null_count == len(column) for column in columns.values()):
        return dict.fromkeys(columns, np.full(len(rows), -1, dtype=np.int64)), ()
    coded = pa.concat_arrays(list(columns.values())).dictionary_encode()
    indices = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    found = {"from_place": indices[: table.num_rows][rows], "to_place": indices[table.num_rows :][rows]}
    return found, tuple(coded.dictionary.to_pylist())


def _indices(column: pa.Array, known: NDArray[Any], rows: Int64s) -> Int64s:
    if not len(known):
        return np.full(len(rows), -1, dtype=np.int64)
    place = {value.tobytes(): number for number, value in enumerate(known)}
    coded = column.dictionary_encode()
    by_code = np.array([place[value] for value in coded.dictionary.to_pylist()], dtype=np.int64)
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)[rows]
    return np.where(codes < 0, -1, by_code[np.maximum(codes, 0)])


def _joined(first: Lines, second: Lines) -> Lines:
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in Lines.__slots__
        if name not in {"activities", "places"}
    }
    return replace(first, **columns)
