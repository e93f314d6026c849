"""Holding, passing on and giving up credits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.identity import organisations
from backend.kit import clock, ids
from backend.ledger import SerialRange
from offset_bridge import holders, moving
from offset_bridge.credits import queries
from offset_bridge.credits.errors import BookUnknown, TakerCannotHold, TransferToOneself
from offset_bridge.origin import BOOKS, Issued, issued


@dataclass(frozen=True, slots=True)
class Holding:
    """Numbers in a row that one organisation holds, all of one issuance."""

    book: str
    demo: bool
    issued: Issued


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """Credits that passed from one holder to another. `price_fen` is what was paid for all of them, elsewhere."""

    id: UUID
    book: str
    giver: str
    taker: str
    quantity_t: int
    price_fen: int
    serials: tuple[SerialRange, ...]
    asked_at: datetime

    def stated(self) -> dict[str, Any]:
        """What the log says of it."""
        return {
            "transfer": str(self.id),
            "book": self.book,
            "serials": moving.listed(self.serials),
            "from": self.giver,
            "to": self.taker,
            "price_fen": self.price_fen,
        }


@dataclass(frozen=True, slots=True)
class CreditCancellation:
    """Credits that their holder gave up for good, and what for."""

    id: UUID
    book: str
    owner: str
    quantity_t: int
    purpose: str
    serials: tuple[SerialRange, ...]
    asked_at: datetime

    def stated(self) -> dict[str, Any]:
        """What the log says of it."""
        return {
            "cancellation": str(self.id),
            "book": self.book,
            "serials": moving.listed(self.serials),
            "owner": self.owner,
            "purpose": self.purpose,
        }


async def holdings(
    session: AsyncSession, *, owner: str, limit: int = 50, after: tuple[str, int] | None = None
) -> list[Holding]:
    """What an organisation holds in the books that credits are issued in, cut by issuance, by book and number.

    At most `limit` of it, starting behind `after` (book, first number).
    """
    book_before, first_before = after or ("", 0)
    known = await ledger.books(session, BOOKS)
    found: list[Holding] = []
    for code in sorted(known):
        if code < book_before or len(found) >= limit:
            continue
        held = await ledger.serials_of(session, account=f"holder:{code}:{owner}")
        behind = first_before if code == book_before else 0
        wanted = [one for one in held if one.high > behind][: limit + 1]
        pieces = await issued(session, book=code, serials=wanted) if wanted else []
        found += [Holding(code, known[code].demo, one) for one in pieces if one.serials.low > behind]
    return found[:limit]


async def transfer(
    session: AsyncSession,
    *,
    book: str,
    giver: str,
    taker: str,
    quantity_t: int,
    price_fen: int,
    asked_by: UUID,
    serials: Sequence[SerialRange] | None = None,
) -> CreditTransfer:
    """Pass credits on to another holder, these numbers or the lowest held, in the book that issued them; logged.

    Raises BookUnknown, TransferToOneself, OrganisationUnknown, TakerCannotHold, SerialsNotHeld, InsufficientBalance.
    """
    if giver == taker:
        raise TransferToOneself
    await _known(session, book)
    other = await organisations.organisation_by_code(session, code=taker)
    if other.roles.isdisjoint(holders.ROLES):
        raise TakerCannotHold
    transfer_id, at = ids.uuid7(), clock.now()
    posting_id = ids.derive(transfer_id, "transferred")
    await queries.transfer(
        session,
        id=transfer_id,
        book=book,
        giver=giver,
        taker=taker,
        quantity_t=quantity_t,
        price_fen=price_fen,
        posting_id=posting_id,
        asked_by=asked_by,
        asked_at=at,
    )
    moved = await moving.move(
        session,
        posting_id=posting_id,
        reason="credit.transferred",
        debit=f"holder:{book}:{giver}",
        credit=f"holder:{book}:{taker}",
        quantity_t=quantity_t,
        serials=serials,
    )
    made = CreditTransfer(transfer_id, book, giver, taker, quantity_t, price_fen, moved, at)
    await log.append(session, kind="credit.transferred", body=made.stated())
    return made


async def cancel(
    session: AsyncSession,
    *,
    book: str,
    owner: str,
    quantity_t: int,
    purpose: str,
    asked_by: UUID,
    serials: Sequence[SerialRange] | None = None,
) -> CreditCancellation:
    """Give credits up for good, these numbers or the lowest held, for a purpose that becomes public.

    They count towards nobody's obligation and never move again. Raises BookUnknown, SerialsNotHeld, InsufficientBalance.
    """
    await _known(session, book)
    cancellation_id, at = ids.uuid7(), clock.now()
    posting_id = ids.derive(cancellation_id, "cancelled")
    await queries.cancel(
        session,
        id=cancellation_id,
        book=book,
        owner=owner,
        quantity_t=quantity_t,
        purpose=purpose,
        posting_id=posting_id,
        asked_by=asked_by,
        asked_at=at,
    )
    moved = await moving.move(
        session,
        posting_id=posting_id,
        reason="credit.cancelled",
        debit=f"holder:{book}:{owner}",
        credit=f"cancelled:{book}",
        quantity_t=quantity_t,
        serials=serials,
    )
    made = CreditCancellation(cancellation_id, book, owner, quantity_t, purpose, moved, at)
    await log.append(session, kind="credit.cancelled", body=made.stated())
    return made


async def every_transfer(session: AsyncSession) -> list[CreditTransfer]:
    """Every transfer there is, oldest first; for the audit."""
    return [CreditTransfer(**row) for row in await _with_numbers(session, await queries.transfers(session))]


async def every_cancellation(session: AsyncSession) -> list[CreditCancellation]:
    """Every cancellation there is, oldest first; for the audit."""
    rows = await _with_numbers(session, await queries.cancellations(session))
    return [CreditCancellation(**row) for row in rows]


async def _with_numbers(session: AsyncSession, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    moved = await moving.numbers_of(session, [row["posting_id"] for row in rows])
    shown = [{name: value for name, value in row.items() if name != "posting_id"} for row in rows]
    return [{**row, "serials": moved[full["posting_id"]]} for row, full in zip(shown, rows, strict=True)]


async def _known(session: AsyncSession, book: str) -> None:
    if book not in BOOKS or book not in await ledger.books(session, [book]):
        raise BookUnknown
