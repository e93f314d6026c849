"""A state machine over every verb on points, against the plainest model there is: dictionaries of numbers.

On a failure hypothesis prints the steps that led there, shortened, and the blob that replays them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, note, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend import ledger
from backend.kit import clock, ids
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.settings import Settings
from backend.programmes import payable_identity, points_identity, wallets

T = TypeVar("T")
START = dt.date(2027, 1, 1)
DAYS = [START + dt.timedelta(days=step) for step in (0, 1, 2, 4, 7)]
CITIZENS, PROGRAMMES, MERCHANTS = 2, 2, 2

people = strategies.integers(0, CITIZENS - 1)
programmes_ = strategies.integers(0, PROGRAMMES - 1)
amounts = strategies.integers(1, 60)
expiries = strategies.sampled_from([*DAYS, None])


@dataclass
class Purse:
    """What the model knows of one citizen in one programme."""

    lots: dict[dt.date | None, int] = field(default_factory=dict)
    held: int = 0
    owed: int = 0


@dataclass
class Request:
    """Something that was asked, so that it can be asked again: whatever came of it must come again."""

    send: Callable[[], Awaitable[str]]
    answer: str


@dataclass
class Hold:
    purse: Purse
    programme: int
    drawn: dict[dt.date | None, int]
    ended: str | None = None
    merchant: int | None = None
    capture: UUID | None = None


@dataclass
class Earning:
    purse: Purse
    expires_on: dt.date | None
    points: int
    repaid: int
    programme: int
    reversed: bool = False


def one_of(data: strategies.DataObject, things: Iterable[T]) -> T:
    """One of what there is, by its place: ids differ from run to run, places do not."""
    listed = list(things)
    return listed[data.draw(strategies.integers(0, len(listed) - 1))]


class PointsMachine(RuleBasedStateMachine):
    """Every rule does one thing to the real wallets and the same to the model, and compares the answers."""

    loop: asyncio.AbstractEventLoop
    db: Database

    def __init__(self) -> None:
        super().__init__()
        self.scope = ids.uuid7()
        self.today = START
        self.citizens = [ids.derive(self.scope, "citizen", number) for number in range(CITIZENS)]
        self.programmes = [f"m{self.scope.hex}-{number}" for number in range(PROGRAMMES)]
        self.merchants = [f"shop-{self.scope.hex}-{number}" for number in range(MERCHANTS)]
        self.purses = {
            (citizen, programme): Purse() for citizen in range(CITIZENS) for programme in range(PROGRAMMES)
        }
        self.holds: dict[UUID, Hold] = {}
        self.earnings: dict[UUID, Earning] = {}
        self.requests: list[Request] = []
        self.payable = {(m, p): 0 for m in range(MERCHANTS) for p in range(PROGRAMMES)}
        self.issued = [0] * PROGRAMMES
        self.expired = [0] * PROGRAMMES
        self.reversed = [0] * PROGRAMMES
        self.keys = 0
        note(f"scope {self.scope}")

    # --- the bridge

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def new_key(self) -> UUID:
        self.keys += 1
        return ids.derive(self.scope, self.keys)

    def ask(self, verb: Callable[..., Awaitable[Any]], **facts: Any) -> str:
        """Send a request in its own transaction: `posted`, `repeated`, or the code of the refusal."""
        moment = dt.datetime.combine(self.today, dt.time(12), SHANGHAI)

        async def send() -> str:
            try:
                async with self.db.transaction() as session:
                    done = await verb(session, **facts, happened_at=moment)
            except DomainError as error:
                return error.code
            return str(getattr(done, "outcome", done))

        answer = self.run(self.on_this_day(send()))
        self.requests.append(Request(send, answer))
        return answer

    async def on_this_day(self, work: Coroutine[Any, Any, T]) -> T:
        with clock.travel(dt.datetime.combine(self.today, dt.time(12), SHANGHAI)):
            return await work

    # --- the model's own arithmetic

    def spendable(self, purse: Purse) -> Iterator[dt.date | None]:
        """The live lots, the one that lapses first at the front."""
        yield from sorted(
            (day for day, points in purse.lots.items() if points and (day is None or day >= self.today)),
            key=lambda day: day or dt.date.max,
        )

    def take(self, purse: Purse, points: int) -> dict[dt.date | None, int]:
        taken: dict[dt.date | None, int] = {}
        for day in list(self.spendable(purse)):
            part = min(points, purse.lots[day])
            if part:
                taken[day] = part
                purse.lots[day] -= part
                points -= part
        return taken

    def give(self, purse: Purse, taken: dict[dt.date | None, int]) -> None:
        for day, points in taken.items():
            purse.lots[day] = purse.lots.get(day, 0) + points

    # --- the verbs

    @rule(citizen=people, programme=programmes_, points=amounts, expires_on=expiries)
    def earn(self, citizen: int, programme: int, points: int, expires_on: dt.date | None) -> None:
        purse, key = self.purses[citizen, programme], self.new_key()
        answer = self.ask(
            wallets.earn,
            participant_id=self.citizens[citizen],
            programme=self.programmes[programme],
            points=points,
            expires_on=expires_on,
            posting_id=key,
        )
        assert answer == "posted"
        repaid = min(points, purse.owed)
        purse.owed -= repaid
        self.give(purse, {expires_on: points - repaid})
        self.issued[programme] += points
        self.earnings[key] = Earning(purse, expires_on, points, repaid, programme)

    @rule(citizen=people, programme=programmes_, points=amounts)
    def hold(self, citizen: int, programme: int, points: int) -> None:
        purse, key = self.purses[citizen, programme], self.new_key()
        enough = sum(purse.lots[day] for day in self.spendable(purse)) >= points
        answer = self.ask(
            wallets.hold,
            participant_id=self.citizens[citizen],
            programme=self.programmes[programme],
            points=points,
            posting_id=key,
        )
        assert answer == ("posted" if enough else "ledger.insufficient_balance")
        if enough:
            self.holds[key] = Hold(purse, programme, self.take(purse, points))
            purse.held += points

    @precondition(lambda self: self.holds)
    @rule(data=strategies.data(), merchant=strategies.integers(0, MERCHANTS - 1))
    def capture(self, data: strategies.DataObject, merchant: int) -> None:
        chosen = one_of(data, self.holds)
        held, key = self.holds[chosen], self.new_key()
        answer = self.ask(wallets.capture, hold=chosen, merchant=self.merchants[merchant], posting_id=key)
        if held.ended:
            assert answer == "ledger.already_resolved"
            return
        assert answer == "posted"
        held.ended, held.merchant, held.capture = "captured", merchant, key
        held.purse.held -= sum(held.drawn.values())
        self.payable[merchant, held.programme] += sum(held.drawn.values())

    @precondition(lambda self: self.holds)
    @rule(data=strategies.data())
    def release(self, data: strategies.DataObject) -> None:
        chosen = one_of(data, self.holds)
        held = self.holds[chosen]
        answer = self.ask(wallets.release, hold=chosen, posting_id=self.new_key())
        if held.ended:
            assert answer == "ledger.already_resolved"
            return
        assert answer == "posted"
        held.ended = "released"
        held.purse.held -= sum(held.drawn.values())
        self.give(held.purse, held.drawn)

    @precondition(lambda self: any(held.capture for held in self.holds.values()))
    @rule(data=strategies.data())
    def refund(self, data: strategies.DataObject) -> None:
        chosen = one_of(data, [key for key, held in self.holds.items() if held.capture])
        held = self.holds[chosen]
        answer = self.ask(wallets.refund, capture=held.capture, posting_id=self.new_key())
        if held.ended == "refunded":
            assert answer == "ledger.already_resolved"
            return
        assert answer == "posted"
        assert held.merchant is not None
        held.ended = "refunded"
        self.payable[held.merchant, held.programme] -= sum(held.drawn.values())
        self.give(held.purse, held.drawn)

    @rule(citizen=people, programme=programmes_, points=amounts)
    def claw_back(self, citizen: int, programme: int, points: int) -> None:
        purse = self.purses[citizen, programme]
        answer = self.ask(
            wallets.claw_back,
            participant_id=self.citizens[citizen],
            programme=self.programmes[programme],
            points=points,
            posting_id=self.new_key(),
        )
        assert answer == "posted"
        purse.owed += points - sum(self.take(purse, points).values())
        self.reversed[programme] += points

    @precondition(lambda self: self.earnings)
    @rule(data=strategies.data())
    def reverse(self, data: strategies.DataObject) -> None:
        chosen = one_of(data, self.earnings)
        earning = self.earnings[chosen]
        lot, purse = earning.points - earning.repaid, earning.purse
        answer = self.ask(wallets.reverse_earning, earning=chosen, posting_id=self.new_key())
        if earning.reversed:
            assert answer == "ledger.already_resolved"
        elif purse.lots.get(earning.expires_on, 0) < lot:
            assert answer == "ledger.insufficient_balance"
        else:
            assert answer == "posted"
            earning.reversed = True
            self.give(purse, {earning.expires_on: -lot})
            purse.owed += earning.repaid
            self.reversed[earning.programme] += earning.points

    @rule(days=strategies.integers(1, 3))
    def a_day_goes_by(self, days: int) -> None:
        self.today += dt.timedelta(days=days)

    @rule()
    def expire(self) -> None:
        async def sweep() -> None:
            after = None
            while True:
                async with self.db.transaction() as session:
                    batch = await wallets.expire(session, after=after, limit=2)
                after = batch.after
                if after is None:
                    return

        self.run(self.on_this_day(sweep()))
        for (_, programme), purse in self.purses.items():
            for day, points in purse.lots.items():
                if day is not None and day < self.today and points:
                    self.expired[programme] += points
                    purse.lots[day] = 0

    @precondition(lambda self: self.requests)
    @rule(data=strategies.data(), times=strategies.integers(1, 3))
    def replay(self, data: strategies.DataObject, times: int) -> None:
        """Sent again, at once or later, alone or several times at once: nothing moves."""
        request = one_of(data, self.requests)
        if request.answer != "posted":
            return  # a refusal is no promise: what was too little then may be enough now
        answers = self.run(self.on_this_day(self.together([request.send() for _ in range(times)])))
        assert answers == ["repeated"] * times

    @staticmethod
    async def together(work: list[Awaitable[str]]) -> list[str]:
        return list(await asyncio.gather(*work))

    # --- the comparison

    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        self.run(self.on_this_day(self.compare()))

    async def compare(self) -> None:
        async with self.db.transaction() as session:
            for (citizen, programme), purse in self.purses.items():
                who, what = self.citizens[citizen], self.programmes[programme]
                lots = await ledger.balances_by_code(session, f"wallet:{who}:{what}:")
                found = {code.rsplit(":", 1)[1]: points for code, points in lots.items() if points}
                assert found == {
                    day.isoformat() if day else "never": points
                    for day, points in sorted(purse.lots.items(), key=str)
                    if points
                }
                wallet = await wallets.wallet_of(session, participant_id=who, programme=what)
                assert (wallet.held, wallet.owed) == (purse.held, purse.owed)
                assert {lot.expires_on: lot.points for lot in wallet.lots} == {
                    day: purse.lots[day] for day in self.spendable(purse)
                }
            for programme, what in enumerate(self.programmes):
                purses = [purse for (_, p), purse in self.purses.items() if p == programme]
                identity = await points_identity(session, programme=what)
                payables = await payable_identity(session, programme=what)
                assert identity.holds, identity
                assert payables.holds, payables
                assert identity.issued == self.issued[programme]
                assert identity.spendable == sum(sum(purse.lots.values()) for purse in purses)
                assert identity.held == sum(purse.held for purse in purses)
                assert identity.owed == sum(purse.owed for purse in purses)
                assert identity.expired == self.expired[programme]
                assert identity.reversed == self.reversed[programme]
                assert identity.payable == sum(
                    points for (_, p), points in self.payable.items() if p == programme
                )
            for number, merchant in enumerate(self.merchants):
                owed = await ledger.balances_by_code(session, f"payable:{merchant}:")
                assert sum(owed.values()) == sum(
                    points for (m, _), points in self.payable.items() if m == number
                )

    def teardown(self) -> None:
        """Every guarded balance is the sum of its transfers."""
        self.run(self.recount())

    async def recount(self) -> None:
        async with self.db.transaction() as session:
            for who in self.citizens:
                for prefix in ("wallet", "hold", "debt"):
                    for lot in await ledger.lots(session, prefix=f"{prefix}:{who}:"):
                        at = await ledger.balance_at(session, lot.id, clock.now() + dt.timedelta(days=1))
                        assert lot.balance == at, lot.code


@pytest.fixture(scope="module")
def machine(settings: Settings) -> Iterator[type[PointsMachine]]:
    """The machine on an event loop of its own, with its own connections."""
    loop = asyncio.new_event_loop()
    PointsMachine.loop, PointsMachine.db = loop, Database(settings)
    yield PointsMachine
    loop.run_until_complete(PointsMachine.db.close())
    loop.close()


@pytest.mark.timeout(600)  # a failure is shortened for up to five minutes before it is told
def test_points_agree_with_the_plainest_model(machine: type[PointsMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
