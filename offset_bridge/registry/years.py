"""What everybody who works on a market's year asks first."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from offset_bridge.registry import queries


async def lock_year(session: AsyncSession, *, market: str, compliance_year: int) -> None:
    """Wait until nobody else works on this market's year, and keep others waiting until this transaction ends.

    Caps, shared pools and obligations are sums over what others do: take this first, read afterwards.
    """
    await queries.lock_year(session, market=market, year=compliance_year)


async def is_closed(session: AsyncSession, *, market: str, compliance_year: int) -> bool:
    """Whether the authority has closed the year."""
    return await queries.closed(session, market=market, year=compliance_year)
