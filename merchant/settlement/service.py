"""What programmes owe a merchant."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import organisations
from merchant.settlement.model import Payable


async def payables_of(session: AsyncSession, *, merchant_id: UUID) -> list[Payable]:
    """What each programme owes, by programme. A programme in which nothing was ever offered is left out."""
    merchant = await organisations.organisation(session, organisation_id=merchant_id)
    balances = await ledger.balances_by_code(session, f"payable:{merchant.code}:")
    return [Payable(code.rsplit(":", 1)[1], points) for code, points in balances.items()]
