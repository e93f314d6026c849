"""`puhui quantify FILE`: grams from a file of events, by one methodology; no database, nothing is kept."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import typer

from backend.kit.errors import DomainError, Kind

Event = Mapping[str, object] | None  # None: the row could not be read as an event
Form = Literal["csv", "json", "ndjson"]


@dataclass(eq=False)
class FileNotEvents(DomainError):
    """The file cannot be read as events in CSV, JSON or NDJSON."""

    code = "quantify.file_not_events"
    kind = Kind.INVALID
    title_zh = "无法把该文件读作 CSV、JSON 或 NDJSON 格式的事件。"

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
        Path, typer.Argument(help="CSV、JSON 或 NDJSON 文件，- 为标准输入 · - reads standard input")
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
        for number, event in enumerate(_events(source, _form(file), str(file)), start=1):
            writer.result(number, sums.take(event))
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
    """Quantifies events one by one, keeping a quantifier per activity and day."""

    def __init__(self, method: Any, on: dt.date | None, region: str, overlays: list[Any]) -> None:
        from backend.packs.overlays import require_region

        self.method, self.on, self.region, self.overlays = method, on, region, overlays
        self.grams = self.events = self.errors = 0
        self.ready: dict[tuple[str, dt.date], Any] = {}
        require_region(
            method.id,
            jurisdiction=method.jurisdiction,
            excludes=method.excludes_jurisdictions,
            region=region,
            overlays=overlays,
        )

    def take(self, event: Event) -> dict[str, Any]:
        from backend.methodologies import RowReason

        self.events += 1
        try:
            if event is None:
                raise RowNotEvent
            names = list(self.method.activities)
            activity = event.get("activity") or (names[0] if len(names) == 1 else "")
            found = self._quantifier(str(activity), self._day_of(event)).row(event)
        except DomainError as error:
            self.errors += 1
            return {
                "error": {
                    "code": error.code,
                    "message_zh": error.message("zh"),
                    "message_en": error.message(),
                }
            }
        if isinstance(found, RowReason):
            self.errors += 1
            facts = {"code": found.code, "field": found.field or None}
            return {"error": {**facts, "message_zh": found.message("zh"), "message_en": found.message()}}
        self.grams += found
        return {"grams": found}

    def _quantifier(self, activity: str, on: dt.date) -> Any:
        from backend.methodologies import prepare

        key = (activity, on)
        if key not in self.ready:
            self.ready[key] = prepare(
                self.method, activity=activity, on=on, region=self.region, overlays=self.overlays
            )
        return self.ready[key]

    def _day_of(self, event: Mapping[str, object]) -> dt.date:
        """`--on`, else the event's own `on`, else today in Shanghai."""
        from backend.kit.clock import today

        if self.on is not None:
            return self.on
        own = event.get("on")
        return (_day(str(own)) if own not in (None, "") else None) or today()

    def summary(self) -> dict[str, Any]:
        return {
            "methodology": self.method.id,
            "version": self.method.version,
            "sha256": self.method.sha256,
            "total": {"grams": self.grams, "events": self.events, "errors": self.errors},
            "total_grams": self.grams,
        }


def _open(file: Path) -> IO[bytes]:
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise FileNotEvents(file=str(file), why=error.strerror or "") from None


def _form(file: Path) -> Form:
    return {".csv": "csv", ".json": "json"}.get(file.suffix.lower(), "ndjson")  # type: ignore[return-value]


def _events(source: IO[bytes], form: Form, name: str) -> Iterator[Event]:
    if form == "csv":
        yield from _csv(source)
    elif form == "json":
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


def _json(raw: bytes) -> Any:
    """The value of a JSON text, None when it is none. Figures with a point stay texts, so no float arises."""
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _csv(source: IO[bytes]) -> Iterator[Event]:
    """Rows by their header. Bytes that are not UTF-8 spoil only the field that holds them."""
    import io

    rows = csv.DictReader(io.TextIOWrapper(source, encoding="utf-8-sig", errors="replace", newline=""))
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

    def result(self, _number: int, result: dict[str, Any]) -> None:
        sys.stdout.write((",\n" if self.begun else '{"results":[\n') + json.dumps(result, ensure_ascii=False))
        self.begun = True

    def end(self, summary: dict[str, Any]) -> None:
        head = "\n]," if self.begun else '{"results":[],'
        sys.stdout.write(head + json.dumps(summary, ensure_ascii=False)[1:] + "\n")


class _LineWriter:
    """A line per event for people, then the total."""

    def result(self, number: int, result: dict[str, Any]) -> None:
        error = result.get("error")
        said = f"✗ {error['message_zh']} · {error['message_en']}" if error else f"{result['grams']} g"
        sys.stdout.write(f"{number:>6}  {said}\n")

    def end(self, summary: dict[str, Any]) -> None:
        total = summary["total"]
        sys.stdout.write(
            f"合计 · total: {total['grams']} gCO2e, {total['events']} 个事件 · events, "
            f"{total['errors']} 个错误 · errors ({summary['methodology']} {summary['version']})\n"
        )
