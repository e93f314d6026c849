"""Taking in one file for the command line and the demo: its mapping, its source, progress, and the refused rows.

In the embedded mode a source that is not registered yet is registered from its mapping's suggestions, visibly; with
given servers an operator has to do that first.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from backend import intake, methodologies, packs, programmes
from backend.identity import Role, organisations
from backend.intake import ChunkResult, Mapping, Source, Summary
from backend.intake.reading import header_of
from backend.kit import clock
from backend.kit.errors import DomainError
from backend.programmes.shape import programme_of as programme_in
from puhui import refused
from puhui.refused import RejectedFileUnwritable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from backend.kit.db import Database
    from backend.kit.settings import Settings
    from backend.packs import Library


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was taken in, and where its refused rows are listed (None when there were none).

    `notes` say in Chinese and English what was read in another way than the file says it.
    """

    file_name: str
    source: str
    summary: Summary
    rejected_file: Path | None
    notes: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, object]:
        rejected = str(self.rejected_file) if self.rejected_file is not None else None
        notes = [{"zh": zh, "en": en} for zh, en in self.notes]
        return {"source": self.source, **self.summary.as_dict(), "rejected_file": rejected, "notes": notes}


async def take_in(
    settings: Settings,
    *,
    path: Path,
    source: str,
    mapping: Mapping | None = None,
    rejected: Path | None = None,
    chunk_rows: int | None = None,
    dry_run: bool = False,
    show: Console,
) -> Taken:
    """Take in `path`, register its source when that may be done here, and list what was refused.

    A dry run only says what would become of the rows: the source has to be registered, and nothing is stored.
    """
    from puhui import runtime

    _require_writable(rejected or Path())
    library = packs.load_all()
    async with runtime.database(settings) as db:
        mapping = mapping or await _mapping(db, library, path=path, source=source)
        if dry_run:
            listing = rejected or Path(f"rejected-{source}-dry-run.csv")
            with _bar(path, mapping, show) as (progress, reading), refused.Listing(listing) as listed_rows:
                summary = await intake.rehearse(
                    db,
                    settings,
                    path=path,
                    source=source,
                    mapping=mapping,
                    library=library,
                    progress=progress,
                    reading=reading,
                    refused=listed_rows.add,
                )
            return Taken(path.name, source, summary, listed_rows.written, _notes(mapping))
        await _require_source(db, settings, library, mapping=mapping, code=source, show=show)
        size = {} if chunk_rows is None else {"chunk_rows": chunk_rows}
        with _bar(path, mapping, show) as (progress, reading):
            summary = await intake.ingest(
                db,
                settings,
                path=path,
                source=source,
                mapping=mapping,
                library=library,
                progress=progress,
                reading=reading,
                **size,
            )
        listed = await refused.write(db, summary, rejected or Path(f"rejected-{source}-{summary.job_id}.csv"))
    return Taken(path.name, source, summary, listed, _notes(mapping))


def _notes(mapping: Mapping) -> tuple[tuple[str, str], ...]:
    return tuple(
        dict.fromkeys(
            note for rule in mapping.rules if rule.filter is None for note in mapping.basis_of(rule.activity)
        )
    )


def hint_for(error: DomainError, *, source: str, path: Path) -> str:
    """What to do about a refusal, in both languages; empty when the refusal says it all."""
    if isinstance(error, intake.SourceUnknown):
        return (
            f"请先登记来源：`puhui admin source {source} …`，或由运营方 POST /operator/v1/sources。\n"
            f"Register the source first: `puhui admin source {source} …`, or an operator's POST /operator/v1/sources."
        )
    if isinstance(error, intake.JobRunning):
        return "请等待另一进程完成。 · Wait for the other process; nothing is counted twice."
    if isinstance(error, intake.MappingNeeded):
        return _nearest(path)
    return ""


# --- which mapping ------------------------------------------------------------------------------------------------


async def _mapping(db: Database, library: Library, *, path: Path, source: str) -> Mapping:
    """The source's own mapping; for a source that is not registered the one whose columns the file has.

    A partner that changed its layout is met by another mapping of the same partner.
    """
    try:
        async with db.transaction() as session:
            known = await intake.source_of(session, source)
    except intake.SourceUnknown:
        return intake.mapping_for(path, library)
    own = intake.mapping_of(library.find(known.mapping))
    if own.type == "csv" and not set(header_of(path, encoding=own.encoding)) >= set(own.columns):
        try:
            other = intake.mapping_for(path, library)
        except intake.MappingNeeded:
            return own  # whose columns are then named in the refusal
        if other.source.partner == known.partner:
            return other
    return own


def _nearest(path: Path) -> str:
    """Which columns the file lacks for the mapping that comes nearest."""
    library = packs.load_all()
    header = set(header_of(path))
    found: list[tuple[int, str, list[str]]] = []
    for pack in library.of_kind("mapping"):
        mapping = intake.mapping_of(pack)
        if mapping.type == "csv":
            missing = [column for column in mapping.columns if column not in header]
            found.append((len(missing), mapping.id, missing))
    if not found:
        return ""
    _, name, missing = min(found)
    return (
        f"最接近的内置映射是 {name}，第 1 行缺少这些列：{'、'.join(missing)}\n"
        f"The nearest mapping is {name}; line 1 lacks: {', '.join(missing)}"
    )


# --- the source ---------------------------------------------------------------------------------------------------


async def _require_source(
    db: Database, settings: Settings, library: Library, *, mapping: Mapping, code: str, show: Console
) -> None:
    async with db.transaction() as session:
        try:
            await intake.source_of(session, code)
        except intake.SourceUnknown:
            if not settings.embedded:
                raise
            new = intake.source_by_mapping(code, mapping)
            _require_fit(new, mapping, library)  # before it is registered, for a registration stands for good
            for line in await _register(session, new, library):
                show.print(line, markup=False, soft_wrap=True)


def _require_fit(new: Source, mapping: Mapping, library: Library) -> None:
    """Raise what the intake would refuse of the mapping's suggestions: the programme's region, the methodologies'."""
    overlays = [packs.overlay_of(library.find(name)) for name in new.overlays]
    programme = programme_in(library.find(new.programme))
    intake.require_programme(programme, new, overlays)
    for rule in mapping.rules:
        if rule.filter is None:
            methodology = methodologies.methodology_of(library.find(rule.methodology))
            methodologies.prepare(
                methodology, activity=rule.activity, on=clock.today(), region=new.region, overlays=overlays
            )


async def _register(session: AsyncSession, new: Source, library: Library) -> list[str]:
    """Register a source with what it stands on, and say so."""
    pack = library.find(new.programme)
    said: list[str] = []
    overlays = programmes.settled.concern(pack, [library.find(name) for name in new.overlays])
    programme = await programmes.register(session, pack=pack, overlays=overlays or None)
    await _organisation(session, programme.operator_code, Role.OPERATOR, said)
    await _organisation(session, new.partner, Role.PARTNER, said)
    await intake.register_source(session, new, programme_id=programme.id)
    said.append(
        f"已登记数据来源 {new.code}：计划 {new.programme}，合作方 {new.partner}，地区 {new.region}，"
        f"证据 {new.evidence}，映射 {new.mapping}，叠加包 {'、'.join(new.overlays) or '无'}"
    )
    said.append(
        f"Registered source {new.code}: programme {new.programme}, partner {new.partner}, region {new.region}, "
        f"evidence {new.evidence}, mapping {new.mapping}, overlays {', '.join(new.overlays) or 'none'}"
    )
    return said


async def _organisation(session: AsyncSession, code: str, role: Role, said: list[str]) -> None:
    try:
        await organisations.organisation_by_code(session, code=code)
    except organisations.OrganisationUnknown:
        await organisations.create_organisation(session, code=code, name_zh=code, name_en=code, roles={role})
        said.append(f"已登记机构 {code} · registered organisation {code} ({role.value})")


# --- progress -----------------------------------------------------------------------------------------------------


class _bar:  # noqa: N801 - used as a context manager
    """A bar over the lines of the file; nothing at all where nobody watches."""

    def __init__(self, path: Path, mapping: Mapping, show: Console) -> None:
        self._lines = _count_lines(path, mapping) if show.is_terminal else None
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[dim]已入库 stored[/dim] {task.fields[stored]:,}"),
            TimeElapsedColumn(),
            console=show,
            transient=True,
            disable=not show.is_terminal,
        )

    def __enter__(self) -> tuple[Callable[[ChunkResult], None], Callable[[int], None]]:
        task = self._progress.add_task("接入 taking in", total=self._lines, stored=0)
        stored = 0

        def progress(chunk: ChunkResult) -> None:
            nonlocal stored
            stored += chunk.received
            self._progress.update(task, stored=stored)

        def reading(line: int) -> None:
            self._progress.update(task, completed=line)

        self._progress.start()
        return progress, reading

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _count_lines(path: Path, mapping: Mapping) -> int | None:
    try:
        if mapping.type == "parquet":
            import pyarrow.parquet as pq

            return int(pq.ParquetFile(path).metadata.num_rows)
        if mapping.type == "xlsx":
            return None  # a sheet says how large it is, and may be wrong
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except (OSError, ValueError):
        return None  # the intake itself says what is wrong with the file


# --- refused rows -------------------------------------------------------------------------------------------------


def _require_writable(path: Path) -> None:
    folder = path if path.is_dir() else path.parent
    if path.name and path.is_dir():
        raise RejectedFileUnwritable(reason="it is a folder")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise RejectedFileUnwritable(reason="its folder cannot be written")
