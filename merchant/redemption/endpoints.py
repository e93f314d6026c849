"""The till: scanning codes, waiting for the customer, what was captured, refunds."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from backend.identity import staff, tokens
from backend.identity.tokens import Audience
from backend.kit import clock, idempotency, paging, short
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database, settings_of
from backend.kit.idempotency import IdempotencyKey
from backend.kit.keys import Keys
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.settings import Settings
from merchant.access import AnyReader, AnyTill, Caller, Refunder
from merchant.redemption import refunds, sandbox, tills
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
    VoucherInParts,
    VoucherUsed,
)
from merchant.redemption.model import At, Scanned
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
from merchant.tills import ManagerNeeded, manager_agrees

router = Router(tags=["redemptions"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
_NOT_REFUNDED = (
    ManagerNeeded,
    RedemptionUnknown,
    RedemptionNotCaptured,
    AlreadyRefunded,
    RefundTooLate,
    VoucherUsed,
    *idempotency.REFUSALS,
)


def _at(till: Caller) -> At:
    return At(till.merchant_id, till.by, till.shop_id, till.till_id)


@router.post("/scans", responses=problems(*_NOT_LET_IN, TooManyMisses))
async def scan_code(scanned: Scan, till: AnyTill, settings: AppSettings, request: Request) -> ScanTold:
    """Scan a code or type its digits: yes, no, or waiting for the customer. Sent again, it is answered in the same way."""
    return ScanTold.of(await _scanned(request, settings.keys, till, scanned))


async def _scanned(request: Request, keys: Keys, till: Caller, scanned: Scan) -> Scanned:
    at = _at(till)
    if till.sandbox:
        return sandbox.scan(at, scanned.code, now=clock.now())
    return await tills.scan(database(request), keys, at=at, code=scanned.code)


async def _scan_shortly(request: Request, body: bytes) -> Response | None:
    """`scan_code` where everything is in order."""
    if not short.says_json(request):
        return None
    try:
        scanned = Scan.model_validate_json(body)
    except ValidationError:
        return None
    settings, token = settings_of(request), short.token_of(request)
    if token is None:
        return None
    bearer = _bearer(settings, token)
    if bearer is None:
        return None
    found = await tills.scan_signed_in(
        database(request),
        settings.keys,
        staff=bearer.audience is Audience.STAFF,
        session_id=bearer.session_id,
        subject=bearer.subject,
        code=scanned.code,
    )
    return None if found is None else short.answer(ScanTold.of(found))


def _bearer(settings: Settings, token: str) -> tokens.Bearer | None:
    """Whom a token of staff or of a till names; None for anything else."""
    for audience in (Audience.STAFF, Audience.TILL):
        with contextlib.suppress(tokens.TokenRefused):
            return tokens.verify_access(settings, audience, token)
    return None


SHORT: short.Handlers = {("POST", "/scans"): _scan_shortly}


@router.get("/scans/failed", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_failed_scans(person: AnyReader, session: ReadSession, asked: Paging) -> Page[MissTold]:
    """Scans of the last thirty days that found nothing, newest first. Codes are not kept."""
    after = asked.after(datetime, int)
    rows = await tills.misses_of(
        session,
        merchant_id=_real(person),
        shop_id=person.shop_id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.at, row.id), show=MissTold.of)


@router.get("/scans/{scan_id}", responses=problems(*_NOT_LET_IN, QuestionUnknown))
async def get_scan(
    scan_id: UUID,
    till: AnyTill,
    request: Request,
    wait_s: Annotated[
        int, Query(ge=0, le=20, description="Wait so long for the customer before answering.")
    ] = 0,
) -> ScanTold:
    """What became of a scan that was waiting for the customer."""
    if till.sandbox:
        return ScanTold.of(sandbox.look_again(_at(till), scan_id))
    return ScanTold.of(await tills.wait_for(database(request), at=_at(till), scan_id=scan_id, wait_s=wait_s))


@router.post("/scans/{scan_id}/cancellation", responses=problems(*_NOT_LET_IN, QuestionUnknown))
async def cancel_scan(scan_id: UUID, till: AnyTill, session: WriteSession) -> ScanTold:
    """Wait for the customer no more. Whoever confirmed before was faster: then it is a yes. Again changes nothing."""
    if till.sandbox:
        return ScanTold.of(sandbox.look_again(_at(till), scan_id, withdrawn=True))
    return ScanTold.of(await tills.withdraw(session, at=_at(till), scan_id=scan_id))


@router.get("/redemptions", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_redemptions(person: AnyReader, session: ReadSession, asked: Paging) -> Page[ReceiptTold]:
    """What our tills captured, refunded ones included, newest first; tills and software see their own shop's."""
    after = asked.after(datetime, UUID)
    if person.sandbox:
        every = sandbox.receipts(_at(person))
        rows = [one for one in every if after is None or (one.captured_at, one.redemption_id) < after]
    else:
        rows = await tills.captures_of(
            session,
            merchant_id=person.merchant_id,
            shop_id=person.shop_id,
            limit=asked.fetch,
            after=(after[0], after[1]) if after else None,
        )
    return asked.page(rows, position=lambda row: (row.captured_at, row.redemption_id), show=ReceiptTold.of)


def _real(person: Caller) -> UUID:
    """The merchant; a sandbox key stands for one that has nothing."""
    return person.by if person.sandbox else person.merchant_id


@router.get("/redemptions/{redemption_id}", responses=problems(*_NOT_LET_IN, RedemptionUnknown))
async def get_redemption(redemption_id: UUID, person: AnyReader, session: ReadSession) -> ReceiptTold:
    """One captured redemption; tills and software see their own shop's."""
    if person.sandbox:
        return ReceiptTold.of(sandbox.receipt_of(_at(person), redemption_id))
    receipt = await tills.receipt_of(
        session, merchant_id=person.merchant_id, redemption_id=redemption_id, shop_id=person.shop_id
    )
    return ReceiptTold.of(receipt)


# --- refunds


@dataclass(frozen=True, slots=True)
class _Word:
    """A manager's word as it comes with a request."""

    login: str | None
    code: str | None


def _word(
    manager_login: Annotated[
        str | None,
        Header(
            max_length=127,
            description="Who of the merchant's staff agrees; staff agree themselves without it.",
        ),
    ] = None,
    manager_code: Annotated[
        str | None, Header(max_length=16, description="Their fresh one-time code; good once.")
    ] = None,
) -> _Word:
    return _Word(manager_login, manager_code)


Word = Annotated[_Word, Depends(_word)]


async def _agreed(request: Request, caller: Refunder, word: Word) -> UUID:
    """Who of the merchant's staff answers for a refund, by a fresh one-time code: a browser left open gives nothing back.

    The try is counted in a transaction of its own, so that guessing a code is not free; only logins of the merchant's own
    staff are counted, so that nobody else is locked out. The sandbox has a manager of its own.
    """
    if word.code is None or (word.login is None and not caller.staff):
        raise ManagerNeeded
    if caller.sandbox:
        if (word.login, word.code) != (sandbox.MANAGER, sandbox.MANAGER_CODE):
            raise ManagerNeeded
        return caller.by
    db = database(request)
    try:
        async with db.transaction() as counting:
            manager = (
                await staff.staff_member(counting, staff_id=caller.by)
                if word.login is None
                else await staff.staff_by_login(counting, login=word.login)
            )
            if manager.organisation_id != caller.merchant_id:
                raise ManagerNeeded
            await staff.count_sign_in(counting, login=manager.login)
    except (staff.SignInRefused, staff.StaffUnknown):
        raise ManagerNeeded from None
    async with db.transaction() as session:
        return await manager_agrees(
            session,
            settings_of(request).keys,
            merchant_id=caller.merchant_id,
            login=manager.login,
            totp=word.code,
        )


Agreed = Annotated[UUID, Depends(_agreed)]


@router.post("/redemptions/{redemption_id}/refund", responses=problems(*_NOT_LET_IN, *_NOT_REFUNDED))
async def refund_redemption(
    redemption_id: UUID, why: Refund, person: Refunder, session: WriteSession, _: IdempotencyKey, by: Agreed
) -> ReceiptTold:
    """Undo a capture within its time, once: the citizen's lots have their points again, the stock its item."""
    if person.sandbox:
        return ReceiptTold.of(sandbox.refund(_at(person), redemption_id, reason=why.reason))
    receipt = await refunds.refund(
        session,
        merchant_id=person.merchant_id,
        staff_id=by,
        asked=_at(person),
        redemption_id=redemption_id,
        reason=why.reason,
    )
    return ReceiptTold.of(receipt)


@router.post(
    "/redemptions/{redemption_id}/parts",
    status_code=201,
    responses=problems(*_NOT_LET_IN, *_NOT_REFUNDED, PartTooLarge, PartReused, VoucherInParts),
)
async def refund_part(
    redemption_id: UUID, part: Part, person: Refunder, session: WriteSession, _: IdempotencyKey, by: Agreed
) -> ReceiptTold:
    """Give some of the points back, to the lots that were drawn last. All parts together are at most what was captured."""
    if person.sandbox:
        told = sandbox.refund_part(
            _at(person), redemption_id, part_id=part.part_id, points=part.points, reason=part.reason
        )
        return ReceiptTold.of(told)
    receipt = await refunds.refund_part(
        session,
        merchant_id=person.merchant_id,
        staff_id=by,
        asked=_at(person),
        redemption_id=redemption_id,
        part_id=part.part_id,
        points=part.points,
        reason=part.reason,
    )
    return ReceiptTold.of(receipt)


@router.post("/voids", responses=problems(*_NOT_LET_IN, NothingNamed, ManagerNeeded, *idempotency.REFUSALS))
async def void_captures(
    asked: Void, person: Refunder, request: Request, session: WriteSession, _: IdempotencyKey, word: Word
) -> VoidTold:
    """Refund many captures, by their ids or by till and time; each by itself, with its own result. First as a dry run, which
    nobody has to agree to.
    """
    if (asked.redemption_ids is None) == (asked.captured is None):
        raise NothingNamed
    by = person.by if asked.dry_run else await _agreed(request, person, word)
    named = asked.redemption_ids
    if named is None and person.sandbox:
        named = [one.redemption_id for one in sandbox.receipts(_at(person))]
    if named is None:
        assert asked.captured is not None
        named = await refunds.captured_between(
            session,
            merchant_id=person.merchant_id,
            shop_id=person.shop_id,
            since=asked.captured.since,
            before=asked.captured.before,
            till_id=asked.captured.till_id,
        )
    if person.sandbox:
        found = sandbox.void(named, dry_run=asked.dry_run)
    else:
        found = await refunds.void(
            database(request),
            merchant_id=person.merchant_id,
            staff_id=by,
            asked=_at(person),
            redemption_ids=named,
            reason=asked.reason,
            dry_run=asked.dry_run,
        )
    return VoidTold(
        dry_run=asked.dry_run,
        points=sum(one.points for one in found),
        items=[VoidedTold.of(one) for one in found],
    )
