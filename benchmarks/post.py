"""Posting through the public `post()`, beside pgbench's TPC-B on the same server.

Three ways: one transfer per transaction through a session, the same on the hot path, and batches of 100 earnings
onto one issuer, counted in transfers. 32 clients in two processes, as pgbench has 32 clients on two threads.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from dataclasses import dataclass

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from benchmarks import tpcb
from benchmarks.harness import Bench, Report, Round, scratch, superuser
from benchmarks.tpcb import CLIENTS, PROCESSES, REFERENCE
from puhui import embedded, runtime

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
    reports = {way: Report(f"post {way}", "transfers/s", REFERENCE) for way in _WAYS}
    async with scratch(servers, settings) as reference, scratch(servers, settings) as bench:
        await asyncio.to_thread(tpcb.set_up, reference)
        async with runtime.database(bench.settings) as db:
            accounts = await _set_up(db)
        async with superuser(bench) as connection:
            await connection.execute("VACUUM ANALYZE")
        for number in range(rounds):
            tps = await asyncio.to_thread(tpcb.rate, reference, seconds)
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
