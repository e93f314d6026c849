"""What an organisation can pay with, as the ledger has it. Paying in and out is recorded by `offset_bridge.cash`."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.ledger import Cursor, Movement
from offset_bridge import cash, registry


@dataclass(frozen=True, slots=True)
class Balance:
    """What an organisation can pay with in one market."""

    market: str
    balance_fen: int


async def balances(session: AsyncSession, *, organisation_id: UUID) -> list[Balance]:
    """The organisation's money in every market where it has an account, by market."""
    return [
        Balance(one.market, await cash.balance(session, market=one.market, organisation=one.organisation))
        for one in await registry.accounts_of(session, organisation_id=organisation_id)
    ]


async def statement(
    session: AsyncSession, *, market: str, owner: str, limit: int = 50, after: Cursor | None = None
) -> list[Movement]:
    """The movements of the organisation's money in a market, newest first, starting behind `after`."""
    found = await ledger.find_accounts(session, [cash.code(market, owner)])
    return await ledger.statement(session, list(found.values()), limit=limit, after=after) if found else []
