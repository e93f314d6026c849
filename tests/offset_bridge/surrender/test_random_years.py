"""Years of random pledges, releases, revisions and cancellations keep the plainest rules, and can all be derived again."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from backend.kit.db import Database
from offset_bridge import registry, surrender
from offset_bridge.registry import Account, Held
from offset_bridge.surrender import AskedLot, UnitsNotHeld
from tests.offset_bridge.stage import Stage, give_phcer
from tests.offset_bridge.surrender.test_checks import ask

SEED = int(os.environ.get("PUHUI_TEST_SEED", "20261122"))
STEPS, POOL = 25, 70


def kind_of(held: Held) -> str:
    """GDEA, PHCER, or a CCER that is local or is not."""
    if held.lot.unit != "CCER":
        return held.lot.unit
    return "local" if str(held.lot.facts["project_region"]).startswith("CN-GD") else "other"


def by_kind(units: Sequence[Held]) -> Counter[str]:
    found: Counter[str] = Counter()
    for held in units:
        found[kind_of(held)] += held.serials.quantity
    return found


@dataclass
class Year:
    """What the test itself remembers: figures, standing pledges, what was granted and given up."""

    stage: Stage
    dice: random.Random
    owed: dict[str, int] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    granted: dict[str, Counter[str]] = field(default_factory=dict)
    given_up: dict[str, Counter[str]] = field(default_factory=dict)
    lots: list[registry.Lot] = field(default_factory=list)

    async def begin(self) -> None:
        await self.stage.adopt(pools={"province": POOL})
        for _ in range(3):
            account = await self.stage.entity()
            self.accounts.append(account)
            self.given_up[account.organisation] = Counter()
            await self.revise(account)
            await self.stage.allot((account, self.dice.randint(50, 400)))
            await self.stage.ccer(account, self.dice.randint(5, 40))
            await self.stage.ccer(account, self.dice.randint(5, 40), project_region="CN-YN")
            await give_phcer(self.stage, account, self.dice.randint(5, 40))
            free = await self.free(account)
            self.lots += [held.lot for held in free]
            self.granted[account.organisation] = by_kind(free)

    async def revise(self, account: Account) -> None:
        self.owed[account.organisation] = self.dice.randint(100, 400)
        await self.stage.owe(account, self.owed[account.organisation])

    async def free(self, account: Account) -> list[Held]:
        async with self.stage.db.transaction() as session:
            return await registry.holdings(session, account=account)

    async def standing(self) -> dict[str, list[surrender.Pledge]]:
        async with self.stage.db.transaction() as session:
            found = await surrender.pledges(session, accounts=self.accounts, limit=1000)
        return {
            account.organisation: [
                one
                for one in found
                if one.account_id == account.id
                and one.released_at is None
                and one.compliance_year == self.stage.year
            ]
            for account in self.accounts
        }

    async def one_step(self) -> None:
        account = self.dice.choice(self.accounts)
        what = self.dice.choice(("pledge", "pledge", "pledge", "release", "revise", "cancel"))
        free = await self.free(account)
        if what == "revise":
            await self.revise(account)
        elif what == "release":
            standing = (await self.standing())[account.organisation]
            if standing:
                try:
                    await self.stage.release(account, self.dice.choice(standing).id)
                except surrender.ReleaseBreaksRules:
                    return
        elif free and what == "cancel":
            held = self.dice.choice(free)
            if kind_of(held) != "GDEA":
                await self.cancel(account, held)
        elif free:
            chosen = {self.dice.choice(free).lot.book for _ in range(2)}
            asked = [AskedLot(book, quantity_t=self.dice.randint(1, 60)) for book in sorted(chosen)]
            try:
                done = await self.stage.pledge(account, *asked, accept_partial=self.dice.random() < 0.8)
            except UnitsNotHeld:
                return
            await self.check(account, done)

    async def cancel(self, account: Account, held: Held) -> None:
        async with self.stage.db.transaction() as session:
            made = await surrender.cancel(
                session, account=account, asked=AskedLot(held.lot.book, quantity_t=1), purpose="a meeting",
                cancelled_by=self.stage.staff[account.organisation],
            )  # fmt: skip
        (run,) = made.serials
        lot = next(one for one in self.lots if one.book == made.book and run.low in one.serials)
        self.given_up[account.organisation][kind_of(Held(lot, run))] += 1

    async def check(self, account: Account, done: surrender.PledgeAnswer) -> None:
        """The limits, in the plainest words, on everything that stands after a pledge added to it."""
        standing = await self.standing()
        added: Counter[str] = Counter()
        for line in done.lines:
            added[line.unit] += line.pledged_t
        own = by_kind([held for one in standing[account.organisation] for held in one.units])
        owed = self.owed[account.organisation]
        if done.pledged_t:
            assert own.total() <= owed
        if added["CCER"] or added["PHCER"]:
            assert own.total() - own["GDEA"] <= owed // 10
            everybody = by_kind([held for ones in standing.values() for one in ones for held in one.units])
            assert everybody.total() - everybody["GDEA"] <= POOL
        if added["CCER"]:
            assert 10 * own["local"] >= 7 * (own["local"] + own["other"])
        for line in done.lines:
            assert line.refused_t == 0 or line.reasons


@pytest.mark.parametrize("round_", range(4))
async def test_a_random_year_keeps_the_plainest_rules(stage: Stage, db: Database, round_: int) -> None:
    year = Year(stage, random.Random(SEED + round_))
    await year.begin()
    for _ in range(STEPS):
        await year.one_step()
    _, surrenders = await stage.close()
    for account in year.accounts:
        (own,) = [one for one in surrenders if one.organisation == account.organisation]
        kept = by_kind(own.units)
        assert kept.total() <= year.owed[account.organisation]
        assert kept.total() - kept["GDEA"] <= year.owed[account.organisation] // 10
        assert 10 * kept["local"] >= 7 * (kept["local"] + kept["other"])
        left = by_kind(await year.free(account))
        assert left + kept + year.given_up[account.organisation] == year.granted[account.organisation], (
            f"seed {SEED + round_}"
        )
    await year.revise(year.accounts[0])
    assert await ask(db) == {}, f"seed {SEED + round_}"
