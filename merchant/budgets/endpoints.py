"""Budgets that limit a merchant's own offers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from backend.kit import paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from merchant.access import MerchantStaff, merchant_of
from merchant.budgets import service
from merchant.budgets.schemas import BudgetTold

router = Router(prefix="/budgets", tags=["offers"])


@router.get("", responses=problems(Unauthenticated, Forbidden, paging.CursorUnusable))
async def list_budgets(person: MerchantStaff, session: ReadSession, asked: Paging) -> Page[BudgetTold]:
    """What limits my offers, newest first: my organisation's budgets, and those of campaigns that my offers are in."""
    after = asked.after(datetime, UUID)
    rows = await service.budgets_of(
        session,
        merchant_id=merchant_of(person),
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.set_at, row.id), show=BudgetTold.of)
