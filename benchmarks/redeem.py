"""Redemptions over HTTP, from the hold to the capture, beside pgbench's TPC-B on the same server.

The platform's own app under uvicorn on the loopback, two workers, everything on: tokens and sessions, idempotency keys, rate
limits (raised), request ids, the log. 32 clients in two further processes, as pgbench has 32 clients on two threads. A
redemption is two requests, and requests are counted: a citizen's hold, for an item of limited stock, and the scan at the
merchant's till. Measured spread over all merchants, and at one popular merchant. Codes are asked for without a drawing, as an
app does that draws itself. Access tokens are used for half of their ten minutes; each worker verifies each of them when it comes
first.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import multiprocessing
import random
import statistics
import time
from dataclasses import dataclass
from uuid import UUID, uuid4

from backend import packs, programmes
from backend.identity import Role, organisations, staff
from backend.identity.tokens import ACCESS_LASTS, Audience
from backend.identity.tokens.access import sign_access
from backend.kit import ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from benchmarks import tpcb, wire
from benchmarks.harness import Bench, Report, Round, scratch, superuser
from benchmarks.tpcb import CLIENTS, PROCESSES, REFERENCE
from merchant import catalogue, contracts
from merchant.catalogue import Step
from puhui import embedded, runtime

PROGRAMME = "gd-green-travel"
CITIZENS, ACTIVE, MERCHANTS, WORKERS = 10_000, 10_000, 1_000, 2
ITEMS = 100_000_000
_WARM_S = 1.0
_TERMS = ({"id": "standard", "funding": [{"funder": "programme", "share": "1"}]},)
_SINCE = dt.date(2020, 1, 1)
_CODE = b'"code":"'
_WAYS = {
    "many": f"{MERCHANTS} merchants, over HTTP",
    "one": "one popular merchant, over HTTP",
}


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody with a session."""

    id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class _City:
    """Who redeems, and where: an offer of limited stock and a clerk per merchant."""

    citizens: list[_Person]
    merchants: list[tuple[UUID, _Person]]


async def run(
    servers: embedded.Servers,
    settings: Settings,
    *,
    seconds: float = 10,
    rounds: int = 5,
    citizens: int = CITIZENS,
) -> list[Report]:
    """A report per way; the second one also tells the rate of one merchant beside that of many."""
    reports = {way: Report(f"redeem {way}", "requests/s", REFERENCE) for way in _WAYS}
    async with scratch(servers, settings) as reference, scratch(servers, settings) as bench:
        await asyncio.to_thread(tpcb.set_up, reference)
        async with runtime.database(bench.settings) as db:
            offers = await _merchants(db, bench.settings)
        city = await _people(bench, offers, citizens)
        async with superuser(bench) as connection:
            await connection.execute("VACUUM ANALYZE")
        with wire.served(bench.settings, workers=WORKERS) as port:
            signed = _Signed(bench.settings, city)
            for number in range(rounds):
                tps = await asyncio.to_thread(tpcb.rate, reference, seconds)
                turn = list(reports) if number % 2 else list(reports)[::-1]
                for way in turn:
                    report = reports[way]
                    if number == 0:
                        report.notes |= {"way": _WAYS[way], "citizens": citizens}
                        report.rows_before = await _rows(bench)
                    done, latencies = await asyncio.to_thread(_ours, port, way, signed.now(), seconds)
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


async def _merchants(db: Database, settings: Settings) -> list[tuple[UUID, UUID]]:
    """Merchants with an offer each; answers (merchant, offer)."""
    codes = [f"shop-{number}" for number in range(MERCHANTS)]
    async with db.transaction() as session:
        await programmes.register(session, pack=packs.load_all().find(PROGRAMME))
        made = [
            await organisations.create_organisation(
                session, code=code, name_zh="商户", name_en="Shop", roles=[Role.MERCHANT]
            )
            for code in codes
        ]
        clerk = await staff.create_staff(
            session, settings.keys, organisation_code=codes[0], login="till",
            password=ids.uuid7().hex, roles=[Role.MERCHANT],
        )  # fmt: skip
    first, second = await _operators(db, settings)
    offers = []
    for merchant in made:
        async with db.transaction() as session:
            act = await contracts.propose(
                session, settings.keys, proposed_by=first, merchant_id=merchant.id, programme=PROGRAMME,
                fen_per_point="1", terms=_TERMS, valid_from=_SINCE,
            )  # fmt: skip
        async with db.transaction() as session:
            await contracts.approve(
                session, programme=PROGRAMME, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
            )  # fmt: skip
        async with db.transaction() as session:
            offer = await catalogue.draft_offer(
                session, merchant_id=merchant.id, programme=PROGRAMME, title_zh="茶", title_en="Tea", price_points=3,
                items=ITEMS, created_by=clerk.staff.id,
            )  # fmt: skip
            await catalogue.step(
                session, merchant_id=merchant.id, offer_id=offer.id, step=Step.SUBMITTED, by=clerk.staff.id
            )
            await catalogue.review(
                session, programme=PROGRAMME, offer_id=offer.id, publish=True, by=first, reason=None
            )
        offers.append((merchant.id, offer.id))
    return offers


async def _operators(db: Database, settings: Settings) -> tuple[UUID, UUID]:
    """Two people of an operator, who agree on every merchant's contract."""
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code="bench", name_zh="运营方", name_en="Operator", roles=[Role.OPERATOR]
        )
        first, second = [
            await staff.create_staff(
                session, settings.keys, organisation_code="bench", login=f"bench-{name}",
                password=ids.uuid7().hex, roles=[Role.OPERATOR],
            )
            for name in ("first", "second")
        ]  # fmt: skip
    return first.staff.id, second.staff.id


async def _people(bench: Bench, offers: list[tuple[UUID, UUID]], citizens: int) -> _City:
    """Wallets of all citizens by whole sets; sessions of those who redeem, evenly among all, and of a clerk per merchant."""
    async with superuser(bench) as connection:
        for statement in WALLETS:
            await connection.execute(statement.format(citizens=citizens, programme=PROGRAMME))
        await connection.execute(_CLERKS)
        await connection.execute(
            _SESSIONS, "citizen", [_citizen(n * citizens // ACTIVE) for n in range(min(ACTIVE, citizens))]
        )
        clerks = {row["organisation_id"]: row["id"] for row in await connection.fetch(_TILLS)}
        await connection.execute(_SESSIONS, "staff", list(clerks.values()))
        for statement in _OPENED:
            await connection.execute(statement.format(programme=PROGRAMME))
        sessions = {
            row["subject"]: row["id"]
            for row in await connection.fetch("SELECT subject, id FROM token_family")
        }
    return _City(
        [
            _Person(subject, session)
            for subject, session in sessions.items()
            if subject not in clerks.values()
        ],
        [(offer, _Person(clerks[merchant], sessions[clerks[merchant]])) for merchant, offer in offers],
    )


def _citizen(number: int) -> UUID:
    return UUID(f"018f0000-0000-7000-8000-{number:012x}")


_ID = "('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
WALLETS = (
    f"INSERT INTO participant (id, kind) SELECT {_ID}, 'citizen' FROM generate_series(0, {{citizens}} - 1) n",
    "SELECT ledger_open(ARRAY['issuer:{programme}'], ARRAY['issuer'], ARRAY[NULL::date])",
    f"""INSERT INTO ledger_account (code, kind, unit, guard, due, balance)
        SELECT 'wallet:' || {_ID} || ':{{programme}}:2999-12-31', 'wallet', 'pt', 'floor', '2999-12-31', 1000000000
        FROM generate_series(0, {{citizens}} - 1) n""",
    """INSERT INTO ledger_transfer (posting_id, line, debit_id, credit_id, unit, amount, reason, happened_at)
       SELECT ('018f0001-0000-7000-8000-' || lpad(to_hex(a.id), 12, '0'))::uuid, 1, i.id, a.id, 'pt', a.balance,
              'points.earned', now()
       FROM ledger_account a, ledger_account i WHERE a.kind = 'wallet' AND i.code = 'issuer:{programme}'""",
)
# Who redeems has redeemed before, and each merchant is owed something in the programme.
_OPENED = (
    """INSERT INTO ledger_account (code, kind, unit, guard, balance)
       SELECT 'hold:' || subject || ':{programme}', 'hold', 'pt', 'floor', 0 FROM token_family WHERE audience = 'citizen'""",
    """INSERT INTO ledger_account (code, kind, unit, guard)
       SELECT 'payable:' || o.code || ':{programme}', 'payable', 'pt', 'none'
       FROM organisation o JOIN organisation_role r ON r.organisation_id = o.id AND r.role = 'merchant'
       ON CONFLICT DO NOTHING""",
)
_TILLS = "SELECT s.id, s.organisation_id FROM staff s JOIN staff_role r ON r.staff_id = s.id AND r.role = 'merchant'"
_CLERKS = """
    WITH more AS (
        INSERT INTO staff (id, organisation_id, login, password_hash, totp_sealed, created_at)
        SELECT gen_random_uuid(), o.id, 'till-' || o.code, s.password_hash, s.totp_sealed, now()
        FROM organisation o JOIN organisation_role r ON r.organisation_id = o.id AND r.role = 'merchant', staff s
        WHERE s.login = 'till' AND o.id <> s.organisation_id RETURNING id, organisation_id)
    INSERT INTO staff_role (staff_id, organisation_id, role) SELECT id, organisation_id, 'merchant' FROM more
"""
_SESSIONS = """
    INSERT INTO token_family (id, audience, subject, started_at, expires_at)
    SELECT gen_random_uuid(), $1, subject, now(), now() + interval '1 day' FROM unnest($2::uuid[]) AS subject
"""


@dataclass(frozen=True, slots=True)
class _Requests:
    """What is asked with: each citizen's header, and for each merchant the hold's body and its clerk's header."""

    citizens: list[dict[str, str]]
    tills: list[tuple[bytes, dict[str, str]]]


class _Signed:
    """Access tokens, signed anew when they are half through."""

    def __init__(self, settings: Settings, city: _City) -> None:
        self._settings, self._city = settings, city
        self._signed: _Requests | None = None
        self._until = 0.0

    def now(self) -> _Requests:
        if self._signed is None or time.monotonic() > self._until:
            self._until = time.monotonic() + ACCESS_LASTS.total_seconds() / 2
            self._signed = _Requests(
                [_authorised(self._settings, Audience.CITIZEN, one) for one in self._city.citizens],
                [
                    (
                        json.dumps({"offer_id": str(offer), "drawing": False}).encode(),
                        _authorised(self._settings, Audience.STAFF, clerk),
                    )
                    for offer, clerk in self._city.merchants
                ],
            )
        return self._signed


def _ours(port: int, way: str, requests: _Requests, seconds: float) -> tuple[int, list[float]]:
    """Requests by all clients, and the latency of each in milliseconds."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        found = pool.starmap(
            _process, [(port, _part(requests, way, number), seconds) for number in range(PROCESSES)]
        )
    return sum(len(latencies) for latencies in found), [one for latencies in found for one in latencies]


def _part(requests: _Requests, way: str, number: int) -> _Requests:
    tills = requests.tills[:1] if way == "one" else requests.tills
    return _Requests(requests.citizens[number::PROCESSES], tills)


def _process(port: int, requests: _Requests, seconds: float) -> list[float]:
    return runtime.run(_clients(port, requests.citizens, requests.tills, seconds))


def _authorised(settings: Settings, audience: Audience, person: _Person) -> dict[str, str]:
    token, _ = sign_access(settings, audience, subject=person.id, session_id=person.session_id)
    return {"authorization": f"Bearer {token}"}


async def _clients(
    port: int,
    citizens: list[dict[str, str]],
    tills: list[tuple[bytes, dict[str, str]]],
    seconds: float,
) -> list[float]:
    latencies: list[float] = []
    begins = time.perf_counter() + _WARM_S
    ends = begins + seconds

    async def ask(client: wire.Client, path: str, headers: dict[str, str], body: bytes, expect: int) -> bytes:
        before = time.perf_counter()
        answer = await client.ask("POST", path, headers, body, expect=expect)
        if begins <= before and time.perf_counter() < ends:
            latencies.append((time.perf_counter() - before) * 1_000)
        return answer

    async def one() -> None:
        client = await wire.Client.connect("127.0.0.1", port)
        chance = random.Random()
        while time.perf_counter() < ends:
            body, till = chance.choice(tills)
            key = {"idempotency-key": str(uuid4())}
            held = await ask(client, "/mobile/v1/redemptions", chance.choice(citizens) | key, body, 201)
            at = held.find(_CODE) + len(_CODE)
            code = held[at : held.find(b'"', at)]
            said = await ask(client, "/merchant/v1/scans", till, b'{"code":"' + code + b'"}', 200)
            if not said.startswith(b'{"answer":"yes"'):
                raise wire.Refused(said[:300].decode())
        await client.close()

    await asyncio.gather(*(one() for _ in range(CLIENTS // PROCESSES)))
    return latencies
