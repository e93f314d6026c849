"""The verbs of a redemption. Locks come in one order: the redemption, then accounts, then one pile of the stock.

`redeem` and `capture` are one call of the database each and exist twice, for a session and for a hot connection.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock, ids, logging
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.keys import Keys
from backend.programmes import wallets
from merchant.redemption import codes, queries
from merchant.redemption.errors import (
    AlreadyRefunded,
    RedemptionEnded,
    RedemptionExpired,
    RedemptionNotCaptured,
    RedemptionUnknown,
    RefundTooLate,
)
from merchant.redemption.model import (
    CODE_LIVES,
    REFUND_WITHIN,
    STANDS_AT_MOST,
    Issued,
    Receipt,
    Redemption,
    State,
)

Position = tuple[dt.datetime, UUID]

_log = logging.get("puhui.merchant")


async def redeem(session: AsyncSession, keys: Keys, *, participant_id: UUID, offer_id: UUID) -> Issued:
    """Set an offer's price aside, take one item, and give a code for the till.

    Raises OfferUnknown, OfferClosed, SoldOut, LimitReached, InsufficientBalance.
    """
    redemption_id, code, now = ids.uuid7(), codes.new_code(), clock.now()
    points = (
        await session.execute(
            queries.HOLD,
            {
                "id": redemption_id,
                "participant": participant_id,
                "offer": offer_id,
                "mac": codes.digest(keys, code),
                "now": now,
                "today": clock.day_of(now),
                "until": now + CODE_LIVES,
            },
        )
    ).scalar_one()
    return Issued(redemption_id, points, code, now + CODE_LIVES)


async def redeem_hot(
    connection: asyncpg.Connection[asyncpg.Record], keys: Keys, *, participant_id: UUID, offer_id: UUID
) -> Issued:
    """The same as `redeem` on a hot connection."""
    redemption_id, code, now = ids.uuid7(), codes.new_code(), clock.now()
    points = await connection.fetchval(
        queries.HOLD_HOT,
        redemption_id,
        participant_id,
        offer_id,
        codes.digest(keys, code),
        now,
        clock.day_of(now),
        now + CODE_LIVES,
    )
    return Issued(redemption_id, points, code, now + CODE_LIVES)


async def capture(
    session: AsyncSession, keys: Keys, *, merchant_id: UUID, staff_id: UUID, code: str
) -> Receipt:
    """Turn a scanned code into what the merchant is owed, exactly once; scanned again it answers the same receipt.

    Raises RedemptionUnknown (another merchant's code too), RedemptionExpired, RedemptionEnded.
    """
    given = {
        "mac": codes.digest(keys, code),
        "merchant": merchant_id,
        "staff": staff_id,
        "posting": ids.uuid7(),
        "now": clock.now(),
    }
    row = (await session.execute(queries.CAPTURE, given)).one()
    return _receipt(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def capture_hot(
    connection: asyncpg.Connection[asyncpg.Record],
    keys: Keys,
    *,
    merchant_id: UUID,
    staff_id: UUID,
    code: str,
) -> Receipt:
    """The same as `capture` on a hot connection."""
    row = await connection.fetchrow(
        queries.CAPTURE_HOT, codes.digest(keys, code), merchant_id, staff_id, ids.uuid7(), clock.now()
    )
    assert row is not None
    return _receipt(dict(row))


def _receipt(row: dict[str, Any]) -> Receipt:
    match row.pop("state"):
        case "captured":
            return Receipt(**row)
        case "unknown":
            raise RedemptionUnknown
        case "expired":
            raise RedemptionExpired
        case how:
            raise RedemptionEnded(how=how)


async def scan(db: Database, keys: Keys, *, merchant_id: UUID, staff_id: UUID, code: str) -> Receipt:
    """`capture` as a till does it, one statement in a transaction of its own."""
    async with db.hot_statement() as connection:
        return await capture_hot(connection, keys, merchant_id=merchant_id, staff_id=staff_id, code=code)


async def renew(session: AsyncSession, keys: Keys, *, participant_id: UUID, redemption_id: UUID) -> Issued:
    """Another code for a redemption that stands, which then stands as long as the code; ten minutes in all at most.

    Codes given before stay good for the rest of their minute. Raises RedemptionUnknown, RedemptionEnded.
    """
    code, now = codes.new_code(), clock.now()
    standing = await redemption_of(session, participant_id=participant_id, redemption_id=redemption_id)
    until = min(now + CODE_LIVES, standing.made_at + STANDS_AT_MOST)
    given = {
        "redemption": redemption_id,
        "participant": participant_id,
        "mac": codes.digest(keys, code),
        "now": now,
        "until": until,
        "made_after": now - STANDS_AT_MOST,
    }
    if not (await session.execute(queries.RENEW, given)).scalar_one():
        raise RedemptionEnded(how=await _how(session, participant_id, redemption_id))
    return Issued(redemption_id, standing.points, code, until)


async def cancel(session: AsyncSession, *, participant_id: UUID, redemption_id: UUID) -> Redemption:
    """Give a redemption up: its points go back to the exact lots, its item to the stock. Again changes nothing.

    Raises RedemptionUnknown, or RedemptionEnded when a till was first or it has lapsed.
    """
    await _close(session, redemption_id=redemption_id, participant_id=participant_id)
    found = await redemption_of(session, participant_id=participant_id, redemption_id=redemption_id)
    if found.ended == "captured":
        raise RedemptionEnded(how=found.state_at(clock.now()))
    return found


async def lapse(session: AsyncSession, *, redemption_id: UUID) -> bool:
    """Give back what a redemption set aside whose time is over; False when it stands or has ended."""
    return await _close(session, redemption_id=redemption_id, participant_id=None)


async def _close(session: AsyncSession, *, redemption_id: UUID, participant_id: UUID | None) -> bool:
    posting_id, now = ids.derive(redemption_id, "release"), clock.now()
    given = {
        "redemption": redemption_id,
        "participant": participant_id,
        "posting": posting_id,
        "now": now,
    }
    closed = (await session.execute(queries.CLOSE, given)).one_or_none()
    if closed is None:
        return False
    await wallets.release(session, hold=redemption_id, posting_id=posting_id, happened_at=now)
    if closed.limited:
        await session.execute(queries.PUT_BACK, {"offer": closed.offer_id})
    return True


async def lapse_due(db: Database, *, participant_id: UUID | None = None, batch: int = 200) -> int:
    """Let everything lapse whose time is over, of one citizen or of all, a transaction each; answers how many did."""
    lapsed = 0
    while True:
        async with db.transaction() as session:
            given = {"now": clock.now(), "participant": participant_id, "limit": batch}
            due = (await session.execute(queries.DUE, given)).scalars().all()
        before = lapsed
        for redemption_id in due:
            try:
                async with db.transaction() as session:
                    lapsed += await lapse(session, redemption_id=redemption_id)
            except DomainError as error:  # one that cannot be given back does not hold up the others
                _log.error("redemption does not lapse", redemption_id=str(redemption_id), exc_info=error)
        if len(due) < batch or lapsed == before:
            return lapsed


async def refund(
    session: AsyncSession, *, merchant_id: UUID, staff_id: UUID, redemption_id: UUID, reason: str
) -> Receipt:
    """Undo a capture, once and within its time: the exact lots have their points again, the stock its item.

    Raises RedemptionUnknown, RedemptionNotCaptured, RefundTooLate, AlreadyRefunded.
    """
    named = {"redemption": redemption_id, "merchant": merchant_id}
    captured = (await session.execute(queries.CAPTURED, named)).one_or_none()
    if captured is None:
        known = (await session.execute(queries.STANDS_AT_MERCHANT, named)).first()
        raise RedemptionUnknown if known is None else RedemptionNotCaptured
    now = clock.now()
    if now > captured.ended_at + REFUND_WITHIN:
        raise RefundTooLate(within_days=REFUND_WITHIN.days)
    posting_id = ids.derive(redemption_id, "refund")
    given = {
        "redemption": redemption_id,
        "posting": posting_id,
        "reason": reason,
        "by": staff_id,
        "at": now,
    }
    if (await session.execute(queries.REFUND, given)).first() is None:
        raise AlreadyRefunded
    await wallets.refund(session, capture=captured.posting_id, posting_id=posting_id, happened_at=now)
    if captured.limited:
        await session.execute(queries.PUT_BACK, {"offer": captured.offer_id})
    return await receipt_of(session, merchant_id=merchant_id, redemption_id=redemption_id)


async def receipt_of(session: AsyncSession, *, merchant_id: UUID, redemption_id: UUID) -> Receipt:
    """One captured redemption of a merchant; another's is unknown. Raises RedemptionUnknown."""
    given = {"merchant": merchant_id, "redemption": redemption_id}
    row = (await session.execute(queries.ONE_RECEIPT, given)).one_or_none()
    if row is None:
        raise RedemptionUnknown
    return Receipt(**row._mapping)  # noqa: SLF001


async def captures_of(
    session: AsyncSession, *, merchant_id: UUID, limit: int = 50, after: Position | None = None
) -> list[Receipt]:
    """What a merchant's tills captured, the newest first, behind the position of the last one seen."""
    given = {"merchant": merchant_id, "limit": limit, **_position(after)}
    return [Receipt(**row._mapping) for row in await session.execute(queries.RECEIPTS, given)]  # noqa: SLF001


async def redemption_of(session: AsyncSession, *, participant_id: UUID, redemption_id: UUID) -> Redemption:
    """One redemption of a citizen; another's is unknown. Raises RedemptionUnknown."""
    given = {"participant": participant_id, "redemption": redemption_id}
    row = (await session.execute(queries.ONE_OF_CITIZEN, given)).one_or_none()
    if row is None:
        raise RedemptionUnknown
    return Redemption(**row._mapping)  # noqa: SLF001


async def redemptions_of(
    session: AsyncSession, *, participant_id: UUID, limit: int = 50, after: Position | None = None
) -> list[Redemption]:
    """A citizen's redemptions, the newest first, behind the position of the last one seen."""
    given = {"participant": participant_id, "limit": limit, **_position(after)}
    return [Redemption(**row._mapping) for row in await session.execute(queries.OF_CITIZEN, given)]  # noqa: SLF001


async def _how(session: AsyncSession, participant_id: UUID, redemption_id: UUID) -> State:
    """How a redemption ended that does not stand; one that stood long enough has lapsed for whoever asks for a code."""
    found = await redemption_of(session, participant_id=participant_id, redemption_id=redemption_id)
    state = found.state_at(clock.now())
    return State.LAPSED if state is State.HELD else state


def _position(after: Position | None) -> dict[str, object]:
    at, redemption_id = after or (None, None)
    return {"after_at": at, "after_id": redemption_id}
