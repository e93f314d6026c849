"""One participant of one programme on the real ledger, and the verbs, each in a transaction of its own."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from backend import ledger
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.programmes import ClawedBack, Earned, Wallet, wallets

NEXT_YEAR = dt.date(2030, 12, 31)


class Citizen:
    """A participant; every verb takes names for posting ids, so that a test reads as a story."""

    def __init__(self, db: Database, *, programme: str) -> None:
        self.db = db
        self.id = ids.uuid7()
        self.programme = programme

    def key(self, name: str) -> UUID:
        return ids.derive(self.id, name)

    async def earn(self, name: str, points: int, expires_on: dt.date | None = NEXT_YEAR) -> Earned:
        async with self.db.transaction() as session:
            return await wallets.earn(
                session,
                participant_id=self.id,
                programme=self.programme,
                points=points,
                expires_on=expires_on,
                posting_id=self.key(name),
                happened_at=clock.now(),
            )

    async def hold(self, name: str, points: int) -> str:
        async with self.db.transaction() as session:
            return await wallets.hold(
                session,
                participant_id=self.id,
                programme=self.programme,
                points=points,
                posting_id=self.key(name),
                happened_at=clock.now(),
            )

    async def release(self, hold: str) -> str:
        async with self.db.transaction() as session:
            return await wallets.release(
                session,
                hold=self.key(hold),
                posting_id=self.key(f"release {hold}"),
                happened_at=clock.now(),
            )

    async def capture(self, hold: str, merchant: str = "teahouse", name: str | None = None) -> str:
        async with self.db.transaction() as session:
            return await wallets.capture(
                session,
                hold=self.key(hold),
                merchant=merchant,
                posting_id=self.key(name or f"capture {hold}"),
                happened_at=clock.now(),
            )

    async def refund(self, hold: str, name: str | None = None) -> str:
        async with self.db.transaction() as session:
            return await wallets.refund(
                session,
                capture=self.key(f"capture {hold}"),
                posting_id=self.key(name or f"refund {hold}"),
                happened_at=clock.now(),
            )

    async def reverse_earning(self, earning: str) -> str:
        async with self.db.transaction() as session:
            return await wallets.reverse_earning(
                session,
                earning=self.key(earning),
                posting_id=self.key(f"reverse {earning}"),
                happened_at=clock.now(),
            )

    async def claw_back(self, name: str, points: int) -> ClawedBack:
        async with self.db.transaction() as session:
            return await wallets.claw_back(
                session,
                participant_id=self.id,
                programme=self.programme,
                points=points,
                posting_id=self.key(name),
                happened_at=clock.now(),
            )

    async def wallet(self) -> Wallet:
        async with self.db.transaction() as session:
            return await wallets.wallet_of(session, participant_id=self.id, programme=self.programme)

    async def lots(self) -> dict[str, int]:
        """Every lot with what it holds, lapsed ones included, by expiry."""
        async with self.db.transaction() as session:
            found = await ledger.balances_by_code(session, f"wallet:{self.id}:{self.programme}:")
        return {code.rsplit(":", 1)[1]: points for code, points in found.items() if points}


async def sweep(db: Database) -> int:
    """Expire everything that is due, in small batches; answers the points."""
    return await wallets.expire_all(db, batch=3)


@pytest.fixture
def citizen(db: Database) -> Citizen:
    return Citizen(db, programme=f"p{ids.uuid7().hex[-12:]}")
