"""The citizen's home over HTTP, beside one select by primary key in a bare app.

Both are served on the loopback with two workers and written out alike, on the same database, and asked by 32 clients in two further
processes, in turns. Ours has everything on: tokens, rate limits (raised), request ids, the log. The reference is FastAPI with one
endpoint that reads one wallet's row by its key over asyncpg, and nothing else. Those who ask have a year of acts behind them.
Who reads for the first time in a month is shown apart: their sums up to today are kept then, and only added to afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from backend.identity.tokens import Audience
from backend.identity.tokens.access import sign_access
from backend.kit import clock, ids
from backend.kit.settings import Settings
from benchmarks import bare, intake, redeem, wire
from benchmarks.harness import Bench, Report, Round, scratch, superuser
from benchmarks.tpcb import CLIENTS, PROCESSES
from puhui import embedded, runtime

REFERENCE = "one select by primary key per request in a bare FastAPI app over asyncpg, served alike"
CITIZENS, ACTIVE, WORKERS = 10_000, 5_000, 2
MONTHS, A_MONTH = 12, 10  # acts of each active citizen, in spans of 27 days up to today
_WARM_S = 1.0


async def run(
    servers: embedded.Servers,
    settings: Settings,
    *,
    seconds: float = 10,
    rounds: int = 5,
    citizens: int = CITIZENS,
) -> list[Report]:
    """Readings by whoever read before in the month, and first ones; `citizens` wallets stored beside those of the active ones."""
    again, first = [Report(name, "requests/s", REFERENCE) for name in ("read", "read for the first time")]
    async with scratch(servers, settings) as bench:
        people = await _set_up(bench, citizens)
        async with superuser(bench) as connection:
            await connection.execute("VACUUM ANALYZE")
            rows = await connection.fetchval("SELECT count(*) FROM action")
            wallets = await connection.fetchval("SELECT count(*) FROM ledger_account WHERE kind = 'wallet'")
            keys = await connection.fetch("SELECT id FROM ledger_account WHERE kind = 'wallet' LIMIT 10000")
        for report in (again, first):
            report.rows_before = rows
            report.notes = {"wallets": wallets, "acts_each": MONTHS * A_MONTH}
        home = [("/mobile/v1/home", _authorised(bench.settings, one)) for one in people]
        bare_requests: Requests = [(f"/wallet/{row['id']}", {}) for row in keys]
        with wire.served(bench.settings, workers=WORKERS) as ours, _bare(bench) as theirs:
            for number in range(rounds):
                part = home[number::rounds]
                latencies, took = await asyncio.to_thread(_each_once, ours, part)
                first_rate = len(part) / took
                first.latencies_ms.extend(latencies)
                known = [one for before in range(number + 1) for one in home[before::rounds]]
                rates: dict[int, float] = {}
                for port, requests in ((ours, known), (theirs, bare_requests))[:: -1 if number % 2 else 1]:
                    latencies = await asyncio.to_thread(_asked, port, requests, seconds)
                    rates[port] = len(latencies) / seconds
                    if port == ours:
                        again.latencies_ms.extend(latencies)
                again.rounds.append(Round(rates[ours], rates[theirs]))
                first.rounds.append(Round(first_rate, rates[theirs]))
    return [again, first]


async def _set_up(bench: Bench, citizens: int) -> list[tuple[UUID, UUID]]:
    """A year of rides taken in, further wallets by whole sets, and a session of each active citizen."""
    async with runtime.database(bench.settings) as db:
        await intake.set_up(db, bench.settings, ACTIVE)
        async with superuser(bench) as connection:
            active = [row["id"] for row in await connection.fetch("SELECT id FROM participant")]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rides.csv"
            for month in range(MONTHS):  # back from today
                first = clock.today() - dt.timedelta(days=intake.DAYS * (month + 1))
                await asyncio.to_thread(intake.write, file, ACTIVE * A_MONTH, ACTIVE, month, first_day=first)
                await intake.ours(db, bench, file, ACTIVE * A_MONTH)
    sessions = [(ids.uuid7(), who) for who in active]
    async with superuser(bench) as connection:
        for statement in redeem.WALLETS:
            await connection.execute(statement.format(citizens=citizens, programme=redeem.PROGRAMME))
        await connection.execute(
            """INSERT INTO token_family (id, audience, subject, started_at, expires_at)
               SELECT id, 'citizen', subject, now(), now() + interval '1 day'
               FROM unnest($1::uuid[], $2::uuid[]) AS s(id, subject)""",
            [session for session, _ in sessions],
            active,
        )
    return sessions


def _authorised(settings: Settings, session: tuple[UUID, UUID]) -> dict[str, str]:
    token, _ = sign_access(settings, Audience.CITIZEN, subject=session[1], session_id=session[0])
    return {"authorization": f"Bearer {token}"}


@contextlib.contextmanager
def _bare(bench: Bench) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    arguments = ["-m", "benchmarks.bare", "--port", str(port), "--workers", str(WORKERS)]
    nowhere = subprocess.DEVNULL
    assert bench.settings.database_url is not None
    environment = os.environ | {bare.URL: bench.settings.database_url.get_secret_value()}
    server = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=nowhere, stderr=nowhere)
    try:
        _until_open(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _until_open(server: subprocess.Popen[bytes], port: int) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)
    raise RuntimeError("the reference did not start")


Requests = Sequence[tuple[str, dict[str, str]]]


def _asked(port: int, requests: Requests, seconds: float) -> list[float]:
    """The latency of each request of all clients, in milliseconds; each client asks whatever comes, for so long."""
    return [one for latencies, _ in _in_processes(port, requests, seconds) for one in latencies]


def _each_once(port: int, requests: Requests) -> tuple[list[float], float]:
    """The latency of each request in milliseconds, asked once by whichever client is free; and what all took, in seconds."""
    found = _in_processes(port, requests, None)
    return [one for latencies, _ in found for one in latencies], max(took for _, took in found)


def _in_processes(port: int, requests: Requests, seconds: float | None) -> list[tuple[list[float], float]]:
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        return pool.starmap(
            _process, [(port, requests[number::PROCESSES], seconds) for number in range(PROCESSES)]
        )


def _process(port: int, requests: Requests, seconds: float | None) -> tuple[list[float], float]:
    return runtime.run(_clients(port, requests, seconds))


async def _clients(port: int, requests: Requests, seconds: float | None) -> tuple[list[float], float]:
    latencies: list[float] = []
    began = time.perf_counter()
    begins = began if seconds is None else began + _WARM_S
    ends = None if seconds is None else begins + seconds
    left = iter(requests)

    async def one() -> None:
        client = await wire.Client.connect("127.0.0.1", port)
        chance = random.Random()
        while ends is None or time.perf_counter() < ends:
            asked = next(left, None) if ends is None else chance.choice(requests)
            if asked is None:
                break
            before = time.perf_counter()
            await client.ask("GET", *asked)
            after = time.perf_counter()
            if begins <= before and (ends is None or after < ends):
                latencies.append((after - before) * 1_000)
        await client.close()

    await asyncio.gather(*(one() for _ in range(CLIENTS // PROCESSES)))
    return latencies, time.perf_counter() - began
