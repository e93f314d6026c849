"""What a sandbox key hears of vouchers: fixed answers to fixed codes; nothing real is touched.

sandbox-yes         a good voucher of 10.00 yuan for a purchase of at least 30.00, each time as if for the first time
sandbox-REASON      a no for that reason: sandbox-used, sandbox-over, sandbox-purchase_too_small, …
anything else       a no, unknown: also every real code
"""

from __future__ import annotations

import datetime as dt
from uuid import uuid5

from merchant.redemption import At, Says, Use
from merchant.redemption.sandbox import CAPTURED, PREFIX
from merchant.vouchers.model import Answer
from merchant.vouchers.reasons import REASONS

_AT = dt.datetime(2026, 1, 1, 4, tzinfo=dt.UTC)


def answer(at: At, code: str) -> Answer:
    """The answer to a look or a use."""
    name = code.strip().removeprefix(PREFIX) if code.strip().startswith(PREFIX) else ""
    if name != "yes":
        last = Use(_AT, at.by, at.shop_id, at.till_id) if name == "used" else None
        return Answer(Says.NO, name if name in REASONS else "unknown", last_use=last)
    return Answer(
        Says.YES,
        redemption_id=CAPTURED,
        offer_id=uuid5(at.by, "offer"),
        title_zh="试用代金券",
        title_en="Sandbox voucher",
        face_fen=1_000,
        minimum_fen=3_000,
        valid_until=dt.date(2099, 12, 31),
    )
