"""Units with serial numbers: which numbers exist, who holds them, how they move.

A book is one line of whole numbers from 1. A block is a run of numbers `[low, high)` that one account holds; blocks are
cut and joined as numbers move, and no number is ever held twice in a book. Two books may hold the same numbers: that is
how a credit keeps its number on the other side of a bridge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.ledger import serial_queries as queries
from backend.ledger.model import Outcome
from backend.ledger.service import end_of_prefix


@dataclass(frozen=True, slots=True, order=True)
class SerialRange:
    """The numbers from `low` up to, but not including, `high`; at least one, counted from 1."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 1 <= self.low < self.high:
            raise ValueError("a range of serial numbers begins at 1 or later and holds at least one number")

    @property
    def quantity(self) -> int:
        return self.high - self.low

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.low <= number < self.high


@dataclass(frozen=True, slots=True)
class SerialLine:
    """`amount` leaving `debit` for `credit` (account ids) for a `reason` of its own.

    `serials` names the numbers that move. None: of units with numbers the lowest ones held, or the next free ones where
    they come into being; units without numbers, such as the money of a sale, have none anyway.
    """

    debit: int
    credit: int
    amount: int
    reason: str
    serials: tuple[SerialRange, ...] | None = None


@dataclass(frozen=True, slots=True)
class SerialPosting:
    """Transfers that stand or fall together, some of them of units with numbers."""

    id: UUID
    happened_at: datetime
    lines: tuple[SerialLine, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a posting, and which numbers each of its lines moved, in their order."""

    outcome: Outcome
    serials: dict[int, tuple[SerialRange, ...]]

    @property
    def all(self) -> tuple[SerialRange, ...]:
        """The numbers of all lines, joined where they touch."""
        return joined(piece for pieces in self.serials.values() for piece in pieces)


@dataclass(frozen=True, slots=True)
class Book:
    """A line of numbers of one unit (`PHCER`, `GDEA`). What a demo book numbers is no real credit."""

    code: str
    unit: str
    demo: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers of a book that one account holds."""

    book: str
    serials: SerialRange
    account: str


@dataclass(frozen=True, slots=True)
class SerialMovement:
    """One movement that a number took part in, with all numbers that moved beside it."""

    posting_id: UUID
    line: int
    serials: SerialRange
    reason: str
    debit_code: str
    credit_code: str
    happened_at: datetime
    recorded_at: datetime


async def open_book(session: AsyncSession, *, code: str, unit: str, demo: bool = False) -> Book:
    """The book with this code, opened where it is new. Raises BookDiffers when it is known otherwise."""
    await session.execute(queries.OPEN_BOOK, {"code": code, "unit": unit, "demo": demo})
    return Book(code=code, unit=unit, demo=demo)


async def books(session: AsyncSession, codes: Sequence[str] | None = None) -> dict[str, Book]:
    """Those of these books that exist, by code; every book when none is named."""
    rows = await session.execute(queries.BOOKS, {"codes": None if codes is None else list(codes)})
    return {row.code: Book(row.code, row.unit, row.demo) for row in rows}


async def post_serials(session: AsyncSession, postings: Sequence[SerialPosting]) -> dict[UUID, Moved]:
    """Write postings in which units with numbers move, all or none; written before, they are answered `repeated`.

    Accounts are locked in the order of their ids, so bring everything of one transaction in one call. Raises
    SerialsNotHeld, SerialsTaken, InsufficientBalance, TransferNotAllowed, PostingIdReused, or TransactionCollided.
    """
    lines = [(one, number, line) for one in postings for number, line in enumerate(one.lines, start=1)]
    pieces = [(one, number, piece) for one, number, line in lines for piece in line.serials or ()]
    rows = await session.execute(
        queries.POST,
        {
            "postings": [one.id for one, _, _ in lines],
            "lines": [number for _, number, _ in lines],
            "debits": [line.debit for _, _, line in lines],
            "credits": [line.credit for _, _, line in lines],
            "amounts": [line.amount for _, _, line in lines],
            "reasons": [line.reason for _, _, line in lines],
            "happened": [one.happened_at for one, _, _ in lines],
            "piece_postings": [one.id for one, _, _ in pieces],
            "piece_lines": [number for _, number, _ in pieces],
            "piece_lows": [piece.low for _, _, piece in pieces],
            "piece_highs": [piece.high for _, _, piece in pieces],
        },
    )
    outcomes: dict[UUID, Outcome] = {row.posting_id: row.outcome for row in rows}
    moved = await serials_moved(session, list(outcomes))
    return {one: Moved(outcome=outcome, serials=moved[one]) for one, outcome in outcomes.items()}


async def serials_moved(
    session: AsyncSession, postings: Sequence[UUID]
) -> dict[UUID, dict[int, tuple[SerialRange, ...]]]:
    """The numbers that each line of these postings moved, in their order; nothing for a posting that moved none."""
    moved: dict[UUID, dict[int, tuple[SerialRange, ...]]] = {one: {} for one in postings}
    for row in await session.execute(queries.MOVED, {"postings": list(moved)}):
        before = moved[row.posting_id].get(row.line, ())
        moved[row.posting_id][row.line] = (*before, SerialRange(row.low, row.high))
    return moved


async def blocks(session: AsyncSession, *, prefix: str) -> list[Block]:
    """What the accounts whose code begins with `prefix` hold, by book and number. End an account's own code with none."""
    rows = await session.execute(queries.BLOCKS, {"low": prefix, "high": end_of_prefix(prefix)})
    return [_block(row) for row in rows]


async def serials_of(session: AsyncSession, *, account: str) -> tuple[SerialRange, ...]:
    """The numbers that one account holds, in order."""
    return tuple(one.serials for one in await blocks(session, prefix=account) if one.account == account)


async def holder_of(session: AsyncSession, *, book: str, number: int) -> Block | None:
    """The block that a number lies in, with the account that holds it; None when there is no such number."""
    row = (await session.execute(queries.BLOCK_OF, {"book": book, "number": number})).one_or_none()
    return None if row is None else _block(row)


async def history_of(session: AsyncSession, *, book: str, number: int) -> list[SerialMovement]:
    """Every movement of a number in a book, from its beginning."""
    return [
        SerialMovement(
            posting_id=row.posting_id,
            line=row.line,
            serials=SerialRange(row.low, row.high),
            reason=row.reason,
            debit_code=row.debit,
            credit_code=row.credit,
            happened_at=row.happened_at,
            recorded_at=row.recorded_at,
        )
        for row in await session.execute(queries.HISTORY, {"book": book, "number": number})
    ]


def joined(ranges: Iterable[SerialRange]) -> tuple[SerialRange, ...]:
    """The same numbers in as few ranges as can be, in order. Ranges that overlap are a ValueError."""
    found: list[SerialRange] = []
    for one in sorted(ranges):
        if found and one.low < found[-1].high:
            raise ValueError("the same serial number twice")
        if found and one.low == found[-1].high:
            found[-1] = SerialRange(found[-1].low, one.high)
        else:
            found.append(one)
    return tuple(found)


def _block(row: Any) -> Block:
    return Block(book=row.book, serials=SerialRange(row.low, row.high), account=row.account)
