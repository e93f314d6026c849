"""The city is the same for a seed, its labels add up, and honest and dishonest trips are what they say."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulation import HONEST, NO_ACT, PATTERNS, City, found, read_labels, write
from simulation.ground import great_circle_m, moved
from simulation.trips import Trip

small = partial(found, people=420, days=7, cheats_per_pattern=3)


@pytest.fixture(scope="module")
def city() -> City:
    return small(7)


def of(city: City, pattern: str) -> list[Trip]:
    return [trip for trip in city.trips if trip.label == pattern]


def km_h(trip: Trip) -> float:
    return (trip.distance_m or 0) / trip.seconds * 3.6


def twin(city: City, trip: Trip) -> Trip:
    assert trip.twin is not None
    return city.trips[trip.twin]


def meet(one: Trip, other: Trip) -> bool:
    return one.started_s < other.ended_s and other.started_s < one.ended_s


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_seed_is_one_city_to_the_byte_and_another_seed_is_another(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        write(small(seed), tmp_path / name)
    assert digests(tmp_path / "one") == digests(tmp_path / "same")
    theirs = digests(tmp_path / "other")
    assert all(theirs[name] != digest for name, digest in digests(tmp_path / "one").items())


def test_honest_life_is_the_same_whatever_fraud_occurs_beside_it(city: City) -> None:
    alone = small(7, patterns=())
    assert alone.trips == of(city, HONEST)


def test_a_later_first_day_moves_every_trip_by_whole_days(city: City) -> None:
    week_on = small(7, first_day=city.first_day.replace(day=19))
    assert [trip.started_s for trip in week_on.trips] == [trip.started_s + 7 * 86_400 for trip in city.trips]


def test_an_unknown_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="no such pattern: levitation"):
        small(1, patterns=("levitation",))


def test_every_line_of_every_file_has_one_label_and_every_trip_one_act(city: City, tmp_path: Path) -> None:
    written = write(city, tmp_path)
    labels = list(read_labels(written.labels))
    lines = {}
    for feed in written.feeds:
        path = tmp_path / feed.file
        if path.suffix == ".parquet":
            lines[feed.file] = list(range(1, pq.ParquetFile(path).metadata.num_rows + 1))
        else:
            begin = 2 if path.suffix == ".csv" else 1
            lines[feed.file] = list(range(begin, path.read_bytes().count(b"\n") + 1))
    told = [(label.file, label.line) for label in labels]
    assert sorted(told) == sorted((file, line) for file, numbers in lines.items() for line in numbers)
    acts = [label for label in labels if label.label != NO_ACT]
    assert sorted(label.trip for label in acts) == list(range(len(city.trips)))
    assert Counter(label.label for label in acts) == Counter(trip.label for trip in city.trips)
    assert sum(feed.acts for feed in written.feeds) == len(city.trips)
    assert {label.file for label in labels if label.label == NO_ACT} == {"metro.ndjson"}


def test_a_line_stands_for_the_trip_that_its_label_names(city: City, tmp_path: Path) -> None:
    written = write(city, tmp_path)
    with (tmp_path / "bikes.csv").open(encoding="gb18030", newline="") as file:
        bikes = list(csv.DictReader(file))
    gates = [json.loads(line) for line in (tmp_path / "metro.ndjson").read_text("utf-8").splitlines()]
    for label in read_labels(written.labels):
        trip = city.trips[label.trip]
        assert (label.kind, label.person, label.twin) == (trip.kind, trip.person, trip.twin)
        if label.file == "bikes.csv":
            row = bikes[label.line - 2]
            assert (row["用户号"], row["里程公里"]) == (trip.number, f"{(trip.distance_m or 0) / 1000:.3f}")
        elif label.file == "metro.ndjson":
            assert gates[label.line - 1]["card"] == trip.number
            assert (gates[label.line - 1]["event"] == "in") == (label.label == NO_ACT)


def test_partners_clocks_are_seconds_off_and_less_than_two_minutes(city: City, tmp_path: Path) -> None:
    import datetime as dt

    written = write(city, tmp_path)
    gates = [json.loads(line) for line in (tmp_path / "metro.ndjson").read_text("utf-8").splitlines()]
    off = [
        dt.datetime.fromisoformat(gates[label.line - 1]["at"]).timestamp() - city.trips[label.trip].ended_s
        for label in read_labels(written.labels)
        if label.file == "metro.ndjson" and label.label != NO_ACT
    ]
    assert 0 < max(abs(seconds) for seconds in off) < 120
    assert len(set(off)) > 3


def test_every_number_has_a_holder_and_nobody_cheats_in_two_ways(city: City) -> None:
    holders = city.holders()
    for trip in city.trips:
        assert holders["metro" if trip.partner == "bus" else trip.partner, trip.number] == trip.person
    cheats = [who for persons in city.cheats.values() for who in persons]
    assert len(cheats) == len(set(cheats))
    assert set(city.cheats) == {pattern.name for pattern in PATTERNS}


def test_an_honest_body_is_in_one_place_at_a_time(city: City) -> None:
    odd = {"together", "companion", "left_unlocked"}
    own: dict[str, list[Trip]] = {}
    for trip in of(city, HONEST):
        if trip.kind not in odd:
            own.setdefault(trip.person, []).append(trip)
    for trips in own.values():
        trips.sort(key=lambda trip: trip.started_s)
        for one, following in itertools.pairwise(trips):
            assert one.ended_s <= following.started_s, (one, following)


def test_honest_legs_ride_walk_and_sit_as_people_do(city: City) -> None:
    for trip in of(city, HONEST):
        assert 0 < trip.seconds < 10 * 3600
        if trip.partner in ("bikes", "more-bikes", "docks") and trip.kind not in (
            "put_back",
            "left_unlocked",
        ):
            assert km_h(trip) < 25
        if trip.partner == "walks":
            assert 3.5 < km_h(trip) < 6
            assert 70 < (trip.steps or 0) / trip.seconds * 60 < 160
        if trip.partner == "metro":
            assert great_circle_m(trip.start, trip.end) / trip.seconds * 3.6 < 40
    kinds = Counter(trip.kind for trip in of(city, HONEST))
    for odd in (
        "commute",
        "transfer",
        "put_back",
        "together",
        "companion",
        "midnight",
        "courier",
        "round_trip",
    ):
        assert kinds[odd], odd


PATTERN_IS: dict[str, Callable[[City, Trip], bool]] = {
    "replay_shifted": lambda city, trip: (
        trip.number == twin(city, trip).number
        and trip.distance_m == twin(city, trip).distance_m
        and trip.seconds == twin(city, trip).seconds
        and trip.started_s > twin(city, trip).started_s
    ),
    "replay_other_id": lambda city, trip: (
        trip.number != twin(city, trip).number
        and trip.person == twin(city, trip).person
        and abs(trip.started_s - twin(city, trip).started_s) <= 20
    ),
    "replay_second_partner": lambda city, trip: (
        (trip.partner, twin(city, trip).partner) == ("more-bikes", "bikes")
        and abs(trip.started_s - twin(city, trip).started_s) <= 60
    ),
    "overlap": lambda city, trip: (
        meet(trip, twin(city, trip))
        and trip.partner != twin(city, trip).partner
        and trip.person == twin(city, trip).person
    ),
    "lent_card": lambda city, trip: (
        great_circle_m(trip.end, twin(city, trip).end) > 1_500 and meet(trip, twin(city, trip))
    ),
    "spoof_fast": lambda _, trip: 21.9 < km_h(trip) < 90.1,
    "spoof_teleport": lambda _, trip: km_h(trip) < 16,
    "spoof_straight": lambda _, trip: abs(great_circle_m(trip.start, trip.end) - (trip.distance_m or 0)) < 1,
    "spoof_zero": lambda _, trip: (trip.distance_m or 0) <= 40 and great_circle_m(trip.start, trip.end) < 5,
    "steps_still": lambda _, trip: (trip.steps or 0) > 20 * max(trip.distance_m or 0, 1),
    "steps_cadence": lambda _, trip: (trip.steps or 0) / trip.seconds * 60 > 209,
    "farm_device": lambda _, trip: km_h(trip) < 16,
    "farm_burst": lambda _, trip: trip.seconds < 300,
    "farm_ring": lambda _, trip: "-" in (trip.device or ""),
}


@pytest.mark.parametrize("pattern", [pattern.name for pattern in PATTERNS])
def test_a_pattern_is_what_it_says(city: City, pattern: str) -> None:
    trips = of(city, pattern)
    assert trips
    for trip in trips:
        assert PATTERN_IS[pattern](city, trip), trip


def test_farms_share_phones_rings_pass_them_on_and_teleports_jump(city: City) -> None:
    farms: dict[str | None, set[str]] = {}
    rings: dict[str, set[str | None]] = {}
    for trip in of(city, "farm_device"):
        farms.setdefault(trip.device, set()).add(trip.number)
    for trip in of(city, "farm_ring"):
        rings.setdefault(trip.number, set()).add(trip.device)
    assert all(len(numbers) >= 5 for numbers in farms.values())
    assert max(len(devices) for devices in rings.values()) > 1
    jumps = sorted(of(city, "spoof_teleport"), key=lambda trip: (trip.person, trip.started_s))
    gaps = [
        great_circle_m(one.end, then.start)
        for one, then in itertools.pairwise(jumps)
        if one.person == then.person and 0 < then.started_s - one.ended_s < 700
    ]
    assert gaps
    assert min(gaps) > 1_000


def test_ground_is_measured_as_on_a_globe() -> None:
    here = moved(found(1, people=1, days=1).people[0].home, east_m=0, north_m=0)
    assert great_circle_m(here, moved(here, east_m=3_000, north_m=4_000)) == pytest.approx(5_000, rel=1e-3)
