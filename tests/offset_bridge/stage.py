"""A compliance market as tests need it: two people of the authority, entities, and every act that it takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import approvals, organisations
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from offset_bridge import registry, surrender
from offset_bridge.registry import Account, Mode
from offset_bridge.surrender import AskedLot
from tests.identity.conftest import Hire

MARKET = "guangdong"
YEAR = 2025

CCER_FACTS: dict[str, Any] = {
    "project_id": "CCER-1",
    "project_region": "CN-GD-GZ",
    "project_type": "forestry",
    "gases": {"CO2": "1"},
    "vintage_start": "2014-01-01",
    "vintage_end": "2014-12-31",
    "commissioned_on": "2013-05-01",
    "filed": True,
}
PHCER_FACTS: dict[str, Any] = {
    "project_region": "CN-GD-GZ",
    "project_type": "inclusion",
    "gases": {"CO2": "1"},
    "vintage_start": "2026-01-01",
    "vintage_end": "2026-12-31",
    "commissioned_on": "2026-01-01",
    "filed": True,
}

Approve = Callable[..., Awaitable[Any]]


@dataclass
class Stage:
    """Acts of two people in one call, so that a test says what it is about. `year` is one that no other test works on."""

    db: Database
    hire: Hire
    year: int = YEAR
    authority: tuple[UUID, UUID] | None = None
    staff: dict[str, UUID] = field(default_factory=dict)

    async def people(self) -> tuple[UUID, UUID]:
        """Two people of the authority."""
        if self.authority is None:
            self.authority = ((await self.hire(Role.AUTHORITY)).id, (await self.hire(Role.AUTHORITY)).id)
        return self.authority

    async def agree(self, act: approvals.TwoPersonAct, approve: Approve) -> Any:
        """The second person agrees to what was proposed."""
        _, second = await self.people()
        async with self.db.transaction() as session:
            return await approve(
                session, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
            )

    async def open(self, mode: Mode = Mode.DEMO) -> None:
        """Say what the registry is, unless it is said."""
        first, _ = await self.people()
        async with self.db.transaction() as session:
            try:
                if (await registry.mode_of(session, market=MARKET)).mode is mode:
                    return
            except registry.MarketUnopened:
                pass
            act = await registry.propose_mode(session, market=MARKET, mode=mode, proposed_by=first)
        await self.agree(act, registry.approve_mode)

    async def entity(self, *, regulated: bool = True, role: Role = Role.ENTERPRISE) -> Account:
        """An enterprise with an account and one member of staff."""
        first, _ = await self.people()
        code = f"e{uuid4().hex[:10]}"
        async with self.db.transaction() as session:
            await organisations.create_organisation(
                session, code=code, name_zh="企业", name_en="Enterprise", roles=[role]
            )
            account = await registry.open_account(
                session, market=MARKET, organisation=code, region="CN-GD-GZ", regulated=regulated, opened_by=first
            )  # fmt: skip
        self.staff[code] = (await self.hire(role, organisation=code)).id
        return account

    async def owe(self, account: Account, emissions_t: int, *, obligation_t: int | None = None) -> Any:
        """Fix an entity's figures, or revise them."""
        first, _ = await self.people()
        async with self.db.transaction() as session:
            act = await registry.propose_obligation(
                session,
                market=MARKET,
                organisation=account.organisation,
                compliance_year=self.year,
                issued_t=emissions_t,
                initial_t=emissions_t,
                confirmed_emissions_t=emissions_t,
                obligation_t=emissions_t if obligation_t is None else obligation_t,
                reason="verified report",
                proposed_by=first,
            )
        return await self.agree(act, surrender.approve_obligation)

    async def adopt(
        self,
        *,
        edition: str = "handbook",
        pools: dict[str, int] | None = None,
        parameters: dict[str, bool | str] | None = None,
        apply_by: dt.date | None = None,
        surrender_by: dt.date | None = None,
    ) -> registry.Adoption:
        """Adopt an edition for the year."""
        first, _ = await self.people()
        today = clock.today()
        async with self.db.transaction() as session:
            act = await registry.propose_rules(
                session,
                market=MARKET,
                compliance_year=self.year,
                edition=edition,
                pools=pools or {},
                parameters=parameters or {},
                apply_by=apply_by or surrender_by or today,
                surrender_by=surrender_by or today,
                proposed_by=first,
            )
        adopted: registry.Adoption = await self.agree(act, registry.approve_rules)
        return adopted

    async def allot(self, *granted: tuple[Account, int], year: int | None = None) -> list[registry.Lot]:
        """Give allowances of a year."""
        first, _ = await self.people()
        allotments = [registry.Allotment(account.organisation, quantity) for account, quantity in granted]
        async with self.db.transaction() as session:
            act = await registry.propose_allocation(
                session,
                market=MARKET,
                compliance_year=year or self.year,
                allotments=allotments,
                proposed_by=first,
            )
        lots: list[registry.Lot] = await self.agree(act, registry.approve_allocation)
        return lots

    async def ccer(self, account: Account, quantity_t: int, **facts: Any) -> registry.Lot:
        """Enter CCER of a project."""
        first, _ = await self.people()
        async with self.db.transaction() as session:
            act = await registry.propose_registration(
                session,
                market=MARKET,
                organisation=account.organisation,
                quantity_t=quantity_t,
                facts={**CCER_FACTS, **facts},
                outer_reference="CCER-000001-000099",
                proposed_by=first,
            )
        lot: registry.Lot = await self.agree(act, registry.approve_registration)
        return lot

    async def pledge(
        self,
        account: Account,
        *asked: AskedLot,
        accept_partial: bool = False,
        session: AsyncSession | None = None,
    ) -> surrender.PledgeAnswer:
        """Pledge in a transaction of its own, or in one that the test keeps open."""
        if session is None:
            async with self.db.transaction() as own:
                return await self.pledge(account, *asked, accept_partial=accept_partial, session=own)
        return await surrender.pledge(
            session,
            account=account,
            compliance_year=self.year,
            asked=asked,
            accept_partial=accept_partial,
            pledged_by=self.staff[account.organisation],
        )

    async def release(self, account: Account, pledge_id: UUID | None) -> surrender.Pledge:
        assert pledge_id is not None
        async with self.db.transaction() as session:
            return await surrender.release(
                session,
                account=account,
                pledge_id=pledge_id,
                released_by=self.staff[account.organisation],
            )

    async def close(self) -> tuple[surrender.Close, list[surrender.Surrendered]]:
        """Close the year."""
        first, _ = await self.people()
        async with self.db.transaction() as session:
            act = await surrender.propose_close(
                session, market=MARKET, compliance_year=self.year, proposed_by=first
            )
        closed: tuple[surrender.Close, list[surrender.Surrendered]] = await self.agree(
            act, surrender.approve_close
        )
        return closed

    async def held(self, account: Account) -> dict[str, int]:
        """Tonnes by book that lie in the account and are free."""
        async with self.db.transaction() as session:
            found = await registry.holdings(session, account=account)
        sums: dict[str, int] = {}
        for one in found:
            sums[one.lot.book] = sums.get(one.lot.book, 0) + one.serials.quantity
        return sums


def lines(answer: surrender.PledgeAnswer) -> list[tuple[str, int, int, list[str]]]:
    """Unit, tonnes pledged, tonnes refused and the codes of the reasons, line by line."""
    return [
        (line.unit, line.pledged_t, line.refused_t, [reason.code for reason in line.reasons])
        for line in answer.lines
    ]


def whole(lots: Sequence[registry.Lot]) -> list[AskedLot]:
    """All of these lots, by their numbers."""
    return [AskedLot(lot.book, serials=(lot.serials,)) for lot in lots]


async def lived_through(stage: Stage) -> None:
    """A year with everything in it: a partial pledge, a release, a cap that falls before the close and one after it."""
    plant, idle = await stage.entity(), await stage.entity()
    await stage.owe(plant, 1000)
    await stage.owe(idle, 10)
    await stage.adopt(pools={"p": 150})
    (allowances, _) = await stage.allot((plant, 920), (idle, 4))
    lot = await stage.ccer(plant, 130, boundary_of=["somebody-else"])
    taken_back = await stage.pledge(plant, AskedLot(lot.book, quantity_t=20))
    await stage.pledge(plant, AskedLot(lot.book, quantity_t=100), accept_partial=True)
    await stage.release(plant, taken_back.pledge_id)
    await stage.pledge(plant, *whole([allowances]), accept_partial=True)
    async with stage.db.transaction() as session:
        await surrender.cancel(
            session,
            account=plant,
            asked=AskedLot(lot.book, quantity_t=3),
            purpose="a public purpose",
            cancelled_by=stage.staff[plant.organisation],
        )
    await stage.owe(plant, 700)
    await stage.close()
    await stage.owe(plant, 500)
    await stage.owe(plant, 900)


async def give_phcer(stage: Stage, account: Account, quantity_t: int, **facts: Any) -> registry.Lot:
    """Inclusion credits as a crossing leaves them in a demonstration's book."""
    book, source_id = f"{MARKET}-phcer-demo", uuid4()
    async with stage.db.transaction() as session:
        await ledger.open_book(session, code=book, unit="PHCER", demo=True)
        codes = [f"bridged_in:{book}:phcer-demo", registry.entity_code(book, account.organisation)]
        opened = await ledger.open_accounts(session, map(ledger.AccountSpec, codes))
        line = ledger.SerialLine(opened[codes[0]], opened[codes[1]], quantity_t, "bridge.deposited")
        moved = await ledger.post_serials(session, [ledger.SerialPosting(source_id, clock.now(), (line,))])
        return await registry.record_lot(
            session, book=book, serials=moved[source_id].all[0], unit="PHCER", source=registry.Source.BRIDGED,
            source_id=source_id, facts={**PHCER_FACTS, **facts},
        )  # fmt: skip
