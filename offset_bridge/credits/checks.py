"""What must hold of transfers and cancellations of credits in the books that issued them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, count_rows, look_for
from offset_bridge import books
from offset_bridge.credits import service
from offset_bridge.origin import BOOKS

_ISSUED_IN = f"split_part(d.code, ':', 2) IN {BOOKS}"
_RULES = (
    books.posted_as(
        "credit_transfer",
        expected="""
            SELECT id::text AS place, posting_id, 1 AS line, 'holder:' || book || ':' || giver AS debit,
                'holder:' || book || ':' || taker AS credit, quantity_t AS amount, 'credit.transferred' AS reason
            FROM credit_transfer
        """,
    ),
    books.posted_as(
        "credit_cancellation",
        expected="""
            SELECT id::text AS place, posting_id, 1 AS line, 'holder:' || book || ':' || owner AS debit,
                'cancelled:' || book AS credit, quantity_t AS amount, 'credit.cancelled' AS reason
            FROM credit_cancellation
        """,
    ),
    books.belongs(
        "credit_transfer",
        reasons=f"t.reason = 'credit.transferred' AND {_ISSUED_IN}",
        known="SELECT posting_id FROM credit_transfer",
        en="credits passed on without a record",
        zh="有减排量转让而无记录",
    ),
    books.belongs(
        "credit_cancellation",
        reasons=f"t.reason = 'credit.cancelled' AND d.kind = 'holder' AND {_ISSUED_IN}",
        known="SELECT posting_id FROM credit_cancellation",
        en="credits were cancelled without a record",
        zh="有减排量注销而无记录",
    ),
)


async def passed_on_and_given_up(session: AsyncSession) -> Checked:
    """Credits pass on and are cancelled as recorded, and both are in the log as they are."""
    checked = Checked(
        rows=await count_rows(session, "SELECT count(*) FROM credit_transfer")
        + await count_rows(session, "SELECT count(*) FROM credit_cancellation")
    )
    await look_for(session, checked, _RULES)
    passed = {str(one.id): one.stated() for one in await service.every_transfer(session)}
    given_up = {str(one.id): one.stated() for one in await service.every_cancellation(session)}
    await books.logged(session, checked, table="credit_transfer", kind="credit.transferred", stored=passed)
    await books.logged(
        session,
        checked,
        table="credit_cancellation",
        kind="credit.cancelled",
        stored=given_up,
        meant=lambda body: body["book"] in BOOKS,  # what is cancelled in a market's book is the registry's
    )
    return checked
