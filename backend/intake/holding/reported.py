"""Events as a source sends them, read by its mapping: the facts of each, or why there are none."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from backend.intake import queries as intake_queries
from backend.intake.convert import Converted, Converter
from backend.intake.holding.model import Facts
from backend.intake.mapping import Mapping as Reading
from backend.intake.mapping import mapping_of
from backend.intake.methods import StoredMethod
from backend.intake.opening import open_source
from backend.intake.reading import RowFault, read_rows
from backend.intake.sources import Source
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.methodologies import MISSING
from backend.packs import Library

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LEFT_OUT = RowFault(0, "", "filtered")  # a row that the mapping leaves out by its own rule


async def read_events(
    db: Database,
    settings: Settings,
    *,
    source: Source,
    events: Sequence[Mapping[str, Any]],
    library: Library,
) -> list[Facts | RowFault]:
    """The facts of each event, or why it has none, as the source's mapping reads one line of NDJSON.

    What acts of new methods, mappings or months need is stored on the way. Raises the refusals of packs and programme.
    """
    mapping = mapping_of(library.find(source.mapping))
    opened = await open_source(db, settings, source=source.code, mapping=mapping, library=library)
    converted = await asyncio.to_thread(_convert, opened.converter, mapping, events)
    methods = await opened.resolve()
    for month in sorted({day.replace(day=1) for part in converted for day in part.days}):
        async with db.transaction() as session:
            known = await session.execute(intake_queries.PARTITION_EXISTS, {"month": month})
            if not known.scalar_one():
                await session.execute(intake_queries.PARTITION, {"month": month})
    return _in_order(converted, len(events), source, mapping, methods)


def _convert(converter: Converter, mapping: Reading, events: Sequence[Mapping[str, Any]]) -> list[Converted]:
    with tempfile.TemporaryDirectory(prefix="puhui-events-") as folder:
        path = Path(folder) / "events.ndjson"
        path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        return [
            converter.convert(batch)
            for batch in read_rows(path, file_type="ndjson", encoding="utf-8", columns=mapping.columns)
        ]


def _in_order(
    converted: Sequence[Converted],
    count: int,
    source: Source,
    mapping: Reading,
    methods: Sequence[StoredMethod],
) -> list[Facts | RowFault]:
    found: list[Facts | RowFault] = [LEFT_OUT] * count
    for part in converted:
        for fault in part.faults:
            found[fault.line - 1] = fault
        for row in part.table.to_pylist():
            found[row["line"] - 1] = Facts(
                claim_key=_uuid(row["claim_key"]),
                source_id=source.id,
                mapping_sha256=mapping.sha256,
                method_id=methods[row["method_no"]].id,
                means_token=_uuid(row["token"]),
                happened_at=_moment(row["happened_us"]),
                ended_at=None if row["ended_us"] == MISSING else _moment(row["ended_us"]),
                inputs=json.loads(row["inputs"]),
                grams=row["grams"],
                covered=row["covered"],
            )
    return found


def _uuid(value: bytes | UUID) -> UUID:
    return value if isinstance(value, UUID) else UUID(bytes=value)


def _moment(us: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=us)
