"""Budgets of offers: a merchant's, or a campaign's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from backend.identity import organisations
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code
from backend.programmes import ProgrammeUnknown
from merchant import budgets
from merchant.budgets.schemas import BudgetMade, BudgetTold
from operator_api.access import Operator
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes", tags=["offers"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)


@router.post(
    "/{code}/budgets",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN, budgets.BudgetInvalid, organisations.OrganisationUnknown, *idempotency.REFUSALS
    ),
)
async def set_budget(
    code: Code, made: BudgetMade, person: Operator, session: WriteSession, _: IdempotencyKey
) -> BudgetTold:
    """Limit how many points offers of one merchant, or of a campaign, may take. It counts what is redeemed from now on."""
    programme = await programme_in_sight(session, person, code)
    merchant = None
    if made.merchant is not None:
        merchant = (await organisations.organisation_by_code(session, code=made.merchant)).id
    return BudgetTold.of(
        await budgets.set_budget(
            session,
            programme=programme.code,
            merchant_id=merchant,
            offers=made.offers,
            name_zh=made.name_zh,
            name_en=made.name_en,
            points=made.points,
            first_day=made.first_day,
            last_day=made.last_day,
            set_by=person.id,
        )
    )


@router.get("/{code}/budgets", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_programme_budgets(
    code: Code, person: Operator, session: ReadSession, asked: Paging
) -> Page[BudgetTold]:
    """Budgets of a programme, newest first, with what is used of them."""
    programme = await programme_in_sight(session, person, code)
    after = asked.after(datetime, UUID)
    rows = await budgets.budgets_of(
        session,
        programme=programme.code,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.set_at, row.id), show=BudgetTold.of)


@router.post("/{code}/budgets/{budget_id}/end", responses=problems(*_NOT_LET_IN, budgets.BudgetUnknown))
async def end_budget(code: Code, budget_id: UUID, person: Operator, session: WriteSession) -> BudgetTold:
    """Let a budget limit nothing any more. Again changes nothing."""
    programme = await programme_in_sight(session, person, code)
    return BudgetTold.of(
        await budgets.end(session, programme=programme.code, budget_id=budget_id, ended_by=person.id)
    )
