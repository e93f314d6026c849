"""What a market's registry says to credits that want in, and certification to a debtor who wants them out."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.certification import shortfalls
from offset_bridge import registry
from offset_bridge.bridge.errors import AccountMissing, NumbersTaken

# For these a deposit is given up and the units go back; any other failure is tried again.
REFUSALS = (
    registry.MarketUnopened,
    registry.DemoUnitsRefused,
    AccountMissing,
    NumbersTaken,
    shortfalls.CorrectionsOwed,
)


async def check(session: AsyncSession, *, market: str, owner: str, demo: bool) -> None:
    """Refuse what the registry would: MarketUnopened, DemoUnitsRefused, AccountMissing; and CorrectionsOwed."""
    try:
        await registry.check_acceptance(session, market=market, organisation=owner, demo=demo)
    except registry.AccountUnknown:
        raise AccountMissing from None
    await shortfalls.refuse_debtor(session, operator=owner, demo=demo)
