"""Writing and reading the ledger; each function is one call of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Literal, cast
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from backend.ledger import queries
from backend.ledger.model import AccountSpec, Drawn, Line, Movement, Outcome, Posting, TrialLine


async def open_accounts(session: AsyncSession, specs: Iterable[AccountSpec]) -> dict[str, int]:
    """The ids of these accounts by code; those that are new are opened.

    Raises TransferNotAllowed when a code is known with another kind or due date, or its kind is unknown.
    """
    wanted = list(specs)
    rows = await session.execute(
        queries.OPEN,
        {
            "codes": [spec.code for spec in wanted],
            "kinds": [spec.kind for spec in wanted],
            "dues": [spec.due for spec in wanted],
        },
    )
    return {row.code: row.id for row in rows}


async def find_accounts(session: AsyncSession, codes: Iterable[str]) -> dict[str, int]:
    """The ids of those of these accounts that exist, by code."""
    rows = await session.execute(queries.FIND, {"codes": list(codes)})
    return {row.code: row.id for row in rows}


async def post(session: AsyncSession, postings: Sequence[Posting]) -> dict[UUID, Outcome]:
    """Write these postings, all or none; what was written before in the same words is answered `repeated`.

    Accounts are locked in the order of their ids, so bring everything of one transaction in one call.
    Raises InsufficientBalance, TransferNotAllowed, PostingIdReused, or TransactionCollided (send it again).
    """
    names = ("postings", "lines", "debits", "credits", "amounts", "reasons", "happened")
    rows = await session.execute(queries.POST, dict(zip(names, _columns(postings), strict=True)))
    return {row.posting_id: row.outcome for row in rows}


async def post_hot(
    connection: asyncpg.Connection[asyncpg.Record], postings: Sequence[Posting]
) -> dict[UUID, Outcome]:
    """The same as `post` on the connection of a `hot_transaction()`."""
    rows = await connection.fetch(queries.POST_HOT, *_columns(postings))
    return {row["posting_id"]: row["outcome"] for row in rows}


def _columns(postings: Sequence[Posting]) -> tuple[list[Any], ...]:
    flat = [
        (posting, number, line) for posting in postings for number, line in enumerate(posting.lines, start=1)
    ]
    return (
        [posting.id for posting, _, _ in flat],
        [number for _, number, _ in flat],
        [line.debit for _, _, line in flat],
        [line.credit for _, _, line in flat],
        [line.amount for _, _, line in flat],
        [posting.reason for posting, _, _ in flat],
        [posting.happened_at for posting, _, _ in flat],
    )


async def draw(
    session: AsyncSession,
    *,
    posting_id: UUID,
    code_from: str,
    code_before: str,
    credit: int,
    amount: int | None,
    reason: str,
    happened_at: datetime,
    rest: Line | None = None,
    rest_reason: str | None = None,
) -> Drawn:
    """Move `amount` (None: everything) out of the guarded accounts whose code lies in the range, lowest code first.

    What they cannot give is refused with InsufficientBalance, or taken by `rest` (its own amount is ignored).
    """
    row = (
        await session.execute(
            queries.DRAW,
            {
                "posting": posting_id,
                "low": code_from,
                "high": code_before,
                "credit": credit,
                "amount": amount,
                "reason": reason,
                "happened": happened_at,
                "rest_debit": rest.debit if rest else None,
                "rest_credit": rest.credit if rest else None,
                "rest_reason": rest_reason,
            },
        )
    ).one()
    return Drawn(outcome=row.outcome, drawn=row.drawn, rest=row.rest)


async def sweep(
    session: AsyncSession,
    *,
    posting_id: UUID,
    accounts: Sequence[int],
    credit: int,
    reason: str,
    happened_at: datetime,
) -> int:
    """Move what is left on each of these accounts to one other, in one posting; answers the sum moved."""
    parameters = {
        "posting": posting_id,
        "accounts": list(accounts),
        "credit": credit,
        "reason": reason,
        "happened": happened_at,
    }
    return cast("int", (await session.execute(queries.SWEEP, parameters)).scalar_one())


async def capture(
    session: AsyncSession, *, posting_id: UUID, hold: UUID, credit: int, reason: str, happened_at: datetime
) -> Outcome:
    """Turn everything that the posting `hold` set aside into a debt to `credit`, once.

    Raises AlreadyResolved when the hold was released or captured by another posting, PostingUnknown when there is none.
    """
    parameters = {
        "posting": posting_id,
        "hold": hold,
        "credit": credit,
        "reason": reason,
        "happened": happened_at,
    }
    return cast("Outcome", (await session.execute(queries.CAPTURE, parameters)).scalar_one())


async def reverse(
    session: AsyncSession, *, undo: dict[UUID, UUID], reason: str, happened_at: datetime
) -> Outcome:
    """Undo whole postings by their mirror image: `undo` names for each new posting the one it reverses.

    Each posting is reversed at most once, and never while a capture rests on it. Raises AlreadyResolved,
    PostingUnknown, InsufficientBalance (what came in has gone on), PostingIdReused.
    """
    parameters = {
        "postings": list(undo),
        "reverses": list(undo.values()),
        "reason": reason,
        "happened": happened_at,
    }
    return cast("Outcome", (await session.execute(queries.REVERSE, parameters)).scalar_one())


async def balances(session: AsyncSession, accounts: Iterable[int]) -> dict[int, int]:
    """What these accounts hold now, by id."""
    rows = await session.execute(queries.BALANCES, {"accounts": list(accounts)})
    return {row.account_id: int(row.balance) for row in rows}


async def balances_by_code(session: AsyncSession, prefix: str) -> dict[str, int]:
    """What the accounts hold whose code begins with `prefix`, by code in order."""
    parameters = {"low": prefix, "high": end_of_prefix(prefix)}
    rows = await session.execute(queries.BALANCES_BY_CODE, parameters)
    return {row.code: int(row.balance) for row in rows}


async def balance_at(
    session: AsyncSession,
    account: int,
    at: datetime,
    *,
    clock: Literal["happened", "recorded"] = "recorded",
) -> int:
    """What the account held at a moment: by what was known then (`recorded`), or by when things happened."""
    value = (await session.execute(queries.BALANCE_AT[clock], {"account": account, "at": at})).scalar_one()
    return int(value)


async def statement(
    session: AsyncSession,
    accounts: Sequence[int],
    *,
    limit: int = 50,
    after: tuple[int, str, int] | None = None,
) -> list[Movement]:
    """The movements of these accounts, newest first; `after` is the cursor of the last one already seen."""
    x, posting, line = after or (None, None, None)
    rows = await session.execute(
        queries.STATEMENT,
        {
            "accounts": list(accounts),
            "x": None if x is None else str(x),
            "posting": posting,
            "line": line,
            "limit": limit,
        },
    )
    return [
        Movement(
            cursor=(int(row.x), str(row.posting_id), row.line),
            posting_id=row.posting_id,
            amount=row.amount,
            reason=row.reason,
            other_code=row.other_code,
            happened_at=row.happened_at,
            recorded_at=row.recorded_at,
            reverses=row.reverses,
        )
        for row in rows
    ]


async def trial_balance(session: AsyncSession) -> list[TrialLine]:
    """Debits and credits of every kind of account, summed from the transfers themselves."""
    rows = await session.execute(queries.TRIAL_BALANCE)
    return [
        TrialLine(
            kind=row.kind,
            unit=row.unit,
            debits=int(row.debits),
            credits=int(row.credits),
            accounts=row.accounts,
        )
        for row in rows
    ]


async def due_accounts(
    session: AsyncSession, *, kind: str, before: date, containing: str | None = None, limit: int = 10_000
) -> list[tuple[int, str, int, date]]:
    """Accounts of a kind that still hold something after their due date: (id, code, balance, due)."""
    parameters = {"kind": kind, "before": before, "suffix": containing, "limit": limit}
    rows = await session.execute(queries.DUE, parameters)
    return [(row.id, row.code, row.balance, row.due) for row in rows]


async def due_forecast(
    session: AsyncSession, *, kind: str, containing: str
) -> list[tuple[date | None, int, int]]:
    """What accounts of a kind hold by due date: (due, sum, number of accounts)."""
    rows = await session.execute(queries.DUE_FORECAST, {"kind": kind, "suffix": containing})
    return [(row.due, int(row.balance), row.accounts) for row in rows]


async def advance_checkpoints(session: AsyncSession) -> int:
    """Fold the finished tail of unguarded accounts into their checkpoints; answers how many moved."""
    return cast("int", (await session.execute(queries.CHECKPOINT)).scalar_one())


def end_of_prefix(prefix: str) -> str:
    """The first code after all codes that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
