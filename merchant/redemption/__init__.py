"""Redemptions 兑换: points set aside for an offer, a code for the till, and how it ended.

Holds    redemptions, their codes (as keyed digests), how each ended, and refunds.
Promises a redemption ends once: captured by a till, cancelled, or lapsed; however many tills scan a code, it is captured
         once, and scanning again answers the same receipt; what is not captured goes back to the exact lots and to the
         stock, and so does what is refunded; nothing decisive lies outside PostgreSQL.
Ignores  what a point is worth, and when merchants are paid.
"""

from backend import log
from merchant.redemption.codes import qr_svg
from merchant.redemption.errors import (
    AlreadyRefunded,
    LimitReached,
    OfferClosed,
    RedemptionEnded,
    RedemptionExpired,
    RedemptionNotCaptured,
    RedemptionUnknown,
    RefundTooLate,
    SoldOut,
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
from merchant.redemption.service import (
    cancel,
    capture,
    capture_hot,
    captures_of,
    lapse,
    lapse_due,
    receipt_of,
    redeem,
    redeem_hot,
    redemption_of,
    redemptions_of,
    refund,
    renew,
    scan,
)

log.register(
    log.Sealed("redemption", key=("id",)),
    log.Sealed("redemption_code", key=("mac",)),
    log.Sealed("redemption_end", key=("redemption_id",)),
    log.Sealed("redemption_refund", key=("redemption_id",)),
)

__all__ = [
    "CODE_LIVES",
    "REFUND_WITHIN",
    "STANDS_AT_MOST",
    "AlreadyRefunded",
    "Issued",
    "LimitReached",
    "OfferClosed",
    "Receipt",
    "Redemption",
    "RedemptionEnded",
    "RedemptionExpired",
    "RedemptionNotCaptured",
    "RedemptionUnknown",
    "RefundTooLate",
    "SoldOut",
    "State",
    "cancel",
    "capture",
    "capture_hot",
    "captures_of",
    "lapse",
    "lapse_due",
    "qr_svg",
    "receipt_of",
    "redeem",
    "redeem_hot",
    "redemption_of",
    "redemptions_of",
    "refund",
    "renew",
    "scan",
]
