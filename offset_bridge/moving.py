"""Units with numbers going from one account to another, as the verbs of the compliance side move them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.kit import clock
from backend.ledger import AccountSpec, SerialLine, SerialPosting, SerialRange


async def move(
    session: AsyncSession,
    *,
    posting_id: UUID,
    reason: str,
    debit: str,
    credit: str,
    quantity_t: int,
    serials: Sequence[SerialRange] | None,
    payment: tuple[str, str, int] | None = None,
) -> tuple[SerialRange, ...]:
    """Move these numbers, or the lowest held, between two accounts (codes), with a payment in the same posting.

    `payment` is the paying account, the paid one and fen. Answers the numbers, joined where they touch. Raises
    SerialsNotHeld, InsufficientBalance (of either), SerialsTaken.
    """
    codes = [debit, credit, *(payment[:2] if payment else ())]
    found = await ledger.open_accounts(session, map(AccountSpec, codes))
    lines = [
        SerialLine(
            found[debit],
            found[credit],
            quantity_t,
            reason,
            None if serials is None else ledger.joined(serials),
        )
    ]
    if payment is not None:
        lines.append(SerialLine(found[payment[0]], found[payment[1]], payment[2], "sale.paid"))
    posting = SerialPosting(id=posting_id, happened_at=clock.now(), lines=tuple(lines))
    return (await ledger.post_serials(session, [posting]))[posting_id].all


async def numbers_of(session: AsyncSession, postings: Sequence[UUID]) -> dict[UUID, tuple[SerialRange, ...]]:
    """The numbers that each of these postings moved, joined where they touch."""
    moved = await ledger.serials_moved(session, postings)
    return {
        one: ledger.joined(piece for pieces in lines.values() for piece in pieces)
        for one, lines in moved.items()
    }


def listed(serials: Sequence[SerialRange]) -> list[list[int]]:
    """Ranges as the log's entries write them: `[[low, high], …]`, without `high`."""
    return [[one.low, one.high] for one in serials]
