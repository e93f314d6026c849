"""The till: scanning codes, waiting for the customer, what was captured, refunds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from merchant.access import MerchantStaff, merchant_of
from merchant.redemption import refunds, tills
from merchant.redemption.errors import (
    AlreadyRefunded,
    NothingNamed,
    PartReused,
    PartTooLarge,
    QuestionUnknown,
    RedemptionNotCaptured,
    RedemptionUnknown,
    RefundTooLate,
    TooManyMisses,
)
from merchant.redemption.model import At
from merchant.redemption.schemas import (
    MissTold,
    Part,
    ReceiptTold,
    Refund,
    Scan,
    ScanTold,
    Void,
    VoidedTold,
    VoidTold,
)

router = Router(tags=["redemptions"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
_NOT_REFUNDED = (RedemptionUnknown, RedemptionNotCaptured, AlreadyRefunded, RefundTooLate)


def _at(person: MerchantStaff) -> At:
    return At(merchant_of(person), person.id)


@router.post("/scans", responses=problems(*_NOT_LET_IN, TooManyMisses))
async def scan_code(scanned: Scan, till: MerchantStaff, settings: AppSettings, request: Request) -> ScanTold:
    """Scan a code or type its digits: yes, no, or waiting for the customer. Sent again, it is answered in the same way."""
    found = await tills.scan(database(request), settings.keys, at=_at(till), code=scanned.code)
    return ScanTold.of(found)


@router.get("/scans/failed", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_failed_scans(person: MerchantStaff, session: ReadSession, asked: Paging) -> Page[MissTold]:
    """Scans of the last thirty days that found nothing, newest first. Codes are not kept."""
    after = asked.after(datetime)
    rows = await tills.misses_of(
        session,
        merchant_id=merchant_of(person),
        limit=asked.fetch,
        before=after[0] if after else None,
    )
    return asked.page(rows, position=lambda row: (row.at,), show=MissTold.of)


@router.get("/scans/{scan_id}", responses=problems(*_NOT_LET_IN, QuestionUnknown))
async def get_scan(
    scan_id: UUID,
    till: MerchantStaff,
    request: Request,
    wait_s: Annotated[
        int, Query(ge=0, le=20, description="Wait so long for the customer before answering.")
    ] = 0,
) -> ScanTold:
    """What became of a scan that was waiting for the customer."""
    return ScanTold.of(await tills.wait_for(database(request), at=_at(till), scan_id=scan_id, wait_s=wait_s))


@router.post("/scans/{scan_id}/cancellation", responses=problems(*_NOT_LET_IN, QuestionUnknown))
async def cancel_scan(scan_id: UUID, till: MerchantStaff, session: WriteSession) -> ScanTold:
    """Wait for the customer no more. Whoever confirmed before was faster: then it is a yes. Again changes nothing."""
    return ScanTold.of(await tills.withdraw(session, at=_at(till), scan_id=scan_id))


@router.get("/redemptions", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_redemptions(person: MerchantStaff, session: ReadSession, asked: Paging) -> Page[ReceiptTold]:
    """What our tills captured, refunded ones included, newest first."""
    after = asked.after(datetime, UUID)
    rows = await tills.captures_of(
        session,
        merchant_id=merchant_of(person),
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.captured_at, row.redemption_id), show=ReceiptTold.of)


@router.get("/redemptions/{redemption_id}", responses=problems(*_NOT_LET_IN, RedemptionUnknown))
async def get_redemption(redemption_id: UUID, person: MerchantStaff, session: ReadSession) -> ReceiptTold:
    """One captured redemption."""
    receipt = await tills.receipt_of(session, merchant_id=merchant_of(person), redemption_id=redemption_id)
    return ReceiptTold.of(receipt)


@router.post(
    "/redemptions/{redemption_id}/refund",
    responses=problems(*_NOT_LET_IN, *_NOT_REFUNDED, *idempotency.REFUSALS),
)
async def refund_redemption(
    redemption_id: UUID, why: Refund, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> ReceiptTold:
    """Undo a capture within its time, once: the citizen's lots have their points again, the stock its item."""
    receipt = await refunds.refund(
        session,
        merchant_id=merchant_of(person),
        staff_id=person.id,
        redemption_id=redemption_id,
        reason=why.reason,
    )
    return ReceiptTold.of(receipt)


@router.post(
    "/redemptions/{redemption_id}/parts",
    status_code=201,
    responses=problems(*_NOT_LET_IN, *_NOT_REFUNDED, PartTooLarge, PartReused, *idempotency.REFUSALS),
)
async def refund_part(
    redemption_id: UUID, part: Part, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> ReceiptTold:
    """Give some of the points back, to the lots that were drawn last. All parts together are at most what was captured."""
    receipt = await refunds.refund_part(
        session,
        merchant_id=merchant_of(person),
        staff_id=person.id,
        redemption_id=redemption_id,
        part_id=part.part_id,
        points=part.points,
        reason=part.reason,
    )
    return ReceiptTold.of(receipt)


@router.post("/voids", responses=problems(*_NOT_LET_IN, NothingNamed, *idempotency.REFUSALS))
async def void_captures(
    asked: Void, person: MerchantStaff, request: Request, session: WriteSession, _: IdempotencyKey
) -> VoidTold:
    """Refund many captures, by their ids or by till and time; each by itself, with its own result. First as a dry run."""
    if (asked.redemption_ids is None) == (asked.captured is None):
        raise NothingNamed
    merchant_id = merchant_of(person)
    named = asked.redemption_ids
    if named is None:
        assert asked.captured is not None
        named = await refunds.captured_between(
            session,
            merchant_id=merchant_id,
            since=asked.captured.since,
            before=asked.captured.before,
            till_id=asked.captured.till_id,
        )
    found = await refunds.void(
        database(request),
        merchant_id=merchant_id,
        staff_id=person.id,
        redemption_ids=named,
        reason=asked.reason,
        dry_run=asked.dry_run,
    )
    return VoidTold(
        dry_run=asked.dry_run,
        points=sum(one.points for one in found),
        items=[VoidedTold.of(one) for one in found],
    )
