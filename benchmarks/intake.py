"""Intake end to end, from a file to posted points, beside a plain COPY of the same rows.

The reference is one connection's CSV COPY of the very rows that we stored, into a clone of the table with the same
partitions, indexes, constraints and, round for round, the same rows stored before.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
import time
from pathlib import Path

import asyncpg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from backend import programmes
from backend.identity import consent, means, people
from backend.intake import ingest, register_source, source_by_mapping
from backend.intake.mapping import mapping_of
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from benchmarks.harness import Bench, Report, Round, scratch, superuser
from puhui import embedded, runtime

_MAPPING = "bike-share-distance"
SOURCE = "bench-bikes"
DAYS = 27
_HOURS = DAYS * 24
_YEAR = 2025
_COLUMNS = (
    "claim_key, happened_at, ended_at, source_id, method_id, means_token, participant_id, inputs, grams, points, "
    "credit, job_id, seq, line, xid"
)


async def run(
    servers: embedded.Servers,
    settings: Settings,
    *,
    rows: int = 1_000_000,
    citizens: int = 5_000,
    rounds: int = 5,
    stored: int = 0,
) -> Report:
    """`rounds` times `rows` rides of `citizens` citizens, after `stored` rides are already there on both sides."""
    report = Report(
        "intake",
        "rows/s",
        "CSV COPY of the same rows over one connection into a clone with the same indexes and rows",
    )
    report.notes = {"rows_per_round": rows, "citizens": citizens}
    async with scratch(servers, settings) as bench, runtime.database(bench.settings) as db:
        await set_up(db, bench.settings, citizens)
        with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
            file = Path(folder) / "rides.csv"
            done = 0
            while done < stored:
                part = min(1_000_000, stored - done)
                await asyncio.to_thread(write, file, part, citizens, 1_000 + done // 1_000_000)
                await ours(db, bench, file, part)
                await _reference(bench, Path(folder))
                done += part
            report.rows_before = done
            for number in range(rounds):
                await asyncio.to_thread(write, file, rows, citizens, number)
                took = await ours(db, bench, file, rows)
                theirs = await _reference(bench, Path(folder))
                report.rounds.append(Round(rows / took, rows / theirs))
    return report


async def set_up(db: Database, settings: Settings, citizens: int) -> None:
    library = load_all()
    mapping = mapping_of(library.find(_MAPPING))
    since = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    async with db.transaction() as session:
        running = await programmes.register(session, pack=library.find(mapping.source.programme))
        await register_source(session, source_by_mapping(SOURCE, mapping), programme_id=running.id)
    for start in range(0, citizens, 50_000):
        count = min(50_000, citizens - start)
        async with db.transaction() as session:
            made = await people.register_many(session, count=count)
            lines = [
                means.Listed(number=f"A{start + n:07d}", participant_id=who, held_from=since)
                for n, who in enumerate(made)
            ]
            await means.link_list(
                session,
                settings.keys,
                kind=mapping.means.kind,
                operator=mapping.means.operator,
                lines=lines,
                proof_reference="bench",
            )
            await consent.assign_right_list(session, participant_ids=made, covers_from=since)


def write(path: Path, rows: int, citizens: int, seed: int, *, first_day: dt.date | None = None) -> None:
    """Rides of 27 days from a day on, or of one month of 2025, different for every seed, in the order of their start.

    They are rides that people could make, so that every screen looks at them and lets them pass: one at a time, of up to
    fifty minutes, at 2 to 6 metres a second.
    """
    chance = np.random.default_rng(seed)
    month = np.datetime64(first_day or dt.date(_YEAR, 1 + seed % 12, 1), "s")
    account, hour = _turns(chance, rows, citizens)
    length = chance.integers(120, 3_000, rows)
    within = chance.integers(0, 3_600 - length - 64) // 64 * 64 + seed // 12 % 64  # no two files share a ride
    start = month + (hour * 3_600 + within).astype("timedelta64[s]")
    metres = (length * chance.uniform(2, 6, rows)).astype(np.int64)
    order = np.argsort(start, kind="stable")
    account, length, start, metres = account[order], length[order], start[order], metres[order]
    table = pa.table(
        {
            "trip_id": pc.binary_join_element_wise(
                f"T{seed:04d}-", pa.array(np.arange(rows)).cast(pa.string()), ""
            ),
            "account_no": pc.binary_join_element_wise(
                "A", pc.utf8_lpad(pa.array(account).cast(pa.string()), 7, "0"), ""
            ),
            "started_at": pc.strftime(pa.array(start), "%Y-%m-%d %H:%M:%S"),
            "ended_at": pc.strftime(pa.array(start + length.astype("timedelta64[s]")), "%Y-%m-%d %H:%M:%S"),
            "distance_m": metres,
        }
    )
    pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="none"))


def _turns(
    chance: np.random.Generator, rows: int, citizens: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each row an account and an hour of the month, no two rows alike."""
    if rows > citizens * _HOURS:
        raise ValueError("that many rides do not fit into one month of so few citizens")
    found = np.zeros(0, dtype=np.int64)
    while len(found) < rows:
        found = np.unique(np.concatenate([found, chance.integers(0, citizens * _HOURS, rows)]))
    found = chance.permutation(found)[:rows]
    return found // _HOURS, found % _HOURS


async def ours(db: Database, bench: Bench, file: Path, rows: int) -> float:
    library = load_all()
    mapping = mapping_of(library.find(_MAPPING))
    before = time.perf_counter()
    summary = await ingest(db, bench.settings, path=file, source=SOURCE, mapping=mapping, library=library)
    took = time.perf_counter() - before
    if summary.accepted != rows:
        raise RuntimeError(f"the benchmark's file was not taken in: {summary}")
    async with superuser(bench) as connection:
        await connection.execute("ANALYZE action")
    return took


async def _reference(bench: Bench, folder: Path) -> float:
    """COPY the rows of the last job into the clone, and time only that."""
    dump = folder / "rows.csv"
    async with superuser(bench) as connection:
        await _clone(connection)
        with dump.open("wb") as file:
            await connection.copy_from_query(
                f"SELECT {_COLUMNS} FROM action WHERE job_id = "
                "(SELECT id FROM intake_job ORDER BY started_at DESC LIMIT 1)",
                output=file,
                format="csv",
            )
        before = time.perf_counter()
        async with connection.transaction():
            with dump.open("rb") as file:
                await connection.copy_to_table(
                    "bench_action", source=file, columns=_COLUMNS.split(", "), format="csv"
                )
        took = time.perf_counter() - before
        await connection.execute("ANALYZE bench_action")
    dump.unlink()
    return took


async def _clone(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """The table again: same columns, defaults, constraints and indexes, and every partition that the table has."""
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS bench_action (LIKE action INCLUDING ALL) PARTITION BY RANGE (claim_key)"
    )
    for part in await connection.fetch("""
        SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'action'::regclass
    """):
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS bench_{part['relname']} PARTITION OF bench_action {part['bound']}"
        )
