"""Posting through the public `post()`, beside pgbench's TPC-B on the same server.

Three ways: one transfer per transaction through a session, the same on the hot path, and batches of 100 earnings
onto one issuer, counted in transfers. 32 clients in two processes, as pgbench has 32 clients on two threads.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import re
import subprocess
import time
from dataclasses import dataclass

from sqlalchemy.engine import make_url

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from benchmarks.harness import Bench, Report, Round, scratch, superuser
from puhui import embedded, runtime
from puhui.embedded import postgres

CLIENTS, PROCESSES, SCALE = 32, 2, 50
PEOPLE, EARNERS = 10_000, 200_000
BATCH = 100
_WAYS = {
    "session": "one transfer per transaction through a session",
    "hot": "one transfer per transaction on the hot path",
    "batch": f"batches of {BATCH} onto one issuer, in transfers",
}


@dataclass(frozen=True, slots=True)
class _Accounts:
    """Ids of the accounts that the clients post to."""

    issuer: int
    wallets: list[int]
    pockets: list[int]


async def run(
    servers: embedded.Servers, settings: Settings, *, seconds: float = 10, rounds: int = 5
) -> list[Report]:
    """A report per way of posting; each round is one run of pgbench and one of each way."""
    reference = f"pgbench TPC-B -s {SCALE} -M prepared -c {CLIENTS} -j {PROCESSES}"
    reports = {way: Report(f"post {way}", "transfers/s", reference) for way in _WAYS}
    async with scratch(servers, settings) as tpcb, scratch(servers, settings) as bench:
        await asyncio.to_thread(_pgbench, tpcb, "-i", "-q", "-s", str(SCALE))
        async with runtime.database(bench.settings) as db:
            accounts = await _set_up(db)
        async with superuser(bench) as connection:
            await connection.execute("VACUUM ANALYZE")
        for number in range(rounds):
            tps = await asyncio.to_thread(_tpcb, tpcb, seconds)
            for way, report in reports.items():
                if number == 0:
                    report.notes["way"] = _WAYS[way]
                    report.rows_before = await _rows(bench)
                transfers, latencies = await asyncio.to_thread(_ours, bench.settings, way, accounts, seconds)
                report.rounds.append(Round(transfers / seconds, tps))
                report.latencies_ms.extend(latencies)
    return list(reports.values())


async def _rows(bench: Bench) -> int:
    async with superuser(bench) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM ledger_transfer"))


async def _set_up(db: Database) -> _Accounts:
    """An issuer, a city that earns, and people in it who each hold enough points for every round."""
    scope = ids.uuid7()
    codes = {
        kind: [f"{kind}:{scope}:{number}" for number in range(count)]
        for kind, count in (("wallet", EARNERS), ("hold", PEOPLE))
    }
    issuer = f"issuer:{scope}"
    async with db.transaction() as session:
        opened = await ledger.open_accounts(
            session, [ledger.AccountSpec(code) for code in (issuer, *codes["wallet"], *codes["hold"])]
        )
        wallets = [opened[code] for code in codes["wallet"]]
        lines = tuple(ledger.Line(opened[issuer], wallet, 10**9) for wallet in wallets[:PEOPLE])
        await ledger.post(session, [ledger.Posting(ids.uuid7(), "points.earned", clock.now(), lines)])
    return _Accounts(opened[issuer], wallets, [opened[code] for code in codes["hold"]])


# --- the reference ------------------------------------------------------------------------------------------------


def _tpcb(bench: Bench, seconds: float) -> float:
    output = _pgbench(
        bench,
        "-n",
        "-M",
        "prepared",
        "-c",
        str(CLIENTS),
        "-j",
        str(PROCESSES),
        "-T",
        str(max(1, round(seconds))),
    )
    found = re.search(r"tps = ([\d.]+)", output)
    if found is None:
        raise RuntimeError("pgbench did not tell its rate")
    return float(found[1])


def _pgbench(bench: Bench, *arguments: str) -> str:
    url = make_url(bench.superuser_url)
    host = url.query.get("host") or url.host or ""
    return subprocess.run(
        [
            str(postgres.program("pgbench")), *arguments,
            "-h", str(host), "-p", str(url.port or 5432), "-U", str(url.username), str(url.database),
        ],
        env={**os.environ, "PGPASSWORD": str(url.password)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout  # fmt: skip


# --- ours ---------------------------------------------------------------------------------------------------------


def _ours(settings: Settings, way: str, accounts: _Accounts, seconds: float) -> tuple[int, list[float]]:
    """Transfers posted by all clients, and the latency of every transaction in milliseconds."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        found = pool.starmap(
            _process, [(settings, way, accounts, seconds, number) for number in range(PROCESSES)]
        )
    return sum(count for count, _ in found), [latency for _, latencies in found for latency in latencies]


def _process(
    settings: Settings, way: str, accounts: _Accounts, seconds: float, number: int
) -> tuple[int, list[float]]:
    return runtime.run(_clients(settings, way, accounts, seconds, number))


async def _clients(
    settings: Settings, way: str, accounts: _Accounts, seconds: float, number: int
) -> tuple[int, list[float]]:
    each = CLIENTS // PROCESSES
    sized = settings.model_copy(update={"pool_size": each, "hot_pool_size": each})
    async with runtime.database(sized) as db:
        latencies: list[float] = []
        await asyncio.gather(*(_post(db, way, accounts, random.Random(client)) for client in range(each)))
        until = time.perf_counter() + seconds

        async def client(chance: random.Random) -> None:
            while (before := time.perf_counter()) < until:
                await _post(db, way, accounts, chance)
                latencies.append((time.perf_counter() - before) * 1_000)

        await asyncio.gather(*(client(random.Random(number * each + place)) for place in range(each)))
    per_transaction = BATCH if way == "batch" else 1
    return len(latencies) * per_transaction, latencies


async def _post(db: Database, way: str, accounts: _Accounts, chance: random.Random) -> None:
    if way == "batch":
        lines = tuple(
            ledger.Line(accounts.issuer, wallet, chance.randint(1, 50))
            for wallet in chance.sample(accounts.wallets, BATCH)
        )
        posting = ledger.Posting(ids.uuid7(), "points.earned", clock.now(), lines)
    else:
        person = chance.randrange(PEOPLE)
        line = ledger.Line(accounts.wallets[person], accounts.pockets[person], chance.randint(1, 50))
        posting = ledger.Posting(ids.uuid7(), "points.held", clock.now(), (line,))
    if way == "hot":
        async with db.hot_statement() as connection:
            await ledger.post_hot(connection, [posting])
    else:
        async with db.transaction() as session:
            await ledger.post(session, [posting])
