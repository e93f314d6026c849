"""Agreed sales 协议转让: an offer to one buyer, and how it ends, once.

The row of an end is written before anything moves. Whoever wants to end the same sale otherwise waits at that row, and
finds it ended or, when the first was refused, may end it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.kit import clock, ids, logging
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.ledger import SerialRange
from offset_bridge import cash, moving
from offset_bridge.market import parties, queries
from offset_bridge.market.errors import ExpiryUnusable, SaleEnded, SaleExpired, SaleUnknown, SelfTrade

LONGEST = timedelta(days=31)

_log = logging.get("puhui.market")


class Outcome(enum.StrEnum):
    """How an offer ended."""

    SETTLED = "settled"  # the buyer accepted: units against money
    DECLINED = "declined"  # the buyer did not want it
    WITHDRAWN = "withdrawn"  # the seller took it back
    EXPIRED = "expired"  # nobody did anything in time


@dataclass(frozen=True, slots=True)
class Sale:
    """Units offered by a seller to one buyer for `price_fen` in all; `outcome` is None while the offer is open."""

    id: UUID
    market: str
    book: str
    seller: str
    buyer: str
    quantity_t: int
    price_fen: int
    serials: tuple[SerialRange, ...]
    offered_at: datetime
    expires_at: datetime
    outcome: Outcome | None
    ended_at: datetime | None


async def offer(
    session: AsyncSession,
    *,
    book: str,
    seller: str,
    buyer: str,
    quantity_t: int,
    price_fen: int,
    expires_at: datetime,
    offered_by: UUID,
    serials: Sequence[SerialRange] | None = None,
) -> Sale:
    """Offer units of a market's book to one buyer, these numbers or the lowest held; they are set aside until it ends.

    `price_fen` is for all of them. Raises SelfTrade, ExpiryUnusable, BookNotTraded, PartyHasNoAccount, SerialsNotHeld,
    InsufficientBalance.
    """
    if seller == buyer:
        raise SelfTrade
    now = clock.now()
    if not now < expires_at <= now + LONGEST:
        raise ExpiryUnusable
    market = await parties.market_of(session, book=book, seller=seller, buyer=buyer)
    sale_id = ids.uuid7()
    await queries.offer(
        session,
        id=sale_id,
        market=market,
        book=book,
        seller=seller,
        buyer=buyer,
        quantity_t=quantity_t,
        price_fen=price_fen,
        posting_id=ids.derive(sale_id, "offered"),
        offered_by=offered_by,
        offered_at=now,
        expires_at=expires_at,
    )
    await moving.move(
        session,
        posting_id=ids.derive(sale_id, "offered"),
        reason="sale.offered",
        debit=f"entity:{book}:{seller}",
        credit=f"offered:{book}:{seller}",
        quantity_t=quantity_t,
        serials=serials,
    )
    return await sale_of(session, sale_id=sale_id)


async def accept(session: AsyncSession, *, sale_id: UUID, buyer: str, accepted_by: UUID) -> Sale:
    """Take the offer, as its buyer: the units against the money, in one posting.

    Raises SaleUnknown, SaleExpired, SaleEnded, PartyHasNoAccount, InsufficientBalance (too little money; nothing has
    moved and the offer stands).
    """
    sale = await _offered_to(session, sale_id=sale_id, buyer=buyer)
    if sale.outcome is None and clock.now() >= sale.expires_at:
        raise SaleExpired
    await _end(session, sale, Outcome.SETTLED, ended_by=accepted_by)
    await parties.check(session, market=sale.market, party=sale.buyer)
    await moving.move(
        session,
        posting_id=ids.derive(sale.id, Outcome.SETTLED),
        reason="sale.settled",
        debit=f"offered:{sale.book}:{sale.seller}",
        credit=f"entity:{sale.book}:{sale.buyer}",
        quantity_t=sale.quantity_t,
        serials=sale.serials,
        payment=(cash.code(sale.market, sale.buyer), cash.code(sale.market, sale.seller), sale.price_fen),
    )
    await log.append(session, kind="sale.settled", body=stated(sale))
    return await sale_of(session, sale_id=sale_id)


def stated(sale: Sale) -> dict[str, Any]:
    """What the log says of a sale that was settled."""
    return {
        "sale": str(sale.id),
        "market": sale.market,
        "book": sale.book,
        "serials": moving.listed(sale.serials),
        "seller": sale.seller,
        "buyer": sale.buyer,
        "price_fen": sale.price_fen,
    }


async def decline(session: AsyncSession, *, sale_id: UUID, buyer: str, declined_by: UUID) -> Sale:
    """Turn the offer down, as its buyer; the units go back. Raises SaleUnknown, SaleEnded."""
    sale = await _offered_to(session, sale_id=sale_id, buyer=buyer)
    return await _give_back(session, sale, Outcome.DECLINED, ended_by=declined_by)


async def withdraw(session: AsyncSession, *, sale_id: UUID, seller: str, withdrawn_by: UUID) -> Sale:
    """Take the offer back, as its seller; the units go back. Raises SaleUnknown, SaleEnded."""
    sale = await sale_of(session, sale_id=sale_id)
    if sale.seller != seller:
        raise SaleUnknown
    return await _give_back(session, sale, Outcome.WITHDRAWN, ended_by=withdrawn_by)


async def expire(session: AsyncSession, *, sale_id: UUID) -> bool:
    """Let an offer lapse whose time is over; False when it is not over or the offer has ended."""
    sale = await sale_of(session, sale_id=sale_id)
    if clock.now() < sale.expires_at:
        return False
    try:
        await _give_back(session, sale, Outcome.EXPIRED, ended_by=None)
    except SaleEnded:
        return False
    return True


async def expire_all(db: Database, *, at_once: int = 1000) -> int:
    """Let overdue offers lapse, at most so many, each in a transaction of its own; how many lapsed.

    One that cannot is told to the log and does not hold up the others.
    """
    lapsed = 0
    async with db.transaction() as session:
        overdue = await queries.overdue(session, at=clock.now(), limit=at_once)
    for sale_id in overdue:
        try:
            async with db.transaction() as session:
                lapsed += await expire(session, sale_id=sale_id)
        except DomainError as error:
            _log.error("a sale did not lapse", sale_id=str(sale_id), exc_info=error)
    return lapsed


async def _offered_to(session: AsyncSession, *, sale_id: UUID, buyer: str) -> Sale:
    sale = await sale_of(session, sale_id=sale_id)
    if sale.buyer != buyer:
        raise SaleUnknown
    return sale


async def _give_back(session: AsyncSession, sale: Sale, outcome: Outcome, *, ended_by: UUID | None) -> Sale:
    await _end(session, sale, outcome, ended_by=ended_by)
    await moving.move(
        session,
        posting_id=ids.derive(sale.id, outcome),
        reason="sale.withdrawn",
        debit=f"offered:{sale.book}:{sale.seller}",
        credit=f"entity:{sale.book}:{sale.seller}",
        quantity_t=sale.quantity_t,
        serials=sale.serials,
    )
    return await sale_of(session, sale_id=sale.id)


async def _end(session: AsyncSession, sale: Sale, outcome: Outcome, *, ended_by: UUID | None) -> None:
    ended = await queries.end(
        session,
        sale_id=sale.id,
        outcome=outcome,
        posting_id=ids.derive(sale.id, outcome),
        ended_by=ended_by,
        ended_at=clock.now(),
    )
    if not ended:
        raise SaleEnded(outcome=await queries.outcome(session, sale.id))


async def sale_of(session: AsyncSession, *, sale_id: UUID) -> Sale:
    """The sale with the numbers that it is about, or SaleUnknown. It is anybody's: show it to its parties only."""
    row = await queries.one(session, sale_id)
    if row is None:
        raise SaleUnknown
    return (await _with_numbers(session, [row]))[0]


async def sales_of(
    session: AsyncSession,
    *,
    party: str,
    only_open: bool = False,
    limit: int = 50,
    after: tuple[datetime, UUID] | None = None,
) -> list[Sale]:
    """The sales in which an organisation sells or buys, newest first, starting behind `after` (offered_at, id)."""
    rows = await queries.page(session, party=party, only_open=only_open, limit=limit, after=after)
    return await _with_numbers(session, rows)


async def settled_sales(session: AsyncSession) -> list[Sale]:
    """Every sale that was settled, oldest first; for the audit."""
    return await _with_numbers(session, await queries.settled(session))


async def _with_numbers(session: AsyncSession, rows: Sequence[RowMapping]) -> list[Sale]:
    numbers = await moving.numbers_of(session, [row["posting_id"] for row in rows])
    return [
        Sale(
            **{name: value for name, value in row.items() if name not in {"posting_id", "outcome"}},
            serials=numbers[row["posting_id"]],
            outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        )
        for row in rows
    ]
