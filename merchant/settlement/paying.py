"""Payouts: statements that two people let go in one file, and what became of each payment.

What two people sign is the file. Each payment ends once. Paid: the points leave what the programme owes, and the money goes
from those who fund it to the merchant, in one set of postings under ids of the statement, so that telling it twice posts
nothing twice. Failed: the statement waits for the next payout.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from typing import Any
from uuid import UUID

from openpyxl import Workbook
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, programmes, webhooks
from backend.identity import Role, approvals
from backend.identity.approvals import ActKind, TwoPersonAct
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.settings import Keys
from backend.ledger import AccountSpec, Posting
from backend.ledger import Line as Move
from merchant import contracts
from merchant.settlement import closing, queries
from merchant.settlement.errors import (
    NoStatementToPay,
    PayoutEnded,
    SettlementPayoutUnknown,
    StatementChanged,
)
from merchant.settlement.model import Payout, PayoutLine
from merchant.settlement.sheets import workbook_bytes, written

PAYOUT = ActKind("merchant.payout", Role.OPERATOR, stands_for=dt.timedelta(days=7))
MOST_STATEMENTS = 5_000  # in one payout; what is left is in the next one
HEAD = ("programme", "statement", "merchant", "name", "holder", "bank", "account", "amount_fen", "reference")


async def propose(session: AsyncSession, keys: Keys, *, programme: str, proposed_by: UUID) -> TwoPersonAct:
    """Ask for everything to be paid that waits; the proposal names statements and amounts, never an account.

    Raises NoStatementToPay.
    """
    waiting = (await closing.statements_to_pay(session, programme=programme))[:MOST_STATEMENTS]
    if not waiting:
        raise NoStatementToPay
    lines = []
    for one in waiting:
        editions = await contracts.editions_of(session, merchant_id=one.merchant_id, programme=programme)
        lines.append([str(one.id), str(editions[0].id), one.totals.payable_fen, one.merchant, one.number])
    body: dict[str, Any] = {
        "programme": programme,
        "statements": len(lines),
        "amount_fen": sum(one.totals.payable_fen for one in waiting),
        "lines": lines,
    }
    rows = await _rows(session, keys, programme, lines)
    body["file_sha256"] = hashlib.sha256(_csv(rows)).hexdigest()
    return await approvals.propose(
        session, PAYOUT, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve(
    session: AsyncSession, *, programme: str, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Payout:
    """Agree, as a second person; the file may be fetched. ActUnknown also for another programme's.

    Raises StatementChanged when a statement of it was let go otherwise meanwhile.
    """
    await _own(session, programme, act_id)
    act = await approvals.approve(
        session, PAYOUT, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    await take_turns(session, f"payout:{programme}")
    lines = act.body["lines"]
    waiting = {str(one.id) for one in await closing.statements_to_pay(session, programme=programme)}
    if not waiting.issuperset(line[0] for line in lines):
        raise StatementChanged
    payout_id = ids.derive(act.id, "payout")
    await session.execute(
        queries.ADD_PAYOUT,
        {
            "id": payout_id,
            "programme": programme,
            "statements": len(lines),
            "amount_fen": act.body["amount_fen"],
            "file_sha256": act.body["file_sha256"],
            "act_id": act.id,
            "at": clock.now(),
        },
    )
    await session.execute(
        queries.ADD_PAYOUT_LINES,
        {
            "id": payout_id,
            "statements": [UUID(line[0]) for line in lines],
            "editions": [UUID(line[1]) for line in lines],
            "amounts": [line[2] for line in lines],
        },
    )
    return await payout_of(session, programme=programme, payout_id=payout_id)


async def reject(
    session: AsyncSession, *, programme: str, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a payout down, as a second person."""
    await _own(session, programme, act_id)
    return await approvals.reject(
        session, PAYOUT, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def confirm(
    session: AsyncSession, *, programme: str, payout_id: UUID, statement_id: UUID, paid: bool, words: str, told_by: UUID
) -> Payout:  # fmt: skip
    """Say what became of one payment; `words` are the bank's reference, or why it failed. The same again changes nothing.

    Raises SettlementPayoutUnknown, PayoutEnded when the opposite was said before.
    """
    await payout_of(session, programme=programme, payout_id=payout_id)
    rows = (await session.execute(queries.PAYOUT_LINES, {"ids": [payout_id]})).all()
    row = next((one for one in rows if one.statement_id == statement_id), None)
    if row is None:
        raise SettlementPayoutUnknown
    outcome, now = "paid" if paid else "failed", clock.now()
    ending = {
        "id": payout_id, "statement_id": statement_id, "outcome": outcome, "words": words, "by": told_by, "at": now,
    }  # fmt: skip
    if (await session.execute(queries.END_PAYOUT, ending)).first() is None:
        rows = (await session.execute(queries.PAYOUT_LINES, {"ids": [payout_id]})).all()
        said = next(one.outcome for one in rows if one.statement_id == statement_id)
        if said != outcome:
            raise PayoutEnded(outcome=said)
    elif paid:
        await _post(session, programme, row, now)
        await webhooks.tell(
            session,
            organisation_id=row.merchant_id,
            event="payout.paid",
            data={
                "statement_id": str(statement_id), "payout_id": str(payout_id), "programme": programme,
                "amount_fen": row.amount_fen, "settled_points": row.payable_points,
            },
            event_id=posting_id(statement_id, "paid"),
        )  # fmt: skip
    return await payout_of(session, programme=programme, payout_id=payout_id)


async def payouts(session: AsyncSession, *, programme: str, payout_id: UUID | None = None) -> list[Payout]:
    """A programme's payouts with their lines, newest first, a hundred at most."""
    heads = (await session.execute(queries.PAYOUTS, {"programme": programme, "id": payout_id})).all()
    rows = (await session.execute(queries.PAYOUT_LINES, {"ids": [one.id for one in heads]})).all()
    return [
        Payout(
            id=one.id,
            programme=one.programme,
            statements=one.statements,
            amount_fen=one.amount_fen,
            file_sha256=one.file_sha256,
            let_go_at=one.let_go_at,
            lines=[
                PayoutLine(row.statement_id, row.merchant, row.number, row.amount_fen, row.outcome)
                for row in rows
                if row.payout_id == one.id
            ],
        )
        for one in heads
    ]


async def payout_of(session: AsyncSession, *, programme: str, payout_id: UUID) -> Payout:
    """One payout of a programme. Raises SettlementPayoutUnknown."""
    found = await payouts(session, programme=programme, payout_id=payout_id)
    if not found:
        raise SettlementPayoutUnknown
    return found[0]


async def file(
    session: AsyncSession, keys: Keys, *, programme: str, payout_id: UUID, as_workbook: bool = False
) -> bytes:
    """The payout's file with accounts opened: CSV byte for byte as two people signed it, or the same as a workbook."""
    await payout_of(session, programme=programme, payout_id=payout_id)
    found = (await session.execute(queries.PAYOUT_LINES, {"ids": [payout_id]})).all()
    lines = [
        [str(one.statement_id), str(one.edition_id), one.amount_fen, one.merchant, one.number]
        for one in found
    ]
    rows = await _rows(session, keys, programme, lines)
    return _workbook(rows) if as_workbook else _csv(rows)


def posting_id(statement_id: UUID, part: str) -> UUID:
    """The id of one of a statement's postings: `settled` for its points, `paid` for its money."""
    return ids.derive(statement_id, part)


async def _post(session: AsyncSession, programme: str, row: Any, now: dt.datetime) -> None:
    """Points out of what the programme owes, money from each funder to the merchant."""
    codes = programmes.codes
    payable, redeemed = codes.payable(row.merchant, programme), codes.redeemed(programme)
    banked = AccountSpec(f"banked:{row.merchant}")
    funding = {
        funder: AccountSpec(f"funding:{programme}:{funder.replace(':', '.')}") for funder in sorted(row.pays)
    }
    opened = await ledger.open_accounts(session, [payable, redeemed, banked, *funding.values()])
    postings = []
    if row.payable_points:
        moved = Move(opened[payable.code], opened[redeemed.code], row.payable_points)
        postings.append(Posting(posting_id(row.statement_id, "settled"), "points.settled", now, (moved,)))
    if row.pays:
        moves = tuple(
            Move(opened[funding[funder].code], opened[banked.code], row.pays[funder]) for funder in funding
        )
        postings.append(Posting(posting_id(row.statement_id, "paid"), "settlement.paid", now, moves))
    if postings:
        await ledger.post(session, postings)


async def _rows(
    session: AsyncSession, keys: Keys, programme: str, lines: list[list[Any]]
) -> list[tuple[str | int, ...]]:
    """What the file says of each payment, by merchant and number. A contract that names no account leaves it empty."""
    rows: list[tuple[str | int, ...]] = []
    for statement_id, edition_id, amount, merchant, number in sorted(lines, key=lambda one: (one[3], one[4])):
        found = await closing.statement_of(session, statement_id=UUID(statement_id))
        account = await contracts.account_of(session, keys, edition_id=UUID(edition_id))
        where = ("", "", "") if account is None else (account.holder, account.bank, account.number)
        rows.append((programme, number, merchant, found.merchant_zh, *where, amount, statement_id))
    return rows


def _csv(rows: list[tuple[str | int, ...]]) -> bytes:
    """UTF-8, CRLF; the last line tells the number of payments and their exact sum."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    writer.writerows(tuple(written(cell) for cell in row) for row in rows)
    writer.writerow(("total", len(rows), "", "", "", "", "", sum(int(row[7]) for row in rows), ""))
    return text.getvalue().encode()


def _workbook(rows: list[tuple[str | int, ...]]) -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = "付款 payout"
    for row in (HEAD, *rows, ("total", len(rows), "", "", "", "", "", sum(int(row[7]) for row in rows), "")):
        sheet.append([written(cell) for cell in row])
    return workbook_bytes(book)


async def _own(session: AsyncSession, programme: str, act_id: UUID) -> None:
    """Raise ActUnknown unless the proposal is about this programme."""
    act = await approvals.act(session, PAYOUT, act_id=act_id)
    if act.body["programme"] != programme:
        raise approvals.ActUnknown
