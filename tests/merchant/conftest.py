"""Shops with staff, citizens with points, and the verbs of a redemption, each in a transaction of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from backend import ledger, packs, programmes
from backend.identity import Role, organisations, people, staff
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.keys import Keys
from backend.kit.settings import Settings
from backend.programmes import PointsIdentity, points_identity, wallets
from backend.programmes.redeeming import Redeeming, keep
from merchant import catalogue, redemption, settlement
from merchant.catalogue import Offer
from merchant.catalogue.service import add_offer
from merchant.redemption import (
    At,
    Issued,
    Receipt,
    Redemption,
    RedemptionEnded,
    RedemptionExpired,
    RedemptionUnknown,
    Says,
    Scanned,
)
from tests import contracts, offers

PROGRAMME = "gd-green-travel"
NEXT_YEAR = dt.date(2030, 12, 31)


@dataclass(frozen=True)
class Shop:
    """A merchant organisation with one member of staff."""

    db: Database
    keys: Keys
    id: UUID
    code: str
    clerk: UUID
    contracted: bool = True

    async def offer(self, *, price: int = 30, items: int | None = None, **about: Any) -> Offer:
        """An offer on the shelf; of a shop without a contract, one from before offers were reviewed."""
        said = about | {
            "merchant_id": self.id, "programme": PROGRAMME, "title_zh": "一杯茶", "title_en": "A cup of tea",
            "price_points": price, "items": items,
        }  # fmt: skip
        if self.contracted:
            return await offers.offer(self.db, self.keys, by=self.clerk, **said)
        async with self.db.transaction() as session:
            return await add_offer(session, created_by=self.clerk, **said)

    async def draft(self, **about: Any) -> Offer:
        said: dict[str, Any] = {
            "title_zh": "一杯茶",
            "title_en": "A cup of tea",
            "price_points": 1,
            "items": None,
        }
        said |= about
        async with self.db.transaction() as session:
            return await catalogue.draft_offer(
                session, merchant_id=self.id, programme=PROGRAMME, created_by=self.clerk, **said
            )

    async def left(self, offer: Offer) -> int | None:
        async with self.db.transaction() as session:
            return (await catalogue.offer_of(session, merchant_id=self.id, offer_id=offer.id)).items_left

    async def restock(self, offer: Offer, items: int) -> Offer:
        async with self.db.transaction() as session:
            return await catalogue.restock(
                session, merchant_id=self.id, offer_id=offer.id, items=items, restocked_by=self.clerk
            )

    async def withdraw(self, offer: Offer) -> Offer:
        async with self.db.transaction() as session:
            return await catalogue.withdraw(
                session, merchant_id=self.id, offer_id=offer.id, withdrawn_by=self.clerk
            )

    async def capture(self, code: str) -> Receipt:
        async with self.db.transaction() as session:
            return await redemption.capture(session, self.keys, at=self.till(), code=code)

    def till(self, number: int | None = None) -> At:
        """Without a number, the clerk alone; else one of the shop's tills."""
        return At(self.id, self.clerk, None, None if number is None else uuid5(self.id, str(number)))

    async def ask(self, code: str, *, till: int | None = None) -> Scanned:
        return await redemption.scan(self.db, self.keys, at=self.till(till), code=code)

    async def scan(self, code: str) -> Receipt:
        """As a till does; a no is the refusal that `capture` would raise."""
        answer = await self.ask(code)
        if answer.says is Says.YES:
            assert answer.receipt is not None
            return answer.receipt
        if answer.reason in ("unknown", "unreadable"):
            raise RedemptionUnknown
        if answer.reason == "expired":
            raise RedemptionExpired
        raise RedemptionEnded(how=answer.reason or "")

    async def refund(self, redemption_id: UUID) -> Receipt:
        async with self.db.transaction() as session:
            return await redemption.refund(
                session,
                merchant_id=self.id,
                staff_id=self.clerk,
                redemption_id=redemption_id,
                reason="tea was cold",
            )

    async def refund_part(self, redemption_id: UUID, part_id: str, points: int) -> Receipt:
        async with self.db.transaction() as session:
            return await redemption.refund_part(
                session, merchant_id=self.id, staff_id=self.clerk, redemption_id=redemption_id, part_id=part_id,
                points=points, reason="half of it was cold",
            )  # fmt: skip

    async def part(self, receipt: Receipt, part_id: str, points: int) -> Receipt:
        async with self.db.transaction() as session:
            return await redemption.refund_part(
                session, merchant_id=self.id, staff_id=self.clerk, redemption_id=receipt.redemption_id,
                part_id=part_id, points=points, reason="one was broken",
            )  # fmt: skip

    async def look(self, scan_id: UUID) -> Scanned:
        async with self.db.transaction() as session:
            return await redemption.look_again(session, at=self.till(), scan_id=scan_id)

    async def ask_no_more(self, scan_id: UUID) -> Scanned:
        async with self.db.transaction() as session:
            return await redemption.withdraw(session, at=self.till(), scan_id=scan_id)

    async def payable(self) -> int:
        async with self.db.transaction() as session:
            found = await settlement.payables_of(session, merchant_id=self.id)
        return {one.programme: one.points for one in found}.get(PROGRAMME, 0)


@dataclass(frozen=True)
class Buyer:
    """A citizen of the programme."""

    db: Database
    keys: Keys
    id: UUID

    async def earn(self, points: int, expires_on: dt.date | None = NEXT_YEAR) -> None:
        async with self.db.transaction() as session:
            await wallets.earn(
                session,
                participant_id=self.id,
                programme=PROGRAMME,
                points=points,
                expires_on=expires_on,
                posting_id=ids.uuid7(),
                happened_at=clock.now(),
            )

    async def redeem(self, offer: Offer) -> Issued:
        async with self.db.transaction() as session:
            return await redemption.redeem(session, self.keys, participant_id=self.id, offer_id=offer.id)

    async def redeem_hot(self, offer: Offer) -> Issued:
        async with self.db.hot_statement() as connection:
            return await redemption.redeem_hot(
                connection, self.keys, participant_id=self.id, offer_id=offer.id
            )

    async def renew(self, issued: Issued) -> Issued:
        async with self.db.transaction() as session:
            return await redemption.renew(
                session, self.keys, participant_id=self.id, redemption_id=issued.redemption_id
            )

    async def answer(self, issued: Issued, scan_id: UUID, *, yes: bool) -> Redemption:
        async with self.db.transaction() as session:
            return await redemption.answer(
                session, participant_id=self.id, redemption_id=issued.redemption_id, scan_id=scan_id, yes=yes
            )

    async def cancel(self, issued: Issued) -> Redemption:
        async with self.db.transaction() as session:
            return await redemption.cancel(
                session, participant_id=self.id, redemption_id=issued.redemption_id
            )

    async def state(self, issued: Issued) -> str:
        async with self.db.transaction() as session:
            found = await redemption.redemption_of(
                session, participant_id=self.id, redemption_id=issued.redemption_id
            )
        return found.state_at(clock.now()).value

    async def purse(self) -> tuple[int, int]:
        """Points that can be spent, and points on hold."""
        async with self.db.transaction() as session:
            wallet = await wallets.wallet_of(session, participant_id=self.id, programme=PROGRAMME)
        return wallet.spendable, wallet.held

    async def lots(self) -> dict[str, int]:
        """Every lot that holds something, lapsed ones included, by expiry."""
        async with self.db.transaction() as session:
            found = await ledger.balances_by_code(session, f"wallet:{self.id}:{PROGRAMME}:")
        return {code.rsplit(":", 1)[1]: points for code, points in found.items() if points}


OpenShop = Callable[..., Awaitable[Shop]]
Arrive = Callable[..., Awaitable[Buyer]]


async def run_programme(db: Database) -> None:
    async with db.transaction() as session:
        await programmes.register(session, pack=packs.load_all().find(PROGRAMME))


async def open_one_shop(db: Database, settings: Settings, contract: str | None = "1") -> Shop:
    """`contract`: what a point is worth in fen; None for a shop that has not agreed to anything yet."""
    code = f"shop-{uuid4().hex[:8]}"
    async with db.transaction() as session:
        made = await organisations.create_organisation(
            session, code=code, name_zh="茶馆", name_en="Teahouse", roles=[Role.MERCHANT]
        )
        hired = await staff.create_staff(
            session, settings.keys, organisation_code=code, login=f"c{uuid4().hex[:10]}",
            password="correct horse battery", roles=[Role.MERCHANT],
        )  # fmt: skip
    if contract is not None:
        await contracts.agree(
            db, settings.keys, merchant_id=made.id, programme=PROGRAMME, fen_per_point=contract
        )
    return Shop(db, settings.keys, made.id, code, hired.staff.id, contract is not None)


@pytest.fixture(scope="module")
async def programme(db: Database) -> str:
    await run_programme(db)
    return PROGRAMME


@pytest.fixture
def open_shop(db: Database, settings: Settings, programme: str) -> OpenShop:
    del programme
    return lambda contract="1": open_one_shop(db, settings, contract)


@pytest.fixture
async def shop(open_shop: OpenShop) -> Shop:
    return await open_shop()


@pytest.fixture
def arrive(db: Database, settings: Settings, programme: str) -> Arrive:
    """A new citizen with so many points."""
    del programme

    async def one(points: int = 100) -> Buyer:
        async with db.transaction() as session:
            made = await people.register(session)
        buyer = Buyer(db, settings.keys, made.id)
        if points:
            await buyer.earn(points)
        return buyer

    return one


async def with_key(db: Database, keys: Keys, points: int = 100) -> Buyer:
    """A citizen with a key of their own, as whoever signed in has: only such accounts are joined."""
    async with db.transaction() as session:
        buyer = Buyer(db, keys, await people.citizen_without_phone(session, keys))
    await buyer.earn(points)
    return buyer


@pytest.fixture
async def buyer(arrive: Arrive) -> Buyer:
    return await arrive()


@pytest.fixture
async def asks(db: Database, programme: str) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Lets the programme ask for something while a test runs, as its pack's section `[redeem]` would."""

    async def put(**said: object) -> None:
        row = Redeeming(**said)  # type: ignore[arg-type]
        async with db.transaction() as session:
            await keep(session, programme, row)

    yield put
    await put()


@pytest.fixture
async def confirming(asks: Callable[..., Awaitable[None]]) -> None:
    """Everything above ten points is confirmed on the phone."""
    await asks(confirm_above_points=10)


async def identity(db: Database) -> PointsIdentity:
    async with db.transaction() as session:
        return await points_identity(session, programme=PROGRAMME)
