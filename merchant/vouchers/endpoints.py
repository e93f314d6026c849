"""Vouchers at the till, and what became of an offer's. A code comes in the body: addresses are written into logs."""

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
from merchant.access import AnyReader, AnyTill, Caller, MerchantStaff, merchant_of
from merchant.catalogue import OfferUnknown
from merchant.redemption import At, TooManyMisses
from merchant.vouchers import sandbox, service, till
from merchant.vouchers.errors import OfferGivesNoVouchers
from merchant.vouchers.schemas import VoucherAnswer, VoucherShown, VouchersTold, VoucherUseTold

router = Router(tags=["vouchers"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


def _at(caller: Caller) -> At:
    return At(caller.merchant_id, caller.by, caller.shop_id, caller.till_id)


@router.post("/vouchers/looks", responses=problems(*_NOT_LET_IN, TooManyMisses))
async def look_at_voucher(
    shown: VoucherShown, caller: AnyTill, settings: AppSettings, request: Request, session: ReadSession
) -> VoucherAnswer:
    """Whether a voucher could be used here now, and what it is worth. Nothing is done with it."""
    if caller.sandbox:
        return VoucherAnswer.of(sandbox.answer(_at(caller), shown.code))
    found = await till.look(
        database(request),
        session,
        settings.keys,
        at=_at(caller),
        code=shown.code,
        purchase_fen=shown.purchase_fen,
    )
    return VoucherAnswer.of(found)


@router.post("/vouchers/uses", responses=problems(*_NOT_LET_IN, TooManyMisses, *idempotency.REFUSALS))
async def use_voucher(
    shown: VoucherShown,
    caller: AnyTill,
    settings: AppSettings,
    request: Request,
    session: WriteSession,
    _: IdempotencyKey,
) -> VoucherAnswer:
    """Use a voucher, once: `yes` is said to one request only, and again to whoever sends that one again with its key."""
    if caller.sandbox:
        return VoucherAnswer.of(sandbox.answer(_at(caller), shown.code))
    found = await till.use(
        database(request),
        session,
        settings.keys,
        at=_at(caller),
        code=shown.code,
        purchase_fen=shown.purchase_fen,
    )
    return VoucherAnswer.of(found)


@router.get("/vouchers/uses", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_voucher_uses(person: AnyReader, session: ReadSession, asked: Paging) -> Page[VoucherUseTold]:
    """Vouchers that our tills took, newest first; tills and software see their own shop's."""
    after = asked.after(datetime, UUID)
    rows = await till.uses_of(
        session,
        merchant_id=person.by if person.sandbox else person.merchant_id,
        shop_id=person.shop_id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.used_at, row.redemption_id), show=VoucherUseTold.of)


@router.get(
    "/offers/{offer_id}/vouchers", responses=problems(*_NOT_LET_IN, OfferUnknown, OfferGivesNoVouchers)
)
async def count_vouchers(offer_id: UUID, person: MerchantStaff, session: ReadSession) -> VouchersTold:
    """What became of the vouchers that an offer gave. Their codes are told to nobody but who has them."""
    return VouchersTold.of(await service.counts(session, merchant_id=merchant_of(person), offer_id=offer_id))
