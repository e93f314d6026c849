"""What we are owed, statement by statement, and what we do not agree with."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

from fastapi import Response

from backend.kit import idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import CursorUnusable, Page, Paging
from backend.kit.problems import problems
from merchant.access import MerchantStaff, merchant_of
from merchant.redemption import RedemptionUnknown
from merchant.settlement import closing, printing, service, sheets
from merchant.settlement import disputes as disputing
from merchant.settlement.errors import InvoiceGiven, LineUnknown, StatementUnknown
from merchant.settlement.schemas import (
    AccrualsTold,
    DisputeAsked,
    DisputeTold,
    InvoiceAsked,
    LineTold,
    PayableTold,
    SettledTold,
    StatementTold,
)

router = Router(tags=["settlement"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF = "application/pdf"
MOST_IN_A_FILE = 200_000  # lines; a workbook that leaves some out says so
_AT_ONCE = 2_000  # lines read for a workbook at a time
_NOT_LET_IN = (Unauthenticated, Forbidden)


@router.get("/payable", responses=problems(*_NOT_LET_IN))
async def list_payables(person: MerchantStaff, session: ReadSession) -> list[PayableTold]:
    """What each programme owes my organisation now, in points, by the ledger."""
    found = await service.payables_of(session, merchant_id=merchant_of(person))
    return [PayableTold(programme=one.programme, payable_points=one.points) for one in found]


@router.get("/accruals", responses=problems(*_NOT_LET_IN))
async def list_accruals(person: MerchantStaff, session: ReadSession) -> list[AccrualsTold]:
    """What has come together since the last statement, by programme, in points and in fen by funder."""
    found = await closing.accruals_of(session, merchant_id=merchant_of(person))
    return [AccrualsTold.of(one) for one in found]


@router.get("/statements", responses=problems(*_NOT_LET_IN, CursorUnusable))
async def list_statements(person: MerchantStaff, session: ReadSession, paging: Paging) -> Page[StatementTold]:
    """My organisation's statements, newest first."""
    rows = await closing.statements(
        session, merchant_id=merchant_of(person), limit=paging.fetch, after=paging.after(datetime, UUID)
    )
    return paging.page(rows, position=lambda one: (one.closed_at, one.id), show=StatementTold.of)


@router.get("/statements/{statement_id}", responses=problems(*_NOT_LET_IN, StatementUnknown))
async def get_statement(statement_id: UUID, person: MerchantStaff, session: ReadSession) -> StatementTold:
    """One statement."""
    found = await closing.statement_of(session, statement_id=statement_id, merchant_id=merchant_of(person))
    return StatementTold.of(found)


@router.get(
    "/statements/{statement_id}/lines", responses=problems(*_NOT_LET_IN, StatementUnknown, CursorUnusable)
)
async def list_statement_lines(
    statement_id: UUID, person: MerchantStaff, session: ReadSession, paging: Paging
) -> Page[LineTold]:
    """Its lines, by their numbers; each capture and refund leads to its redemption."""
    await closing.statement_of(session, statement_id=statement_id, merchant_id=merchant_of(person))
    behind = paging.after(int)
    rows = await closing.lines_of(
        session, statement_id=statement_id, limit=paging.fetch, after=0 if behind is None else behind[0]
    )
    return paging.page(rows, position=lambda one: (one.number,), show=LineTold.of)


@router.get(
    "/statements/{statement_id}/xlsx",
    response_class=Response,
    responses={**problems(*_NOT_LET_IN, StatementUnknown), 200: {"content": {XLSX: {}}}},
)
async def get_statement_workbook(statement_id: UUID, person: MerchantStaff, session: ReadSession) -> Response:
    """The statement as a workbook: amounts are numbers, and no text is taken for a formula."""
    return await workbook(session, statement_id=statement_id, merchant_id=merchant_of(person))


@router.get(
    "/statements/{statement_id}/pdf",
    response_class=Response,
    responses={**problems(*_NOT_LET_IN, StatementUnknown), 200: {"content": {PDF: {}}}},
)
async def get_statement_pdf(statement_id: UUID, person: MerchantStaff, session: ReadSession) -> Response:
    """The statement for the printer, with its first two thousand lines."""
    return await pdf(session, statement_id=statement_id, merchant_id=merchant_of(person))


@router.get("/redemptions/{redemption_id}/settlement", responses=problems(*_NOT_LET_IN, RedemptionUnknown))
async def get_redemption_settlement(
    redemption_id: UUID, person: MerchantStaff, session: ReadSession
) -> SettledTold:
    """What a redemption of ours is worth, who funds it, and the lines of our statements that are about it."""
    found = await closing.settled_of(session, redemption_id=redemption_id, merchant_id=merchant_of(person))
    return SettledTold.of(found)


@router.post(
    "/statements/{statement_id}/invoice", responses=problems(*_NOT_LET_IN, StatementUnknown, InvoiceGiven)
)
async def note_invoice(
    statement_id: UUID, asked: InvoiceAsked, person: MerchantStaff, session: WriteSession
) -> StatementTold:
    """Note the number of the invoice that we wrote for it, once; the same again changes nothing."""
    found = await closing.note_invoice(
        session,
        merchant_id=merchant_of(person),
        statement_id=statement_id,
        number=asked.number,
        given_by=person.id,
    )
    return StatementTold.of(found)


@router.get("/disputes", responses=problems(*_NOT_LET_IN))
async def list_disputes(person: MerchantStaff, session: ReadSession) -> list[DisputeTold]:
    """Our disputes and their answers, newest first, two hundred at most."""
    found = await disputing.disputes_of(session, merchant_id=merchant_of(person))
    return [DisputeTold.of(one) for one in found]


@router.post(
    "/disputes",
    status_code=201,
    responses=problems(*_NOT_LET_IN, StatementUnknown, LineUnknown, *idempotency.REFUSALS),
)
async def open_dispute(
    asked: DisputeAsked, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> DisputeTold:
    """Say that a line is wrong. The statement stays; what is agreed to be wrong is a line of the next one."""
    made = await disputing.open_dispute(
        session,
        merchant_id=merchant_of(person),
        statement_id=asked.statement_id,
        line=asked.line,
        reason=asked.reason,
        opened_by=person.id,
    )
    return DisputeTold.of(made)


async def workbook(
    session: ReadSession, *, statement_id: UUID, merchant_id: UUID | None = None, programme: str | None = None
) -> Response:
    """A statement as XLSX, for whoever it is told to. Raises StatementUnknown."""
    found = await closing.statement_of(
        session, statement_id=statement_id, merchant_id=merchant_id, programme=programme
    )
    made, behind = await asyncio.to_thread(sheets.Sheets, found), 0
    while behind < min(found.lines, MOST_IN_A_FILE):
        lines = await closing.lines_of(session, statement_id=statement_id, limit=_AT_ONCE, after=behind)
        await asyncio.to_thread(made.add, lines)
        behind += len(lines)
    return Response(await asyncio.to_thread(made.finish), media_type=XLSX)


async def pdf(
    session: ReadSession, *, statement_id: UUID, merchant_id: UUID | None = None, programme: str | None = None
) -> Response:
    """A statement as PDF, for whoever it is told to. Raises StatementUnknown."""
    found = await closing.statement_of(
        session, statement_id=statement_id, merchant_id=merchant_id, programme=programme
    )
    lines = await closing.lines_of(session, statement_id=statement_id, limit=printing.MOST_PRINTED)
    return Response(await printing.as_pdf(found, lines), media_type=PDF)
