"""Whole redemptions, from the hold to the capture, beside pgbench's TPC-B on the same server.

A redemption is two transactions: points on hold for an item of limited stock, with a code; then the code captured by
the shop's till. Measured at one popular shop on the hot path, spread over many shops, and at one shop through
sessions, in turns. 32 clients in two processes, as pgbench has 32 clients on two threads.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import statistics
import time
from dataclasses import dataclass
from uuid import UUID

from backend import packs, programmes
from backend.identity import Role, organisations, people, staff
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import wallets
from benchmarks import tpcb
from benchmarks.harness import Bench, Report, Round, scratch, superuser
from benchmarks.tpcb import CLIENTS, PROCESSES, REFERENCE
from merchant import catalogue, redemption
from puhui import embedded, runtime

PROGRAMME = "gd-green-travel"
PEOPLE, SHOPS = 10_000, 200
ITEMS = 100_000_000
_WAYS = {
    "one": "one popular shop, on the hot path",
    "many": f"{SHOPS} shops, on the hot path",
    "session": "one popular shop, through sessions",
}


@dataclass(frozen=True, slots=True)
class _City:
    """Who redeems, and where: an offer of limited stock per shop."""

    citizens: list[UUID]
    shops: list[tuple[UUID, UUID]]
    till: UUID


async def run(
    servers: embedded.Servers, settings: Settings, *, seconds: float = 10, rounds: int = 5
) -> list[Report]:
    """A report per way; the first one also tells the rate of one shop beside that of many."""
    reports = {way: Report(f"redeem {way}", "redemptions/s", REFERENCE) for way in _WAYS}
    async with scratch(servers, settings) as reference, scratch(servers, settings) as bench:
        await asyncio.to_thread(tpcb.set_up, reference)
        async with runtime.database(bench.settings) as db:
            city = await _set_up(db, bench.settings)
        async with superuser(bench) as connection:
            await connection.execute("VACUUM ANALYZE")
        for number in range(rounds):
            tps = await asyncio.to_thread(tpcb.rate, reference, seconds)
            turn = list(reports) if number % 2 else list(reports)[::-1]
            for way in turn:
                report = reports[way]
                if number == 0:
                    report.notes["way"] = _WAYS[way]
                    report.rows_before = await _rows(bench)
                done, latencies = await asyncio.to_thread(_ours, bench.settings, way, city, seconds)
                report.rounds.append(Round(done / seconds, tps))
                report.latencies_ms.extend(latencies)
    ratios = [
        one.rate / many.rate for one, many in zip(reports["one"].rounds, reports["many"].rounds, strict=True)
    ]
    reports["one"].notes |= {
        "one_to_many": round(statistics.median(ratios), 3),
        "one_to_many_min": round(min(ratios), 3),
        "one_to_many_max": round(max(ratios), 3),
    }
    return list(reports.values())


async def _rows(bench: Bench) -> int:
    async with superuser(bench) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM redemption"))


async def _set_up(db: Database, settings: Settings) -> _City:
    async with db.transaction() as session:
        await programmes.register(session, pack=packs.load_all().find(PROGRAMME))
        codes = [f"shop-{number}" for number in range(SHOPS)]
        shops = [
            await organisations.create_organisation(
                session, code=code, name_zh="商户", name_en="Shop", roles=[Role.MERCHANT]
            )
            for code in codes
        ]
        clerk = await staff.create_staff(
            session, settings.keys, organisation_code=codes[0], login="till",
            password=ids.uuid7().hex, roles=[Role.MERCHANT],
        )  # fmt: skip
    offers = []
    for shop in shops:
        async with db.transaction() as session:
            offer = await catalogue.create_offer(
                session, merchant_id=shop.id, programme=PROGRAMME, title_zh="茶", title_en="Tea", price_points=3,
                items=ITEMS, created_by=clerk.staff.id,
            )  # fmt: skip
        offers.append((shop.id, offer.id))
    async with db.transaction() as session:
        citizens = await people.register_many(session, count=PEOPLE)
        earned = [wallets.Earning(ids.uuid7(), citizen, 10**9, None, clock.now()) for citizen in citizens]
        await wallets.earn_many(session, programme=PROGRAMME, earnings=earned)
    return _City(citizens, offers, clerk.staff.id)


def _ours(settings: Settings, way: str, city: _City, seconds: float) -> tuple[int, list[float]]:
    """Redemptions by all clients, and the latency of each in milliseconds."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        found = pool.starmap(
            _process, [(settings, way, city, seconds, number) for number in range(PROCESSES)]
        )
    return sum(len(latencies) for latencies in found), [one for latencies in found for one in latencies]


def _process(settings: Settings, way: str, city: _City, seconds: float, number: int) -> list[float]:
    return runtime.run(_clients(settings, way, city, seconds, number))


async def _clients(settings: Settings, way: str, city: _City, seconds: float, number: int) -> list[float]:
    each = CLIENTS // PROCESSES
    sized = settings.model_copy(update={"pool_size": each, "hot_pool_size": each})
    async with runtime.database(sized) as db:
        latencies: list[float] = []
        await asyncio.gather(
            *(_redeem(db, settings, way, city, random.Random(client)) for client in range(each))
        )
        until = time.perf_counter() + seconds

        async def client(chance: random.Random) -> None:
            while (before := time.perf_counter()) < until:
                await _redeem(db, settings, way, city, chance)
                latencies.append((time.perf_counter() - before) * 1_000)

        seed = time.time_ns()
        await asyncio.gather(*(client(random.Random(seed + number * each + place)) for place in range(each)))
    return latencies


async def _redeem(db: Database, settings: Settings, way: str, city: _City, chance: random.Random) -> None:
    """One citizen redeems something, one till captures it."""
    citizen = chance.choice(city.citizens)
    shop, offer = chance.choice(city.shops) if way == "many" else city.shops[0]
    if way == "session":
        async with db.transaction() as session:
            issued = await redemption.redeem(session, settings.keys, participant_id=citizen, offer_id=offer)
        async with db.transaction() as session:
            await redemption.capture(
                session, settings.keys, merchant_id=shop, staff_id=city.till, code=issued.code
            )
        return
    async with db.hot_statement() as connection:
        issued = await redemption.redeem_hot(
            connection, settings.keys, participant_id=citizen, offer_id=offer
        )
    await redemption.scan(db, settings.keys, merchant_id=shop, staff_id=city.till, code=issued.code)
