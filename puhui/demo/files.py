"""The partners' files as they would arrive: four formats, and the dirt that real files have, planted on purpose."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from puhui.demo.city import FIRST_DAY, BusRide, City, DockRide, MetroTrip, Ride, apart_m


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file of one partner. The last three say what was planted, to compare with what was found."""

    path: Path
    source: str
    zh: str
    en: str
    duplicates: int
    conflicts: int
    rejected: int


def write_all(city: City, folder: Path) -> list[Delivery]:
    """Write every partner's file of the month; the buses send theirs twice."""
    folder.mkdir(parents=True, exist_ok=True)
    bus = folder / "demo-bus-2026-10.parquet"
    again = folder / "demo-bus-2026-10-resent.parquet"
    taps = _write_bus(city.bus_rides, bus)
    again.write_bytes(bus.read_bytes())
    _write_bikes(city.rides, folder / "demo-bikes-2026-10.csv")
    _write_docks([*city.dock_rides, *_implausible(city)], city.stations, folder / "demo-docks-2026-10.csv")
    _write_metro(city.metro_trips, folder / "demo-metro-2026-10.ndjson")
    return [
        Delivery(folder / "demo-bikes-2026-10.csv", "demo-bikes", "共享单车", "bikes", 4, 2, 7),
        Delivery(folder / "demo-docks-2026-10.csv", "demo-docks", "公共单车", "docks", 0, 3, 2),
        Delivery(folder / "demo-metro-2026-10.ndjson", "demo-metro", "地铁", "metro", 0, 0, 4),
        Delivery(bus, "demo-bus", "公交", "bus", 3, 0, 2),
        Delivery(again, "demo-bus", "公交重发", "bus again", taps + 3, 0, 2),
    ]


def _write_bikes(rides: Sequence[Ride], path: Path) -> None:
    """CSV in GB18030 with a Chinese header: seven bad rows, two conflicting ones, four sent twice."""
    rows = [
        [ride.account, ride.bike, _local(ride.started), _local(ride.ended), f"{ride.distance_m / 1000:.2f}"]
        for ride in rides
    ]
    dirty = [_changed(rows[place], cells) for place, cells in _BAD_RIDES.items()]
    conflicting = [
        _changed(rows[place], {4: "9.99"}) for place in (50, 60)
    ]  # the same ride, another distance
    lines = [_csv_line(row) for row in [*rows, *dirty, *conflicting, *rows[70:74]]]
    lines.insert(
        len(lines) // 2, f'{rides[90].account},"V00001,{_local(rides[90].started)}\r\n'
    )  # an open quote
    lines.append(f"{rides[91].account},V00002,2026-10-3")  # the transfer broke off here
    text = "用户号,车辆号,开始时间,结束时间,里程公里\r\n" + "".join(lines)
    path.write_bytes(text.encode("gb18030"))


# Row number to what is wrong with a copy of it: negative, absurd, backwards, long ago, nobody's.
_BAD_RIDES: dict[int, dict[int, str]] = {
    10: {4: "-1.20"},
    11: {4: "250.00"},
    12: {3: "2026-09-30 06:00:00"},
    13: {2: "1970-01-01 08:00:00"},
    14: {0: ""},
}


def _changed(row: Sequence[str], cells: dict[int, str]) -> list[str]:
    return [cells.get(place, cell) for place, cell in enumerate(row)]


def _csv_line(row: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(row)
    return line.getvalue()


def _implausible(city: City) -> list[DockRide]:
    """Two rides of people who leave the metro in the middle of them, and one across the city in four minutes."""
    member_of = {who.card: who.member for who in city.residents if who.card and who.member and who.assigns}
    riding = {trip.card: trip for trip in city.metro_trips if trip.card in member_of}
    meanwhile = [
        DockRide(member_of[card], trip.left - timedelta(minutes=10), trip.left + timedelta(minutes=10), 0, 1)
        for card, trip in sorted(riding.items())[:2]
    ]
    far = max(
        ((a, b) for a in range(len(city.stations)) for b in range(a)),
        key=lambda pair: apart_m(city.stations[pair[0]], city.stations[pair[1]]),
    )
    night = FIRST_DAY + timedelta(days=3, hours=3)
    rushed = max(member_of.values())
    return [*meanwhile, DockRide(rushed, night, night + timedelta(minutes=4), *far)]


def _write_docks(rides: Sequence[DockRide], stations: Sequence[tuple[str, str]], path: Path) -> None:
    """The older Citi Bike layout; one row without a place to end, one at an impossible latitude."""
    header = (
        "tripduration", "starttime", "stoptime",
        "start station id", "start station name", "start station latitude", "start station longitude",
        "end station id", "end station name", "end station latitude", "end station longitude", "member id",
    )  # fmt: skip
    rows = [
        [
            str(int((ride.ended - ride.started).total_seconds())), _local(ride.started) + ".0000",
            _local(ride.ended) + ".0000", str(ride.start), f"站点 {ride.start}", *stations[ride.start],
            str(ride.end), f"站点 {ride.end}", *stations[ride.end], ride.member,
        ]
        for ride in rides
    ]  # fmt: skip
    rows += [_changed(rows[20], {9: "", 10: ""}), _changed(rows[21], {5: "95.000000"})]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(header)
        writer.writerows(rows)


def _write_metro(trips: Sequence[MetroTrip], path: Path) -> None:
    """One JSON object per gate record; four lines that are none, or none of ours."""
    records: list[tuple[datetime, dict[str, object]]] = []
    for trip in trips:
        records.append((trip.entered, {"card": trip.card, "event": "in"}))
        leaving: dict[str, object] = {"card": trip.card, "event": "out"}
        if trip.distance_m is not None:
            leaving = {"card": trip.card, "event": "out_intercity", "distance_m": trip.distance_m}
        records.append((trip.left, leaving))
    records.sort(key=lambda record: (record[0], str(record[1]["card"])))
    lines = [json.dumps({**facts, "at": at.isoformat()}) for at, facts in records]
    lines[500:500] = [
        json.dumps({"card": trips[0].card, "event": "gate_test", "at": trips[0].left.isoformat()}),
        json.dumps([trips[0].card, "out"]),
        json.dumps({"card": trips[0].card, "event": "out", "at": "2026-12-24T08:00:00+08:00"}),
        lines[0][:25],
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_bus(rides: Sequence[BusRide], path: Path) -> int:
    """Parquet with local times: three taps twice, one without a card, one in the future. Answers the true taps."""
    cards: list[str | None] = [ride.card for ride in rides]
    times = [ride.at.replace(tzinfo=None) for ride in rides]
    cards += [*cards[30:33], None, cards[40]]
    times += [*times[30:33], times[34], times[40] + timedelta(days=365)]
    table = pa.table(
        {
            "card_no": pa.array(cards, pa.string()),
            "board_at": pa.array(times, pa.timestamp("s")),
            "route": pa.array([f"{1 + place % 48}路" for place in range(len(cards))], pa.string()),
        }
    )
    pq.write_table(table, path)
    return len(rides)


def _local(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
