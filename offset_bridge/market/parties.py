"""Who may sell to whom: organisations with an account in the registry of the book's market."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from offset_bridge import registry
from offset_bridge.market.errors import BookNotTraded, PartyHasNoAccount


async def market_of(session: AsyncSession, *, book: str, seller: str, buyer: str) -> str:
    """The market of a book in which both have an account; BookNotTraded, PartyHasNoAccount."""
    market, _, _ = book.partition("-")  # a market's id has no dash, its books' codes begin with it and one
    if book not in await ledger.books(session, [book]) or not await _has_account(session, market, seller):
        raise BookNotTraded
    await check(session, market=market, party=buyer)
    return market


async def check(session: AsyncSession, *, market: str, party: str) -> None:
    """Refuse a party without an account in this market."""
    if not await _has_account(session, market, party):
        raise PartyHasNoAccount


async def _has_account(session: AsyncSession, market: str, organisation: str) -> bool:
    try:
        await registry.account_of(session, market=market, organisation=organisation)
    except registry.AccountUnknown:
        return False
    return True
