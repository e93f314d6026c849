"""Credits that change hands, cross the bridge, are sold and given up: rows of every table of that side."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from backend.identity import Role, organisations, staff
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from offset_bridge import bridge, cash, market, origin, registry
from offset_bridge import credits as credits_
from tests.audit.certified import OPERATOR

MARKET = "guangdong"
AUTHORITY = ("first", "second")  # logins of two people


class Crossing:
    """The steps, each a transaction of its own."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.db, self.settings = db, settings
        self.staff: dict[str, UUID] = {}

    async def build(self) -> None:
        for code in ("seller", "buyer"):
            await self.hire(code)
        await self.open_registry(registry.Mode.DEMO)
        await self.issue(origin.DEMO, "seller", 1)
        refused = await self.lock(origin.DEMO, 1)
        await self.open_registry(registry.Mode.LIVE)
        await self.step(bridge.deposit, refused)  # the registry is live by now: the credits come back
        await self.accounts()
        await self.issue(origin.LIVE, "seller", 12)
        await self.pass_on()
        crossed, deposited, _ = [await self.lock(origin.LIVE, quantity) for quantity in (6, 2, 1)]
        await self.step(bridge.deposit, crossed)
        await self.step(bridge.confirm, crossed)
        await self.step(bridge.deposit, deposited)
        await self.sell()

    async def hire(self, code: str) -> None:
        async with self.db.transaction() as session:
            await organisations.create_organisation(
                session, code=code, name_zh="企业", name_en="Enterprise", roles=[Role.ENTERPRISE]
            )
            made = await staff.create_staff(
                session, self.settings.keys, organisation_code=code, login=f"of-{code}",
                password="correct horse battery", roles=[Role.ENTERPRISE],
            )  # fmt: skip
        self.staff[code] = made.staff.id

    async def open_registry(self, mode: registry.Mode) -> None:
        async with self.db.transaction() as session:
            first, second = [(await staff.staff_by_login(session, login=login)).id for login in AUTHORITY]
            act = await registry.propose_mode(session, market=MARKET, mode=mode, proposed_by=first)
        async with self.db.transaction() as session:
            await registry.approve_mode(
                session, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
            )
        if mode is registry.Mode.DEMO:
            for code in self.staff:
                async with self.db.transaction() as session:
                    await registry.open_account(
                        session, market=MARKET, organisation=code, region="CN-GD-GZ", regulated=False, opened_by=first
                    )  # fmt: skip

    async def accounts(self) -> None:
        """Money for the buyer."""
        async with self.db.transaction() as session:
            somebody = await staff.staff_by_login(session, login=AUTHORITY[0])
            await cash.record(
                session, market=MARKET, organisation="buyer", direction=cash.Direction.DEPOSITED, amount_fen=1_000_000,
                reference="bank slip", recorded_by=somebody.id,
            )  # fmt: skip

    async def issue(self, book: str, owner: str, quantity_t: int) -> None:
        """Credits from the operator to whom they were issued."""
        async with self.db.transaction() as session:
            operator = await staff.staff_by_login(session, login="anna")
            await credits_.transfer(
                session, book=book, giver=OPERATOR, taker=owner, quantity_t=quantity_t, price_fen=0,
                asked_by=operator.id,
            )  # fmt: skip

    async def pass_on(self) -> None:
        by = self.staff["seller"]
        async with self.db.transaction() as session:
            await credits_.transfer(
                session,
                book=origin.LIVE,
                giver="seller",
                taker="buyer",
                quantity_t=2,
                price_fen=100,
                asked_by=by,
            )
        async with self.db.transaction() as session:
            await credits_.cancel(
                session, book=origin.LIVE, owner="seller", quantity_t=1, purpose="a conference", asked_by=by
            )

    async def lock(self, book: str, quantity_t: int) -> UUID:
        async with self.db.transaction() as session:
            made = await bridge.lock(
                session, book=book, market=MARKET, owner="seller", quantity_t=quantity_t,
                asked_by=self.staff["seller"],
            )  # fmt: skip
        return made.id

    async def step(self, verb: Any, bridge_id: UUID) -> None:
        async with self.db.transaction() as session:
            await verb(session, bridge_id=bridge_id)

    async def sell(self) -> None:
        """A sale that is settled, one that is withdrawn, one that lapsed, and one that is open."""
        book = origin.book_in(MARKET, origin.LIVE)
        soon = clock.now() + dt.timedelta(hours=1)
        made = []
        for quantity_t in (2, 1, 1, 1):
            async with self.db.transaction() as session:
                sale = await market.offer(
                    session, book=book, seller="seller", buyer="buyer", quantity_t=quantity_t, price_fen=5000,
                    expires_at=soon, offered_by=self.staff["seller"],
                )  # fmt: skip
            made.append(sale.id)
        async with self.db.transaction() as session:
            await market.accept(session, sale_id=made[0], buyer="buyer", accepted_by=self.staff["buyer"])
        async with self.db.transaction() as session:
            await market.withdraw(
                session, sale_id=made[1], seller="seller", withdrawn_by=self.staff["seller"]
            )
        with clock.travel(soon):
            async with self.db.transaction() as session:
                await market.expire(session, sale_id=made[2])
