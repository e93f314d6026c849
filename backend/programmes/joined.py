"""What an account had that ended in another: lot by lot the other's, at once and whenever something comes late.

An act that happened before may still be posted, a refund goes back to the lots that it came from, a clawback to whoever
earned: all of them to the account that ended. What turns up there is moved on, to a lot of the same programme and the
same last day. Nothing is merged, revalued or set off: a debt stays a debt, and is repaid by what is earned next.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import joining
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.db import Database, errors_from_database
from backend.kit.settings import Keys
from backend.ledger import AccountSpec, InsufficientBalance, Line, Lot, Posting
from backend.programmes import queries
from backend.programmes.errors import RedemptionsOpen

JOINED, BENEFIT_JOINED = "points.joined", "benefit.joined"
SWEEP_EVERY_S = 300
_REASONS = {
    "wallet": JOINED,
    "pending": JOINED,
    "debt": JOINED,
    "benefit": BENEFIT_JOINED,
    "overpaid": BENEFIT_JOINED,
}
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """What passed from one account to the other: points, points owed, and money in fen (less what is owed of it)."""

    points: int = 0
    owed: int = 0
    benefit_fen: int = 0


async def join_accounts(session: AsyncSession, keys: Keys, *, joined: UUID, into: UUID, shown: str) -> Moved:
    """End one account in another and move all that it holds. Raises NotToBeJoined, RedemptionsOpen.

    Two at once stand in line; the second one finds that an account has ended.
    """
    await joining.join(session, keys, joined=joined, into=into, shown=shown)
    for hold in await ledger.lots(session, prefix=f"hold:{joined}:"):
        if hold.balance:
            raise RedemptionsOpen
    return await move(session, joined=joined)


async def move(session: AsyncSession, *, joined: UUID) -> Moved:
    """Move what an account that ended holds now; again moves what came since, and nothing twice."""
    await take_turns(session, f"joined:{joined}")
    into = await joining.survivor_of(session, participant_id=joined)
    assert into != joined
    for turn in range(_TRIES):
        lots = [
            lot
            for kind in _REASONS
            for lot in await ledger.lots(session, prefix=f"{kind}:{joined}:")
            if lot.balance
        ]
        if not lots:
            break
        try:
            with errors_from_database():
                async with session.begin_nested():
                    await _post(session, joined, into, lots)
        except InsufficientBalance:  # a lot was swept, or a debt repaid, between looking and moving
            if turn == _TRIES - 1:
                raise
        else:
            return _moved(lots)
    return Moved()


async def sweep(db: Database) -> int:
    """Move on whatever came late to accounts that ended, a transaction for each; how many had something."""
    async with db.transaction() as session:
        behind = list((await session.execute(queries.LEFT_BEHIND, {"kinds": list(_REASONS)})).scalars())
    for joined in behind:
        async with db.transaction() as session:
            await move(session, joined=joined)
    return len(behind)


async def _post(session: AsyncSession, joined: UUID, into: UUID, lots: list[Lot]) -> None:
    targets = {lot.code: AccountSpec(_of(lot.code, joined, into), due=lot.due) for lot in lots}
    opened = await ledger.open_accounts(session, targets.values())
    now = clock.now()
    for reason in (JOINED, BENEFIT_JOINED):
        lines = [_line(lot, opened[targets[lot.code].code]) for lot in lots if _REASONS[lot.kind] == reason]
        if lines:
            await ledger.post(session, [Posting(ids.uuid7(), reason, now, tuple(lines))])


def _line(lot: Lot, other: int) -> Line:
    """All of a lot to the other account; a debt, which lies below zero, the other way round."""
    if lot.balance > 0:
        return Line(debit=lot.id, credit=other, amount=lot.balance)
    return Line(debit=other, credit=lot.id, amount=-lot.balance)


def _of(code: str, joined: UUID, into: UUID) -> str:
    kind, _, rest = code.partition(f":{joined}:")
    return f"{kind}:{into}:{rest}"


def _moved(lots: list[Lot]) -> Moved:
    held: dict[str, int] = {}
    for lot in lots:
        held[lot.kind] = held.get(lot.kind, 0) + lot.balance
    return Moved(
        points=held.get("wallet", 0) + held.get("pending", 0),
        owed=-held.get("debt", 0),
        benefit_fen=held.get("benefit", 0) + held.get("overpaid", 0),
    )


__all__ = ["BENEFIT_JOINED", "JOINED", "SWEEP_EVERY_S", "Moved", "join_accounts", "move", "sweep"]
