"""What a sandbox key hears: fixed answers to fixed codes and ids, so that till software can be tried out. Nothing real is touched.

sandbox-yes         a receipt, the same each time
sandbox-waiting     waits for the customer, who says yes as soon as the till looks again
sandbox-REASON      a no for that reason: sandbox-expired, sandbox-used, sandbox-refused, …
anything else       a no, unknown: also every real code

`CAPTURED` can be refunded, whole or in parts, each time as if for the first time; `REFUNDED`, `HELD` and `TOO_OLD` are refused as
such, any other id is unknown. The manager of the sandbox is `sandbox-manager` with the code `000000`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid5

from backend.kit.errors import DomainError
from merchant.redemption.errors import (
    AlreadyRefunded,
    PartReused,
    PartTooLarge,
    QuestionUnknown,
    RedemptionNotCaptured,
    RedemptionUnknown,
    RefundTooLate,
)
from merchant.redemption.model import CONFIRM_WITHIN, At, Receipt, Refunded, Says, Scanned, Use
from merchant.redemption.reasons import REASONS
from merchant.redemption.refunds import Voided

PREFIX = "sandbox-"
CAPTURED = UUID("5a2db000-0000-4000-8000-000000000001")
REFUNDED = UUID("5a2db000-0000-4000-8000-000000000002")
HELD = UUID("5a2db000-0000-4000-8000-000000000003")
TOO_OLD = UUID("5a2db000-0000-4000-8000-000000000004")
MANAGER, MANAGER_CODE = "sandbox-manager", "000000"
REUSED_PART = "reused"
_POINTS = 30
_WITHIN_DAYS = 7
_AT = dt.datetime(2026, 1, 1, 4, tzinfo=dt.UTC)
_REFUNDED_AT = _AT + dt.timedelta(hours=1)


def scan(at: At, code: str, *, now: dt.datetime) -> Scanned:
    """The answer to a scan."""
    name = code.strip().removeprefix(PREFIX) if code.strip().startswith(PREFIX) else ""
    if name == "yes":
        return Scanned(Says.YES, receipt=_receipt(at), points=_POINTS)
    if name == "waiting":
        return Scanned(
            Says.WAITING, "confirm", scan_id=question(at), waits_until=now + CONFIRM_WITHIN, points=_POINTS
        )
    if name == "used":
        return Scanned(Says.NO, "used", last_use=Use(_AT, at.by, at.shop_id, at.till_id), points=_POINTS)
    return Scanned(Says.NO, name if name in REASONS and name != "confirm" else "unknown")


def look_again(at: At, scan_id: UUID, *, withdrawn: bool = False) -> Scanned:
    """What became of `sandbox-waiting`. Raises QuestionUnknown for any other id."""
    if scan_id != question(at):
        raise QuestionUnknown
    if withdrawn:
        return Scanned(Says.NO, "withdrawn", scan_id=scan_id, points=_POINTS)
    return Scanned(Says.YES, receipt=_receipt(at), scan_id=scan_id, points=_POINTS)


def question(at: At) -> UUID:
    """The id of the question that a sandbox key's waiting scan asks."""
    return uuid5(at.by, "question")


def receipts(at: At) -> list[Receipt]:
    """What the sandbox's tills captured."""
    return [_receipt(at, TOO_OLD), _given_back(at, REFUNDED, None, _POINTS, "cold"), _receipt(at)]


def receipt_of(at: At, redemption_id: UUID) -> Receipt:
    """One of `receipts`. Raises RedemptionUnknown."""
    for receipt in receipts(at):
        if receipt.redemption_id == redemption_id:
            return receipt
    raise RedemptionUnknown


def refund(at: At, redemption_id: UUID, *, reason: str) -> Receipt:
    """The receipt as it would stand after a refund. Raises as a refund does."""
    _refundable(redemption_id)
    return _given_back(at, redemption_id, None, _POINTS, reason)


def refund_part(at: At, redemption_id: UUID, *, part_id: str, points: int, reason: str) -> Receipt:
    """The receipt as it would stand after a part was given back. Raises as a part does; the part `reused` was given before."""
    _refundable(redemption_id)
    if part_id == REUSED_PART:
        raise PartReused
    if points > _POINTS:
        raise PartTooLarge(left_points=_POINTS)
    return _given_back(at, redemption_id, part_id, points, reason)


def void(redemption_ids: Sequence[UUID], *, dry_run: bool) -> list[Voided]:
    """What would become of each."""
    found = []
    for redemption_id in dict.fromkeys(redemption_ids):
        try:
            _refundable(redemption_id)
            found.append(Voided(redemption_id, "would_refund" if dry_run else "refunded", _POINTS))
        except DomainError as refusal:
            found.append(Voided(redemption_id, refusal.code))
    return found


def _refundable(redemption_id: UUID) -> None:
    if redemption_id == REFUNDED:
        raise AlreadyRefunded
    if redemption_id == HELD:
        raise RedemptionNotCaptured
    if redemption_id == TOO_OLD:
        raise RefundTooLate(within_days=_WITHIN_DAYS)
    if redemption_id != CAPTURED:
        raise RedemptionUnknown


def _receipt(at: At, redemption_id: UUID = CAPTURED) -> Receipt:
    return Receipt(
        redemption_id=redemption_id,
        offer_id=uuid5(at.by, "offer"),
        programme="sandbox",
        title_zh="试用商品",
        title_en="Sandbox offer",
        points=_POINTS,
        captured_at=_AT,
        captured_by=at.by,
        shop_id=at.shop_id,
        till_id=at.till_id,
    )


def _given_back(at: At, redemption_id: UUID, part_id: str | None, points: int, reason: str) -> Receipt:
    one = Refunded(
        part_id, points, _REFUNDED_AT, reason, agreed_by=at.by, agreed_by_label=MANAGER, by=at.by, by_label=None,
        till_id=None, till_label=None,
    )  # fmt: skip
    return replace(
        _receipt(at, redemption_id),
        refunded_at=_REFUNDED_AT,
        refund_reason=reason,
        refunded_points=points,
        refunds=(one,),
    )
