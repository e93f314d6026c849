"""Events as a source sends them, read by its mapping: the facts of each, or why there are none."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from backend.intake.convert import Converted
from backend.intake.holding.model import Facts
from backend.intake.mapping import Mapping as Reading
from backend.intake.mapping import mapping_of
from backend.intake.methods import StoredMethod
from backend.intake.opening import open_source
from backend.intake.partitions import ensure_partitions
from backend.intake.reading import rows_of_events
from backend.intake.rows import RowFault
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
    """The facts of each event, or why it has none, as the source's mapping reads events.

    What acts of new methods, mappings or months need is stored on the way. Raises the refusals of packs and programme.
    """
    mapping = mapping_of(library.find(source.mapping))
    opened = await open_source(db, settings, source=source.code, mapping=mapping, library=library)
    converted = await asyncio.to_thread(
        lambda: opened.converter.convert(rows_of_events(events, mapping.columns))
    )
    methods = await opened.resolve()
    await ensure_partitions(db, [converted], set())
    return _in_order(converted, len(events), source, mapping, methods)


def _in_order(
    converted: Converted,
    count: int,
    source: Source,
    mapping: Reading,
    methods: Sequence[StoredMethod],
) -> list[Facts | RowFault]:
    found: list[Facts | RowFault] = [LEFT_OUT] * count
    for fault in converted.faults:
        found[fault.line - 1] = fault
    for row in converted.table.to_pylist():
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
