"""The till: scanning codes, what was captured, refunds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import Request

from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from merchant.access import MerchantStaff, merchant_of
from merchant.redemption import service
from merchant.redemption.errors import (
    AlreadyRefunded,
    RedemptionEnded,
    RedemptionExpired,
    RedemptionNotCaptured,
    RedemptionUnknown,
    RefundTooLate,
)
from merchant.redemption.schemas import ReceiptTold, Refund, Scan

router = Router(tags=["redemptions"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


@router.post(
    "/captures",
    responses=problems(*_NOT_LET_IN, RedemptionUnknown, RedemptionExpired, RedemptionEnded),
)
async def capture_redemption(
    scanned: Scan, till: MerchantStaff, settings: AppSettings, request: Request
) -> ReceiptTold:
    """Capture the redemption behind a scanned code; scanning it again answers the same receipt."""
    receipt = await service.scan(
        database(request),
        settings.keys,
        merchant_id=merchant_of(till),
        staff_id=till.id,
        code=scanned.code,
    )
    return ReceiptTold.of(receipt)


@router.get("/redemptions", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_redemptions(person: MerchantStaff, session: ReadSession, asked: Paging) -> Page[ReceiptTold]:
    """What our tills captured, refunded ones included, newest first."""
    after = asked.after(datetime, UUID)
    rows = await service.captures_of(
        session,
        merchant_id=merchant_of(person),
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.captured_at, row.redemption_id), show=ReceiptTold.of)


@router.get("/redemptions/{redemption_id}", responses=problems(*_NOT_LET_IN, RedemptionUnknown))
async def get_redemption(redemption_id: UUID, person: MerchantStaff, session: ReadSession) -> ReceiptTold:
    """One captured redemption."""
    receipt = await service.receipt_of(session, merchant_id=merchant_of(person), redemption_id=redemption_id)
    return ReceiptTold.of(receipt)


@router.post(
    "/redemptions/{redemption_id}/refund",
    responses=problems(
        *_NOT_LET_IN,
        RedemptionUnknown,
        RedemptionNotCaptured,
        AlreadyRefunded,
        RefundTooLate,
        *idempotency.REFUSALS,
    ),
)
async def refund_redemption(
    redemption_id: UUID, why: Refund, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> ReceiptTold:
    """Undo a capture of the last seven days, once: the citizen's lots have their points again, the stock its item."""
    receipt = await service.refund(
        session,
        merchant_id=merchant_of(person),
        staff_id=person.id,
        redemption_id=redemption_id,
        reason=why.reason,
    )
    return ReceiptTold.of(receipt)
