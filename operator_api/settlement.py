"""Settling with merchants: closing periods, paying statements, answering disputes. Whatever moves money takes two people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from backend.identity import approvals, organisations
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.identity.organisations import OrganisationUnknown
from backend.kit import idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import CursorUnusable, Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code
from backend.programmes import ProgrammeUnknown
from merchant import settlement
from merchant.redemption import RedemptionUnknown
from merchant.settlement import endpoints as shown_to_merchants
from merchant.settlement.endpoints import PDF, XLSX
from merchant.settlement.schemas import (
    AnswerAsked,
    ClosingAsked,
    CorrectionAsked,
    DisputeTold,
    LineTold,
    OutcomeAsked,
    SettledTold,
    SettlementPayoutTold,
    StatementTold,
)
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes/{code}/settlement", tags=["settlement"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)
_PROPOSED = (approvals.ActNeedsRole, *idempotency.REFUSALS)


@router.post(
    "/closings/proposals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        OrganisationUnknown,
        settlement.NothingToClose,
        settlement.SettlementPeriodNotOver,
        *_PROPOSED,
    ),
)
async def propose_closing(
    code: Code, asked: ClosingAsked, person: Operator, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for a merchant's next period to be closed; the proposal shows what the statement comes to."""
    programme = await programme_in_sight(session, person, code)
    merchant = await organisations.organisation_by_code(session, code=asked.merchant)
    act = await settlement.propose_close(
        session, merchant_id=merchant.id, programme=programme.code, proposed_by=person.id
    )
    return ActTold.of(act)


@router.post(
    "/closings/proposals/{act_id}/approval",
    responses=problems(
        *_NOT_LET_IN,
        *UNDECIDABLE,
        settlement.StatementChanged,
        settlement.NothingToClose,
        settlement.SettlementPeriodNotOver,
    ),
)
async def approve_closing(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> StatementTold:
    """Agree, as the second person; the statement is closed, for good."""
    programme = await programme_in_sight(session, person, code)
    done = await settlement.approve_close(
        session,
        programme=programme.code,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return StatementTold.of(done)


@router.post("/closings/proposals/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_closing(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> ActTold:
    """Turn a closing down, as the second person."""
    programme = await programme_in_sight(session, person, code)
    act = await settlement.reject_close(
        session,
        programme=programme.code,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(act)


@router.get("/statements", responses=problems(*_NOT_LET_IN, CursorUnusable))
async def list_programme_statements(
    code: Code, person: OperatorOrAuthority, session: ReadSession, paging: Paging
) -> Page[StatementTold]:
    """The programme's statements of all merchants, newest first."""
    programme = await programme_in_sight(session, person, code)
    rows = await settlement.statements(
        session, programme=programme.code, limit=paging.fetch, after=paging.after(datetime, UUID)
    )
    return paging.page(rows, position=lambda one: (one.closed_at, one.id), show=StatementTold.of)


@router.get("/statements/{statement_id}", responses=problems(*_NOT_LET_IN, settlement.StatementUnknown))
async def get_programme_statement(
    code: Code, statement_id: UUID, person: OperatorOrAuthority, session: ReadSession
) -> StatementTold:
    """One statement."""
    programme = await programme_in_sight(session, person, code)
    found = await settlement.statement_of(session, statement_id=statement_id, programme=programme.code)
    return StatementTold.of(found)


@router.get(
    "/statements/{statement_id}/lines",
    responses=problems(*_NOT_LET_IN, settlement.StatementUnknown, CursorUnusable),
)
async def list_programme_statement_lines(
    code: Code, statement_id: UUID, person: OperatorOrAuthority, session: ReadSession, paging: Paging
) -> Page[LineTold]:
    """Its lines, by their numbers."""
    programme = await programme_in_sight(session, person, code)
    await settlement.statement_of(session, statement_id=statement_id, programme=programme.code)
    behind = paging.after(int)
    rows = await settlement.lines_of(
        session, statement_id=statement_id, limit=paging.fetch, after=0 if behind is None else behind[0]
    )
    return paging.page(rows, position=lambda one: (one.number,), show=LineTold.of)


@router.get(
    "/statements/{statement_id}/xlsx",
    response_class=Response,
    responses={**problems(*_NOT_LET_IN, settlement.StatementUnknown), 200: {"content": {XLSX: {}}}},
)
async def get_programme_statement_workbook(
    code: Code, statement_id: UUID, person: OperatorOrAuthority, session: ReadSession
) -> Response:
    """The statement as a workbook."""
    programme = await programme_in_sight(session, person, code)
    return await shown_to_merchants.workbook(session, statement_id=statement_id, programme=programme.code)


@router.get(
    "/statements/{statement_id}/pdf",
    response_class=Response,
    responses={**problems(*_NOT_LET_IN, settlement.StatementUnknown), 200: {"content": {PDF: {}}}},
)
async def get_programme_statement_pdf(
    code: Code, statement_id: UUID, person: OperatorOrAuthority, session: ReadSession
) -> Response:
    """The statement for the printer."""
    programme = await programme_in_sight(session, person, code)
    return await shown_to_merchants.pdf(session, statement_id=statement_id, programme=programme.code)


@router.get("/redemptions/{redemption_id}", responses=problems(*_NOT_LET_IN, RedemptionUnknown))
async def get_settled_redemption(
    code: Code, redemption_id: UUID, person: OperatorOrAuthority, session: ReadSession
) -> SettledTold:
    """The redemption that a line leads to: its worth, its funders, and every line about it. Nothing says who the citizen is."""
    programme = await programme_in_sight(session, person, code)
    found = await settlement.settled_of(session, redemption_id=redemption_id, programme=programme.code)
    return SettledTold.of(found)


@router.get("/disputes", responses=problems(*_NOT_LET_IN))
async def list_programme_disputes(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> list[DisputeTold]:
    """Merchants' disputes about the programme's statements, newest first, two hundred at most."""
    programme = await programme_in_sight(session, person, code)
    return [DisputeTold.of(one) for one in await settlement.disputes_of(session, programme=programme.code)]


@router.post(
    "/disputes/{dispute_id}/answer",
    responses=problems(*_NOT_LET_IN, settlement.DisputeUnknown, settlement.DisputeAnswered),
)
async def answer_dispute(
    code: Code, dispute_id: UUID, asked: AnswerAsked, person: Operator, session: WriteSession
) -> DisputeTold:
    """Answer that the line stands as it is; nothing moves."""
    programme = await programme_in_sight(session, person, code)
    done = await settlement.turn_down(
        session, programme=programme.code, dispute_id=dispute_id, words=asked.words, answered_by=person.id
    )
    return DisputeTold.of(done)


@router.post(
    "/disputes/{dispute_id}/corrections/proposals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        settlement.DisputeUnknown,
        settlement.DisputeAnswered,
        settlement.CorrectionInvalid,
        settlement.CorrectionBeyondLine,
        *_PROPOSED,
    ),
)
async def propose_settlement_correction(
    code: Code,
    dispute_id: UUID,
    asked: CorrectionAsked,
    person: Operator,
    session: WriteSession,
    _: IdempotencyKey,
) -> ActTold:
    """Ask for an answer that moves points or money; a second person has to agree to it."""
    programme = await programme_in_sight(session, person, code)
    act = await settlement.propose_correction(
        session,
        programme=programme.code,
        dispute_id=dispute_id,
        words=asked.words,
        correction_points=asked.correction_points,
        correction_fen=asked.correction_fen,
        funder=asked.funder,
        proposed_by=person.id,
    )
    return ActTold.of(act)


@router.post(
    "/corrections/proposals/{act_id}/approval",
    responses=problems(
        *_NOT_LET_IN, *UNDECIDABLE, settlement.DisputeAnswered, settlement.CorrectionBeyondLine
    ),
)
async def approve_settlement_correction(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> DisputeTold:
    """Agree, as the second person; the correction is a line of the next statement."""
    programme = await programme_in_sight(session, person, code)
    done = await settlement.approve_correction(
        session,
        programme=programme.code,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return DisputeTold.of(done)


@router.post("/corrections/proposals/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_settlement_correction(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> ActTold:
    """Turn a correction down, as the second person; the dispute waits for another answer."""
    programme = await programme_in_sight(session, person, code)
    act = await settlement.reject_correction(
        session,
        programme=programme.code,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(act)


@router.post(
    "/payouts/proposals",
    status_code=201,
    responses=problems(*_NOT_LET_IN, settlement.NoStatementToPay, *_PROPOSED),
)
async def propose_settlement_payout(
    code: Code, person: Operator, session: WriteSession, settings: AppSettings, _: IdempotencyKey
) -> ActTold:
    """Ask for all statements to be paid that wait for it; the proposal names amounts, and no account."""
    programme = await programme_in_sight(session, person, code)
    act = await settlement.propose_payout(
        session, settings.keys, programme=programme.code, proposed_by=person.id
    )
    return ActTold.of(act)


@router.post(
    "/payouts/proposals/{act_id}/approval",
    responses=problems(*_NOT_LET_IN, *UNDECIDABLE, settlement.StatementChanged),
)
async def approve_settlement_payout(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> SettlementPayoutTold:
    """Agree, as the second person; the file may be fetched and taken to the bank."""
    programme = await programme_in_sight(session, person, code)
    done = await settlement.approve_payout(
        session,
        programme=programme.code,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return SettlementPayoutTold.of(done)


@router.post("/payouts/proposals/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_settlement_payout(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> ActTold:
    """Turn a payout down, as the second person."""
    programme = await programme_in_sight(session, person, code)
    act = await settlement.reject_payout(
        session,
        programme=programme.code,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(act)


@router.get("/payouts", responses=problems(*_NOT_LET_IN))
async def list_settlement_payouts(
    code: Code, person: OperatorOrAuthority, session: ReadSession
) -> list[SettlementPayoutTold]:
    """Payouts that were let go, with what became of each payment, newest first, a hundred at most."""
    programme = await programme_in_sight(session, person, code)
    found = await settlement.payouts(session, programme=programme.code)
    return [SettlementPayoutTold.of(one) for one in found]


@router.get(
    "/payouts/{run_id}/file",
    response_class=Response,
    responses={
        **problems(*_NOT_LET_IN, settlement.SettlementPayoutUnknown),
        200: {"content": {"text/csv": {}, XLSX: {}}},
    },
)
async def get_settlement_payout_file(  # noqa: PLR0917 - FastAPI's dependencies
    code: Code,
    run_id: UUID,
    person: Operator,
    session: ReadSession,
    settings: AppSettings,
    form: Annotated[
        Literal["csv", "xlsx"], Query(description="csv, byte for byte as signed, or xlsx")
    ] = "csv",
) -> Response:
    """Accounts and amounts for the bank, with their number and exact sum on the last line."""
    programme = await programme_in_sight(session, person, code)
    content = await settlement.payout_file(
        session, settings.keys, programme=programme.code, payout_id=run_id, as_workbook=form == "xlsx"
    )
    return Response(content, media_type=XLSX if form == "xlsx" else "text/csv; charset=utf-8")


@router.post(
    "/payouts/{run_id}/statements/{statement_id}/outcome",
    responses=problems(
        *_NOT_LET_IN, settlement.SettlementPayoutUnknown, settlement.PayoutEnded, *idempotency.REFUSALS
    ),
)
async def tell_payout_outcome(  # noqa: PLR0917 - FastAPI's dependencies
    code: Code,
    run_id: UUID,
    statement_id: UUID,
    asked: OutcomeAsked,
    person: Operator,
    session: WriteSession,
    _: IdempotencyKey,
) -> SettlementPayoutTold:
    """Say what became of a payment. Paid: points and money are posted, once. Failed: the statement waits again."""
    programme = await programme_in_sight(session, person, code)
    done = await settlement.confirm(
        session,
        programme=programme.code,
        payout_id=run_id,
        statement_id=statement_id,
        paid=asked.paid,
        words=asked.words,
        told_by=person.id,
    )
    return SettlementPayoutTold.of(done)
