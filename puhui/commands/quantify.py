"""`puhui quantify FILE`: grams from a file of events, by one methodology; no database, nothing is kept."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

import typer

from backend.kit.errors import DomainError, Kind

if TYPE_CHECKING:
    from puhui.quantifying import Batch, Columned

Event = Mapping[str, object] | None  # None: the row could not be read as an event
BATCH_EVENTS = 20_000  # held at once, however long the file is
Form = Literal["csv", "json", "ndjson", "parquet"]


@dataclass(eq=False)
class FileNotEvents(DomainError):
    """The file cannot be read as events in CSV, JSON, NDJSON or Parquet."""

    code = "quantify.file_not_events"
    kind = Kind.INVALID
    title_zh = "无法把该文件读作 CSV、JSON、NDJSON 或 Parquet 格式的事件。"

    file: str
    why: str


@dataclass(eq=False)
class RowNotEvent(DomainError):
    """This row is not an event."""

    code = "quantify.row_not_event"
    kind = Kind.INVALID
    title_zh = "这一行不是一个事件。"


@dataclass(eq=False)
class DayUnreadable(DomainError):
    """A day is written as 2022-09-23."""

    code = "quantify.day_unreadable"
    kind = Kind.INVALID
    title_zh = "日期应写成 2022-09-23 的样子。"


def register(app: typer.Typer) -> None:
    app.command(help="按方法学计算减排克数 · grams by a methodology")(quantify)


def quantify(
    file: Annotated[
        Path, typer.Argument(help="CSV、JSON、NDJSON 或 Parquet 文件，- 为标准输入 · - reads standard input")
    ],
    *,
    methodology: Annotated[
        str, typer.Option("--methodology", "-m", help="规则包编号或文件 · pack id or file")
    ],
    on: Annotated[
        str | None,
        typer.Option("--on", help="按哪一天的版本，默认为事件当日或今天 · day that selects the edition"),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option("--region", help="ISO 3166-2 地区，默认为规则包的适用地区 · default: the pack's own"),
    ] = None,
    overlay: Annotated[
        list[str] | None,
        typer.Option("--overlay", help="叠加包编号或文件，可多次 · overlay id or file, repeatable"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
) -> None:
    """Each event names its `activity` (which may be left out when there is only one) and its inputs.

    The answer has one result per event, `{"grams": …}` or `{"error": …}`, in the order of the file, and the total.
    """
    from backend import packs
    from backend.methodologies import methodology_of

    overlays = [packs.overlay_of(_find(name)) for name in overlay or []]
    method = methodology_of(_find(methodology))
    sums = _Sums(method, _day(on), region or method.jurisdiction, overlays)
    writer = _JsonWriter() if as_json else _LineWriter()
    with _open(file) as source:
        for batch in _batches(source, _form(file), str(file)):
            writer.results(sums.take_all(batch))
    writer.end(sums.summary())


def _find(name: str) -> Any:
    """A pack by file or by id; the file wins when there is one."""
    from backend import packs

    if name.endswith(".toml") or Path(name).is_file():
        return packs.load(name)
    return packs.load_all().find(name)


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise DayUnreadable from None


class _Sums:
    """Quantifies batches of events as columns, keeping a quantifier per activity and day."""

    def __init__(self, method: Any, on: dt.date | None, region: str, overlays: list[Any]) -> None:
        from backend.packs.overlays import require_region

        self.method, self.on, self.region, self.overlays = method, on, region, overlays
        self.grams = self.events = self.errors = 0
        self.only = next(iter(method.activities)) if len(method.activities) == 1 else ""
        self.ready: dict[tuple[str, dt.date], Any] = {}
        require_region(
            method.id,
            jurisdiction=method.jurisdiction,
            excludes=method.excludes_jurisdictions,
            region=region,
            overlays=overlays,
        )

    def take_all(self, batch: Columned | Sequence[Event]) -> list[int | dict[str, Any]]:
        """The same, also for rows that could not be read as events."""
        from puhui.quantifying import Columned, Listed

        if isinstance(batch, Columned):
            return self.take(batch)
        found = iter(self.take(Listed([event for event in batch if event is not None])))
        missing = _refused(RowNotEvent())
        results = [missing if event is None else next(found) for event in batch]
        self.events += results.count(missing)
        self.errors += results.count(missing)
        return results

    def take(self, batch: Batch) -> list[int | dict[str, Any]]:
        """For each event its grams, or what is wrong with it."""
        from puhui.quantifying import grams_of, groups

        results: list[int | dict[str, Any]] = [0] * len(batch)
        for (activity, on), places in groups(batch, ("activity", "on")).items():
            try:
                quantifier = self._quantifier(activity or self.only, self._day_of(on))
            except DomainError as error:
                for place in places:
                    results[place] = _refused(error)
                continue
            found = grams_of(quantifier, batch.take(places))
            if len(found) == len(results):
                results = [one if type(one) is int else _reason(one) for one in found]
                break
            for place, one in zip(places, found, strict=True):
                results[place] = one if type(one) is int else _reason(one)
        whole = [one for one in results if type(one) is int]
        self.events += len(results)
        self.errors += len(results) - len(whole)
        self.grams += sum(whole)
        return results

    def _quantifier(self, activity: str, on: dt.date) -> Any:
        from backend.methodologies import prepare

        key = (activity, on)
        if key not in self.ready:
            self.ready[key] = prepare(
                self.method, activity=activity, on=on, region=self.region, overlays=self.overlays
            )
        return self.ready[key]

    def _day_of(self, own: str) -> dt.date:
        """`--on`, else the event's own `on`, else today in Shanghai."""
        from backend.kit.clock import today

        return self.on or _day(own or None) or today()

    def summary(self) -> dict[str, Any]:
        return {
            "methodology": self.method.id,
            "version": self.method.version,
            "sha256": self.method.sha256,
            "total": {"grams": self.grams, "events": self.events, "errors": self.errors},
            "total_grams": self.grams,
        }


def _refused(error: DomainError) -> dict[str, Any]:
    return {"code": error.code, "message_zh": error.message("zh"), "message_en": error.message()}


def _reason(reason: Any) -> dict[str, Any]:
    facts = {"code": reason.code, "field": reason.field or None}
    return {**facts, "message_zh": reason.message("zh"), "message_en": reason.message()}


def _open(file: Path) -> IO[bytes]:
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise FileNotEvents(file=str(file), why=error.strerror or "") from None


def _form(file: Path) -> Form:
    return {".csv": "csv", ".json": "json", ".parquet": "parquet"}.get(file.suffix.lower(), "ndjson")  # type: ignore[return-value]


def _events(source: IO[bytes], form: Form, name: str) -> Iterator[Event]:
    if form == "json":
        document = _json(source.read())
        if isinstance(document, dict):
            document = document["events"] if isinstance(document.get("events"), list) else [document]
        if not isinstance(document, list):
            raise FileNotEvents(file=name, why="not a JSON list of events")
        yield from (event if isinstance(event, dict) else None for event in document)
    else:
        for line in source:
            if line.strip():
                event = _json(line)
                yield event if isinstance(event, dict) else None


def _batches(source: IO[bytes], form: Form, name: str) -> Iterator[Columned | list[Event]]:
    """The file in parts that are small in memory: columns where a CSV is plain, else lists of events."""
    from puhui.quantifying import Columned, csv_blocks

    if form == "csv":
        for block in csv_blocks(source):
            if isinstance(block, Columned):
                yield block
            else:
                yield from _listed(_csv(_Behind(block, source)))
    elif form == "parquet":
        yield from _parquet(source, name)
    else:
        yield from _listed(_events(source, form, name))


def _parquet(source: IO[bytes], name: str) -> Iterator[list[Event]]:
    """Rows as events; figures become texts, as they would stand in a CSV. Binary fractions are no figures."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(source)
        for batch in file.iter_batches(batch_size=BATCH_EVENTS):
            yield [
                {
                    key: value if isinstance(value, str) or type(value) is int else str(value)
                    for key, value in row.items()
                    if value is not None
                }
                for row in batch.to_pylist()
            ]
    except pa.ArrowException:
        raise FileNotEvents(file=name, why="not a Parquet file") from None


def _listed(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, BATCH_EVENTS)):
        yield batch


class _Behind(io.RawIOBase):
    """A stream that begins with bytes already read."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._head.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def _json(raw: bytes) -> Any:
    """The value of a JSON text, None when it is none. Figures with a point stay texts, so no float arises."""
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _csv(source: io.RawIOBase) -> Iterator[Event]:
    """Rows by their header. Bytes that are not UTF-8 spoil only the field that holds them."""
    text = io.TextIOWrapper(io.BufferedReader(source), encoding="utf-8-sig", errors="replace", newline="")
    rows = csv.DictReader(text)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield None
        else:
            yield None if None in row or None in row.values() else row


class _JsonWriter:
    """One JSON document, written as the results come, so that a long file needs no memory."""

    def __init__(self) -> None:
        self.begun = False

    def results(self, results: Sequence[int | dict[str, Any]]) -> None:
        told = ",\n".join(
            f'{{"grams": {one}}}' if type(one) is int else json.dumps({"error": one}, ensure_ascii=False)
            for one in results
        )
        sys.stdout.write((",\n" if self.begun else '{"results":[\n') + told)
        self.begun = True

    def end(self, summary: dict[str, Any]) -> None:
        head = "\n]," if self.begun else '{"results":[],'
        sys.stdout.write(head + json.dumps(summary, ensure_ascii=False)[1:] + "\n")


class _LineWriter:
    """A line per event for people, then the total."""

    def __init__(self) -> None:
        self.number = 0

    def results(self, results: Sequence[int | dict[str, Any]]) -> None:
        lines = []
        for number, one in enumerate(results, start=self.number + 1):
            said = f"{one} g" if isinstance(one, int) else f"✗ {one['message_zh']} · {one['message_en']}"
            lines.append(f"{number:>6}  {said}\n")
        self.number += len(results)
        sys.stdout.write("".join(lines))

    def end(self, summary: dict[str, Any]) -> None:
        total = summary["total"]
        sys.stdout.write(
            f"合计 · total: {total['grams']} gCO2e, {total['events']} 个事件 · events, "
            f"{total['errors']} 个错误 · errors ({summary['methodology']} {summary['version']})\n"
        )
