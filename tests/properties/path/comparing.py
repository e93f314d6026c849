"""After every step the books say what the model says; at the end the audit passes and a serial number is proved."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from hypothesis.stateful import invariant

from backend import certification, ledger, log, transparency
from backend.certification import proofs
from backend.programmes import payable_identity, points_identity, wallets
from merchant import catalogue
from offset_bridge import bridge, cash, market, surrender
from puhui.audit import audit
from tests.properties.path.founding import BIKE, OFFERS, PROJECT
from tests.properties.path.model import ALLOWANCES, CROSSED, GRAMS_PER_TONNE, ORIGIN
from tests.properties.path.stage import Session, Stage
from tests.properties.path.trading import PARTIES

# Everything that can hold a numbered unit. What units come from holds none.
_HOLDERS = (
    "holder", "locked", "bridged_out", "entity", "offered", "pledged", "surrendered", "cancelled"
)  # fmt: skip


class Comparing(Stage):
    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        self.look(self.compare())

    async def compare(self) -> None:
        async with self.db.transaction() as session:
            await self.compare_points(session)
            await self.compare_grams(session)
            await self.compare_tonnes(session)
            await self.compare_acts(session)

    def same(self, found: Any, expected: Any) -> None:
        assert found == expected, (found, expected, self.model.facts())

    async def compare_points(self, session: Session) -> None:
        """Every lot, what is on hold, the stock, what the shops are owed, and the identity over all of it."""
        model = self.model
        for citizen, who in enumerate(self.town.citizens):
            lots = await ledger.balances_by_code(session, f"wallet:{who}:{PROJECT}:")
            mine = {day.isoformat(): points for (own, day), points in model.lots.items() if own == citizen}
            self.same({code.rsplit(":", 1)[1]: points for code, points in lots.items() if points},
                      {day: points for day, points in mine.items() if points})  # fmt: skip
            wallet = await wallets.wallet_of(session, participant_id=who, programme=PROJECT)
            self.same((wallet.held, wallet.owed), (model.held(citizen), 0))
            self.same([lot.expires_on for lot in wallet.lots], model.spendable(citizen))
        for name, (shop, _, _) in OFFERS.items():
            own = {"merchant_id": self.town.organisations[shop], "offer_id": self.town.offers[name]}
            self.same((await catalogue.offer_of(session, **own)).items_left, model.stock[name])
            owed = await ledger.balances_by_code(session, f"payable:{shop}:")
            self.same(sum(owed.values()), model.payable({name}))
        found = await points_identity(session, programme=PROJECT)
        assert found.holds, found
        assert (await payable_identity(session, programme=PROJECT)).holds
        self.same(
            (found.issued, found.spendable, found.held, found.payable, found.expired, found.owed),
            (
                model.issued_points, sum(model.lots.values()), sum(map(model.held, range(len(self.town.citizens)))),
                model.payable(set(OFFERS)), model.expired_points, 0,
            ),
        )  # fmt: skip

    async def compare_grams(self, session: Session) -> None:
        """What is in the pools, in the open batch, carried on, rejected, deducted and credited."""
        model = self.model
        expected = Counter(
            {f"pool:{PROJECT}:{BIKE}:{month}": sum(acts) for month, acts in model.pools.items()}
        )
        for batch in model.batches:
            expected[f"batch:{batch.id}"] = 0 if batch.issued else batch.frozen_g + batch.carry_in_g
        expected[f"carry:{PROJECT}:{BIKE}:2025"] = model.carry_g
        expected[f"rejected:{PROJECT}"] = model.rejected_g
        expected[f"deducted:{PROJECT}"] = model.deducted_g
        expected[f"credited:{PROJECT}:{BIKE}"] = model.credited_g
        found: dict[str, int] = {}
        for kind in ("pool", "batch", "carry", "rejected", "deducted", "credited"):
            found |= await ledger.balances_by_code(session, f"{kind}:")
        self.same({code: g for code, g in found.items() if g}, {code: g for code, g in expected.items() if g})

    async def compare_tonnes(self, session: Session) -> None:
        """Where every number of every book is; and that each one that was issued counts once over both books."""
        model = self.model
        found: dict[tuple[str, int], str] = {}
        for kind in _HOLDERS:
            blocks = await ledger.blocks(session, prefix=f"{kind}:")
            for block in blocks:
                for number in range(block.serials.low, block.serials.high):
                    assert (block.book, number) not in found, (block, number)
                    found[block.book, number] = block.account
            balances = await ledger.balances_by_code(session, f"{kind}:")
            held = Counter[str]()
            for block in blocks:
                held[block.account] += block.serials.quantity
            self.same({code: t for code, t in balances.items() if t}, dict(held))
        self.same(found, model.tonnes)
        self.same({book for book, _ in found} <= {ORIGIN, CROSSED, ALLOWANCES}, True)
        counted = Counter[int]()
        for (book, number), account in found.items():
            here = account.startswith(("holder:", "cancelled:"))
            on_its_way = account.startswith("locked:") and (CROSSED, number) not in found
            counted[number] += book == CROSSED or (book == ORIGIN and (here or on_its_way))
        issued = model.credited_g // GRAMS_PER_TONNE
        self.same(+counted, Counter(range(1, issued + 1)))
        for organisation in PARTIES:
            money = await cash.balance(session, market="guangdong", organisation=organisation)
            self.same(money, model.cash[organisation])

    async def compare_acts(self, session: Session) -> None:
        """How far every crossing, sale, pledge and batch has come, as the platform tells it."""
        model = self.model
        for crossing in model.crossings:
            told = await bridge.transfer_of(session, bridge_id=crossing.id)
            self.same(told.state.value, crossing.state)
        for sale in model.sales:
            ended = await market.sale_of(session, sale_id=sale.id)
            self.same(ended.outcome.value if ended.outcome else None, sale.outcome)
        for pledge in model.pledges:
            stands = await surrender.pledge_of(session, account=None, pledge_id=pledge.id)
            self.same(stands.released_at is not None, pledge.released)
        if model.batches:
            batch = model.batches[-1]
            known = await certification.batch(session, batch.id)
            self.same(
                (
                    known.certified_at is not None,
                    known.body is not None,
                    known.revision,
                    known.issued_at is not None,
                ),
                (batch.certified, batch.assigned, batch.revision or None, batch.issued),
            )

    def teardown(self) -> None:
        """What every example leaves must pass the whole audit, unless the example has failed already."""
        try:
            if self.copy is not None and not self.failed:
                self.run(self.seal())
                self.run(self.pass_the_audit())
                self.run(self.prove())
        finally:
            self.loop.run_until_complete(self.leave())

    async def seal(self) -> None:
        for _ in range(100):
            await log.seal_and_publish(self.db, settings=self.settings)
            async with self.db.transaction() as session:
                if not any(part.waiting for part in await log.coverage(session)):
                    break
            await asyncio.sleep(0.05)
        await transparency.catch_up(self.db)

    async def pass_the_audit(self) -> None:
        report = await audit(self.db, self.settings)
        assert report.passed, [
            f"{result.invariant.name}: {violation}"
            for result in report.results
            for violation in result.checked.violations
        ]

    async def prove(self) -> None:
        """The first and the last number issued are proved by nothing but their documents."""
        issued = self.model.credited_g // GRAMS_PER_TONNE
        for number in {1, issued} if issued else ():
            async with self.db.transaction() as session:
                made = await certification.serial_proof(session, book=ORIGIN, number=number)
            verdict = proofs.verify(
                proofs.read(proofs.to_bytes(made)), key=proofs.PinnedKey(made.key.public_key)
            )
            assert verdict.proven, (number, verdict)
