"""Who held a chunk's means at the time of each act, and whether the right to its grams was assigned: on whole columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import queries
from backend.kit.copying import Column, binary_rows, copy_rows, fetch_columns

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Held:
    """Per act: an index in `people` (-1: nobody held the means then), and whether the right was assigned.

    `people` are the participants' ids, each once (`V16`).
    """

    person: Int64s
    assigned: NDArray[np.bool_]
    people: NDArray[Any]

    def ids(self) -> NDArray[Any]:
        """The participant of each act; what stands where there is none means nothing."""
        if not len(self.people):
            return np.zeros(len(self.person), dtype="V16")
        return self.people[np.maximum(self.person, 0)]


async def resolve(
    session: AsyncSession, *, means: NDArray[Any], means_no: Int64s, happened_us: Int64s
) -> Held:
    """Look up the holders of `means` (`V16`, each once); `means_no` is each act's place in them."""
    await copy_rows(
        session,
        table="intake_means",
        columns=("n", "token"),
        bodies=[binary_rows(len(means), [Column("int4", np.arange(len(means))), Column("uuid", means)])],
    )
    holders = await fetch_columns(session, queries.HOLDERS, types=_HOLDING | {"participant_id": "uuid"})
    rights = await fetch_columns(session, queries.RIGHTS, types=_HOLDING)
    row = _at(len(means), holders, means_no, happened_us)
    coded = pa.Array.from_buffers(
        pa.binary(16), len(holders["n"]), [None, pa.py_buffer(holders["participant_id"])]
    ).dictionary_encode()
    places = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    people = np.frombuffer(b"".join(coded.dictionary.to_pylist()), dtype="V16")
    person = np.where(row >= 0, places[np.maximum(row, 0)], -1) if len(places) else row
    return Held(person, _at(len(means), rights, means_no, happened_us) >= 0, people)


_HOLDING: dict[str, Any] = {"n": "int4", "low": "timestamptz", "high": "timestamptz"}


def _at(means: int, found: dict[str, NDArray[Any]], means_no: Int64s, happened_us: Int64s) -> Int64s:
    """The row of `found` (in the order of its means) whose `[low, high)` an act lies in, -1 for none."""
    count = np.bincount(found["n"], minlength=means)
    first = np.cumsum(count) - count
    row = np.full(len(means_no), -1, dtype=np.int64)
    if not len(found["n"]):
        return row
    own, begins = count[means_no], first[means_no]
    for turn in range(int(count.max())):  # nearly every means has one holder, so one turn
        place = np.minimum(begins + turn, len(found["n"]) - 1)
        fits = (turn < own) & (found["low"][place] <= happened_us) & (happened_us < found["high"][place])
        row = np.where(fits & (row < 0), place, row)
    return row
