"""Units with serial numbers against the plainest model there is: for each book, a dictionary from number to holder.

Two books hold the same numbers: one stands for where credits are issued, the other for a market that they cross into. On a
failure hypothesis prints the steps that led there, shortened, and the blob that replays them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar

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
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.settings import Settings
from backend.ledger import AccountSpec, SerialLine, SerialPosting, SerialRange, serial_checks

T = TypeVar("T")

ORIGIN, MARKET = 0, 1
OWNERS = ("ann", "bob", "cid")
# The reason, and the kinds of account that it debits and credits; None: every owner has one of his own.
MOVES = {
    ORIGIN: (
        ("credit.transferred", "holder", "holder"),
        ("credit.cancelled", "holder", "cancelled"),
        ("bridge.locked", "holder", "locked"),
        ("bridge.returned", "locked", "holder"),
        ("bridge.confirmed", "locked", "bridged_out"),
    ),
    MARKET: (
        ("sale.offered", "entity", "offered"),
        ("sale.withdrawn", "offered", "entity"),
        ("sale.settled", "offered", "entity"),
        ("credit.cancelled", "entity", "cancelled"),
    ),
}
MINTS = {
    ORIGIN: ("credit.issued", "issuance", "holder"),
    MARKET: ("bridge.deposited", "bridged_in", "entity"),
}
PERSONAL = {"holder", "entity", "offered"}

Account = tuple[str, str]  # kind, and owner where the kind is personal
Asked = list[tuple[int, int]]  # ranges [low, high)

books = strategies.sampled_from([ORIGIN, MARKET])
owners = strategies.sampled_from(OWNERS)
amounts = strategies.integers(1, 12)
lows = strategies.integers(1, 40)
ranges = strategies.tuples(lows, strategies.integers(1, 8)).map(lambda one: (one[0], one[0] + one[1]))


def numbers(asked: Asked) -> list[int]:
    return [number for low, high in asked for number in range(low, high)]


def runs(held: dict[int, Account]) -> list[tuple[Account, int, int]]:
    """The model's numbers as blocks: who holds which run, as long as each run can be."""
    found = []
    for (_, account), group in groupby(enumerate(sorted(held)), lambda one: (one[1] - one[0], held[one[1]])):
        run = [number for _, number in group]
        found.append((account, run[0], run[-1] + 1))
    return found


class SerialMachine(RuleBasedStateMachine):
    """Every rule does one thing to the real books and the same to the model, and compares the answers."""

    loop: asyncio.AbstractEventLoop
    db: Database

    def __init__(self) -> None:
        super().__init__()
        self.scope = ids.uuid7()
        stem = f"m-{self.scope.hex[-12:]}"
        self.books = {ORIGIN: stem, MARKET: f"there-{stem}"}
        self.held: dict[int, dict[int, Account]] = {ORIGIN: {}, MARKET: {}}
        self.past: dict[tuple[int, int], list[tuple[Account, Account]]] = {}
        self.cash = {"ann": 0, "bob": 0, "cid": 0}
        self.sent: list[tuple[SerialPosting, str, Asked]] = []
        self.keys = 0
        note(f"scope {self.scope}")
        self.run(self.begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def begin(self) -> None:
        async with self.db.transaction() as session:
            for book in self.books.values():
                await ledger.open_book(session, code=book, unit="PHCER")

    def code(self, book: int, account: Account) -> str:
        kind, owner = account
        return f"{kind}:{self.books[book]}" + (f":{owner}" if owner else "")

    def account(self, kind: str, owner: str) -> Account:
        return (kind, owner if kind in PERSONAL else "market" if kind in {"locked", "bridged_out"} else "")

    async def ask(self, lines: Sequence[tuple[str, str, int, str, Asked | None]]) -> tuple[str, Asked]:
        """Post these lines (debit, credit, amount, reason, numbers): `posted` and the numbers, or the refusal's code."""
        self.keys += 1
        try:
            async with self.db.transaction() as session:
                codes = [AccountSpec(code) for line in lines for code in line[:2]]
                found = await ledger.open_accounts(session, codes)
                posting = SerialPosting(
                    id=ids.derive(self.scope, self.keys),
                    happened_at=clock.now(),
                    lines=tuple(
                        SerialLine(
                            found[debit],
                            found[credit],
                            amount,
                            reason,
                            None if asked is None else tuple(SerialRange(*one) for one in asked),
                        )
                        for debit, credit, amount, reason, asked in lines
                    ),
                )
                moved = (await ledger.post_serials(session, [posting]))[posting.id]
        except DomainError as error:
            return error.code, []
        told = [(one.low, one.high) for one in moved.all]
        self.sent.append((posting, moved.outcome, told))
        return moved.outcome, told

    def apply(self, book: int, debit: Account, credit: Account, moved: Sequence[int]) -> None:
        for number in moved:
            self.held[book][number] = credit
            self.past.setdefault((book, number), []).append((debit, credit))

    # --- the verbs

    @rule(book=books, owner=owners, amount=amounts)
    def mint(self, book: int, owner: str, amount: int) -> None:
        """New units take the numbers behind the last one."""
        reason, source, kind = MINTS[book]
        top = max(self.held[book], default=0)
        debit, credit = (source, ""), (kind, owner)
        line = (self.code(book, debit), self.code(book, credit), amount, reason, None)
        assert self.run(self.ask([line])) == ("posted", [(top + 1, top + 1 + amount)])
        self.apply(book, debit, credit, range(top + 1, top + 1 + amount))

    @rule(book=books, owner=owners, asked=ranges)
    def mint_named(self, book: int, owner: str, asked: tuple[int, int]) -> None:
        """Named numbers come into being once in a book, whatever the other book holds."""
        reason, source, kind = MINTS[book]
        debit, credit = (source, ""), (kind, owner)
        line = (self.code(book, debit), self.code(book, credit), asked[1] - asked[0], reason, [asked])
        answer, told = self.run(self.ask([line]))
        taken = any(number in self.held[book] for number in range(*asked))
        assert answer == ("ledger.serials_taken" if taken else "posted")
        if not taken:
            assert told == [asked]
            self.apply(book, debit, credit, range(*asked))

    @rule(book=books, data=strategies.data(), giver=owners, taker=owners, amount=amounts)
    def move_lowest(
        self, book: int, data: strategies.DataObject, giver: str, taker: str, amount: int
    ) -> None:
        debit, credit, reason = self.drawn(book, data, giver, taker)
        own = sorted(number for number, account in self.held[book].items() if account == debit)
        line = (self.code(book, debit), self.code(book, credit), amount, reason, None)
        answer, told = self.run(self.ask([line]))
        if debit == credit:
            assert answer == "ledger.transfer_not_allowed"
        elif len(own) < amount:
            assert answer == "ledger.insufficient_balance"
        else:
            assert (answer, numbers(told)) == ("posted", own[:amount])
            self.apply(book, debit, credit, own[:amount])

    @rule(
        book=books,
        data=strategies.data(),
        giver=owners,
        taker=owners,
        asked=strategies.lists(ranges, min_size=1, max_size=3),
    )
    def move_named(
        self, book: int, data: strategies.DataObject, giver: str, taker: str, asked: Asked
    ) -> None:
        debit, credit, reason = self.drawn(book, data, giver, taker)
        wanted = numbers(asked)
        line = (self.code(book, debit), self.code(book, credit), len(wanted), reason, asked)
        answer, told = self.run(self.ask([line]))
        own = [number for number, account in self.held[book].items() if account == debit]
        if debit == credit:
            assert answer == "ledger.transfer_not_allowed"
        elif len(own) < len(wanted):
            assert answer == "ledger.insufficient_balance"
        elif set(wanted) <= set(own) and len(set(wanted)) == len(wanted):
            assert (answer, numbers(told)) == ("posted", sorted(wanted))
            self.apply(book, debit, credit, wanted)
        else:
            assert answer == "ledger.serials_not_held"

    @precondition(lambda self: any(account[0] == "locked" for account in self.held[ORIGIN].values()))
    @rule(owner=owners, amount=amounts)
    def cross(self, owner: str, amount: int) -> None:
        """Both halves of a crossing in one posting, under the same numbers: all of it or nothing."""
        locked = sorted(number for number, one in self.held[ORIGIN].items() if one[0] == "locked")[:amount]
        asked = [(number, number + 1) for number in locked]
        debit, credit = ("bridged_in", ""), ("entity", owner)
        away, gone = ("locked", "market"), ("bridged_out", "market")
        lines = [
            (self.code(MARKET, debit), self.code(MARKET, credit), len(locked), "bridge.deposited", asked),
            (self.code(ORIGIN, away), self.code(ORIGIN, gone), len(locked), "bridge.confirmed", asked),
        ]
        answer, _ = self.run(self.ask_in_two_books(lines))
        if any(number in self.held[MARKET] for number in locked):
            assert answer == "ledger.serials_taken"
        else:
            assert answer == "posted"
            self.apply(MARKET, debit, credit, locked)
            self.apply(ORIGIN, away, gone, locked)

    async def ask_in_two_books(
        self, lines: Sequence[tuple[str, str, int, str, Asked | None]]
    ) -> tuple[str, Asked]:
        """The same numbers twice in one posting cannot be joined, so only the outcome is told."""
        self.keys += 1
        try:
            async with self.db.transaction() as session:
                codes = [AccountSpec(code) for line in lines for code in line[:2]]
                found = await ledger.open_accounts(session, codes)
                posting = SerialPosting(
                    id=ids.derive(self.scope, self.keys),
                    happened_at=clock.now(),
                    lines=tuple(
                        SerialLine(
                            found[debit], found[credit], amount, reason,
                            tuple(SerialRange(*one) for one in asked or ()),
                        )
                        for debit, credit, amount, reason, asked in lines
                    ),
                )  # fmt: skip
                moved = (await ledger.post_serials(session, [posting]))[posting.id]
                first, second = moved.serials[1], moved.serials[2]
                assert numbers([(one.low, one.high) for one in first]) == numbers(
                    [(one.low, one.high) for one in second]
                )
        except DomainError as error:
            return error.code, []
        return moved.outcome, []

    @rule(owner=owners, fen=strategies.integers(1, 500))
    def pay_in(self, owner: str, fen: int) -> None:
        line = (f"deposited:{self.books[MARKET]}", self.purse(owner), fen, "cash.deposited", None)
        assert self.run(self.ask([line])) == ("posted", [])
        self.cash[owner] += fen

    @rule(seller=owners, buyer=owners, amount=amounts, fen=strategies.integers(1, 300))
    def settle(self, seller: str, buyer: str, amount: int, fen: int) -> None:
        """Units against money in one posting: both pass, or neither."""
        if seller == buyer:
            return
        debit, credit = ("offered", seller), ("entity", buyer)
        own = sorted(number for number, account in self.held[MARKET].items() if account == debit)
        lines = [
            (self.code(MARKET, debit), self.code(MARKET, credit), amount, "sale.settled", None),
            (self.purse(buyer), self.purse(seller), fen, "sale.paid", None),
        ]
        answer, told = self.run(self.ask(lines))
        if len(own) < amount or self.cash[buyer] < fen:
            assert answer == "ledger.insufficient_balance"
            return
        assert (answer, numbers(told)) == ("posted", own[:amount])
        self.apply(MARKET, debit, credit, own[:amount])
        self.cash[buyer] -= fen
        self.cash[seller] += fen

    @precondition(lambda self: self.sent)
    @rule(data=strategies.data())
    def send_again(self, data: strategies.DataObject) -> None:
        """What was posted before moves nothing and tells the same numbers."""
        posting, _, told = self.sent[data.draw(strategies.integers(0, len(self.sent) - 1))]

        async def again() -> tuple[str, Asked]:
            async with self.db.transaction() as session:
                moved = (await ledger.post_serials(session, [posting]))[posting.id]
            return moved.outcome, [(one.low, one.high) for one in moved.all]

        assert self.run(again()) == ("repeated", told)

    def purse(self, owner: str) -> str:
        return f"cash:{self.books[MARKET]}:{owner}"

    def drawn(
        self, book: int, data: strategies.DataObject, giver: str, taker: str
    ) -> tuple[Account, Account, str]:
        reason, debit, credit = data.draw(strategies.sampled_from(MOVES[book]))
        return self.account(debit, giver), self.account(credit, taker), reason

    # --- what must hold after every step

    @invariant()
    def blocks_are_those_of_the_model(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        async with self.db.transaction() as session:
            for book, name in self.books.items():
                found = []
                kinds = {kind for _, *both in MOVES[book] for kind in both} | {MINTS[book][2]}
                for kind in sorted(kinds):
                    blocks = await ledger.blocks(session, prefix=f"{kind}:{name}")
                    found += [(one.account, one.serials.low, one.serials.high) for one in blocks]
                    balances = await ledger.balances_by_code(session, f"{kind}:{name}")
                    for code, balance in balances.items():
                        mine = [one for one in self.held[book].values() if self.code(book, one) == code]
                        assert balance == len(mine), code
                wanted = [(self.code(book, who), low, high) for who, low, high in runs(self.held[book])]
                assert sorted(found) == sorted(wanted)
            for owner, fen in self.cash.items():
                held = await ledger.balances_by_code(session, self.purse(owner))
                assert sum(held.values()) == fen

    def teardown(self) -> None:
        self.run(self.histories())

    async def histories(self) -> None:
        """Every number's history is what happened to it, and the audit has nothing to say."""
        async with self.db.transaction() as session:
            for (book, number), past in self.past.items():
                moves = await ledger.history_of(session, book=self.books[book], number=number)
                told = [(one.debit_code, one.credit_code) for one in moves]
                assert told == [(self.code(book, debit), self.code(book, credit)) for debit, credit in past]
            checked = await serial_checks.serials(session)
            assert not checked.violations


@pytest.fixture(scope="module")
def machine(settings: Settings) -> Iterator[type[SerialMachine]]:
    """The machine on an event loop of its own, with its own connections."""
    loop = asyncio.new_event_loop()
    SerialMachine.loop, SerialMachine.db = loop, Database(settings)
    yield SerialMachine
    loop.run_until_complete(SerialMachine.db.close())
    loop.close()


@pytest.mark.timeout(600)  # a failure is shortened for up to five minutes before it is told
def test_serial_blocks_agree_with_the_plainest_model(machine: type[SerialMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
