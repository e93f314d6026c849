"""Events as people write them to columns, and their grams: what can be read at once is, the rest is read one by one.

Every answer is that of `Quantifier.row`; a test compares them.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from backend.methodologies import MISSING, Input, Quantifier, RowReason
from backend.methodologies.model import COLUMNS
from backend.methodologies.rows import read_unbounded

Int64s = NDArray[np.int64]
Event = Mapping[str, object]
_MOST = 2**63 - 1
_BLOCK_BYTES = 4 << 20
_WHOLE_TIME = len("2024-05-06T08:00:00")
_WHOLE = r"^-?[0-9]{1,18}$"


@dataclass(frozen=True)
class Listed:
    """Events one by one, as read from JSON or from a CSV with peculiar rows."""

    events: Sequence[Event]

    def __len__(self) -> int:
        return len(self.events)

    def event(self, place: int) -> Event:
        return self.events[place]

    def values(self, name: str) -> list[object]:
        return [event.get(name) for event in self.events]

    def take(self, places: Sequence[int]) -> Listed:
        return Listed([self.events[place] for place in places])


@dataclass(frozen=True)
class Columned:
    """Events of a plain block of CSV: one column of texts for each name of the header."""

    columns: Mapping[str, pa.StringArray]
    count: int

    def __len__(self) -> int:
        return self.count

    def event(self, place: int) -> Event:
        return {name: column[place].as_py() for name, column in self.columns.items()}

    def values(self, name: str) -> pa.StringArray | list[object]:
        found = self.columns.get(name)
        return [None] * self.count if found is None else found

    def take(self, places: Sequence[int]) -> Columned:
        if len(places) == self.count:
            return self
        wanted = pa.array(places, pa.int64())
        return Columned({name: column.take(wanted) for name, column in self.columns.items()}, len(places))


Batch = Listed | Columned


def csv_blocks(source: IO[bytes]) -> Iterator[Columned | bytes]:
    """A CSV block by block: as columns where every line is plainly one row, else as bytes with the header before them.

    From the first block that is not plain, all that follows is one stream of bytes with the header on top.
    """
    header = source.readline()
    names = _plain_header(header)
    while block := source.read(_BLOCK_BYTES):
        block += source.readline()
        found = _columns(names, block) if names else None
        if found is None:
            yield header + block
            return
        yield found


def _plain_header(line: bytes) -> list[str]:
    try:
        names = line.decode("utf-8-sig").rstrip("\r\n").split(",")
    except UnicodeDecodeError:
        return []
    plain = '"' not in "".join(names) and "\r" not in "".join(names) and len(set(names)) == len(names)
    return names if plain else []


def _columns(names: list[str], block: bytes) -> Columned | None:
    """The block as columns; None when a quote, an empty line or an uneven row calls for a closer look."""
    if b'"' in block or b"\0" in block or b"\r" in block.replace(b"\r\n", b"\n"):
        return None
    rows = block.count(b"\n") + (not block.endswith(b"\n"))
    try:
        table = pa_csv.read_csv(
            io.BytesIO(block),
            read_options=pa_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=True
            ),
        ).combine_chunks()
    except pa.ArrowException:
        return None
    if table.num_rows != rows:
        return None
    columns = {name: table.column(name).chunk(0) for name in names} if rows else {}
    return Columned(columns, rows)


def groups(batch: Batch, names: Sequence[str]) -> dict[tuple[str, ...], list[int]]:
    """The places of events by the texts that they have under these names; an absent one is empty."""
    found: dict[tuple[str, ...], list[int]] = {}
    columns = [batch.values(name) for name in names]
    coded = [c.dictionary_encode() for c in columns if isinstance(c, pa.Array)]
    if len(coded) == len(columns) and all(len(one.dictionary) == 1 for one in coded):
        return {tuple(one.dictionary[0].as_py() for one in coded): list(range(len(batch)))}
    listed = [c.to_pylist() if isinstance(c, pa.Array) else c for c in columns]
    for place, values in enumerate(zip(*listed, strict=True)):
        found.setdefault(tuple(str(value or "") for value in values), []).append(place)
    return found


def grams_of(quantifier: Quantifier, batch: Batch) -> list[int | RowReason]:
    """The grams of each event, or the reason why it has none; events are of the quantifier's activity and day."""
    columns: dict[str, NDArray[Any]] = {}
    alone: set[int] = set()  # events with a value that no column can hold
    zones: set[bool] = set()
    implied = quantifier.implied_of_one
    for item in quantifier.activity.inputs.values():
        values = batch.values(item.id)
        if item.type in COLUMNS:
            columns[item.id] = _held(item, values, alone, implied.get(item.id, MISSING))
        elif item.type == "timestamp":
            columns[item.id] = _moments(values, alone, zones)
    if len(zones) > 1:  # a time with a zone and one without cannot be compared
        alone.update(range(len(batch)))
    outcome = quantifier.columns(columns, len(batch))
    found: list[int | RowReason] = outcome.grams.tolist()
    for place in np.nonzero(outcome.errors)[0].tolist():
        found[place] = quantifier.reasons[int(outcome.errors[place])]
    for place in alone:
        found[place] = quantifier.row(batch.event(place))
    return found


def _held(item: Input, values: pa.StringArray | list[object], alone: set[int], absent: int) -> Int64s:
    """Whole numbers at once; texts by each that is different; anything else is read alone."""
    if isinstance(values, pa.Array):
        if not item.places and not item.choices and pc.all(pc.match_substring_regex(values, _WHOLE)).as_py():
            return np.asarray(values.cast(pa.int64()), dtype=np.int64)
        coded = values.dictionary_encode()
        each = [_read(item, value, absent) for value in coded.dictionary.to_pylist()]
        column = np.array([MISSING if one is None else one for one in each], dtype=np.int64)
        places = np.asarray(coded.indices)
        unread = np.array([one is None for one in each], dtype=np.bool_)
        alone.update(np.nonzero(unread[places])[0].tolist())
        found: Int64s = column[places]
        return found
    if not item.places and not item.choices and set(map(type, values)) == {int}:
        try:
            whole = np.array(values, dtype=np.int64)
        except OverflowError:
            alone.update(range(len(values)))
            return np.full(len(values), MISSING, dtype=np.int64)
        alone.update(np.nonzero(whole == MISSING)[0].tolist())
        return whole
    known: dict[str, int | None] = {}
    column = np.empty(len(values), dtype=np.int64)
    for place, value in enumerate(values):
        if type(value) is str:
            if value not in known:
                known[value] = _read(item, value, absent)
            held = known[value]
        else:
            held = absent if value is None else _read(item, value, absent)
        if held is None:
            alone.add(place)
        column[place] = MISSING if held is None else held
    return column


def _read(item: Input, value: object, absent: int) -> int | None:
    """The held number of one value; None when it has to be told what is wrong with it."""
    if value == "":
        return absent
    held = read_unbounded(item, value)
    return held if type(held) is int and abs(held) <= _MOST else None


def _moments(values: pa.StringArray | list[object], alone: set[int], zones: set[bool]) -> Int64s:
    """Times as microseconds of UTC, or of no zone where they have none; `zones` notes which of both there are."""
    if isinstance(values, pa.Array):
        shortest = pc.min(pc.utf8_length(values)).as_py()  # Arrow takes a day for a time of any zone
        kinds = (pa.timestamp("us", "UTC"), pa.timestamp("us"))
        for kind in kinds if shortest is not None and shortest >= _WHOLE_TIME else ():
            try:
                moments = values.cast(kind)
            except pa.ArrowInvalid:
                continue
            zones.add(kind.tz is not None)
            return np.asarray(moments.cast(pa.int64()), dtype=np.int64)
        values = values.to_pylist()
    column = np.full(len(values), MISSING, dtype=np.int64)
    for place, value in enumerate(values):
        if value in (None, ""):
            continue
        try:
            moment = dt.datetime.fromisoformat(str(value))
            zoned = moment.tzinfo is not None
            column[place] = (moment - (_EPOCH_UTC if zoned else _EPOCH)) // _MICROSECOND
        except (ValueError, OverflowError):
            alone.add(place)
        else:
            zones.add(zoned)
    return column


_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - stands beside times without a zone
_EPOCH_UTC = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
