"""What the people and devices of a chunk did before, as screens see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import queries
from backend.intake.claims import key_bounds
from backend.intake.holders import Int64s
from backend.intake.screening import Lines
from backend.kit.copying import Column, binary_rows, copy_rows, fetch_columns
from backend.methodologies import MISSING

_NOWHERE = -(2**31)
_NIL = np.void(bytes(16))
_COLUMNS: dict[str, Any] = {
    "claim_key": "uuid",
    "participant_id": "uuid",
    "source_id": "int4",
    "method_id": "int4",
    "happened_at": "timestamptz",
    "ended_at": "timestamptz",
    "points": "int8",
}
_SEEN: dict[str, Any] = {
    **dict.fromkeys(("from_lat_e7", "from_lon_e7", "to_lat_e7", "to_lon_e7"), "int4"),
    "device": "uuid",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What indices in columns of lines mean: people and devices (`V16`, each once), activities, sources by id."""

    people: NDArray[Any]
    devices: NDArray[Any]
    activities: dict[str, int]
    activity_of: dict[int, int]  # by method
    own: dict[int, int]  # by source: 1 for those of the programme


@dataclass(frozen=True, slots=True)
class History:
    """Acts that count already, and their claim keys (`V16`)."""

    lines: Lines
    keys: NDArray[Any]


async def known_of(
    session: AsyncSession, *, people: NDArray[Any], devices: NDArray[Any], source_id: int
) -> Known:
    """The numbering of a chunk: activities and sources of everything that is stored."""
    activities: dict[str, int] = {}
    activity_of: dict[int, int] = {}
    for row in await session.execute(queries.METHOD_ACTIVITIES):
        activity_of[row.id] = activities.setdefault(row.activity, len(activities))
    sources = (await session.execute(queries.SOURCE_PROGRAMMES)).all()
    programme = next(row.programme_id for row in sources if row.id == source_id)
    return Known(
        people,
        devices,
        activities,
        activity_of,
        {row.id: int(row.programme_id == programme) for row in sources},
    )


async def before(
    session: AsyncSession, known: Known, *, span: tuple[int, int], since: Sequence[int] | None = None
) -> History:
    """The counting acts of these people and devices that began in `span` (from, until; microseconds).

    `since` names the transactions whose acts alone are looked for. The people and devices have to be in their tables
    (`put_known`).
    """
    seen = (await session.execute(text("SELECT EXISTS (SELECT FROM action_place)"))).scalar_one()
    found = await _fetch(session, queries.history(by="people", seen=seen, since=since), span, seen=seen)
    if len(known.devices) and seen:
        more = await _fetch(session, queries.history(by="devices", seen=seen, since=since), span, seen=seen)
        found = {name: np.concatenate([found[name], more[name]]) for name in found}
        _, first = np.unique(found["claim_key"], return_index=True)
        found = {name: values[np.sort(first)] for name, values in found.items()}
    return History(_lines(known, found), found["claim_key"])


async def put_known(session: AsyncSession, known: Known) -> None:
    """Put the people and devices where `before` joins them."""
    for table, name, values in (
        ("intake_people", "participant_id", known.people),
        ("intake_devices", "device", known.devices),
    ):
        if len(values):
            body = binary_rows(len(values), [Column("uuid", values)])
            await copy_rows(session, table=table, columns=(name,), bodies=[body])


async def _fetch(
    session: AsyncSession, query: str, span: tuple[int, int], *, seen: bool
) -> dict[str, NDArray[Any]]:
    types = _COLUMNS | (_SEEN if seen else {})
    found = await fetch_columns(session, query, *key_bounds(*span), *span, types=types)
    n = len(found["claim_key"])
    for name in () if seen else _SEEN:
        found[name] = np.zeros(n, dtype="V16") if name == "device" else np.full(n, _NOWHERE)
    return found


def _lines(known: Known, found: dict[str, NDArray[Any]]) -> Lines:
    n = len(found["claim_key"])
    none, missing = np.full(n, -1, dtype=np.int64), np.full(n, MISSING, dtype=np.int64)
    ended = found["ended_at"]
    corners = {
        name: np.where(found[name] == _NOWHERE, MISSING, found[name]).astype(np.int64)
        for name in _SEEN
        if name != "device"
    }
    people = _places(known.people, found["participant_id"], beyond=True)
    return Lines(
        person=np.where(found["participant_id"] == _NIL, -1, people),
        activity=_mapped(known.activity_of, found["method_id"]).astype(np.int16),
        source=found["source_id"],
        own=_mapped(known.own, found["source_id"]) == 1,
        started_us=found["happened_at"],
        ended_us=np.where(ended == np.iinfo(np.int64).max, MISSING, ended),
        distance_m=missing,
        from_place=none,
        to_place=none,
        device=_places(known.devices, found["device"]),
        points=found["points"],
        order=np.arange(-n, 0, dtype=np.int64),
        activities=tuple(known.activities),
        places=(),
        **corners,
    )


def _nothing() -> History:
    found: dict[str, NDArray[Any]] = {
        name: np.zeros(0, dtype="V16" if kind == "uuid" else np.int64)
        for name, kind in (_COLUMNS | _SEEN).items()
    }
    none = np.zeros(0, dtype="V16")
    return History(_lines(Known(none, none, {}, {}, {}), found), none)


def _mapped(by_id: dict[int, int], ids: Int64s) -> Int64s:
    table = np.full(max(by_id, default=0) + 1, -1, dtype=np.int64)
    table[list(by_id)] = list(by_id.values())
    return table[ids]


def _places(known: NDArray[Any], values: NDArray[Any], *, beyond: bool = False) -> Int64s:
    """Where each value stands in `known`, -1 where it does not; `beyond` numbers the others behind them."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    coded = _fixed(np.concatenate([known, values])).dictionary_encode()
    places: Int64s = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)[len(known) :]
    return places if beyond else np.where(places < len(known), places, -1)


def _fixed(values: NDArray[Any]) -> pa.Array:
    return pa.Array.from_buffers(
        pa.binary(16), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
    )


EMPTY = _nothing()
