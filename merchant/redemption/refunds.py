"""Undoing captures: whole, in parts up to the captured sum, or many at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend import webhooks
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.programmes import wallets
from merchant.redemption import queries, telling
from merchant.redemption.errors import (
    AlreadyRefunded,
    PartReused,
    PartTooLarge,
    RedemptionNotCaptured,
    RedemptionUnknown,
    RefundTooLate,
    VoucherInParts,
    VoucherUsed,
)
from merchant.redemption.model import At, Receipt
from merchant.redemption.tills import receipt_of

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Voided:
    """What became of one of many: `refunded`, `would_refund` in a dry run, or the code of the refusal; `points` given back."""

    redemption_id: UUID
    result: str
    points: int = 0


async def refund(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    staff_id: UUID,
    redemption_id: UUID,
    reason: str,
    asked: At | None = None,
) -> Receipt:
    """Undo a capture, once and within its time: the exact lots have their points again, the stock its item.

    `staff_id` agrees; `asked` is who asked for it and where, without it the same person: a shop gives back what itself
    captured. After parts, what is left of it. Raises RedemptionUnknown, RedemptionNotCaptured, RefundTooLate,
    AlreadyRefunded, VoucherUsed.
    """
    captured, now = await _refundable(
        session, merchant_id=merchant_id, redemption_id=redemption_id, asked=asked
    )
    posting_id = ids.derive(redemption_id, "refund")
    if captured.parts:
        await _give_part(
            session, captured, redemption_id=redemption_id, part_id="rest", points=captured.points - captured.parts,
            by=staff_id, asked=asked, reason=reason, now=now,
        )  # fmt: skip
    else:
        given = {
            "redemption": redemption_id,
            "posting": posting_id,
            "reason": reason,
            "by": staff_id,
            "at": now,
            **_asked(staff_id, asked),
        }
        await session.execute(queries.REFUND, given)
        await wallets.refund(session, capture=captured.posting_id, posting_id=posting_id, happened_at=now)
    await _put_back(session, captured)
    await _tell(session, merchant_id, redemption_id, posting_id, captured.points - captured.parts)
    return await receipt_of(session, merchant_id=merchant_id, redemption_id=redemption_id)


async def refund_part(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    staff_id: UUID,
    redemption_id: UUID,
    part_id: str,
    points: int,
    reason: str,
    asked: At | None = None,
) -> Receipt:
    """Give some points of a capture back, to the lots drawn last first. The same part again changes nothing.

    The item is back in stock once everything was given back. Raises also PartTooLarge, PartReused, VoucherInParts.
    """
    given = {"redemption": redemption_id, "part": part_id}
    captured, now = await _refundable(
        session, merchant_id=merchant_id, redemption_id=redemption_id, asked=asked, part=given
    )
    known = (await session.execute(queries.PART, given)).one_or_none()
    if known is not None:
        if known.points != points:
            raise PartReused
        return await receipt_of(session, merchant_id=merchant_id, redemption_id=redemption_id)
    if captured.voucher is not None:
        raise VoucherInParts
    left = captured.points - captured.parts
    if points > left:
        raise PartTooLarge(left_points=left)
    posting_id = await _give_part(
        session, captured, redemption_id=redemption_id, part_id=part_id, points=points, by=staff_id,
        asked=asked, reason=reason, now=now,
    )  # fmt: skip
    if points == left:
        await _put_back(session, captured)
    await _tell(session, merchant_id, redemption_id, posting_id, points)
    return await receipt_of(session, merchant_id=merchant_id, redemption_id=redemption_id)


async def _refundable(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    redemption_id: UUID,
    asked: At | None,
    part: dict[str, Any] | None = None,
) -> tuple[Row[Any], dt.datetime]:
    """The capture, its refunds from here on in line; a part that is known already is never too late."""
    named = {"redemption": redemption_id, "merchant": merchant_id}
    captured = (await session.execute(queries.REFUNDABLE, named)).one_or_none()
    if captured is None:
        known = (await session.execute(queries.STANDS_AT_MERCHANT, named)).first()
        raise RedemptionUnknown if known is None else RedemptionNotCaptured
    if asked is not None and asked.shop_id is not None:
        here = {"redemption": redemption_id, "shop": asked.shop_id}
        if (await session.execute(queries.CAPTURED_ELSEWHERE, here)).first() is not None:
            raise RedemptionUnknown
    now = clock.now()
    if part is not None and (await session.execute(queries.PART, part)).first() is not None:
        return captured, now
    if now > captured.ended_at + dt.timedelta(days=captured.within_days):
        raise RefundTooLate(within_days=captured.within_days)
    if captured.whole or captured.parts >= captured.points:
        raise AlreadyRefunded
    if captured.voucher == "used":
        raise VoucherUsed
    return captured, now


async def _give_part(
    session: AsyncSession,
    captured: Row[Any],
    *,
    redemption_id: UUID,
    part_id: str,
    points: int,
    by: UUID,
    asked: At | None,
    reason: str,
    now: dt.datetime,
) -> UUID:
    posting_id = ids.derive(redemption_id, f"part:{part_id}")
    given = {
        "redemption": redemption_id, "part": part_id, "posting": posting_id, "points": points,
        "reason": reason, "by": by, "at": now, **_asked(by, asked),
    }  # fmt: skip
    await session.execute(queries.ADD_PART, given)
    await wallets.refund_part(
        session, capture=captured.posting_id, points=points, before=captured.parts, posting_id=posting_id,
        happened_at=now,
    )  # fmt: skip
    return posting_id


def _asked(by: UUID, asked: At | None) -> dict[str, object]:
    """Who asked for a refund and at which till, for the row of it."""
    return {"asked_by": by, "till": None} if asked is None else {"asked_by": asked.by, "till": asked.till_id}


async def _put_back(session: AsyncSession, captured: Row[Any]) -> None:
    if captured.limited:
        await session.execute(queries.PUT_BACK, {"offer": captured.offer_id})


async def _tell(
    session: AsyncSession, merchant_id: UUID, redemption_id: UUID, posting_id: UUID, points: int
) -> None:
    await webhooks.tell(
        session,
        organisation_id=merchant_id,
        event="redemption.refunded",
        data={"redemption_id": str(redemption_id), "points": points},
        event_id=posting_id,
    )
    await telling.tell(
        session, telling.REFUNDED, redemption_id=redemption_id, refers_to=posting_id, points=points
    )


async def captured_between(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    since: dt.datetime,
    before: dt.datetime,
    till_id: UUID | None = None,
    shop_id: UUID | None = None,
) -> list[UUID]:
    """What a merchant, one till or one shop of it, captured in a span of time; at most `MOST_AT_ONCE`, the oldest first."""
    given = {
        "merchant": merchant_id,
        "since": since,
        "before": before,
        "till": till_id,
        "shop": shop_id,
        "limit": MOST_AT_ONCE,
    }
    return list((await session.execute(queries.CAPTURED_BETWEEN, given)).scalars())


async def void(
    db: Database,
    *,
    merchant_id: UUID,
    staff_id: UUID,
    redemption_ids: Sequence[UUID],
    reason: str,
    dry_run: bool,
    asked: At | None = None,
) -> list[Voided]:
    """Refund many captures, each in a transaction of its own; one that cannot be refunded does not hold up the others.

    A dry run says what each would come to and leaves everything as it is.
    """
    found = []
    for redemption_id in dict.fromkeys(redemption_ids):
        try:
            async with db.transaction() as session:
                captured, _ = await _refundable(
                    session, merchant_id=merchant_id, redemption_id=redemption_id, asked=asked
                )
                points = captured.points - captured.parts
                if not dry_run:
                    await refund(
                        session, merchant_id=merchant_id, staff_id=staff_id, redemption_id=redemption_id,
                        reason=reason, asked=asked,
                    )  # fmt: skip
            found.append(Voided(redemption_id, "would_refund" if dry_run else "refunded", points))
        except DomainError as refusal:
            found.append(Voided(redemption_id, refusal.code))
    return found
