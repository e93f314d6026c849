"""An organisation's money in a market, as the ledger has it. Paying in and out is the registry's."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.ledger import Cursor, Movement


@dataclass(frozen=True, slots=True)
class Balance:
    """What an organisation can pay with in one market."""

    market: str
    balance_fen: int


async def balances(session: AsyncSession, *, owner: str) -> list[Balance]:
    """The organisation's money in every market where it ever had any, by market."""
    found = await ledger.balances_by_code(session, "cash:")
    own = ((code.split(":"), balance) for code, balance in found.items())
    return [Balance(parts[1], balance) for parts, balance in own if parts[2] == owner]


async def statement(
    session: AsyncSession, *, market: str, owner: str, limit: int = 50, after: Cursor | None = None
) -> list[Movement]:
    """The movements of the organisation's money in a market, newest first, starting behind `after`."""
    found = await ledger.find_accounts(session, [f"cash:{market}:{owner}"])
    return await ledger.statement(session, list(found.values()), limit=limit, after=after) if found else []
