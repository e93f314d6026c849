"""What a merchant is told of its own suspensions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from backend.kit import paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from merchant.access import MerchantStaff, merchant_of
from merchant.suspension import service
from merchant.suspension.schemas import SuspensionTold

router = Router(prefix="/suspensions", tags=["suspensions"])


@router.get("", responses=problems(Unauthenticated, Forbidden, paging.CursorUnusable))
async def list_suspensions(
    person: MerchantStaff, session: ReadSession, asked: Paging
) -> Page[SuspensionTold]:
    """What of my organisation the operator has suspended, the newest first, each with the reason."""
    after = asked.after(datetime, UUID)
    rows = await service.standing(
        session,
        merchant_id=merchant_of(person),
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.stepped_at, row.subject_id), show=SuspensionTold.of)
