"""Scenarios as tables: a small language that runs the real ledger on the real database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.errors import DomainError

Play = Callable[[str], Awaitable[None]]
_KINDS = {"source": "issuer", "guarded": "wallet", "hold": "hold", "shop": "payable", "debt": "debt"}
_REASONS = {
    ("issuer", "wallet"): "points.earned",
    ("wallet", "hold"): "points.held",
    ("hold", "payable"): "points.captured",
    ("issuer", "debt"): "points.repaid",
}


class Stage:
    """One scenario's accounts and keys, apart from every other scenario's in the same database."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.scope = ids.uuid7()
        self.codes: dict[str, str] = {}
        self.accounts: dict[str, int] = {}

    def key(self, name: str) -> UUID:
        return ids.derive(self.scope, name)

    async def run(self, line: str) -> None:
        words = line.replace("->", " ").split()
        await getattr(self, f"do_{words[0]}")(*words[1:])

    async def do_account(self, name: str, kind: str) -> None:
        self.codes[name] = f"{_KINDS[kind]}:{self.scope}:{name}"
        async with self.db.transaction() as session:
            opened = await ledger.open_accounts(session, [ledger.AccountSpec(self.codes[name])])
        self.accounts[name] = opened[self.codes[name]]

    async def do_post(self, key: str, debit: str, credit: str, amount: str, expected: str) -> None:
        kinds = (self.codes[debit].split(":")[0], self.codes[credit].split(":")[0])
        posting = ledger.Posting(
            id=self.key(key),
            reason=_REASONS.get(kinds, "points.nonsense"),
            happened_at=clock.now(),
            lines=(ledger.Line(self.accounts[debit], self.accounts[credit], int(amount)),),
        )
        try:
            async with self.db.transaction() as session:
                outcome = (await ledger.post(session, [posting]))[posting.id]
        except DomainError as error:
            outcome = error.code.removeprefix("ledger.")  # type: ignore[assignment]
        assert outcome == expected, f"post {key}: {outcome}, not {expected}"

    async def do_capture(self, key: str, hold: str, shop: str, expected: str) -> None:
        try:
            async with self.db.transaction() as session:
                outcome: str = await ledger.capture(
                    session,
                    posting_id=self.key(key),
                    hold=self.key(hold),
                    credit=self.accounts[shop],
                    reason="points.captured",
                    happened_at=clock.now(),
                )
        except DomainError as error:
            outcome = error.code.removeprefix("ledger.")
        assert outcome == expected, f"capture {key}: {outcome}, not {expected}"

    async def do_reverse(self, key: str, undone: str, expected: str) -> None:
        undo = {self.key(f"{key}/{part}"): self.key(part) for part in undone.split("+")}
        try:
            async with self.db.transaction() as session:
                outcome: str = await ledger.reverse(
                    session, undo=undo, reason="reversed", happened_at=clock.now()
                )
        except DomainError as error:
            outcome = error.code.removeprefix("ledger.")
        assert outcome == expected, f"reverse {key}: {outcome}, not {expected}"

    async def do_balance(self, name: str, expected: str) -> None:
        async with self.db.transaction() as session:
            held = await ledger.balances(session, [self.accounts[name]])
        assert held[self.accounts[name]] == int(expected), f"balance {name}: {held}, not {expected}"


@pytest.fixture
def stage(db: Database) -> Stage:
    return Stage(db)


@pytest.fixture
def play(stage: Stage) -> Play:
    """Run a scenario line by line."""

    async def run(script: str) -> None:
        for line in script.strip().splitlines():
            if line.strip():
                await stage.run(line.strip())

    return run
