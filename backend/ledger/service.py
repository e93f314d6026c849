"""Writing and reading the ledger; each function is one call of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Literal, cast
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from backend.ledger import queries
from backend.ledger.model import (
    AccountSpec,
    Cursor,
    Drawn,
    Figures,
    Fill,
    Filled,
    Gather,
    Gathered,
    Line,
    Lot,
    Movement,
    Outcome,
    Posting,
    Transfer,
    TrialLine,
)


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
    prefix: str,
    since: str,
    credit: int,
    amount: int | None,
    reason: str,
    happened_at: datetime,
    rest: Line | None = None,
    rest_reason: str | None = None,
) -> Drawn:
    """Move `amount` (None: everything) out of the guarded accounts that begin with `prefix`, lowest code first.

    Accounts with a code below `since` are left alone. What the others cannot give is refused with
    InsufficientBalance, or debited by `rest` (its own amount is ignored); such a draw waits for every `fill` from
    the account `credit` that is under way. A repeated request is answered with what it did the first time.
    """
    row = (
        await session.execute(
            queries.DRAW,
            {
                "posting": posting_id,
                "prefix": prefix,
                "since": since,
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


async def draw_in_turn(
    session: AsyncSession,
    *,
    posting_id: UUID,
    prefixes: Sequence[str],
    on: date,
    credit: int,
    amount: int,
    reason: str,
    happened_at: datetime,
    rest: Line | None = None,
    rest_reason: str | None = None,
) -> Drawn:
    """The same as `draw`, from all accounts of the first prefix, then of the next, and so on.

    Accounts that were due before the day `on` are left alone.
    """
    row = (
        await session.execute(
            queries.DRAW_IN_TURN,
            {
                "posting": posting_id,
                "prefixes": list(prefixes),
                "on": on,
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


async def gather(
    session: AsyncSession,
    *,
    gathers: Sequence[Gather],
    kept_out: Iterable[int],
    first_reason: str,
    reason: str,
    happened_at: datetime,
) -> dict[int, Gathered]:
    """Move what guarded accounts hold, each to where it says, what is owed first; answers what left each account.

    Draws with a rest in favour of an account of `kept_out` wait for the end of this transaction, so that nobody comes to owe
    something between the look and the commit. What was moved before under the same posting id is answered again.
    """
    rows = await session.execute(
        queries.GATHER,
        {
            "postings": [one.posting_id for one in gathers],
            "sources": [one.source for one in gathers],
            "most": [one.most for one in gathers],
            "firsts": [one.first for one in gathers],
            "credits": [one.credit for one in gathers],
            "kept_out": list(kept_out),
            "first_reason": first_reason,
            "reason": reason,
            "happened": happened_at,
        },
    )
    return {row.source: Gathered(moved=row.moved, filled=row.filled) for row in rows}


async def fill(
    session: AsyncSession, *, source: int, fills: Sequence[Fill], first_reason: str, reason: str
) -> dict[UUID, Filled]:
    """Bring new value from the unguarded account `source`, a posting each: what is owed is repaid before anything else.

    Each amount first brings its account `first` (a code; it may not exist) up to its ceiling, the rest goes to
    `credit`. Raises TransferNotAllowed, PostingIdReused.
    """
    rows = await session.execute(
        queries.FILL,
        {
            "postings": [one.posting_id for one in fills],
            "debit": source,
            "firsts": [one.first for one in fills],
            "credits": [one.credit for one in fills],
            "amounts": [one.amount for one in fills],
            "first_reason": first_reason,
            "reason": reason,
            "happened": [one.happened_at for one in fills],
        },
    )
    return {row.posting_id: Filled(outcome=row.outcome, filled=row.filled) for row in rows}


async def share_source(session: AsyncSession, source: int) -> None:
    """Keep draws that may leave a rest out until this transaction ends: for set-based SQL that repays what is owed.

    Call it after opening accounts and before looking at what is owed. `fill` does so itself.
    """
    await session.execute(queries.SHARE_SOURCE, {"source": source})


async def sweep(
    session: AsyncSession,
    *,
    posting_id: UUID,
    moves: Sequence[tuple[int, int]],
    reason: str,
    happened_at: datetime,
) -> int:
    """Move what is left on the first account of each pair to the second, in one posting; answers the sum moved."""
    parameters = {
        "posting": posting_id,
        "accounts": [account for account, _ in moves],
        "credits": [credit for _, credit in moves],
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
    session: AsyncSession, accounts: Sequence[int], *, limit: int = 50, after: Cursor | None = None
) -> list[Movement]:
    """The movements of these accounts, newest first; `after` is the cursor of the last one already seen.

    A transfer between two of the accounts is two movements. Whatever was committed before the first page is on
    exactly one page, whatever is written meanwhile.
    """
    x, posting, line, side = after or _BEFORE_ALL
    rows = await session.execute(
        queries.STATEMENT,
        {
            "accounts": list(accounts),
            "x": str(x),
            "posting": posting,
            "line": line,
            "side": side,
            "limit": limit,
        },
    )
    return [
        Movement(
            cursor=(int(row.x), str(row.posting_id), row.line, row.side),
            posting_id=row.posting_id,
            amount=row.amount,
            reason=row.reason,
            own_code=row.own_code,
            other_code=row.other_code,
            due=row.due,
            happened_at=row.happened_at,
            recorded_at=row.recorded_at,
            reverses=row.reverses,
        )
        for row in rows
    ]


_BEFORE_ALL: Cursor = (2**64 - 1, "ffffffff-ffff-ffff-ffff-ffffffffffff", 2**31 - 1, 2)


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
    session: AsyncSession,
    *,
    kind: str,
    before: date,
    after: tuple[date, int] | None = None,
    limit: int = 10_000,
) -> list[tuple[int, str, int, date]]:
    """Accounts of a kind that still hold something after their due date, oldest first: (id, code, balance, due).

    `after` is the (due, id) of the last one already seen.
    """
    after_due, after_id = after or (None, 0)
    parameters = {
        "kind": kind,
        "before": before,
        "after_due": after_due,
        "after_id": after_id,
        "limit": limit,
    }
    rows = await session.execute(queries.DUE, parameters)
    return [(row.id, row.code, row.balance, row.due) for row in rows]


async def due_forecast(session: AsyncSession, *, kind: str, group: str) -> list[tuple[date | None, int, int]]:
    """What accounts of a kind hold by due date: (due, sum, number of accounts). `group` is the code's third part."""
    rows = await session.execute(queries.DUE_FORECAST, {"kind": kind, "group": group})
    return [(row.due, int(row.balance), row.accounts) for row in rows]


async def lots(session: AsyncSession, *, prefix: str, codes: Iterable[str] = ()) -> list[Lot]:
    """The guarded accounts whose code begins with `prefix`, and those with `codes`, of one moment, by code."""
    rows = await session.execute(
        queries.LOTS, {"low": prefix, "high": end_of_prefix(prefix), "codes": list(codes)}
    )
    return [Lot(id=row.id, code=row.code, kind=row.kind, due=row.due, balance=row.balance) for row in rows]


async def transfers(session: AsyncSession, posting_id: UUID, *, limit: int = 1_000) -> list[Transfer]:
    """The first transfers of a posting, by line; none when there is no such posting."""
    rows = await session.execute(queries.TRANSFERS, {"posting": posting_id, "limit": limit})
    return [Transfer(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def group_figures(
    session: AsyncSession,
    *,
    group: str,
    kinds: Sequence[str],
    codes: Sequence[str],
    credited: Sequence[str] = (),
    debited: Sequence[str] = (),
) -> Figures:
    """Figures of one moment over the accounts of `kinds` whose code's third part is `group`, and those with `codes`.

    Balances for every kind; gross sums by counterpart kind only for the kinds in `credited` and `debited`, because
    they are summed from every transfer.
    """
    parameters = {
        "group": group,
        "kinds": list(kinds),
        "codes": list(codes),
        "credited": list(credited),
        "debited": list(debited),
    }
    figures = Figures(balance={}, credited={}, debited={})
    for row in await session.execute(queries.GROUP_FIGURES, parameters):
        if row.what == "balance":
            figures.balance[row.kind] = int(row.amount)
        else:
            sums = figures.credited if row.what == "credited" else figures.debited
            sums[row.kind, row.other] = int(row.amount)
    return figures


async def counterparties(session: AsyncSession, account: int) -> dict[str, tuple[int, int]]:
    """What an account gave to and took back from each account it ever dealt with, by that account's code."""
    rows = await session.execute(queries.COUNTERPARTIES, {"account": account})
    return {row.code: (int(row.given), int(row.taken_back)) for row in rows}


async def advance_checkpoints(session: AsyncSession) -> int:
    """Fold the finished tail of unguarded accounts into their checkpoints; answers how many moved."""
    return cast("int", (await session.execute(queries.CHECKPOINT)).scalar_one())


def end_of_prefix(prefix: str) -> str:
    """The first code after all codes that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
