"""Whether what was read out of the log is what the log says, and whether the log tells a story that can be."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.kit.checks import Checked
from backend.transparency import following, queries
from backend.transparency.standing import Event, Span
from backend.transparency.telling import KINDS, BatchStep, Source

_AT_ONCE = 5_000

_OTHER = ("it is not what the log says", "与日志所载不符")
_EXTRA = ("the log says nothing of it", "日志中并无此事")
_MISSING = ("the log says it and it is not there", "日志所载而此处缺失")
_PROGRESS = ("how far the log was followed is not known", "日志读取进度不明")
_ANOTHER = ("it is not this log that was followed so far", "所读至此的并非本日志")
_BEYOND = ("it was followed beyond its end", "读取进度超出日志末尾")
_IMPOSSIBLE = ("it tells what cannot be", "所述之事不可能发生")

_KEYS = {
    "transparency_event": ("entry_index", "part"),
    "transparency_source": ("entry_index", "serials"),
    "transparency_range": ("line", "serials"),
    "transparency_batch": ("entry_index",),
    "transparency_unfollowed": ("entry_index",),
}


class _Memory:
    """The same as the tables, in lists, read from the beginning."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in queries.TABLES}
        self._lines: dict[str, list[tuple[int, Span]]] = {}
        self._known_in: dict[str, set[str]] = {}  # lines that a book has, or had, numbers of

    async def touched(self, *, book: str, low: int, high: int) -> list[Span]:
        found = []
        for line in sorted(self._known_in.get(book, ())):
            spans = self._lines[line]
            place = max(bisect_left(spans, low, key=_low) - 1, 0)
            while place < len(spans) and spans[place][0] < high:
                span = spans[place][1]
                if span.high > low and book in {span.line, span.book}:
                    found.append(span)
                place += 1
        return found

    async def replace(self, *, gone: Sequence[Span], new: Sequence[Span]) -> None:
        for span in gone:
            spans = self._lines[span.line]
            del spans[bisect_left(spans, span.low, key=_low)]
        for span in new:
            insort(self._lines.setdefault(span.line, []), (span.low, span), key=_low)
            for book in (span.line, span.book):
                self._known_in.setdefault(book, set()).add(span.line)

    async def source(self, source: Source, *, entry_index: int) -> None:
        row = asdict(source)
        for name in ("holder", "market"):
            del row[name]
        self._add("source", entry_index=entry_index, line=row.pop("book"), serials=_pair(row), **row)

    async def events(self, events: Sequence[Event]) -> None:
        for event in events:
            row = asdict(event)
            self._add("event", serials=_pair(row), **row)

    async def batch_step(self, step: BatchStep, *, entry_index: int, kind: str) -> None:
        self._add("batch", entry_index=entry_index, kind=kind, **asdict(step))

    async def unfollowed(self, *, entry_index: int, kind: str, reason: str) -> None:
        self._add("unfollowed", entry_index=entry_index, kind=kind, reason=reason)

    def _add(self, table: str, **row: Any) -> None:
        self.rows[f"transparency_{table}"].append(row)

    def all_rows(self) -> dict[str, list[dict[str, Any]]]:
        spans = [asdict(span) for line in self._lines.values() for _, span in line]
        return self.rows | {"transparency_range": [{"serials": _pair(row), **row} for row in spans]}


def _pair(row: dict[str, Any]) -> tuple[int, int]:
    """Numbers as rows have them, taken out of the two fields that facts have."""
    return row.pop("low"), row.pop("high")


def _low(place: tuple[int, Span]) -> int:
    return place[0]


async def as_the_log_says(session: AsyncSession) -> Checked:
    """Everything that was read, compared with a fresh reading in memory, row by row and column by column.

    The fresh reading goes on to the end of the log, and names every entry that tells what cannot be: of units that are
    not there, or that are gone.
    """
    checked = Checked()
    progress = await queries.progress_rows(session)
    if len(progress) != 1 or not progress[0][0]:
        checked.name("transparency_progress", f"{len(progress)} rows", _PROGRESS)
    size = await log.size(session)
    followed = max((upto for _, upto, _ in progress), default=0)
    if followed > size:
        checked.name("transparency_progress", followed, _BEYOND)
    for _, upto, leaf in progress:
        if leaf != await following.last_leaf(session, upto):
            checked.name("transparency_progress", upto, _ANOTHER)
    memory = _Memory()
    checked.rows += await _read(session, memory, 0, min(followed, size))
    for table, fresh in memory.all_rows().items():
        stored = await queries.everything(session, table)
        checked.rows += len(stored)
        _compare(checked, table, stored=map(_plain, stored), fresh=fresh)
    checked.rows += await _read(session, memory, followed, size)
    for row in memory.rows["transparency_unfollowed"]:
        checked.name("log_entry", f"#{row['entry_index']} {row['kind']}: {row['reason']}", _IMPOSSIBLE)
    return checked


async def _read(session: AsyncSession, memory: _Memory, begin: int, end: int) -> int:
    entries = 0
    for low in range(begin, end, _AT_ONCE):
        for entry in await log.entries(session, low=low, high=min(end, low + _AT_ONCE), kinds=KINDS):
            await following.read(memory, entry)
            entries += 1
    return entries


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    if "serials" in row:
        row["serials"] = (row["serials"].lower, row["serials"].upper)
    return row


def _compare(
    checked: Checked, table: str, *, stored: Iterable[dict[str, Any]], fresh: Iterable[dict[str, Any]]
) -> None:
    key = _KEYS[table]
    there = {tuple(row[name] for name in key): row for row in stored}
    said = {tuple(row[name] for name in key): row for row in fresh}
    for place in sorted(there.keys() | said.keys()):
        if place not in said:
            checked.name(table, _place(place), _EXTRA)
        elif place not in there:
            checked.name(table, _place(place), _MISSING)
        elif there[place] != said[place]:
            names = [name for name, value in said[place].items() if there[place].get(name) != value]
            checked.name(table, f"{_place(place)} ({', '.join(names)})", _OTHER)


def _place(key: tuple[Any, ...]) -> str:
    return " ".join(map(str, key))
