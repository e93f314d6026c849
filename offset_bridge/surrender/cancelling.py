"""Giving credits up for a purpose of one's own: they count for nobody any more, and nothing ever leaves that account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.kit import clock, ids
from backend.ledger import AccountSpec, SerialLine, SerialPosting
from backend.packs.market_shape import ALLOWANCES
from offset_bridge import registry
from offset_bridge.registry import Account
from offset_bridge.surrender import queries
from offset_bridge.surrender.errors import OnlyCreditsCancelled
from offset_bridge.surrender.model import AskedLot, Cancelled
from offset_bridge.surrender.pledging import find_pieces


async def cancel(
    session: AsyncSession, *, account: Account, asked: AskedLot, purpose: str, cancelled_by: UUID
) -> Cancelled:
    """Cancel credits of one book that the account holds; the purpose becomes public. UnitsNotHeld, OnlyCreditsCancelled."""
    pieces = find_pieces(await registry.holdings(session, account=account), [asked])
    if any(piece.held.lot.unit in ALLOWANCES for piece in pieces):
        raise OnlyCreditsCancelled
    serials = ledger.joined(piece.held.serials for piece in pieces)
    quantity = sum(one.quantity for one in serials)
    source, target = registry.entity_code(asked.book, account.organisation), f"cancelled:{asked.book}"
    opened = await ledger.open_accounts(session, [AccountSpec(source), AccountSpec(target)])
    made = Cancelled(
        id=ids.uuid7(),
        account_id=account.id,
        book=asked.book,
        serials=serials,
        quantity_t=quantity,
        purpose=purpose,
        cancelled_at=clock.now(),
    )
    line = SerialLine(opened[source], opened[target], quantity, "credit.cancelled", serials=serials)
    await ledger.post_serials(session, [SerialPosting(made.id, made.cancelled_at, (line,))])
    await queries.cancel(
        session,
        id=made.id,
        account_id=account.id,
        book=made.book,
        quantity_t=quantity,
        purpose=purpose,
        cancelled_by=cancelled_by,
        cancelled_at=made.cancelled_at,
    )
    stated = {
        "cancellation": str(made.id),
        "book": made.book,
        "organisation": account.organisation,
        "serials": [[one.low, one.high] for one in serials],
        "purpose": purpose,
    }
    await log.append(session, kind="credit.cancelled", body=stated)
    return made


async def cancellations(
    session: AsyncSession,
    *,
    accounts: Sequence[Account] | None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Cancelled]:
    """What these accounts, or all, gave up, newest first, starting behind `before` (cancelled_at, id)."""
    wanted = None if accounts is None else [one.id for one in accounts]
    rows = await queries.cancelled(session, accounts=wanted, before=before, limit=limit)
    return [await _cancelled(session, row) for row in rows]


async def _cancelled(session: AsyncSession, row: RowMapping) -> Cancelled:
    moved = await ledger.serials_moved(session, postings=[row["id"]])
    return Cancelled(**row, serials=moved[row["id"]].get(1, ()))
