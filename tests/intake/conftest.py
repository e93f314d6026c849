"""Files as partners send them, and a converter over the project's own packs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backend.intake.convert import Converted, Converter
from backend.intake.mapping import Mapping, mapping_of
from backend.intake.reading import read_rows
from backend.intake.rows import RowFault
from backend.kit.settings import Keys
from backend.methodologies import methodology_of
from backend.packs import Library, load_all
from backend.packs.overlays import overlay_of
from backend.programmes.shape import programme_of

HEADER = (
    "ride_id,rideable_type,started_at,ended_at,start_station_name,start_station_id,end_station_name,"
    "end_station_id,start_lat,start_lng,end_lat,end_lng,member_casual"
)


def ride(number: int, started: str = "2021-02-03 08:00:00", ended: str = "2021-02-03 08:10:00") -> str:
    """One sound row of the newer bike-share layout: 0.01 degrees of latitude, 1,111 m at least."""
    return f'R{number:06d},docked_bike,{started},{ended},"North, {number}",N1,South,S1,40.72,-74.04,40.73,-74.04,member'


@pytest.fixture(scope="session")
def library() -> Library:
    return load_all()


def converter_for(mapping: Mapping, library: Library, *, evidence: str = "operator_feed") -> Converter:
    return Converter(
        keys=Keys(b"k" * 32),
        mapping=mapping,
        programme=programme_of(library.find(mapping.source.programme)),
        methodologies={
            rule.methodology: methodology_of(library.find(rule.methodology))
            for rule in mapping.rules
            if rule.filter is None
        },
        overlays=[overlay_of(library.find(name)) for name in mapping.source.overlays],
        region=mapping.source.region,
        evidence=evidence,
    )


Convert = Callable[..., tuple[int, list[RowFault]]]


@pytest.fixture
def convert(tmp_path: Path, library: Library) -> Convert:
    """Write bytes to a file, read it by the newer bike-share mapping: rows kept, and the faults by line."""

    def run(
        content: bytes, *, mapping: str = "citibike-2021", file_type: str | None = None
    ) -> tuple[int, list[RowFault]]:
        path = tmp_path / "file"
        path.write_bytes(content)
        described = mapping_of(library.find(mapping))
        converter = converter_for(described, library)
        done: list[Converted] = [
            converter.convert(batch)
            for batch in read_rows(
                path,
                file_type=file_type or described.type,
                encoding=described.encoding,
                columns=described.columns,
            )
        ]
        faults = sorted((fault for part in done for fault in part.faults), key=lambda fault: fault.line)
        return sum(part.rows for part in done), faults

    return run
