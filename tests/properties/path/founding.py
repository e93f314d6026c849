"""A town in which the whole path can be walked: who is there, what is filed, offered and adopted.

It is founded once, by the real verbs, in a database that is copied for every example.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from backend import intake, methodologies, packs, programmes
from backend.identity import Role, consent, means, organisations, people, staff
from backend.intake import mapping_of, source_by_mapping
from backend.kit import clock
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.settings import Settings
from offset_bridge import registry, surrender
from offset_bridge.registry import Allotment, Mode
from tests import contracts, offers
from tests.properties.path.model import ALLOWANCES, Model
from tests.unscreened import unscreened

LIBRARY = packs.load_all()
PROJECT, BIKES, BIKE, MAPPING = "gd-green-travel", "gz-bikes", "cn-shared-bike-km", "bike-share-distance"
MARKET, YEAR = "guangdong", 2025
OPERATOR, STEEL, CEMENT, STRANGER = "gd-operator", "steel", "cement", "stranger"
OFFERS = {"tea": ("teahouse", 900, 3), "bread": ("bakery", 400, None)}
PER_CITIZEN = 2
EMISSIONS = {STEEL: 60, CEMENT: 25}
GRANTED = {STEEL: 58, CEMENT: 24}
SHARED_POOL = 2
CITIZENS, ASSIGNED = 3, 2  # the third has not assigned the right

FOUNDED = dt.datetime(2025, 1, 2, 10, tzinfo=SHANGHAI)
EARLY = dt.datetime(
    2025, 2, 10, 10, tzinfo=SHANGHAI
)  # when the first points are earned; they lapse soon after START
OPENED = dt.datetime(2027, 2, 19, 10, tzinfo=SHANGHAI)
START = dt.datetime(2027, 2, 20, 10, tzinfo=SHANGHAI)
APPLY_BY, SURRENDER_BY = dt.date(2027, 3, 15), dt.date(2027, 3, 20)
_SINCE = dt.datetime(2018, 1, 1, tzinfo=SHANGHAI)


@dataclass
class Town:
    """Who and what is where, by name."""

    staff: dict[str, UUID] = field(default_factory=dict)
    organisations: dict[str, UUID] = field(default_factory=dict)
    citizens: list[UUID] = field(default_factory=list)
    offers: dict[str, UUID] = field(default_factory=dict)
    accounts: dict[str, registry.Account] = field(default_factory=dict)


async def found(db: Database, settings: Settings) -> tuple[Town, Model]:
    """Everything that stands before the first ride, and what a model knows of it."""
    town, model = Town(), Model(now=START)
    with clock.travel(FOUNDED):
        await _hire(db, settings, town)
        await _run_programme(db, settings, town)
        await _offer(db, settings, town, model)
    with clock.travel(OPENED):
        await _open_registry(db, town, model)
    return town, model


async def _hire(db: Database, settings: Settings, town: Town) -> None:
    for code, role, logins in (
        ("authority", Role.AUTHORITY, ("first", "second")),
        (OPERATOR, Role.OPERATOR, ("anna", "boris")),
        ("verifier", Role.VERIFICATION_BODY, ("vera",)),
        ("teahouse", Role.MERCHANT, ("tea-till",)),
        ("bakery", Role.MERCHANT, ("bread-till",)),
        (STEEL, Role.ENTERPRISE, ("steel-desk",)),
        (CEMENT, Role.ENTERPRISE, ("cement-desk",)),
        (STRANGER, Role.ENTERPRISE, ()),
    ):
        async with db.transaction() as session:
            made = await organisations.create_organisation(
                session, code=code, name_zh="机构", name_en="Organisation", roles=[role]
            )
            town.organisations[code] = made.id
            for login in logins:
                new = await staff.create_staff(
                    session, settings.keys, organisation_code=code, login=login,
                    password="correct horse battery", roles=[role],
                )  # fmt: skip
                town.staff[login] = new.staff.id


async def _run_programme(db: Database, settings: Settings, town: Town) -> None:
    async with db.transaction() as session:
        await programmes.register(session, pack=unscreened(LIBRARY.find(PROJECT)))
        registered = await programmes.programme_of(session, code=PROJECT)
        source = source_by_mapping(BIKES, mapping_of(LIBRARY.find(MAPPING)))
        await intake.register_source(session, source, programme_id=registered.id)
        act = await methodologies.propose_filing(
            session, pack=LIBRARY.find(BIKE), region="CN-GD", valid_from=dt.date(2018, 1, 1),
            proposed_by=town.staff["first"],
        )  # fmt: skip
        await methodologies.approve_filing(
            session, act_id=act.id, approved_by=town.staff["second"], subject_sha256=act.subject_sha256
        )
        town.citizens = await people.register_many(session, count=CITIZENS)
        await consent.assign_right_list(session, participant_ids=town.citizens[:ASSIGNED], covers_from=_SINCE)
        for number, citizen in enumerate(town.citizens):
            await means.link(
                session, settings.keys, participant_id=citizen, kind="bike_account", operator=BIKES,
                number=f"B{number}", held_from=_SINCE, proof_reference="list",
            )  # fmt: skip


async def _offer(db: Database, settings: Settings, town: Town, model: Model) -> None:
    for code in sorted({shop for shop, _, _ in OFFERS.values()}):
        await contracts.agree(db, settings.keys, merchant_id=town.organisations[code], programme=PROJECT)
    for name, (shop, points, items) in OFFERS.items():
        made = await offers.offer(
            db, settings.keys, merchant_id=town.organisations[shop], programme=PROJECT, title_zh=name, title_en=name,
            price_points=points, items=items, per_citizen=PER_CITIZEN if items else None,
            by=town.staff[f"{name}-till"],
        )  # fmt: skip
        town.offers[name] = made.id
        model.stock[name] = items


async def _open_registry(db: Database, town: Town, model: Model) -> None:
    """A live registry with three accounts, one year with its rules, and allowances."""
    year = {"market": MARKET, "compliance_year": YEAR}
    await _agree(db, town, registry.propose_mode, registry.approve_mode, market=MARKET, mode=Mode.LIVE)
    for code in (OPERATOR, STEEL, CEMENT):
        async with db.transaction() as session:
            town.accounts[code] = await registry.open_account(
                session, market=MARKET, organisation=code, region="CN-GD-GZ", regulated=code in EMISSIONS,
                opened_by=town.staff["first"],
            )  # fmt: skip
    for code, tonnes in EMISSIONS.items():
        await _agree(
            db, town, registry.propose_obligation, surrender.approve_obligation, **year, organisation=code,
            issued_t=tonnes, initial_t=tonnes, confirmed_emissions_t=tonnes, obligation_t=tonnes, reason="report",
        )  # fmt: skip
    await _agree(
        db, town, registry.propose_rules, registry.approve_rules, **year, edition="handbook",
        pools={"shared": SHARED_POOL}, parameters={"gd_local_includes_sz": False}, apply_by=APPLY_BY,
        surrender_by=SURRENDER_BY,
    )  # fmt: skip
    allotments = [Allotment(code, tonnes) for code, tonnes in GRANTED.items()]
    lots = await _agree(
        db, town, registry.propose_allocation, registry.approve_allocation, **year, allotments=allotments
    )
    for code, lot in zip(GRANTED, lots, strict=True):
        for number in range(lot.serials.low, lot.serials.high):
            model.tonnes[ALLOWANCES, number] = f"entity:{ALLOWANCES}:{code}"


async def _agree(
    db: Database,
    town: Town,
    propose: Callable[..., Awaitable[Any]],
    approve: Callable[..., Awaitable[Any]],
    **facts: Any,
) -> Any:
    """One person of the authority proposes, the other approves."""
    async with db.transaction() as session:
        act = await propose(session, proposed_by=town.staff["first"], **facts)
    async with db.transaction() as session:
        return await approve(
            session, act_id=act.id, approved_by=town.staff["second"], subject_sha256=act.subject_sha256
        )


async def take_in(db: Database, settings: Settings, path: Path) -> intake.Summary:
    """Take a partner's file in."""
    return await intake.ingest(
        db, settings, path=path, source=BIKES, mapping=mapping_of(LIBRARY.find(MAPPING)), library=LIBRARY
    )
