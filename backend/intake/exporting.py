"""Closed months as Parquet: what was counted, with the packs that it was counted by, for anybody to compute again.

A file holds the acts of one methodology, region and set of overlays: what was done on which day, with which inputs, and the
grams. It names nobody: no participant, no means, no time of day, no key. `puhui quantify` computes the same grams from it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import methodologies, packs
from backend.intake.claims import key_bounds
from backend.intake.errors import MonthNotOver
from backend.kit import clock
from backend.kit.db import Database
from backend.methodologies import Quantifier

_AT_ONCE = 20_000
_ACTS = text("""
    SELECT a.method_id, s.region, s.evidence, a.inputs, a.grams, w.claim_key IS NOT NULL AS withdrawn,
           (a.happened_at AT TIME ZONE 'Asia/Shanghai')::date AS on_day
    FROM action a
    JOIN intake_source s ON s.id = a.source_id
    LEFT JOIN action_withdrawn w ON w.claim_key = a.claim_key
    WHERE a.claim_key >= CAST(:low AS uuid) AND a.claim_key < CAST(:high AS uuid)
    ORDER BY a.claim_key
""")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file: its SHA-256, what it was computed by, and its sums. `withdrawn` acts are in it and marked."""

    name: str
    sha256: str
    methodology: str
    pack_sha256: str
    region: str
    overlays: tuple[str, ...]
    acts: int
    withdrawn: int
    grams: int
    quantify: str


@dataclass(slots=True)
class _Group:
    """A file under way."""

    path: Path
    quantifier: Quantifier
    region: str
    names: tuple[str, ...]
    writer: Any
    acts: int = 0
    withdrawn: int = 0
    grams: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)


async def export_month(db: Database, *, month: dt.date, folder: Path) -> list[ExportedFile]:
    """Write the acts of a closed Shanghai month to `folder`, beside the packs and a `manifest.json` that names everything.

    Reads one state of the database. Raises MonthNotOver, and OSError where the folder cannot be written.
    """
    first = month.replace(day=1)
    after = (first + dt.timedelta(days=32)).replace(day=1)
    if after > clock.today():
        raise MonthNotOver(month=f"{first:%Y-%m}")
    await asyncio.to_thread(lambda: folder.mkdir(parents=True, exist_ok=True))
    from_us, until_us = (
        int(dt.datetime.combine(day, dt.time(), clock.SHANGHAI).timestamp() * 1_000_000)
        for day in (first, after)
    )
    low, _ = key_bounds(from_us, from_us)
    high, _ = key_bounds(until_us, until_us)
    with ExitStack() as stack:
        async with db.transaction() as session:
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            groups = _Groups(session, folder, f"{first:%Y-%m}", stack)
            rows = await session.stream(_ACTS, {"low": low, "high": high})
            async for some in rows.partitions(_AT_ONCE):
                await groups.add(some)
        groups.end()
    return groups.told()


class _Groups:
    """The files of one export, by what their acts were computed by."""

    def __init__(self, session: AsyncSession, folder: Path, month: str, stack: ExitStack) -> None:
        self._session, self._folder, self._month, self._stack = session, folder, month, stack
        self._quantifiers: dict[int, Quantifier] = {}
        self._groups: dict[tuple[str, str, tuple[str, ...]], _Group] = {}

    async def add(self, rows: Sequence[Any]) -> None:
        for row in rows:
            group = await self._group(row.method_id, row.region)
            quantifier = self._quantifiers[row.method_id]
            shown = {item.id: item.show(int(row.inputs[item.id])) for item in quantifier.inputs
                     if row.inputs.get(item.id) is not None}  # fmt: skip
            group.waiting.append(
                {
                    "activity": quantifier.activity.id,
                    "on": row.on_day.isoformat(),
                    **{name: shown.get(name) for name in group.names},
                    "evidence": row.evidence,
                    "grams": row.grams,
                    "withdrawn": row.withdrawn,
                }
            )
            group.acts += 1
            group.withdrawn += int(row.withdrawn)
            group.grams += row.grams
        for group in self._groups.values():
            _write(group)

    async def _group(self, method_id: int, region: str) -> _Group:
        if method_id not in self._quantifiers:
            self._quantifiers[method_id] = await methodologies.recover(self._session, method_id=method_id)
        quantifier = self._quantifiers[method_id]
        method = quantifier.methodology
        overlays = tuple(sorted(overlay.sha256 for overlay in quantifier.overlays))
        key = (method.sha256, region, overlays)
        if key not in self._groups:
            for sha256 in (method.sha256, *overlays):
                pack = await packs.recall(self._session, sha256=sha256)
                (self._folder / f"{pack.id}-{sha256[:12]}.toml").write_bytes(pack.text.encode())
            number = sum(1 for known in self._groups if known[:2] == key[:2])
            name = "-".join(
                (self._month, method.id, method.sha256[:8], region, *([str(number)] if number else []))
            )
            names = sorted(
                {item.id for activity in method.activities for item in method.activity(activity).inputs.values()
                 if item.type not in {"timestamp", "text"}}
            )  # fmt: skip
            path = self._folder / f"{name}.parquet"
            schema = pa.schema(
                [
                    ("activity", pa.string()), ("on", pa.string()), *((one, pa.string()) for one in names),
                    ("evidence", pa.string()), ("grams", pa.int64()), ("withdrawn", pa.bool_()),
                ]
            )  # fmt: skip
            writer = self._stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            self._groups[key] = _Group(path, quantifier, region, tuple(names), writer)
        return self._groups[key]

    def end(self) -> None:
        for group in self._groups.values():
            group.writer.close()

    def told(self) -> list[ExportedFile]:
        """What was written; the manifest, too."""
        found = [_told(self._folder, group) for group in self._groups.values()]
        manifest = {"month": self._month, "files": [asdict(one) for one in found]}
        written = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
        (self._folder / "manifest.json").write_text(written, "utf-8")
        return found


def _write(group: _Group) -> None:
    if group.waiting:
        group.writer.write_table(pa.Table.from_pylist(group.waiting, schema=group.writer.schema))
        group.waiting = []


def _told(folder: Path, group: _Group) -> ExportedFile:
    method, overlays = group.quantifier.methodology, group.quantifier.overlays
    beside = "".join(f" --overlay {one.id}-{one.sha256[:12]}.toml" for one in overlays)
    with (folder / group.path.name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportedFile(
        name=group.path.name,
        sha256=digest,
        methodology=method.id,
        pack_sha256=method.sha256,
        region=group.region,
        overlays=tuple(one.id for one in overlays),
        acts=group.acts,
        withdrawn=group.withdrawn,
        grams=group.grams,
        quantify=f"puhui quantify {group.path.name} --methodology {method.id}-{method.sha256[:12]}.toml"
        f" --region {group.region}{beside}",
    )
