"""What a sandbox key hears: fixed answers to fixed codes, so that till software can be tried out. Nothing real is touched.

sandbox-yes         a receipt, the same each time
sandbox-waiting     waits for the customer, who says yes as soon as the till looks again
sandbox-REASON      a no for that reason: sandbox-expired, sandbox-used, sandbox-refused, …
anything else       a no, unknown: also every real code
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid5

from merchant.redemption.errors import QuestionUnknown
from merchant.redemption.model import CONFIRM_WITHIN, At, Receipt, Says, Scanned, Use
from merchant.redemption.reasons import REASONS

PREFIX = "sandbox-"
_POINTS = 30
_AT = dt.datetime(2026, 1, 1, 4, tzinfo=dt.UTC)


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


def _receipt(at: At) -> Receipt:
    return Receipt(
        redemption_id=uuid5(at.by, "redemption"),
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
