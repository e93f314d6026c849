"""What must hold of money in a market: what was recorded was posted, and nothing else came or went."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, count_rows, look_for
from offset_bridge.books import belongs, posted_as

_RULES = (
    posted_as(
        "cash_movement",
        expected="""
            SELECT id::text AS place, id AS posting_id, 1 AS line,
                CASE direction WHEN 'deposited' THEN 'deposited:' || market ELSE 'cash:' || market || ':' || organisation
                END AS debit,
                CASE direction WHEN 'deposited' THEN 'cash:' || market || ':' || organisation ELSE 'deposited:' || market
                END AS credit,
                amount_fen AS amount, 'cash.' || direction AS reason
            FROM cash_movement
        """,
    ),
    belongs(
        "cash_movement",
        reasons="t.reason IN ('cash.deposited', 'cash.withdrawn')",
        known="SELECT id FROM cash_movement",
        en="money came or went without a record",
        zh="有资金进出而无记录",
    ),
)


async def recorded(session: AsyncSession) -> Checked:
    """Each deposit and withdrawal was posted as it was recorded, and no others were."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM cash_movement"))
    return await look_for(session, checked, _RULES)
