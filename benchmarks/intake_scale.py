"""Intake at scale: whether history slows it, how much memory a large file takes, and what several workers do to each other.

Files are taken in by processes of their own, as workers and the command line do it.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from backend.kit.settings import Settings
from benchmarks.harness import Bench, Report, Round, scratch, superuser
from benchmarks.intake import SOURCE, ours, set_up, write
from puhui import embedded, runtime

_LARGEST_MB = 600
_STEP = 1_000_000


async def growth(
    servers: embedded.Servers, settings: Settings, *, rows: int, citizens: int, rounds: int, stored: int
) -> Report:
    """Our rate with `stored` rides stored beside our rate with a million, each `rounds` times `rows` rides."""
    report = Report("intake-growth", "rows/s", "our own rate with a million rides stored")
    report.notes = {"rows_per_round": rows, "citizens": citizens}
    async with scratch(servers, settings) as bench, runtime.database(bench.settings) as db:
        await set_up(db, bench.settings, citizens)
        with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
            file = Path(folder) / "rides.csv"

            async def take(count: int, seed: int) -> float:
                await asyncio.to_thread(write, file, count, citizens, seed)
                return count / await ours(db, bench, file, count)

            await take(_STEP, 999)
            first = [await take(rows, 2_000 + number) for number in range(rounds)]
            done = _STEP + rounds * rows
            while done < stored:
                await take(min(_STEP, stored - done), 3_000 + done // _STEP)
                done += _STEP
            report.rows_before = done
            for number, before in enumerate(first):
                report.rounds.append(Round(await take(rows, 2_500 + number), before))
            async with superuser(bench) as connection:
                size = await connection.fetchval("SELECT pg_database_size(current_database())")
            report.notes["database_gb"] = round(size / 1e9, 1)
    return report


async def memory(servers: embedded.Servers, settings: Settings, *, rows: int, citizens: int) -> Report:
    """The peak resident memory of the process that takes in one file of `rows` rides, in megabytes."""
    report = Report("intake-memory", "MB", f"{_LARGEST_MB} MB")
    report.notes = {"rows_per_round": rows, "citizens": citizens}
    async with scratch(servers, settings) as bench, runtime.database(bench.settings) as db:
        await set_up(db, bench.settings, citizens)
        with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
            file = Path(folder) / "rides.csv"
            await asyncio.to_thread(_write_apart, file, rows, citizens, 1)
            began = time.perf_counter()
            (peak,) = await _processes(bench, [file])
            report.notes["rows_per_s"] = round(rows / (time.perf_counter() - began))
            report.notes["file_mb"] = round(file.stat().st_size / 1e6)
            report.rounds.append(Round(peak, _LARGEST_MB))
    return report


async def workers(
    servers: embedded.Servers, settings: Settings, *, rows: int, citizens: int, rounds: int, count: int
) -> Report:
    """What `count` processes take in together, each its own file of `rows` rides, beside one process with one."""
    report = Report("intake-workers", "rows/s", "one worker with one such file")
    report.notes = {"rows_per_file": rows, "citizens": citizens, "workers": count}
    async with scratch(servers, settings) as bench, runtime.database(bench.settings) as db:
        await set_up(db, bench.settings, citizens)
        with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
            files = [Path(folder) / f"rides-{number}.csv" for number in range(count)]
            for turn in range(rounds):
                # All of one month and of the same citizens: as much in each other's way as files can be.
                month = 12 * (1 + turn * (count + 1))
                alone = await _rate(bench, files[:1], rows, citizens, [month])
                together = await _rate(
                    bench, files, rows, citizens, [month + 12 * (number + 1) for number in range(count)]
                )
                report.rounds.append(Round(together, alone))
    return report


async def _rate(bench: Bench, files: Sequence[Path], rows: int, citizens: int, seeds: Sequence[int]) -> float:
    for file, seed in zip(files, seeds, strict=True):
        await asyncio.to_thread(write, file, rows, citizens, seed)
    began = time.perf_counter()
    await _processes(bench, files)
    return rows * len(files) / (time.perf_counter() - began)


async def _processes(bench: Bench, files: Sequence[Path]) -> list[float]:
    """Take each file in by a process of its own, all at once; answers the peak of each one's memory in megabytes."""
    pids = [_begin(bench.settings, file) for file in files]
    return await asyncio.gather(*(asyncio.to_thread(_ended, pid) for pid in pids))


def _write_apart(file: Path, rows: int, citizens: int, seed: int) -> None:
    """Write in a process of its own: a process begins with the peak of the one that started it."""
    writer = multiprocessing.get_context("spawn").Process(target=write, args=(file, rows, citizens, seed))
    writer.start()
    writer.join()
    if writer.exitcode:
        raise RuntimeError("the file could not be written")


def _begin(settings: Settings, file: Path) -> int:
    ring = settings.ring
    assert settings.database_url is not None
    assert settings.redis_url is not None
    environment = {
        **os.environ,
        "PUHUI_DATA_DIR": str(settings.data_dir),
        "PUHUI_DATABASE_URL": settings.database_url.get_secret_value(),
        "PUHUI_REDIS_URL": settings.redis_url.get_secret_value(),
        "PUHUI_MASTER_KEY": base64.b64encode(ring.master).decode(),
        "PUHUI_ROOT_KEY": base64.b64encode(ring.root).decode(),
    }
    command = [sys.executable, "-m", "puhui", "ingest", str(file), "--source", SOURCE, "--json"]
    to_nothing = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    return os.posix_spawn(sys.executable, command, environment, file_actions=to_nothing)


def _ended(pid: int) -> float:
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError("a process did not take its file in")
    kilobytes = usage.ru_maxrss / (1_024 if sys.platform == "darwin" else 1)
    return kilobytes * 1_024 / 1e6
