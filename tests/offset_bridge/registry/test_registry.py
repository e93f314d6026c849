"""Who has an account, what a registry is, what is owed and by which rules: two people of the authority, in the log."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import asyncpg
import pytest

from backend.identity import approvals, organisations
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.ledger import SerialRange
from offset_bridge import registry, rules, surrender
from offset_bridge.registry import Account, Mode, Source
from tests.identity.conftest import Hire
from tests.offset_bridge.stage import CCER_FACTS, MARKET, PHCER_FACTS, Stage, whole


async def open_for(stage: Stage, *roles: Role, regulated: bool, region: str = "CN-GD") -> Account:
    first, _ = await stage.people()
    code = f"o{uuid4().hex[:10]}"
    async with stage.db.transaction() as session:
        await organisations.create_organisation(
            session, code=code, name_zh="机构", name_en="Organisation", roles=roles
        )
        return await registry.open_account(
            session, market=MARKET, organisation=code, region=region, regulated=regulated, opened_by=first
        )


async def test_only_who_may_hold_gets_an_account_and_only_enterprises_owe(stage: Stage) -> None:
    assert not (await open_for(stage, Role.OPERATOR, regulated=False)).regulated
    assert (await open_for(stage, Role.ENTERPRISE, regulated=True)).regulated
    for roles, regulated in (
        ((Role.OPERATOR,), True),
        ((Role.AUTHORITY,), False),
        ((Role.ENTERPRISE, Role.AUTHORITY), True),
        ((Role.ENTERPRISE, Role.VERIFICATION_BODY), False),
        ((Role.MERCHANT,), False),
    ):
        with pytest.raises(registry.AccountNotFitting):
            await open_for(stage, *roles, regulated=regulated)


async def test_shenzhen_is_another_market(stage: Stage) -> None:
    with pytest.raises(registry.RegionOutsideMarket):
        await open_for(stage, Role.ENTERPRISE, regulated=True, region="CN-GD-SZ")
    await open_for(stage, Role.ENTERPRISE, regulated=False, region="CN-GD-SZ")


async def test_a_holder_has_no_obligation(stage: Stage) -> None:
    holder = await stage.entity(regulated=False)
    with pytest.raises(registry.AccountNotRegulated):
        await stage.owe(holder, 10)
    with pytest.raises(registry.AccountNotRegulated):
        await stage.allot((holder, 10))


async def test_revisions_are_a_chain_and_the_last_one_holds(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 100)
    await stage.owe(plant, 90, obligation_t=80)
    async with stage.db.transaction() as session:
        found = await registry.obligations(session, account=plant, compliance_year=stage.year)
        held = await registry.obligation_of(session, account=plant, compliance_year=stage.year)
    assert [(one.revision, one.obligation_t) for one in found] == [(1, 100), (2, 80)]
    assert held == found[-1]


async def test_what_was_proposed_before_another_revision_is_not_approved(stage: Stage) -> None:
    plant = await stage.entity()
    first, second = await stage.people()
    async with stage.db.transaction() as session:
        act = await registry.propose_obligation(
            session, market=MARKET, organisation=plant.organisation, compliance_year=stage.year, issued_t=1,
            initial_t=1, confirmed_emissions_t=1, obligation_t=1, reason="early", proposed_by=first,
        )  # fmt: skip
    await stage.owe(plant, 100)
    with pytest.raises(registry.RevisedMeanwhile):
        async with stage.db.transaction() as session:
            await surrender.approve_obligation(
                session, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
            )


async def test_nobody_fixes_figures_alone_or_from_elsewhere(stage: Stage, hire: Hire) -> None:
    plant = await stage.entity()
    first, _ = await stage.people()
    async with stage.db.transaction() as session:
        act = await registry.propose_obligation(
            session, market=MARKET, organisation=plant.organisation, compliance_year=stage.year, issued_t=1,
            initial_t=1, confirmed_emissions_t=1, obligation_t=1, reason="report", proposed_by=first,
        )  # fmt: skip
    strangers = [await hire(role) for role in (Role.OPERATOR, Role.VERIFICATION_BODY, Role.ENTERPRISE)]
    for person, refusal in (
        (first, approvals.ActNeedsSecondPerson),
        *((one.id, approvals.ActNeedsRole) for one in strangers),
    ):
        with pytest.raises(refusal):
            async with stage.db.transaction() as session:
                await surrender.approve_obligation(
                    session, act_id=act.id, approved_by=person, subject_sha256=act.subject_sha256
                )


async def test_the_database_refuses_one_person_twice(
    stage: Stage, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    plant = await stage.entity()
    fixed, _ = await stage.owe(plant, 10)
    for table, key in (
        ("compliance_obligation", f"act_id = '{fixed.act_id}'"),
        ("registry_mode", "true"),
    ):
        with pytest.raises(asyncpg.PostgresError, match="never changed"):
            await superuser.execute(f"UPDATE {table} SET approved_by = proposed_by WHERE {key}")
        await superuser.execute("SET session_replication_role = replica")
        try:
            with pytest.raises(asyncpg.CheckViolationError):
                await superuser.execute(f"UPDATE {table} SET approved_by = proposed_by WHERE {key}")
        finally:
            await superuser.execute("SET session_replication_role = origin")


async def test_adoption_takes_only_what_the_pack_has(stage: Stage) -> None:
    with pytest.raises(rules.EditionUnknown):
        await stage.adopt(edition="handbook-9")
    with pytest.raises(rules.CaseInvalid):
        await stage.adopt(parameters={"cap.rate": "0.5"})
    with pytest.raises(rules.CaseInvalid):
        await stage.adopt(parameters={"no_such_setting": True})
    with pytest.raises(rules.CaseInvalid):
        await stage.adopt(pools={"全省": 5})
    with pytest.raises(rules.CaseInvalid):
        await stage.adopt(pools={"p": -1})
    with pytest.raises(registry.DatesOutOfOrder):
        await stage.adopt(apply_by=clock.today() + dt.timedelta(days=1), surrender_by=clock.today())
    adopted = await stage.adopt(parameters={"gd_local_includes_sz": False})
    assert (adopted.revision, adopted.parameters) == (1, {"gd_local_includes_sz": False})


@pytest.mark.parametrize(
    ("pools", "fits"),
    [({}, False), ({"pool-2017": 1_500_001}, False), ({"pool-2017": 1_500_000}, True), ({"pool-2017": 0}, True)],
)  # fmt: skip
async def test_a_published_pool_is_adopted_and_not_widened(
    stage: Stage, pools: dict[str, int], fits: bool
) -> None:
    stage.year = 2017
    if fits:
        assert (await stage.adopt(pools=pools)).pools == pools
    else:
        with pytest.raises(registry.PoolsNotAsPublished):
            await stage.adopt(pools=pools)


async def test_while_pledges_stand_only_the_dates_of_the_rules_change(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 100)
    await stage.adopt()
    lot = await stage.ccer(plant, 5)
    pledged = await stage.pledge(plant, *whole([lot]))
    with pytest.raises(registry.RulesInUse):
        await stage.adopt(pools={"p": 10})
    later = clock.today() + dt.timedelta(days=9)
    assert (await stage.adopt(surrender_by=later)).surrender_by == later
    await stage.release(plant, pledged.pledge_id)
    assert (await stage.adopt(pools={"p": 10})).revision == 3


async def test_what_shenzhen_counts_as_is_what_was_adopted(stage: Stage) -> None:
    plant = await stage.entity()
    await stage.owe(plant, 1000)
    await stage.adopt()
    lot = await stage.ccer(plant, 10, project_region="CN-GD-SZ")
    with pytest.raises(rules.ParameterUnset):
        await stage.pledge(plant, *whole([lot]))
    await stage.adopt(parameters={"gd_local_includes_sz": True})
    assert (await stage.pledge(plant, *whole([lot]))).pledged_t == 10


async def test_a_demonstration_is_refused_by_a_live_registry_and_a_registry_stays_what_it_is(
    stage: Stage,
) -> None:
    plant = await stage.entity()
    async with stage.db.transaction() as session:
        await registry.check_acceptance(session, market=MARKET, organisation=plant.organisation, demo=True)
    await stage.ccer(plant, 1)
    first, _ = await stage.people()
    with pytest.raises(registry.ModeFixed):
        async with stage.db.transaction() as session:
            await registry.propose_mode(session, market=MARKET, mode=Mode.LIVE, proposed_by=first)
    with pytest.raises(registry.MarketUnknown):
        async with stage.db.transaction() as session:
            await registry.propose_mode(session, market="beijing", mode=Mode.LIVE, proposed_by=first)
    with pytest.raises(registry.MarketUnopened):
        async with stage.db.transaction() as session:
            await registry.check_acceptance(
                session, market="beijing", organisation=plant.organisation, demo=False
            )


async def test_numbers_are_of_one_lot_only_and_facts_are_read_when_they_are_recorded(
    stage: Stage, db: Database
) -> None:
    plant = await stage.entity()
    lot = await stage.ccer(plant, 10)
    with pytest.raises(registry.LotRecordedAlready):
        async with db.transaction() as session:
            await registry.record_lot(
                session, book=lot.book, serials=SerialRange(lot.serials.high - 1, lot.serials.high + 5),
                unit="CCER", source=Source.BRIDGED, source_id=uuid4(), facts=CCER_FACTS,
            )  # fmt: skip
    for facts in ({"gases": {"CO2": "1.5"}}, {"vintage_start": "soon"}, {"project_type": "perpetual-motion"}):
        with pytest.raises(rules.CaseInvalid):
            await stage.ccer(plant, 10, **facts)
    with pytest.raises(registry.BookUnknown):
        async with db.transaction() as session:
            await registry.record_lot(
                session, book="guangdong-nothing", serials=SerialRange(1, 2), unit="PHCER",
                source=Source.BRIDGED, source_id=uuid4(), facts=PHCER_FACTS,
            )  # fmt: skip


async def test_allowances_of_one_act_go_to_each_entity_under_numbers_of_its_own(stage: Stage) -> None:
    plant, other = await stage.entity(), await stage.entity()
    lots = await stage.allot((plant, 30), (other, 20), (plant, 5))
    assert [lot.serials.quantity for lot in lots] == [30, 20, 5]
    assert len({lot.id for lot in lots}) == 3
    book = f"guangdong-gdea-{stage.year}"
    assert (await stage.held(plant), await stage.held(other)) == ({book: 35}, {book: 20})
