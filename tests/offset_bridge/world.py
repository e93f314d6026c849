"""A market's registry, holders with accounts, and credits as an issuance leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

from sqlalchemy import text

from backend import ledger, log
from backend.identity import Role, organisations
from backend.kit import clock, ids
from backend.kit.checks import Checked
from backend.kit.db import Database
from backend.ledger import AccountSpec, SerialLine, SerialPosting, SerialRange
from offset_bridge import cash, origin, registry
from tests.identity.conftest import Hire

_clerks: WeakKeyDictionary[Database, UUID] = WeakKeyDictionary()
_offices: WeakKeyDictionary[Database, list[UUID]] = WeakKeyDictionary()


@dataclass
class World:
    """What the tests of bridge and market stand on; every verb is a transaction of its own."""

    db: Database
    hire: Hire

    async def organisation(self, *roles: Role) -> str:
        """A new organisation, by its code."""
        code = f"org-{uuid4().hex[:10]}"
        async with self.db.transaction() as session:
            await organisations.create_organisation(
                session, code=code, name_zh="机构", name_en="Organisation", roles=roles or (Role.ENTERPRISE,)
            )
        return code

    async def clerk(self) -> UUID:
        """Somebody of staff. Passwords take long to make, and services ask for a person, not for whose: one will do."""
        if self.db not in _clerks:
            _clerks[self.db] = (await self.hire(Role.ENTERPRISE)).id
        return _clerks[self.db]

    async def office(self) -> list[UUID]:
        """Two people of the authority."""
        if self.db not in _offices:
            office = await self.organisation(Role.AUTHORITY)
            _offices[self.db] = [(await self.hire(Role.AUTHORITY, organisation=office)).id for _ in range(2)]
        return _offices[self.db]

    async def set_mode(self, market: str, mode: registry.Mode) -> None:
        """Two people of the authority say what a registry is."""
        first, second = await self.office()
        async with self.db.transaction() as session:
            act = await registry.propose_mode(session, market=market, mode=mode, proposed_by=first)
        async with self.db.transaction() as session:
            await registry.approve_mode(
                session, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
            )

    async def live(self, market: str) -> None:
        """Make the registry live unless something is said of it."""
        async with self.db.transaction() as session:
            try:
                await registry.mode_of(session, market=market)
            except registry.MarketUnopened:
                known = False
            else:
                known = True
        if not known:
            await self.set_mode(market, registry.Mode.LIVE)

    async def open_account(self, market: str, organisation: str) -> None:
        opened_by = (await self.office())[0]
        async with self.db.transaction() as session:
            await registry.open_account(
                session, market=market, organisation=organisation, region="CN-GD-GZ", regulated=False,
                opened_by=opened_by,
            )  # fmt: skip

    async def issue(
        self,
        book: str,
        owner: str,
        quantity_t: int,
        *,
        year: int = 2025,
        regions: Sequence[str] = ("CN-GD-GZ",),
    ) -> SerialRange:
        """Credits with the next free numbers, as an issuance posts and states them."""
        batch = ids.uuid7()
        async with self.db.transaction() as session:
            await ledger.open_book(session, code=book, unit="PHCER", demo=book == origin.DEMO)
            codes = [f"issuance:{book}", f"holder:{book}:{owner}"]
            found = await ledger.open_accounts(session, map(AccountSpec, codes))
            line = SerialLine(found[codes[0]], found[codes[1]], quantity_t, "credit.issued")
            posting = SerialPosting(id=ids.derive(batch, "issued"), happened_at=clock.now(), lines=(line,))
            (numbers,) = (await ledger.post_serials(session, [posting]))[posting.id].all
            body: dict[str, Any] = {
                "batch": str(batch), "book": book, "first_serial": numbers.low, "quantity_t": quantity_t,
                "owner": owner, "project": "gd-green-travel", "methodology": "cn-shared-bike-km",
                "vintage_year": year, "demo": book == origin.DEMO,
                "runs": [{"from_day": f"{year}-06-01", "to_day": f"{year}-06-30", "regions": list(regions),
                          "acts": 10, "grams": quantity_t * 10**6}],
            }  # fmt: skip
            await log.append(session, kind="credit.issued", body=body)
        return numbers

    async def pay_in(self, market: str, organisation: str, amount_fen: int) -> None:
        """Money that the authority saw arrive."""
        recorded_by = (await self.office())[0]
        async with self.db.transaction() as session:
            await cash.record(
                session, market=market, organisation=organisation, direction=cash.Direction.DEPOSITED,
                amount_fen=amount_fen, reference="bank slip", recorded_by=recorded_by,
            )  # fmt: skip

    async def numbers(self, account: str) -> list[tuple[int, int]]:
        """The numbers that an account holds, as `[low, high)`."""
        async with self.db.transaction() as session:
            return [(one.low, one.high) for one in await ledger.serials_of(session, account=account)]

    async def entries(self, kind: str) -> list[dict[str, Any]]:
        async with self.db.transaction() as session:
            size = await log.size(session)
            return [entry.body for entry in await log.entries(session, low=0, high=size, kind=kind)]

    async def owed(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Promises that are not done: id, task, payload."""
        async with self.db.transaction() as session:
            rows = await session.execute(
                text("SELECT id, task, payload FROM kit_outbox WHERE done_at IS NULL ORDER BY id")
            )
            return [(row.id, row.task, row.payload) for row in rows]


def said(checked: Checked) -> list[str]:
    return [str(violation) for violation in checked.violations]
