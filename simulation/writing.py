"""Partners' files: every trip as the partner's own clock, instruments and file format tell it.

Layouts are those of `packs/mappings/sim-*.toml`. Columns that nobody reads stand beside the others, as in real files.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from simulation.city import City
from simulation.ground import Place
from simulation.labels import NO_ACT, Label, write_labels
from simulation.trips import Partner, Trip

_SHANGHAI = dt.timezone(dt.timedelta(hours=8))
_CLOCKS: Mapping[
    Partner, tuple[int, int]
] = {  # how far a partner's clock is off, and each instrument's beside it (s)
    "metro": (0, 4),
    "bus": (-6, 40),
    "bikes": (2, 12),
    "more-bikes": (17, 15),
    "docks": (-9, 25),
    "walks": (0, 6),
}


@dataclass(frozen=True, slots=True)
class Feed:
    """One written file: the mapping that it is laid out for, and how many of its lines are acts."""

    partner: Partner
    file: str
    mapping: str
    acts: int


@dataclass(frozen=True, slots=True)
class Written:
    """A city as files: `labels.csv` and `holders.csv` are the truth and whose numbers they are; the rest is for intake."""

    folder: Path
    feeds: tuple[Feed, ...]
    labels: Path
    holders: Path


@dataclass(frozen=True, slots=True)
class _Seen:
    """A trip as its partner saw it."""

    place: int
    trip: Trip
    started_s: int
    ended_s: int


def write(city: City, folder: Path, *, partners: Sequence[Partner] | None = None) -> Written:
    """Write the files of these partners (all) into the folder, with labels and holders apart from them."""
    folder.mkdir(parents=True, exist_ok=True)
    labels: list[Label] = []
    feeds = []
    for partner, (file, mapping, writer) in _LAYOUTS.items():
        if partners is not None and partner not in partners:
            continue
        seen = _seen(city, partner)
        lines = writer(folder / file, seen)
        labels += [_label(file, line, city.trips[place], place, act) for line, place, act in lines]
        feeds.append(Feed(partner, file, mapping, sum(act for _, _, act in lines)))
    write_labels(folder / "labels.csv", labels)
    with (folder / "holders.csv").open("w", encoding="utf-8", newline="") as file_:
        writer_ = csv.writer(file_, lineterminator="\n")
        writer_.writerow(("partner", "number", "person"))
        writer_.writerows((*means, person) for means, person in sorted(city.holders().items()))
    return Written(folder, tuple(feeds), folder / "labels.csv", folder / "holders.csv")


def _seen(city: City, partner: Partner) -> list[_Seen]:
    """The partner's trips in the order of their end by its clocks, as servers write them."""
    offset, spread = _CLOCKS[partner]
    dice = Random(f"{city.seed}/clock/{partner}")
    seen = []
    for place, trip in enumerate(city.trips):
        if trip.partner == partner:
            start = trip.started_s + offset + round(dice.gauss(0, spread / 2))
            end = trip.ended_s + offset + round(dice.gauss(0, spread / 2))
            seen.append(_Seen(place, trip, start, max(end, start + 1)))
    return sorted(seen, key=lambda one: (one.ended_s, one.place))


def _label(file: str, line: int, trip: Trip, place: int, act: bool) -> Label:
    return Label(file, line, trip.label if act else NO_ACT, trip.kind, place, trip.twin, trip.person)


_Line = tuple[int, int, bool]  # line, place of the trip, whether the line is an act


def _bikes(path: Path, seen: Sequence[_Seen]) -> list[_Line]:
    header = "用户号,车辆号,开始时间,结束时间,里程公里,手机标识,起点纬度,起点经度,终点纬度,终点经度"
    rows = [
        [
            one.trip.number, f"V{one.place % 9_973:05d}", _local(one.started_s), _local(one.ended_s),
            f"{(one.trip.distance_m or 0) / 1000:.3f}", one.trip.device or "", *_degrees(one.trip),
        ]
        for one in seen
    ]  # fmt: skip
    return _csv(path, header.split(","), rows, seen, encoding="gb18030")


def _more_bikes(path: Path, seen: Sequence[_Seen]) -> list[_Line]:
    header = "account_no,started_at,ended_at,distance_m,device,start_lat,start_lng,end_lat,end_lng"
    rows = [
        [
            one.trip.number, _local(one.started_s), _local(one.ended_s), str(one.trip.distance_m or 0),
            one.trip.device or "", *_degrees(one.trip),
        ]
        for one in seen
    ]  # fmt: skip
    return _csv(path, header.split(","), rows, seen)


def _docks(path: Path, seen: Sequence[_Seen]) -> list[_Line]:
    header = (
        "tripduration", "starttime", "stoptime",
        "start station id", "start station name", "start station latitude", "start station longitude",
        "end station id", "end station name", "end station latitude", "end station longitude", "member no",
    )  # fmt: skip
    rows = []
    for one in seen:
        first, last = one.trip.start, one.trip.end
        rows.append([
            str(one.ended_s - one.started_s), _local(one.started_s), _local(one.ended_s),
            first.name, f"站点 {first.name}", f"{first.lat:.6f}", f"{first.lon:.6f}",
            last.name, f"站点 {last.name}", f"{last.lat:.6f}", f"{last.lon:.6f}", one.trip.number,
        ])  # fmt: skip
    return _csv(path, header, rows, seen)


def _metro(path: Path, seen: Sequence[_Seen]) -> list[_Line]:
    """Gate records in the order of time: an entry is no act of its own, an exit tells both ends of its trip."""
    records: list[tuple[int, int, bool, dict[str, object]]] = []
    for one in seen:
        trip = one.trip
        gone_in = {
            "card": trip.number,
            "event": "in",
            "at": _offset(one.started_s),
            "station": trip.start.name,
        }
        out: dict[str, object] = {
            "card": trip.number,
            "event": "out" if trip.distance_m is None else "out_intercity",
            "at": _offset(one.ended_s),
            "station": trip.end.name,
            "entered_at": _offset(one.started_s),
            "entry_station": trip.start.name,
        }
        if trip.distance_m is not None:
            out["distance_m"] = trip.distance_m
        records.append((one.started_s, one.place, False, dict(gone_in)))
        records.append((one.ended_s, one.place, True, out))
    records.sort(key=lambda record: record[:3])
    text = "".join(json.dumps(facts) + "\n" for *_, facts in records)
    path.write_text(text, encoding="utf-8")
    return [(line, place, act) for line, (_, place, act, _) in enumerate(records, start=1)]


def _walks(path: Path, seen: Sequence[_Seen]) -> list[_Line]:
    text = "".join(
        json.dumps(
            {
                "user": one.trip.number, "device": one.trip.device, "steps": one.trip.steps,
                "distance_m": one.trip.distance_m, "started_at": _offset(one.started_s),
                "ended_at": _offset(one.ended_s),
            }
        )
        + "\n"
        for one in seen
    )  # fmt: skip
    path.write_text(text, encoding="utf-8")
    return [(line, one.place, True) for line, one in enumerate(seen, start=1)]


def _bus(path: Path, seen: Sequence[_Seen]) -> list[_Line]:
    taps = sorted(seen, key=lambda one: (one.started_s, one.place))  # a tap is a boarding; nobody taps out
    when = [dt.datetime.fromtimestamp(one.started_s, _SHANGHAI).replace(tzinfo=None) for one in taps]
    table = pa.table(
        {
            "card_no": pa.array([one.trip.number for one in taps], pa.string()),
            "board_at": pa.array(when, pa.timestamp("s")),
            "stop": pa.array([one.trip.start.name for one in taps], pa.string()),
        }
    )
    pq.write_table(table, path)
    return [(line, one.place, True) for line, one in enumerate(taps, start=1)]


_LAYOUTS: Mapping[Partner, tuple[str, str, Callable[[Path, Sequence[_Seen]], list[_Line]]]] = {
    "bikes": ("bikes.csv", "sim-bikes", _bikes),
    "docks": ("docks.csv", "sim-docks", _docks),
    "metro": ("metro.ndjson", "sim-metro", _metro),
    "bus": ("bus.parquet", "sim-bus", _bus),
    "more-bikes": ("more-bikes.csv", "sim-more-bikes", _more_bikes),
    "walks": ("walks.ndjson", "sim-walks", _walks),
}


def _csv(
    path: Path,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    seen: Sequence[_Seen],
    encoding: str = "utf-8",
) -> list[_Line]:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return [(line, one.place, True) for line, one in enumerate(seen, start=2)]


def _degrees(trip: Trip) -> tuple[str, str, str, str]:
    return (*_pair(trip.start), *_pair(trip.end))


def _pair(place: Place) -> tuple[str, str]:
    return f"{place.lat:.6f}", f"{place.lon:.6f}"


def _local(moment_s: int) -> str:
    return dt.datetime.fromtimestamp(moment_s, _SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _offset(moment_s: int) -> str:
    return dt.datetime.fromtimestamp(moment_s, _SHANGHAI).isoformat()
