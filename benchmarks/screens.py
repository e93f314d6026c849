"""What the screens find of a city whose cheats are known, and how many trips of real files they hit.

Files go the way of any partner's file: the real intake on a database of its own, one per seed, by the clock of the day
after the last trip. The simulation is blind to the screens; this file only compares lines with labels.
"""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from backend import intake, programmes
from backend.identity import consent, means, people
from backend.intake.errors import ROW_REASONS
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import Library, load_all
from benchmarks.harness import Bench, scratch, superuser
from benchmarks.scores import ACCEPTED, Outcome, Score, judged, percent, score, together
from puhui import embedded, runtime
from simulation import HONEST, City, Written, found, read_labels, write

_LISTED = 20_000
FAULTY = "row "  # before the code of a row that says nothing sound, whatever the screens think


@dataclass(frozen=True, slots=True)
class CityReport:
    """What was found in the city of one seed; `skipped` are its files that no mapping of the library reads."""

    seed: int
    score: Score
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileReport:
    """What was hit in a file whose trips are taken to be honest.

    `left_out` lines report no act, or one that was reported before; `faulty` ones cannot be read as one.
    """

    file: str
    mapping: str
    score: Score
    left_out: int
    faulty: int


async def run(
    servers: embedded.Servers,
    settings: Settings,
    *,
    seeds: Sequence[int],
    citizens: int,
    days: int,
    library: Library | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[CityReport]:
    """The screens against the city of each seed."""
    reports = []
    for seed in seeds:
        progress(f"seed {seed}: …")
        city = found(seed, people=citizens, days=days)
        with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
            written = write(city, Path(folder))
            async with scratch(servers, settings) as bench:
                with clock.travel(_day_after(city)):
                    reports.append(await _screen_city(bench, city, written, library or load_all()))
    return reports


async def run_files(
    servers: embedded.Servers,
    settings: Settings,
    *,
    paths: Sequence[Path],
    library: Library | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[FileReport]:
    """The screens against real files, one after the other in one database, read by the mapping that fits each.

    Every number in a file is linked to a participant of its own; where a mapping spreads rows over stand-in accounts,
    nobody holds them. Raises MappingNeeded where no mapping fits.
    """
    library = library or load_all()
    reports = []
    async with scratch(servers, settings) as bench, runtime.database(bench.settings) as db:
        for path in paths:
            progress(f"{path.name} …")
            mapping = intake.mapping_for(path, library)
            numbers, last = _numbers_and_last_day(path, mapping)
            with clock.travel(last + dt.timedelta(days=1)):
                await _open(db, mapping, library)
                if mapping.means.groups is None:
                    own = {number: number for number in numbers}
                    await _link(db, bench.settings, {(mapping.means.kind, mapping.means.operator): own})
                hits, missing = await _take(db, bench, path, mapping, library)
            read = [by for by in hits.values() if not by.startswith(FAULTY)]
            outcomes = [Outcome(HONEST, "trip", by) for by in read]
            faulty = len(hits) - len(read)
            reports.append(FileReport(path.name, mapping.id, score(outcomes), missing, faulty))
    return reports


def whole(reports: Sequence[CityReport]) -> Score:
    """All seeds as one city."""
    return together([report.score for report in reports])


def as_dict(cities: Sequence[CityReport], files: Sequence[FileReport]) -> dict[str, object]:
    """The report as JSON tells it: all seeds together, each seed, and each real file."""
    answer: dict[str, object] = {"name": "screens"}
    if cities:
        answer["seeds"] = [report.seed for report in cities]
        answer["skipped"] = list(cities[0].skipped)
        answer |= whole(cities).as_dict()
        answer["by_seed"] = {
            str(report.seed): {
                "recall": {name: _share(tally.share) for name, tally in report.score.patterns.items()},
                "honest_share": _share(report.score.all_honest.share),
            }
            for report in cities
        }
    if files:
        answer["files"] = {
            report.file: {
                "mapping": report.mapping,
                "acts": report.score.all_honest.lines,
                "hit": report.score.all_honest.hit,
                "share": _share(report.score.all_honest.share),
                "by": dict(report.score.all_honest.by.most_common()),
                "left_out": report.left_out,
                "faulty": report.faulty,
            }
            for report in files
        }
    return answer


def by_seed(reports: Sequence[CityReport]) -> list[str]:
    """Each seed on a line of its own, where there are several."""
    if len(reports) < 2:
        return []
    lines = ["", "各种子 · Per seed", f"{'seed':<22}{'recall':>9}{'honest hit':>12}"]
    for report in reports:
        fraud, honest = report.score.all_fraud.share, report.score.all_honest.share
        lines.append(f"{report.seed:<22}{percent(fraud):>9}{percent(honest, places=2):>12}")
    return lines


def by_file(reports: Sequence[FileReport]) -> list[str]:
    """The real files, and what hit their trips."""
    lines = ["", "真实文件 · Real files", f"{'file':<24}{'acts':>7}{'hit':>6}{'share':>8}"] if reports else []
    for report in reports:
        honest = report.score.all_honest
        lines.append(
            f"{report.file[:23]:<24}{honest.lines:>7}{honest.hit:>6}{percent(honest.share, places=2):>8}"
        )
        lines += [f"  {by:<29}{number:>6}" for by, number in honest.by.most_common()]
        lines += [f"  {'(faulty rows)':<22}{report.faulty:>7}"] if report.faulty else []
    return lines


async def _screen_city(bench: Bench, city: City, written: Written, library: Library) -> CityReport:
    mappings = {
        feed.file: intake.mapping_of(library.find(feed.mapping))
        for feed in written.feeds
        if feed.mapping in library.packs
    }
    by_partner: dict[str, dict[str, str]] = {}
    with written.holders.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_partner.setdefault(row["partner"], {})[row["number"]] = row["person"]
    async with runtime.database(bench.settings) as db:
        lists: dict[tuple[str, str], dict[str, str]] = {}
        for feed in written.feeds:
            if (mapping := mappings.get(feed.file)) is not None:
                await _open(db, mapping, library)
                own = by_partner.get("metro" if feed.partner == "bus" else feed.partner, {})
                lists.setdefault((mapping.means.kind, mapping.means.operator), {}).update(own)
        await _link(db, bench.settings, lists)
        hits: dict[tuple[str, int], str] = {}
        for feed in written.feeds:
            if (mapping := mappings.get(feed.file)) is not None:
                taken, _ = await _take(db, bench, written.folder / feed.file, mapping, library)
                hits |= {(feed.file, line): by for line, by in taken.items()}
    outcomes = judged((label for label in read_labels(written.labels) if label.file in mappings), hits)
    skipped = tuple(feed.file for feed in written.feeds if feed.file not in mappings)
    return CityReport(city.seed, score(outcomes), skipped)


async def _open(db: Database, mapping: intake.Mapping, library: Library) -> None:
    """The programme and the source of a mapping."""
    async with db.transaction() as session:
        running = await programmes.register(session, pack=library.find(mapping.source.programme))
        source = intake.source_by_mapping(mapping.id, mapping)
        await intake.register_source(session, source, programme_id=running.id)


async def _link(db: Database, settings: Settings, lists: dict[tuple[str, str], dict[str, str]]) -> None:
    """Link every number with the participant whom its person becomes, as an operator's list does."""
    since = clock.now() - dt.timedelta(days=3_650)
    persons = sorted({person for own in lists.values() for person in own.values()})
    async with db.transaction() as session:
        made = dict(zip(persons, await people.register_many(session, count=len(persons)), strict=True))
        await consent.assign_right_list(session, participant_ids=list(made.values()), covers_from=since)
        for (kind, operator), own in lists.items():
            listed = [means.Listed(number, made[person], since) for number, person in own.items()]
            for start in range(0, len(listed), _LISTED):
                await means.link_list(
                    session,
                    settings.keys,
                    kind=kind,
                    operator=operator,
                    lines=listed[start : start + _LISTED],
                    proof_reference="bench",
                )


async def _take(
    db: Database, bench: Bench, path: Path, mapping: intake.Mapping, library: Library
) -> tuple[dict[int, str], int]:
    """Take a file in; what hit each line that was not left out as no act or as a duplicate, and how many those are."""
    summary = await intake.ingest(
        db, bench.settings, path=path, source=mapping.id, mapping=mapping, library=library
    )
    async with superuser(bench) as connection:
        hits = dict(await _fates(connection, summary))
    return hits, summary.received - len(hits)


async def _fates(
    connection: asyncpg.Connection[asyncpg.Record], summary: intake.Summary
) -> Iterable[tuple[int, str]]:
    rows = await connection.fetch(
        """
        SELECT a.line, COALESCE('cap ' || t.cap, $2) AS by
        FROM action a LEFT JOIN action_trimmed t USING (claim_key) WHERE a.job_id = $1
        UNION ALL
        SELECT line, CASE WHEN code = '' THEN kind ELSE code END FROM intake_held WHERE job_id = $1
        UNION ALL
        SELECT line, CASE WHEN code = ANY($3) THEN $4 || code ELSE code END FROM intake_rejection WHERE job_id = $1
        """,
        summary.job_id,
        ACCEPTED,
        list(ROW_REASONS),
        FAULTY,
    )
    return [(row["line"], row["by"]) for row in rows]


def _numbers_and_last_day(path: Path, mapping: intake.Mapping) -> tuple[list[str], dt.datetime]:
    """The distinct numbers of a CSV file as the mapping joins them, and the last time that stands in it."""
    rule = next(rule for rule in mapping.rules if rule.filter is None)
    column = next(field.columns[0] for field in rule.inputs if field.id == rule.happened_at)
    numbers: dict[str, None] = {}
    last = ""
    with path.open(encoding=mapping.encoding, newline="") as file:
        for row in csv.DictReader(file):
            numbers["|".join(row[name] for name in mapping.means.columns)] = None
            last = max(last, row[column])
    return list(numbers), dt.datetime.fromisoformat(last[:19]).replace(tzinfo=mapping.time_zone)


def _day_after(city: City) -> dt.datetime:
    day = city.first_day + dt.timedelta(days=city.days + 1)
    return dt.datetime.combine(day, dt.time(12), clock.SHANGHAI)


def _share(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
