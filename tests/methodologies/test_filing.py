"""A methodology is filed by two people of the authority, for a region and a time; a demo override is seen by all."""

from __future__ import annotations

import datetime as dt

import asyncpg
import pytest

from backend import log, methodologies, packs
from backend.identity import approvals
from backend.identity.organisations import Role
from backend.kit.db import Database
from backend.methodologies import FilingEndsBeforeItBegins, FilingStatus, OverrideNeedsRole
from backend.packs import OutsideJurisdiction, Pack
from tests.identity.conftest import Hire

LIBRARY = packs.load_all()
BIKE, METRO = LIBRARY.find("cn-shared-bike-km"), LIBRARY.find("sz-metro-km")
FROM, UNTIL = dt.date(2024, 1, 1), dt.date(2024, 12, 31)


async def status(db: Database, pack: Pack, region: str, on: dt.date = FROM, **more: object) -> FilingStatus:
    async with db.transaction() as session:
        return await methodologies.filing_status(
            session,
            sha256=pack.sha256,
            region=region,
            on=on,
            **more,  # type: ignore[arg-type]
        )


async def file(db: Database, hire: Hire, pack: Pack, region: str) -> methodologies.Filing:
    first, second = await hire(Role.AUTHORITY), await hire(Role.AUTHORITY)
    async with db.transaction() as session:
        act = await methodologies.propose_filing(
            session, pack=pack, region=region, valid_from=FROM, valid_until=UNTIL, proposed_by=first.id
        )
    async with db.transaction() as session:
        return await methodologies.approve_filing(
            session, act_id=act.id, approved_by=second.id, subject_sha256=act.subject_sha256
        )


async def test_what_two_people_filed_is_filed_in_its_region_and_time_only(db: Database, hire: Hire) -> None:
    assert await status(db, BIKE, "CN-GD") == "not_filed"
    filing = await file(db, hire, BIKE, "CN-GD")
    assert (filing.methodology, filing.region) == ("cn-shared-bike-km", "CN-GD")
    for region, on, expected in (
        ("CN-GD", FROM, "filed"),
        ("CN-GD-SZ", UNTIL, "filed"),
        ("CN-GD", FROM - dt.timedelta(days=1), "not_filed"),
        ("CN-GD", UNTIL + dt.timedelta(days=1), "not_filed"),
        ("CN", FROM, "not_filed"),
        ("CN-GDX", FROM, "not_filed"),
        ("CN-BJ", FROM, "not_filed"),
    ):
        assert await status(db, BIKE, region, on) == expected, (region, on)
    assert await status(db, METRO, "CN-GD-SZ") == "not_filed"
    async with db.transaction() as session:
        assert await methodologies.filings(session, sha256=BIKE.sha256) == [filing]
        entries = await log.entries(session, low=0, high=await log.size(session), kind="methodology.filed")
    assert entries[-1].body["pack_sha256"] == BIKE.sha256
    assert entries[-1].body["act"] == str(filing.act_id)
    assert entries[-1].body["region"] == "CN-GD"


async def test_another_version_of_the_pack_is_not_filed(db: Database) -> None:
    other = packs.parse(BIKE.text.replace('version      = "1.0.0"', 'version      = "1.0.1"').encode())
    assert other.faults == ()
    assert await status(db, other, "CN-GD") == "not_filed"


async def test_a_computation_with_a_demo_overlay_is_a_demonstration_even_when_filed(db: Database) -> None:
    overlay = packs.overlay_of(LIBRARY.find("sample-data"))
    assert await status(db, BIKE, "CN-GD") == "filed"
    assert await status(db, BIKE, "CN-GD", overlays=[overlay]) == "demo"


async def test_the_proposer_cannot_approve_and_nothing_is_filed(
    db: Database, hire: Hire, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    first, second = await hire(Role.AUTHORITY), await hire(Role.AUTHORITY)
    async with db.transaction() as session:
        act = await methodologies.propose_filing(
            session, pack=METRO, region="CN-GD-SZ", valid_from=FROM, proposed_by=first.id
        )
        assert act in await methodologies.open_filings(session)
    with pytest.raises(approvals.ActNeedsSecondPerson):
        async with db.transaction() as session:
            await methodologies.approve_filing(
                session, act_id=act.id, approved_by=first.id, subject_sha256=act.subject_sha256
            )
    with pytest.raises(approvals.ActShownDiffers):
        async with db.transaction() as session:
            await methodologies.approve_filing(
                session, act_id=act.id, approved_by=second.id, subject_sha256=bytes(32)
            )
    with pytest.raises(asyncpg.CheckViolationError, match="takes_two"):
        await superuser.execute(
            """INSERT INTO methodology_filing (id, pack_sha256, region, valid_from, act_id, proposed_by, approved_by, filed_at)
               VALUES (gen_random_uuid(), $1, 'CN-GD-SZ', '2024-01-01', $2, $3, $3, now())""",
            METRO.sha256,
            act.id,
            first.id,
        )
    assert await status(db, METRO, "CN-GD-SZ") == "not_filed"
    async with db.transaction() as session:
        await methodologies.reject_filing(
            session, act_id=act.id, rejected_by=second.id, subject_sha256=act.subject_sha256
        )
    with pytest.raises(approvals.ActDecidedAlready):
        async with db.transaction() as session:
            await methodologies.approve_filing(
                session, act_id=act.id, approved_by=second.id, subject_sha256=act.subject_sha256
            )


async def test_a_filing_stays_within_the_methodologys_jurisdiction_and_ends_after_it_begins(
    db: Database, hire: Hire
) -> None:
    person = await hire(Role.AUTHORITY)
    with pytest.raises(OutsideJurisdiction):
        async with db.transaction() as session:
            await methodologies.propose_filing(
                session, pack=METRO, region="CN-GD", valid_from=FROM, proposed_by=person.id
            )
    with pytest.raises(FilingEndsBeforeItBegins):
        async with db.transaction() as session:
            await methodologies.propose_filing(
                session,
                pack=METRO,
                region="CN-GD-SZ",
                valid_from=UNTIL,
                valid_until=FROM,
                proposed_by=person.id,
            )


async def test_only_the_authority_proposes_a_filing(db: Database, hire: Hire) -> None:
    operator = await hire(Role.OPERATOR)
    with pytest.raises(approvals.ActNeedsRole):
        async with db.transaction() as session:
            await methodologies.propose_filing(
                session, pack=METRO, region="CN-GD-SZ", valid_from=FROM, proposed_by=operator.id
            )


async def test_a_demo_override_is_logged_once_and_gives_only_a_demonstration(
    db: Database, hire: Hire
) -> None:
    operator, merchant = await hire(Role.OPERATOR), await hire(Role.MERCHANT)
    for _ in range(2):
        async with db.transaction() as session:
            await methodologies.override_for_demo(
                session, pack=METRO, region="CN-GD", reason="演示城市", set_by=operator.id
            )
    assert await status(db, METRO, "CN-GD-SZ") == "demo"
    assert await status(db, METRO, "CN-BJ") == "not_filed"
    async with db.transaction() as session:
        assert [one.reason for one in await methodologies.demo_overrides(session)] == ["演示城市"]
        entries = await log.entries(
            session, low=0, high=await log.size(session), kind="methodology.demo_override"
        )
    assert [entry.body["methodology"] for entry in entries] == ["sz-metro-km"]
    with pytest.raises(OverrideNeedsRole):
        async with db.transaction() as session:
            await methodologies.override_for_demo(
                session, pack=METRO, region="CN", reason="x", set_by=merchant.id
            )


async def test_filings_and_overrides_are_sealed_tables() -> None:
    names = {sealed.table for sealed in log.registered()}
    assert {"pack_text", "method_ref", "methodology_filing", "methodology_demo_override"} <= names
