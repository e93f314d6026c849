"""A small city that has everything the audit reads, and the hand that tampers with it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from backend import footprint, intake, ledger, log, methodologies, packs, programmes, transparency
from backend.identity import Role, consent, means, organisations, people, staff
from backend.intake import mapping_of, retention, source_by_mapping
from backend.kit import clock, ids
from backend.kit.db import Database, connect_arguments
from backend.kit.settings import Settings
from backend.programmes import wallets
from merchant import budgets, catalogue, redemption
from puhui import embedded, runtime
from puhui.audit import INVARIANTS, Report, audit, conduct
from tests import contracts, offers
from tests.audit import (
    benefits,
    capped,
    collecting,
    compliance,
    counters,
    couponed,
    exchanged,
    followed,
    games,
    joined,
    partner,
    private,
    sent,
    settled,
    social,
    stopped,
    vouchered,
)
from tests.audit.certified import Certified
from tests.audit.contested import Contested
from tests.audit.crossing import Crossing
from tests.conftest import TEMPLATE, settings_for
from tests.programmes import sections
from tests.unscreened import unscreened

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

LIBRARY = packs.load_all()
PROGRAMME = "gd-green-travel"
SINCE = dt.datetime(2026, 1, 1, tzinfo=clock.SHANGHAI)
BIKES, CARDS = "gz-bikes", "sz-cards"


def bike_file() -> str:
    """Rides of four accounts on two days, one of them in the first minutes of a month, and a row without a distance."""
    rows = ["account_no,started_at,ended_at,distance_m"]
    for account in range(4):
        rows += [
            f"B{account},2026-10-31 23:5{n}:00,2026-11-01 00:1{n}:00,{6000 + 700 * account + n}"
            for n in range(3)
        ]
        rows.append(f"B{account},2026-11-01 00:10:00,2026-11-01 00:20:00,{2000 + account}")
    rows.append("B0,2026-11-02 08:00:00,2026-11-02 08:10:00,")
    return "\n".join(rows) + "\n"


def card_file() -> str:
    """Card taps: entries that are left out, exits and bus taps."""
    head = "deal_date,close_date,card_no,deal_value,deal_type,company_name,car_no,station,conn_mark,deal_money,equ_no"
    rows = [
        f'"2026-11-0{day} 08:1{card}:00","2026-11-0{day} 00:00:00",C{card},0,{kind},x,y,z,0,0,1'
        for card in range(3)
        for day, kind in ((3, "地铁入站"), (3, "地铁出站"), (4, "巴士"))
    ]
    return "\n".join([head, *rows]) + "\n"


class City:
    """The steps of the story, each a public verb in a transaction of its own."""

    def __init__(self, db: Database, settings: Settings, folder: Path) -> None:
        self.db, self.settings, self.folder = db, settings, folder
        self.citizens: list[UUID] = []

    async def build(self) -> None:
        certified = Certified(self.db, self.settings, self.folder)
        await self.programme()
        people_of_two = await self.authority()
        await self.people()
        await certified.demonstration()
        await self.filings(people_of_two)
        await self.take_in(BIKES, "bike-share-distance", bike_file(), chunk_rows=6)
        await self.take_in(BIKES, "bike-share-distance", bike_file())  # again: only duplicates
        again = bike_file().replace(",6000\n", ",6001\n")
        await self.take_in(
            BIKES, "bike-share-distance", again
        )  # a known ride at another distance: a conflict
        await self.older_conflict()
        await self.take_in(CARDS, "shenzhen-cards-2018", card_file())
        await self.link(3, "bike_account", BIKES, "B3")
        async with self.db.transaction() as session:
            token = means.means_token(self.settings.keys, "bike_account", BIKES, "B3")
            await intake.claim_waiting(session, participant_id=self.citizens[3], token=token)
        await Contested(self.db, self.settings, self.folder).build()
        await exchanged.build(self.db, self.settings, self.folder)
        await self.spend()
        await settled.build(self.db, self.settings, self.citizens[0])
        await counters.build(self.db, self.settings.keys)
        await couponed.build(self.db, self.settings.keys, self.citizens)
        await vouchered.build(self.db, self.settings.keys, self.citizens)
        await stopped.build(self.db, self.settings.keys)
        await self.credits()
        await certified.issue()
        await Crossing(self.db, self.settings).build()
        await compliance.build(self.db, self.settings)
        await partner.build(self.db, self.settings)
        await self.footprints()
        await sent.build(self.db, self.settings)
        await games.Games(self.db, self.settings, self.folder).build()
        await collecting.Garden(self.db, self.settings, self.folder).build()
        await benefits.build(self.db, self.settings)
        await social.Social(self.db, self.settings).build()
        await joined.build(self, source=BIKES, programme=PROGRAMME)
        await private.build(self, source=BIKES)
        await followed.build(self.db, self.settings, self.folder)
        await self.take_in(CARDS, "shenzhen-cards-2018", capped.trips())
        async with self.db.transaction() as session:
            await retention.forget_places(session)
            await ledger.advance_checkpoints(session)
        async with (
            self.db.hot_transaction() as connection
        ):  # a first page that is read when all of this lies months back
            await intake.home_of(
                connection, participant_id=self.citizens[0], day=clock.today() + dt.timedelta(days=70)
            )
        for step in (programmes.taking_part.leave, programmes.taking_part.join):
            async with self.db.transaction() as session:
                await step(session, participant_id=self.citizens[0], programme=PROGRAMME)
        await self.seal()
        await transparency.catch_up(self.db)
        await conduct(self.db, self.settings)
        await self.seal()

    @staticmethod
    def pack() -> packs.Pack:
        """The programme without screens, with caps of its own on trips by metro."""
        return unscreened(LIBRARY.find(PROGRAMME), (capped.FIRST_EARN, capped.CAPS + capped.FIRST_EARN))

    async def programme(self) -> None:
        async with self.db.transaction() as session:
            await programmes.register(session, pack=self.pack())
            settled = (packs.parse(one.encode()) for one in (sections.PROGRAMME, sections.OVERLAY))
            await programmes.register(session, pack=next(settled), overlays=[next(settled)])

    async def authority(self) -> list[UUID]:
        people_of_two = []
        async with self.db.transaction() as session:
            await organisations.create_organisation(
                session, code="authority", name_zh="主管部门", name_en="Authority", roles=[Role.AUTHORITY]
            )
            for login in ("first", "second"):
                made = await staff.create_staff(
                    session, self.settings.keys, organisation_code="authority", login=login,
                    password="correct horse battery", roles=[Role.AUTHORITY],
                )  # fmt: skip
                people_of_two.append(made.staff.id)
        return people_of_two

    async def filings(self, people_of_two: list[UUID]) -> None:
        async with self.db.transaction() as session:
            act = await methodologies.propose_filing(
                session, pack=LIBRARY.find("cn-shared-bike-km"), region="CN-GD",
                valid_from=dt.date(2026, 1, 1), proposed_by=people_of_two[0],
            )  # fmt: skip
        async with self.db.transaction() as session:
            await methodologies.approve_filing(
                session, act_id=act.id, approved_by=people_of_two[1], subject_sha256=act.subject_sha256
            )
            await methodologies.override_for_demo(
                session,
                pack=LIBRARY.find("gz-metro-trip"),
                region="CN-GD",
                reason="test",
                set_by=people_of_two[0],
            )

    async def people(self) -> None:
        """Four citizens: two assigned the right, one did not, one links only after the act."""
        async with self.db.transaction() as session:
            self.citizens = await people.register_many(session, count=4)
            await consent.assign_right_list(session, participant_ids=self.citizens[:2], covers_from=SINCE)
            await consent.consent_list(
                session, participant_ids=self.citizens[:1], scenarios=["bike"], given_from=SINCE
            )
        for number in range(3):
            await self.link(number, "bike_account", BIKES, f"B{number}")
        await self.link(0, "card", "shenzhen-tong", "C0")
        await self.link(2, "card", "shenzhen-tong", "C2")

    async def link(self, citizen: int, kind: str, operator: str, number: str) -> None:
        async with self.db.transaction() as session:
            await means.link(
                session, self.settings.keys, participant_id=self.citizens[citizen], kind=kind, operator=operator,
                number=number, held_from=SINCE, proof_reference="list",
            )  # fmt: skip

    async def take_in(
        self, source: str, mapping_id: str, content: str, chunk_rows: int = 1000
    ) -> intake.Summary:
        mapping = mapping_of(LIBRARY.find(mapping_id))
        async with self.db.transaction() as session:
            registered = await programmes.programme_of(session, code=PROGRAMME)
            await intake.register_source(
                session, source_by_mapping(source, mapping), programme_id=registered.id
            )
        path = self.folder / f"{source}.csv"
        path.write_text(content, encoding="utf-8")
        return await intake.ingest(
            self.db, self.settings, path=path, source=source, mapping=mapping, library=LIBRARY, chunk_rows=chunk_rows
        )  # fmt: skip

    async def older_conflict(self) -> None:
        """A row like those of the jobs that kept conflicts apart from what is held."""
        async with self.db.transaction() as session:
            await session.execute(
                text("""
                    WITH job AS (
                        INSERT INTO intake_job
                            (id, source_id, file_name, file_sha256, mapping_sha256, started_at, finished_at)
                        SELECT :id, source_id, 'older.csv', repeat('0', 64), mapping_sha256, started_at, started_at
                        FROM intake_job ORDER BY id LIMIT 1
                        RETURNING id
                    ), chunk AS (
                        INSERT INTO intake_chunk (job_id, seq, first_line, last_line, received, accepted, duplicates,
                            conflicts, rejected, filtered, waiting, grams, points)
                        SELECT id, 1, 1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0 FROM job
                    )
                    INSERT INTO intake_conflict (job_id, line, claim_key, act, seq)
                    SELECT job.id, 2, claim_key, jsonb_build_object('grams', grams + 1), 1
                    FROM job, action ORDER BY claim_key LIMIT 1
                """),
                {"id": ids.uuid7()},
            )

    async def spend(self) -> None:
        """Redemptions of every end: captured, cancelled, captured and refunded, lapsed, and one with a second code
        that still stands; an offer that was restocked and withdrawn; and a clawback beyond the balance.
        """
        keys, citizen = self.settings.keys, self.citizens[0]
        async with self.db.transaction() as session:
            shop = await organisations.create_organisation(
                session, code="teahouse", name_zh="茶馆", name_en="Teahouse", roles=[Role.MERCHANT]
            )
            till = await staff.create_staff(
                session, keys, organisation_code="teahouse", login="till",
                password="correct horse battery", roles=[Role.MERCHANT],
            )  # fmt: skip
        await contracts.agree(self.db, keys, merchant_id=shop.id, programme=PROGRAMME)
        own: dict[str, Any] = {"merchant_id": shop.id}
        made = {}
        for name, points, items in (("tea", 50, 5), ("book", 20, 1), ("cake", 30, 1), ("bun", 1, None)):
            offer = await offers.offer(
                self.db, keys, **own, programme=PROGRAMME, title_zh=name, title_en=name, price_points=points,
                items=items, per_citizen=5, by=till.staff.id,
            )  # fmt: skip
            made[name] = offer.id
        set_by, _ = await contracts.operators(self.db, keys)
        for about in ({"merchant_id": shop.id}, {"offers": [made["tea"], made["book"]]}):
            async with self.db.transaction() as session:
                await budgets.set_budget(
                    session, programme=PROGRAMME, name_zh="预算", name_en="Budget", points=110,
                    first_day=clock.today() - dt.timedelta(days=1), last_day=clock.today(), set_by=set_by, **about,
                )  # fmt: skip
        issued = {}
        for name in ("tea", "book", "cake"):
            async with self.db.transaction() as session:
                issued[name] = await redemption.redeem(
                    session, keys, participant_id=citizen, offer_id=made[name]
                )
        async with self.db.transaction() as session:
            await redemption.cancel(
                session, participant_id=citizen, redemption_id=issued["book"].redemption_id
            )
        at = redemption.At(own["merchant_id"], till.staff.id)
        for name in ("tea", "cake"):
            async with self.db.transaction() as session:
                await redemption.capture(session, keys, at=at, code=issued[name].code)
        async with self.db.transaction() as session:
            await redemption.refund(
                session, **own, staff_id=till.staff.id, redemption_id=issued["cake"].redemption_id,
                reason="cold",
            )  # fmt: skip
        with clock.travel(clock.now() - dt.timedelta(minutes=5)):
            async with self.db.transaction() as session:
                await redemption.redeem(session, keys, participant_id=citizen, offer_id=made["bun"])
        await redemption.lapse_due(self.db)
        async with self.db.transaction() as session:
            standing = await redemption.redeem(session, keys, participant_id=citizen, offer_id=made["bun"])
        async with self.db.transaction() as session:
            await redemption.renew(
                session, keys, participant_id=citizen, redemption_id=standing.redemption_id
            )
            await catalogue.restock(
                session, **own, offer_id=made["tea"], items=20, restocked_by=till.staff.id
            )
            await catalogue.withdraw(session, **own, offer_id=made["tea"], withdrawn_by=till.staff.id)
            campaign = (await budgets.budgets_of(session, programme=PROGRAMME, limit=1))[0]
            await budgets.end(session, programme=PROGRAMME, budget_id=campaign.id, ended_by=set_by)
        async with self.db.transaction() as session:
            await wallets.claw_back(
                session, participant_id=self.citizens[1], programme=PROGRAMME, points=100_000,
                posting_id=self.key("clawback"), happened_at=clock.now(),
            )  # fmt: skip

    async def credits(self) -> None:
        """Ten numbered units of a book that nobody else uses, some of which change hands and come back in part."""
        codes = ["issuance:audited", "holder:audited:ann", "holder:audited:bob"]
        async with self.db.transaction() as session:
            await ledger.open_book(session, code="audited", unit="PHCER")
            opened = await ledger.open_accounts(session, map(ledger.AccountSpec, codes))
        issuance, ann, bob = (opened[code] for code in codes)
        for name, debit, credit, amount, reason in (
            ("ten", issuance, ann, 10, "credit.issued"),
            ("four", ann, bob, 4, "credit.transferred"),
            ("two", bob, ann, 2, "credit.transferred"),
        ):
            line = ledger.SerialLine(debit, credit, amount, reason)
            posting = ledger.SerialPosting(self.key(name), clock.now(), (line,))
            async with self.db.transaction() as session:
                await ledger.post_serials(session, [posting])

    async def footprints(self) -> None:
        """Entries that are computed, stated, corrected and taken back."""
        day, mine = dt.date(2023, 6, 5), self.citizens[0]
        computed: dict[str, Any] = {"participant_id": mine, "quantity_milli": 22_000, "happened_on": day}
        async with self.db.transaction() as session:
            first = await footprint.add(session, category="travel", item="metro-km", **computed)
            await footprint.add(
                session, category="housing", item="electricity", region="CN-GD-SZ", **computed
            )
            own = await footprint.state(
                session, participant_id=mine, category="food", emissions_g=3000, happened_on=day
            )
        async with self.db.transaction() as session:
            await footprint.add(session, category="travel", item="car-km", replaces=first.id, **computed)
            await footprint.withdraw(session, participant_id=mine, entry_id=own.id)

    def key(self, name: str) -> UUID:
        return ids.derive(self.citizens[0], name)

    async def seal(self) -> None:
        """Seal all there is; a transaction elsewhere on the server may hold the last rows back for a moment."""
        for _ in range(100):
            await log.seal_and_publish(self.db, settings=self.settings)
            async with self.db.transaction() as session:
                if not any(part.waiting for part in await log.coverage(session)):
                    return
            await asyncio.sleep(0.1)


class Copy:
    """A database of its own with the city in it: the application's way in, and the superuser's."""

    def __init__(self, settings: Settings, db: Database, superuser: Connection) -> None:
        self.settings, self.db, self.superuser = settings, db, superuser

    async def audit(self, *names: str) -> Report:
        """What the audit says, of all invariants or of those named."""
        chosen = [invariant for invariant in INVARIANTS if not names or invariant.name in names]
        return await audit(self.db, self.settings, invariants=chosen)


@pytest.fixture(scope="session")
async def city(servers: embedded.Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The name of the database that holds the city; nobody is connected to it, so that it can be copied."""
    async with own_database(servers, TEMPLATE) as name:
        settings = settings_for(servers, name)
        async with runtime.database(settings) as db:
            await City(db, settings, tmp_path_factory.mktemp("files")).build()
        yield name


@pytest.fixture(scope="session")
async def unguarded_city(servers: embedded.Servers, city: str) -> AsyncIterator[str]:
    """A copy without constraints and identities, so that a superuser can write into it whatever he likes."""
    async with own_database(servers, city) as name:
        superuser = await connect(servers, name)
        for row in await superuser.fetch("""
            SELECT conrelid::regclass::text AS in_table, conname FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'x') AND coninhcount = 0
                AND conrelid <> 0
        """):
            await superuser.execute(
                f'ALTER TABLE {row["in_table"]} DROP CONSTRAINT IF EXISTS "{row["conname"]}" CASCADE'
            )
        for row in await superuser.fetch("""
            SELECT attrelid::regclass::text AS in_table, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
            WHERE attidentity <> '' AND c.relnamespace = 'public'::regnamespace
        """):
            await superuser.execute(
                f"ALTER TABLE {row['in_table']} ALTER COLUMN {row['attname']} DROP IDENTITY"
            )
        await superuser.close()
        yield name


@asynccontextmanager
async def copy_of(servers: embedded.Servers, database: str) -> AsyncIterator[Copy]:
    """A copy that is gone at the end. What is changed in it is committed, so that no transaction stays open: one
    that did would hold back sealing in every other database of the server.
    """
    async with own_database(servers, database) as name:
        settings = settings_for(servers, name)
        superuser = await connect(servers, name)
        await superuser.execute("SET session_replication_role = replica")
        try:
            async with runtime.database(settings) as db:
                yield Copy(settings, db, superuser)
        finally:
            await superuser.close()


@asynccontextmanager
async def put_back(superuser: Connection, *tables: str) -> AsyncIterator[None]:
    """The tables are as they were afterwards, so that one copy serves many changes."""
    for table in tables:
        await superuser.execute(f"CREATE TEMP TABLE saved_{table} AS SELECT * FROM {table}")
    try:
        yield
    finally:
        for table in tables:
            await superuser.execute(f"""
                DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}; DROP TABLE saved_{table}
            """)


@asynccontextmanager
async def own_database(servers: embedded.Servers, template: str) -> AsyncIterator[str]:
    name = f"audit_{ids.uuid7().hex[-12:]}"
    await _execute(servers, f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER puhui_owner')
    try:
        yield name
    finally:
        await _execute(servers, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(servers: embedded.Servers, statement: str) -> None:
    connection = await connect(servers, "postgres")
    await connection.execute(statement)
    await connection.close()


async def connect(servers: embedded.Servers, database: str) -> Connection:
    """A superuser's connection."""
    url = make_url(servers.superuser_url).set(database=database).render_as_string(hide_password=False)
    return await asyncpg.connect(**connect_arguments(url))


def said(report: Report) -> list[str]:
    """Every named violation with the invariant that names it."""
    return [
        f"{result.invariant.name} | {violation}"
        for result in report.results
        for violation in result.checked.violations
    ]
